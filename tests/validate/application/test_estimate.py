"""Means over replicates, contrasts, and Fieller's ratio."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from veriscope.validate.application.estimate import (
    contrast,
    fieller,
    mean_estimate,
    ratio_estimate,
    stratified_mean,
)

A = np.array([3.0, 5, 4, 8, 6])
B = np.array([9.0, 7, 12, 8])


def test_a_mean_is_that_of_the_t_test() -> None:
    found = mean_estimate(A)
    expected = stats.ttest_1samp(A, 4.0, alternative="greater")
    assert found.p_above(4.0) == pytest.approx(expected.pvalue)
    below = found.p_below(4.0)
    assert below is not None and below == pytest.approx(1 - expected.pvalue)
    assert found.p_differs(4.0) == pytest.approx(stats.ttest_1samp(A, 4.0).pvalue)
    interval = found.interval(0.9, unit="dish")
    ends = stats.ttest_1samp(A, 0).confidence_interval(0.9)
    assert (interval.low, interval.high) == (pytest.approx(ends.low), pytest.approx(ends.high))
    assert (interval.n_units, interval.unit, interval.method) == (5, "dish", "t")


def test_a_contrast_is_that_of_welch() -> None:
    found = contrast(mean_estimate(A), mean_estimate(B))
    assert found.p_differs() == pytest.approx(stats.ttest_ind(A, B, equal_var=False).pvalue)


def test_one_replicate_that_makes_the_spread_costs_degrees_of_freedom() -> None:
    values = np.array([0.0] * 19 + [1.0])
    assert mean_estimate(values).degrees_of_freedom < 3


def test_strata_ignore_the_difference_between_groups() -> None:
    near, far = stratified_mean([A, B]), stratified_mean([A, B + 1000])
    assert near.standard_error == pytest.approx(far.standard_error)
    assert near.value == pytest.approx(np.concatenate([A, B]).mean())
    weights = np.array([5, 4]) / 9
    variance = weights**2 @ [A.var(ddof=1) / 5, B.var(ddof=1) / 4]
    assert near.standard_error == pytest.approx(np.sqrt(variance))
    assert stratified_mean([A]) == mean_estimate(A)


def test_without_spread_only_the_sign_test_is_left() -> None:
    for n, p in ((2, 0.25), (4, 0.0625), (5, 0.03125)):
        found = mean_estimate(np.full(n, 1.0))
        assert found.p_below(2.0) == p
        assert found.p_above(2.0) == 1.0
    assert mean_estimate(np.full(4, 1.0)).interval(0.9).low is None
    sure = mean_estimate(np.full(5, 1.0)).interval(0.9)
    assert (sure.low, sure.high) == (1.0, 1.0)
    both = contrast(mean_estimate(np.full(7, 3.0)), mean_estimate(np.full(3, 1.0)))
    assert both.p_above(0.0) == 0.125


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_replicates_cannot_tell(n: int) -> None:
    found = mean_estimate(A[:n])
    assert found.p_above(0.0) is None and found.p_differs() is None
    interval = found.interval(0.95)
    assert interval.low is None
    assert interval.method == f"cannot tell: {n} replicate{'' if n == 1 else 's'}"
    assert contrast(mean_estimate(A), found).interval(0.95).high is None


def test_a_ratio_without_noise_is_exact() -> None:
    found = ratio_estimate(1.1 * A, A)
    assert found.value == pytest.approx(1.1)
    assert found.standard_error == pytest.approx(0, abs=1e-12)
    assert math.isnan(ratio_estimate(A, A - A.mean()).value)


def test_fieller_ends_are_where_the_t_test_of_the_ratio_is_at_its_level() -> None:
    rng = np.random.default_rng(3)
    below = rng.normal(10, 1, 8)
    above = 2 * below + rng.normal(0, 1, 8)
    ends = fieller((above.mean(), below.mean()), np.cov(above, below) / 8, degrees_of_freedom=7, level=0.95)
    assert ends is not None
    for end in ends:
        assert stats.ttest_1samp(above - end * below, 0).pvalue == pytest.approx(0.05)


def test_fieller_has_no_ends_if_the_denominator_may_be_zero() -> None:
    covariance = np.array([[1.0, 0], [0, 1]])
    assert fieller((5, 1.9), covariance, degrees_of_freedom=1000, level=0.95) is None
    assert fieller((5, 2.1), covariance, degrees_of_freedom=1000, level=0.95) is not None


def test_fieller_covers_the_ratio() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(500):
        below = rng.normal(10, 2, 5)
        above = 0.9 * below + rng.normal(0, 1, 5)
        ends = fieller(
            (above.mean(), below.mean()), np.cov(above, below) / 5, degrees_of_freedom=4, level=0.95
        )
        assert ends is not None
        covered += ends[0] <= 0.9 <= ends[1]
    assert 0.92 < covered / 500 < 0.98
