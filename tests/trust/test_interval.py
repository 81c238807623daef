from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from veriscope.trust.interval import Unseen, mean_interval, ratio_interval, skewness_allowance

AUDITS = 4000


def test_symmetric_terms_give_students_interval() -> None:
    terms = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    found = mean_interval(terms, level=0.9)
    low, high = stats.t.interval(0.9, 4, loc=3, scale=stats.sem(terms))
    assert (found.value, found.low, found.high) == pytest.approx((3, low, high))
    assert found.standard_error == pytest.approx(stats.sem(terms))


def test_skewed_terms_reach_further_on_the_side_of_the_skew_only() -> None:
    terms = np.array([[0.0, 0, 0, 0, 10], [0, 0, 0, 0, -10]])
    found = mean_interval(terms, level=0.9)
    low, high = stats.t.interval(0.9, 4, loc=2, scale=2)
    assert found.low[0] == pytest.approx(low)
    assert found.high[0] > high
    assert found.low[1] == pytest.approx(-found.high[0])


def test_the_allowance_is_johnsons() -> None:
    terms = np.array([0.0, 1.0, 1.0, 2.0, 9.0])
    influence = terms - terms.mean()
    s2, k3 = terms.var(ddof=1), stats.kstat(terms, 3)
    half = np.array(1.3)
    assert skewness_allowance(influence, half) == pytest.approx(k3 / (6 * s2 * 5) + k3 / (3 * s2**2) * 1.3**2)
    assert skewness_allowance(np.zeros(5), half) == 0


def test_intervals_cover_the_mean_of_a_normal_and_of_a_skewed_population() -> None:
    rng = np.random.default_rng(0)
    normal = mean_interval(rng.normal(5, 2, (AUDITS, 10)), level=0.9)
    assert 0.885 < ((normal.low <= 5) & (normal.high >= 5)).mean() < 0.935
    skewed_terms = rng.gamma(0.8, 1.0, (AUDITS, 10))
    ours = mean_interval(skewed_terms, level=0.9)
    covered = ((ours.low <= 0.8) & (ours.high >= 0.8)).mean()
    t = stats.t.interval(0.9, 9, loc=skewed_terms.mean(1), scale=stats.sem(skewed_terms, axis=1))
    plain = ((t[0] <= 0.8) & (t[1] >= 0.8)).mean()
    assert plain < 0.86
    assert covered > plain + 0.03


def test_intervals_cover_a_ratio_with_a_noisy_denominator() -> None:
    rng = np.random.default_rng(1)
    below = rng.gamma(2.0, 1.0, (AUDITS, 10))
    above = 3 * below + rng.normal(0, 1, (AUDITS, 10))
    found = ratio_interval(above, below, level=0.9)
    assert 0.88 < ((found.low <= 3) & (found.high >= 3)).mean() < 0.935


def test_fiellers_ends_are_where_the_mean_of_the_residuals_is_just_significant() -> None:
    above, below = np.array([3.0, 5.0, 9.0, 2.0, 6.0]), np.array([1.0, 2.0, 3.0, 1.0, 1.5])
    found = ratio_interval(above, below, level=0.9)
    for end in (float(found.low), float(found.high)):
        at_end = stats.ttest_1samp(above - end * below, 0).pvalue
        assert at_end <= 0.1 + 1e-9  # farther out than Fieller by the allowance, never nearer
    assert min(stats.ttest_1samp(above - e * below, 0).pvalue for e in (found.low, found.high)) < 0.1
    assert max(
        stats.ttest_1samp(above - e * below, 0).pvalue for e in (found.low, found.high)
    ) == pytest.approx(0.1)


def test_a_ratio_whose_denominator_may_be_zero_is_unbounded() -> None:
    found = ratio_interval(np.array([1.0, 2, 3, 4]), np.array([5.0, -4, 6, -3]), level=0.9)
    assert (found.low, found.high) == (-np.inf, np.inf)


@given(st.integers(1, 40), st.lists(st.integers(10, 20), min_size=5, max_size=12))
def test_a_ratio_that_every_draw_agrees_on_lies_in_its_interval(ratio: int, sizes: list[int]) -> None:
    """Which has hardly a width then, and would miss it by a rounding."""
    below = np.array(sizes) / 7
    found = ratio_interval(ratio * below, below, level=0.9)
    assert found.low <= found.value <= found.high


def test_ratio_over_a_known_constant_is_the_mean() -> None:
    terms = np.array([1.0, 5.0, 2.0, 2.0, 4.0])
    ratio, mean = ratio_interval(terms, np.full(5, 2.0), level=0.9), mean_interval(terms / 2, level=0.9)
    assert (ratio.low, ratio.high) == pytest.approx((mean.low, mean.high))
    assert ratio.standard_error == pytest.approx(mean.standard_error)


def test_a_model_that_looks_perfect_keeps_room_for_failures_not_seen() -> None:
    reference_terms = np.array([80.0, 120.0, 100.0, 90.0, 110.0, 95.0, 105.0, 100.0, 85.0, 115.0])
    exact = np.full(10, 100.0)
    bare = mean_interval(exact, level=0.9)
    assert (bare.low, bare.high) == (100, 100)
    kept = mean_interval(exact, level=0.9, unseen=Unseen(np.array(1.0), reference_terms))
    share = -np.log(0.1) / 11
    half = stats.t.ppf(0.95, 9) * np.sqrt(share) * stats.sem(reference_terms)
    assert (kept.low, kept.high) == pytest.approx((100 - half, 100 + half))


def test_the_room_vanishes_as_errors_are_seen_and_as_draws_are_added() -> None:
    rng = np.random.default_rng(2)

    def added(n: int, exact: float) -> float:
        reference = rng.normal(0, 1, n)
        unseen = Unseen(np.array(exact), (reference - reference.mean()) / reference.std(ddof=1))
        return float(unseen.variance(unseen.numerator, unseen.numerator, level=0.9)) * n

    assert added(10, 0.0) == 0
    assert added(10, 1.0) > 5 * added(10, 0.5) > 0
    assert added(40, 0.5) < 0.1 * added(10, 0.5)


def test_unseen_failures_widen_a_ratio_on_both_sides() -> None:
    rng = np.random.default_rng(3)
    below = rng.gamma(5, 1, 10)
    above = 3 * below + rng.normal(0, 2, 10)
    exact_above, exact_below = np.full(10, 15.0), np.full(10, 5.0)
    unseen = Unseen(np.array(1.0), above, below)
    found = ratio_interval(exact_above, exact_below, level=0.9, unseen=unseen)
    assert found.low < 3 < found.high


def draws(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Skewed terms of a numerator, either way, and positive ones of a denominator."""
    rng = np.random.default_rng(seed)
    return rng.gamma(0.5, 1, (200, n)) * rng.choice([-1, 1], (200, 1)), rng.gamma(3, 1, (200, n))


@pytest.mark.parametrize("n", [3, 5, 12, 40])
def test_surer_intervals_hold_those_that_are_less_sure(n: int) -> None:
    above, below = draws(1, n)
    for found in (
        [mean_interval(above, level=level) for level in (0.5, 0.8, 0.95)],
        [ratio_interval(above, below, level=level) for level in (0.5, 0.8, 0.95)],
    ):
        for one, surer in pairwise(found):
            assert (surer.low <= one.low + 1e-12).all() and (one.high <= surer.high + 1e-12).all()
            assert (one.low <= one.value).all() and (one.value <= one.high).all()


@pytest.mark.parametrize("unit", [1e-9, 1e4, -1.0])
def test_the_unit_of_the_terms_scales_the_interval(unit: float) -> None:
    above, below = draws(2, 9)
    unseen, same = (Unseen(np.full(200, 0.5), factor * above, below) for factor in (1.0, unit))
    for one, other in (
        (mean_interval(above, level=0.9), mean_interval(unit * above, level=0.9)),
        (ratio_interval(above, below, level=0.9), ratio_interval(unit * above, below, level=0.9)),
        (
            ratio_interval(above, below, level=0.9, unseen=unseen),
            ratio_interval(unit * above, below, level=0.9, unseen=same),
        ),
    ):
        ends = np.stack([one.low, one.high]) * unit
        np.testing.assert_allclose(other.low, ends.min(axis=0), rtol=1e-6)
        np.testing.assert_allclose(other.high, ends.max(axis=0), rtol=1e-6)
        np.testing.assert_allclose(other.standard_error, abs(unit) * one.standard_error, rtol=1e-6)


def test_audits_side_by_side_are_the_audits_one_by_one() -> None:
    above, below = draws(3, 7)
    together = ratio_interval(above, below, level=0.9)
    for row in range(0, 200, 17):
        alone = ratio_interval(above[row], below[row], level=0.9)
        ends = float(alone.low), float(alone.high)
        assert (together.low[row], together.high[row]) == pytest.approx(ends)
