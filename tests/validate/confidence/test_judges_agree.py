"""The judges of stated probabilities beside each other: what they share, what each alone sees, as JSON."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from veriscope.errors import InputError, ShapeMismatchError
from veriscope.validate.confidence.brier import brier_interval
from veriscope.validate.confidence.calibration_error import (
    calibration_error_by_unit,
    class_wise_error_by_unit,
)
from veriscope.validate.confidence.conformal import conformal_risk_control
from veriscope.validate.confidence.reliability import mean_by_unit, reliability
from veriscope.validate.confidence.risk_coverage import risk_coverage

FloatArray = NDArray[np.float64]
CASES = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0]), st.sampled_from("abc")),
    min_size=1,
    max_size=30,
)


def study(
    seed: int, *, n: int = 10, cases: int = 30, power: float = 1.0
) -> tuple[NDArray[np.bool_], FloatArray, list[str]]:
    random = np.random.default_rng(seed)
    logits = random.normal(size=n * cases)
    true = random.random(n * cases) < special.expit(logits)
    return true, special.expit(power * logits), [f"image {i // cases}" for i in range(n * cases)]


def columns(cases: list[tuple[bool, float, str]]) -> tuple[NDArray[np.bool_], FloatArray, list[str]]:
    return np.array([c[0] for c in cases]), np.array([c[1] for c in cases]), [c[2] for c in cases]


# ---- what they share


@given(CASES, st.sampled_from(["width", "mass"]), st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_bins_hold_all_cases_and_give_the_error_that_is_seen(
    cases: list[tuple[bool, float, str]], binning: Any, n_bins: int
) -> None:
    true, stated, units = columns(cases)
    diagram = reliability(true, stated, units=units, n_bins=n_bins, binning=binning)
    error = calibration_error_by_unit(true, stated, units=units, n_bins=n_bins, binning=binning)
    assert sum(each.n_cases for each in diagram.bins) == diagram.n_cases == len(cases)
    assert all(each.low - 1e-15 <= each.stated <= each.high + 1e-15 for each in diagram.bins)
    assert [each.low for each in diagram.bins] == sorted(each.low for each in diagram.bins)
    gaps = sum(each.n_cases * abs(each.observed.value - each.stated) for each in diagram.bins)
    assert gaps / len(cases) == pytest.approx(diagram.calibration_error) == pytest.approx(error.seen)
    assert diagram.excess.value == pytest.approx(true.mean() - stated.mean())
    assert abs(diagram.excess.value) <= diagram.calibration_error + 1e-12


@given(CASES)
@settings(max_examples=60, deadline=None)
def test_the_brier_score_is_the_mean_over_images_weighted_by_their_cases(
    cases: list[tuple[bool, float, str]],
) -> None:
    true, stated, units = columns(cases)
    found = brier_interval(true, stated, units=units)
    assert found.value == pytest.approx(((true - stated) ** 2).mean())
    assert found.n_units == len(set(units))
    assert (found.low is None) == (len(set(units)) < 2)
    if found.low is not None and found.high is not None:
        assert 0 <= found.low <= found.value + 1e-12 and found.value - 1e-12 <= found.high <= 1


def test_two_columns_are_two_classes_of_one_error_each() -> None:
    """Bins of the same width: the gap of class 0 in a bin is that of class 1 in its mirror image."""
    true, stated, units = study(0, power=2.5)
    options: dict[str, Any] = {"units": units, "n_bins": 7, "binning": "width"}
    one = calibration_error_by_unit(true, stated, **options)
    both = class_wise_error_by_unit(true, np.stack([1 - stated, stated], axis=1), **options)
    assert both.seen == pytest.approx(one.seen)
    assert both.error.value == pytest.approx(one.error.value, abs=0.01)
    assert class_wise_error_by_unit(true, stated, **options).seen == pytest.approx(one.seen)


# ---- what each sees


def test_always_stating_the_prevalence_is_calibrated_and_says_nothing() -> None:
    rng = np.random.default_rng(1)
    true = rng.random(400) < 0.3
    stated = np.full(400, true.mean())
    units = [f"image {i // 20}" for i in range(400)]
    diagram = reliability(true, stated, units=units)
    assert diagram.calibration_error == pytest.approx(0, abs=1e-12)
    assert len(diagram.bins) == 1
    assert brier_interval(true, stated, units=units).value == pytest.approx(true.var())
    assert risk_coverage(true, stated).risk.tolist() == [pytest.approx(true.mean())]


@pytest.mark.parametrize(("power", "sign"), [(4.0, "too sure"), (0.25, "too timid"), (1.0, "right")])
def test_sure_timid_and_right_probabilities_order_cases_alike(power: float, sign: str) -> None:
    """Making them sharper changes calibration, and nothing of which cases are the surest."""
    true, stated, units = study(2, n=20, power=power)
    confidence, wrong = np.abs(stated - 0.5), (stated > 0.5) != true
    plain = risk_coverage((study(2, n=20)[1] > 0.5) != true, np.abs(study(2, n=20)[1] - 0.5))
    assert risk_coverage(wrong, confidence).area == pytest.approx(plain.area)
    error = calibration_error_by_unit(true, stated, units=units)
    assert error.shown == (sign != "right")


def test_images_that_are_wrong_in_turn_widen_every_interval() -> None:
    """Half of the images are all true, half all false: as units they say far less than their cases."""
    units = [f"image {i // 25}" for i in range(200)]
    true = np.array([i // 25 % 2 == 0 for i in range(200)])
    stated = np.full(200, 0.5) + 0.01 * np.random.default_rng(0).normal(size=200)
    by_image = reliability(true, stated, units=units, n_bins=1)
    by_case = reliability(true, stated, units=list(range(200)), n_bins=1)
    for one, other in (
        (by_image.excess, by_case.excess),
        (by_image.bins[0].observed, by_case.bins[0].observed),
    ):
        assert one.value == pytest.approx(other.value)
        assert one.low is not None and one.high is not None
        assert other.low is not None and other.high is not None
        assert one.high - one.low > 3 * (other.high - other.low)


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (-2.0, 2.0)])
def test_a_mean_by_unit_is_pooled_over_cases(bounds: tuple[float, float]) -> None:
    values, units = np.array([0.2, 0.4, 0.9, 0.1]), ["a", "a", "a", "b"]
    found = mean_by_unit(values, units, bounds, 0.9, "well")
    assert found.value == pytest.approx(0.4)
    assert (found.n_units, found.unit, found.level) == (2, "well", 0.9)
    assert found.low is not None and found.high is not None
    assert bounds[0] <= found.low <= found.high <= bounds[1]


# ---- as JSON, and what is refused


def test_every_result_is_json_with_what_it_rests_on() -> None:
    true, stated, units = study(3)
    told = [
        reliability(true, stated, units=units).to_dict(),
        calibration_error_by_unit(true, stated, units=units).to_dict(),
        class_wise_error_by_unit(true, stated, units=units).to_dict(),
        risk_coverage(1 - true, stated).to_dict(),
        conformal_risk_control(np.zeros((30, 2)), [0.5, 0.1], alpha=0.1).to_dict(),
        reliability([], [], units=[]).to_dict(),
        calibration_error_by_unit([], [], units=[]).to_dict(),
        risk_coverage([], []).to_dict(),
    ]
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told[0]["n_cases"] == told[1]["n_cases"] == 300
    assert told[5]["calibration_error"] is told[6]["seen"] is told[7]["area"] is None


@pytest.mark.parametrize(
    "judge", [reliability, calibration_error_by_unit, class_wise_error_by_unit, brier_interval]
)
def test_all_refuse_the_same(judge: Any) -> None:
    with pytest.raises(InputError) as units:
        judge([0, 1], [0.2, 0.7], units=["a"])
    assert str(units.value) == "1 units are given for 2 cases; give one for each"
    with pytest.raises(InputError, match="probabilities: 1 of 2 values are not between 0 and 1"):
        judge([0, 1], [0.2, 7], units=["a", "b"])
    with pytest.raises(ShapeMismatchError, match="for 2 cases; give an array of shape"):
        judge([0, 1], [0.2], units=["a", "b"])
    with pytest.raises(InputError, match="level 95 is not allowed; use a share between 0 and 1"):
        judge([0, 1], [0.2, 0.7], units=["a", "b"], level=95)
    with pytest.raises(InputError, match="of 2 classes are not allowed, the first is 2"):
        judge([0, 2], [0.2, 0.7], units=["a", "b"])
