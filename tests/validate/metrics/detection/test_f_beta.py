"""F-beta of objects: what beta trades, its limits, and the metric that is pooled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.detection.counts import DetectionCounts, mean_of_images, pooled
from veriscope.validate.metrics.detection.f_beta import f_beta, f_beta_metric
from veriscope.validate.metrics.instance.detection import F1, precision, recall

NUMBERS = st.integers(0, 30)
BETAS = st.sampled_from([0.1, 0.5, 1.0, 2.0, 10.0])


def counts(tp: float, fp: float, fn: float) -> Counts:
    return Counts.from_columns(np.array([tp, fp, fn, 0, tp + fn, tp + fp]))


@given(NUMBERS, NUMBERS, NUMBERS, BETAS)
@settings(max_examples=120, deadline=None)
def test_it_is_the_weighted_harmonic_mean(tp: int, fp: int, fn: int, beta: float) -> None:
    found = counts(tp, fp, fn)
    value = float(f_beta(found, beta=beta))
    if tp:
        p, r = float(precision(found)), float(recall(found))
        assert value == pytest.approx((1 + beta**2) * p * r / (beta**2 * p + r))
    elif fp + fn:
        assert value == 0
    else:
        assert math.isnan(value)


@given(NUMBERS, NUMBERS, NUMBERS, BETAS)
@settings(max_examples=80, deadline=None)
def test_swapping_misses_and_inventions_turns_beta_around(tp: int, fp: int, fn: int, beta: float) -> None:
    forth, back = f_beta(counts(tp, fp, fn), beta=beta), f_beta(counts(tp, fn, fp), beta=1 / beta)
    assert float(forth) == pytest.approx(float(back), nan_ok=True)


@pytest.mark.parametrize(
    ("beta", "fewer_misses_are_better"), [(0.5, False), (2.0, True), (1.01, True), (0.99, False)]
)
def test_beta_says_which_error_is_worse(beta: float, fewer_misses_are_better: bool) -> None:
    few_misses, few_inventions = counts(8, 6, 2), counts(8, 2, 6)
    better = float(f_beta(few_misses, beta=beta)) > float(f_beta(few_inventions, beta=beta))
    assert better == fewer_misses_are_better


def test_a_miss_weighs_as_beta_squared_inventions() -> None:
    assert f_beta(counts(10, 8, 0), beta=2) == pytest.approx(float(f_beta(counts(10, 0, 2), beta=2)))


@pytest.mark.parametrize("beta", [0.3, 1.0, 4.0])
def test_the_metric_is_the_function_with_its_beta(beta: float) -> None:
    metric = f_beta_metric(beta)
    table = Counts.from_columns(np.array([[5, 1, 2, 0, 7, 6], [0, 0, 0, 0, 0, 0], [0, 3, 0, 0, 0, 3]], float))
    np.testing.assert_array_equal(metric.function(table), f_beta(table, beta=beta))
    assert (metric.name, metric.low, metric.high, metric.best) == ("f_beta", 0, 1, 1)
    assert metric.formula.endswith(f"β = {beta:g}") and metric.empty == F1.empty
    sizes = metric.sizes(table)
    assert sizes.tolist() == pytest.approx([5 + (2 * beta**2 + 1) / (1 + beta**2), 0, 3 / (1 + beta**2)])


def test_with_beta_1_it_is_f1_pooled_and_averaged() -> None:
    images = [DetectionCounts("a", 7, 1, 3), DetectionCounts("b", 2, 4, 0), DetectionCounts("c", 5, 5, 5)]
    for function in (pooled, mean_of_images):
        assert function(images, f_beta_metric(1.0)) == function(images, F1)


@pytest.mark.parametrize("beta", [0, -1.0, math.nan, math.inf])
def test_what_is_no_weight_is_refused_before_and_after_making_the_metric(beta: float) -> None:
    message = f"beta {beta!r} is not allowed; use a number above 0, such as 2 where misses are worse"
    for call in (lambda: f_beta_metric(beta), lambda: f_beta(counts(1, 1, 1), beta=beta)):
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value) == message
