"""Reliability by image, risk and coverage, conformal promises that hold in simulation."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import InputError, PixelValueError
from veriscope.validate.confidence import conformal_risk_control, reliability, risk_coverage
from veriscope.validate.metrics.base import ratio
from veriscope.validate.metrics.classification.calibration import expected_calibration_error
from veriscope.validate.statistics import jackknife_interval, leave_one_out, mean_interval

FloatArray = NDArray[np.float64]


def images_of_cases(
    seed: int, n_images: int = 20, spread: float = 0.0
) -> tuple[NDArray[np.bool_], FloatArray, list[int]]:
    """Cases whose statements hold over all images, and in an image deviate by what its cases share."""
    random = np.random.default_rng(seed)
    stated = random.uniform(0.2, 0.8, size=(n_images, 40))
    shift = random.uniform(-spread, spread, size=(n_images, 1))
    true = random.random(stated.shape) < stated + shift
    return true.ravel(), stated.ravel(), np.repeat(np.arange(n_images), 40).tolist()


def test_bins_hold_what_was_put_in_them() -> None:
    found = reliability(
        [1, 0, 1, 1, 0, 0], [0.9, 0.8, 0.7, 0.2, 0.1, 0.1], units=list("aabbcc"), n_bins=2, binning="width"
    )
    low, high = found.bins
    assert (low.n_cases, low.low, low.high) == (3, 0.1, 0.2)
    assert low.stated == pytest.approx(0.4 / 3) and low.observed.value == pytest.approx(1 / 3)
    assert (high.n_cases, high.low, high.high) == (3, 0.7, 0.9)
    assert high.observed.value == pytest.approx(2 / 3) and high.observed.n_units == 2
    assert found.excess.value == pytest.approx(3 / 6 - 2.8 / 6)
    assert found.calibration_error == pytest.approx((1 - 0.4 + 2.4 - 2) / 6)
    assert json.loads(json.dumps(found.to_dict()))["n_cases"] == 6


def test_reliability_and_calibration_error_are_one() -> None:
    true, stated, units = images_of_cases(2)
    for binning in ("width", "mass"):
        found = reliability(true, stated, units=units, binning=binning)  # type: ignore[arg-type]
        gaps = [each.n_cases * abs(each.observed.value - each.stated) for each in found.bins]
        error = expected_calibration_error(true, stated, n_bins=10, binning=binning)  # type: ignore[arg-type]
        assert found.calibration_error == error == pytest.approx(sum(gaps) / len(true))
        assert sum(each.n_cases for each in found.bins) == len(true)


def test_intervals_are_by_image() -> None:
    true, stated, units = images_of_cases(3, spread=0.2)
    by_image = reliability(true, stated, units=units).excess
    by_case = mean_interval(true - stated)
    assert by_image.n_units == 20
    assert by_image.value == pytest.approx(by_case.value)
    assert by_image.low is not None and by_image.high is not None
    assert by_case.low is not None and by_case.high is not None
    assert by_image.high - by_image.low > 1.5 * (by_case.high - by_case.low)


def test_an_image_with_most_cases_costs_certainty() -> None:
    random = np.random.default_rng(4)
    sizes = np.array([400, 20, 20, 20, 20, 20])
    true = random.random(500) < np.repeat(random.uniform(0.3, 0.7, size=6), sizes)
    units = np.repeat(np.arange(6), sizes).tolist()
    found = reliability(true, np.full(500, 0.5), units=units, n_bins=1).bins[0].observed
    rows = np.array([[true[np.equal(units, k)].sum(), sizes[k]] for k in range(6)], dtype=float)
    value, left_out = leave_one_out(rows, lambda sums: ratio(sums[..., 0], sums[..., 1]))
    assert found == jackknife_interval(value, left_out, sizes.astype(float), bounds=(0, 1))
    equal = jackknife_interval(value, left_out, np.ones(6), bounds=(0, 1))
    assert found.low is not None and equal.low is not None and found.low < equal.low


def test_intervals_contain_the_truth_as_often_as_they_say() -> None:
    inside = bins_inside = n_bins = 0
    for seed in range(300):
        true, stated, units = images_of_cases(seed, n_images=15, spread=0.2)
        found = reliability(true, stated, units=units, n_bins=4)
        assert found.excess.low is not None and found.excess.high is not None
        inside += found.excess.low <= 0 <= found.excess.high
        for each in found.bins:
            assert each.observed.low is not None and each.observed.high is not None
            bins_inside += each.observed.low <= each.stated <= each.observed.high
            n_bins += 1
    assert 0.92 <= inside / 300 <= 0.985
    assert 0.93 <= bins_inside / n_bins <= 0.98


def test_no_case_and_one_image() -> None:
    empty = reliability([], [], units=[])
    assert empty.bins == () and math.isnan(empty.excess.value) and math.isnan(empty.calibration_error)
    assert empty.to_dict()["calibration_error"] is None
    single = reliability([1, 0], [0.5, 0.5], units=["a", "a"])
    (only,) = single.bins
    assert only.observed.value == 0.5 and only.observed.low is None
    assert only.observed.method == "cannot tell: 1 image"


def test_risk_and_coverage_by_hand() -> None:
    found = risk_coverage([0, 1, 0, 1], [0.9, 0.5, 0.7, 0.5])
    assert found.thresholds.tolist() == [0.9, 0.7, 0.5]
    assert found.coverage.tolist() == [0.25, 0.5, 1.0]
    assert found.risk.tolist() == [0, 0, 0.5]
    # The two cases of 0.5 in random order: means of 0, 0, 1/3 and 1/2 for the first 1, 2, 3 and 4 cases.
    assert found.area == pytest.approx((1 / 3 + 1 / 2) / 4)
    assert json.loads(json.dumps(found.to_dict()))["area"] == found.area


def test_area_without_ties_is_the_mean_risk() -> None:
    random = np.random.default_rng(0)
    losses, confidence = random.random(50), random.random(50)
    ordered = losses[np.argsort(-confidence)]
    assert risk_coverage(losses, confidence).area == pytest.approx(
        np.mean([ordered[: k + 1].mean() for k in range(50)])
    )


def test_risk_of_nothing_and_of_one() -> None:
    assert math.isnan(risk_coverage([], []).area) and risk_coverage([], []).to_dict()["area"] is None
    assert risk_coverage([0.3], [2.0]).area == pytest.approx(0.3)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=1, max_size=30))
def test_confidence_in_order_of_the_losses_is_best(cases: list[tuple[float, int]]) -> None:
    losses = np.array([case[0] for case in cases])
    confidence = np.array([case[1] for case in cases], dtype=float)
    found = risk_coverage(losses, confidence)
    assert found.risk[-1] == pytest.approx(losses.mean()) and found.coverage[-1] == 1
    assert (np.diff(found.coverage) > 0).all()
    assert risk_coverage(losses, -losses).area - 1e-9 <= found.area
    assert found.area <= risk_coverage(losses, losses).area + 1e-9
    assert found.area == pytest.approx(risk_coverage(losses[::-1], 3 * confidence[::-1] - 1).area)


def missed_share(random: np.random.Generator, n: int, grid: FloatArray) -> FloatArray:
    """Share of pixels of images of unequal difficulty that a falling threshold still misses."""
    ease = random.beta(4, 2, size=(n, 1))
    scores = np.clip(random.normal(ease, 0.2, size=(n, 30)), 0.001, 1)
    return np.asarray((scores[:, :, None] < grid).mean(axis=1))


@pytest.mark.parametrize(("n", "alpha"), [(9, 0.1), (30, 0.1), (60, 0.05)])
def test_the_promise_holds_for_new_images(n: int, alpha: float) -> None:
    random = np.random.default_rng(7)
    grid = np.linspace(1, 0, 101)
    new = []
    for _ in range(600):
        losses = missed_share(random, n + 1, grid)
        found = conformal_risk_control(losses[:-1], grid, alpha=alpha)
        assert found.threshold is not None and found.reason == ""
        new.append(losses[-1, np.argmin(np.abs(grid - found.threshold))])
    assert np.mean(new) <= alpha + 2 * np.std(new) / math.sqrt(600)
    if n >= 30:
        assert np.mean(new) >= alpha - 1.5 / (n + 1) - 2 * np.std(new) / math.sqrt(600)


def test_threshold_by_hand() -> None:
    losses = np.tile([1.0, 0.2, 0.05, 0.0], (19, 1))
    found = conformal_risk_control(losses, [0.9, 0.5, 0.3, 0.1], alpha=0.1)
    assert (found.threshold, found.n_units, found.n_needed) == (0.3, 19, 9)
    assert found.calibration_loss == pytest.approx(0.05)
    assert found.to_dict()["threshold"] == 0.3


@pytest.mark.parametrize(
    ("alpha", "needed"), [(0.1, 9), (0.05, 19), (0.2, 4), (0.01, 99), (0.3, 3), (0.5, 1), (0.9, 1)]
)
def test_too_few_images_are_told(alpha: float, needed: int) -> None:
    grid = [0.5, 0.0]
    enough = conformal_risk_control(np.zeros((needed, 2)), grid, alpha=alpha)
    assert enough.threshold == 0.5 and enough.n_needed == needed
    few = conformal_risk_control(np.zeros((needed - 1, 2)), grid, alpha=alpha)
    assert few.threshold is None and few.n_needed == needed and math.isnan(few.calibration_loss)
    assert few.to_dict()["calibration_loss"] is None


def test_reasons_say_what_is_missing() -> None:
    few = conformal_risk_control(np.zeros((8, 1)), [0.5], alpha=0.1)
    assert few.reason == (
        "8 units cannot promise a mean loss of 0.1: even without any loss among them, only 0.111 can be "
        "promised; at least 9 are needed"
    )
    bold = conformal_risk_control(np.full((9, 2), 0.5), [0.5, 0.4], alpha=0.1)
    assert bold.threshold is None
    assert bold.reason == (
        "no threshold keeps the mean loss at 0.1: the most careful one promises 0.55; "
        "offer more careful thresholds, or allow a larger loss"
    )


def test_a_larger_bound_needs_more_images() -> None:
    found = conformal_risk_control(np.zeros((30, 1)), [0.5], alpha=0.1, bound=5)
    assert (found.threshold, found.n_needed) == (None, 49)


def refused(error: type[Exception], call: object) -> str:
    with pytest.raises(error) as caught:
        call()  # type: ignore[operator]
    return str(caught.value)


def test_losses_that_are_refused() -> None:
    assert refused(InputError, lambda: conformal_risk_control([[0.1, 0.2]], [1, 0], alpha=0.5)) == (
        "the loss of 1 of 1 units rises along the thresholds; sort the thresholds from the boldest to the "
        "most careful, and take a loss that care can only lower"
    )
    assert refused(InputError, lambda: conformal_risk_control([[math.nan, 0]], [1, 0], alpha=0.5)) == (
        "1 losses are not between 0 and 1, the first is nan; "
        "state the largest possible loss as bound, and leave out units without a loss"
    )
    assert refused(InputError, lambda: conformal_risk_control([0.1, 0.2], [1, 0], alpha=0.5)) == (
        "losses have shape (2,) for thresholds of shape (2,); "
        "give one row per unit and one column per threshold, at least one"
    )
    assert refused(InputError, lambda: conformal_risk_control([[0.1]], [math.nan], alpha=0.5)) == (
        "thresholds must not be NaN"
    )
    assert refused(InputError, lambda: conformal_risk_control([[0.1]], [1], alpha=1.0)) == (
        "alpha 1.0 is not allowed; use a mean loss above 0 and below 1"
    )
    assert refused(InputError, lambda: conformal_risk_control([[0.1]], [1], alpha=0.5, bound=0)) == (
        "bound 0 is not allowed; use the largest possible loss, such as 1"
    )


def test_cases_that_are_refused() -> None:
    assert refused(InputError, lambda: reliability([1, 0], [0.5, 0.5], units=["a"])) == (
        "1 units are given for 2 cases; give one for each"
    )
    assert refused(PixelValueError, lambda: risk_coverage([0.1, math.nan], [1, 2])) == (
        "losses: 1 of 2 values are NaN; leave these cases out"
    )
    assert refused(PixelValueError, lambda: risk_coverage([0.1, 0.2], [1, math.inf])) == (
        "losses and confidence must be finite; leave out cases that have infinite ones"
    )
