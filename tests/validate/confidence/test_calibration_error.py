"""Calibration errors without bias: what is seen, what is true, and how often the interval has it."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from veriscope.errors import InputError
from veriscope.validate.confidence.brier import brier_interval
from veriscope.validate.confidence.calibration_error import (
    calibration_error_by_unit,
    class_wise_error_by_unit,
)
from veriscope.validate.metrics.classification.calibration import (
    brier_by_case,
    brier_score,
    class_wise_calibration_error,
    expected_calibration_error,
)
from veriscope.validate.statistics import mean_interval

FloatArray = NDArray[np.float64]


def images(
    seed: int, *, n: int = 15, cases: int = 40, power: float = 1.0, spread: float = 0.0
) -> tuple[NDArray[np.bool_], FloatArray, list[int]]:
    """Probabilities too sure with a power above 1; images deviate by `spread`, on the logit scale."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n, cases))
    truth = special.expit(logits + spread * random.normal(size=(n, 1)))
    return (
        (random.random((n, cases)) < truth).ravel(),
        special.expit(power * logits).ravel(),
        np.repeat(np.arange(n), cases).tolist(),
    )


def test_what_is_seen_is_the_plain_error() -> None:
    true, stated, units = images(0)
    found = calibration_error_by_unit(true, stated, units=units, n_bins=7, binning="width")
    assert found.seen == pytest.approx(expected_calibration_error(true, stated, n_bins=7, binning="width"))
    random = np.random.default_rng(1)
    several = random.dirichlet([1, 1, 1], size=90)
    classes = random.integers(0, 3, 90)
    each = class_wise_error_by_unit(classes, several, units=np.repeat(range(9), 10).tolist(), n_bins=5)
    assert each.seen == pytest.approx(
        class_wise_calibration_error(classes, several, n_bins=5, binning="mass")
    )
    assert each.n_cases == 90 and each.error.n_units == 9


def test_calibrated_probabilities_are_not_accused() -> None:
    seen, value, chance, accused = [], [], [], 0
    for seed in range(60):
        true, stated, units = images(seed)
        found = calibration_error_by_unit(true, stated, units=units)
        seen.append(found.seen)
        value.append(found.error.value)
        chance.append(found.if_calibrated)
        accused += found.shown
        assert found.error.low is not None and found.error.high is not None
        assert found.error.low <= found.error.value <= found.seen <= found.error.high
    assert np.mean(seen) == pytest.approx(np.mean(chance), rel=0.15) and np.mean(seen) > 0.03
    assert np.mean(value) < np.mean(seen) / 2
    assert accused <= 4


@pytest.mark.parametrize(("power", "spread"), [(1.8, 0.0), (1.8, 0.5)])
def test_the_interval_has_the_truth_and_the_value_no_bias(power: float, spread: float) -> None:
    true, stated, _ = images(999, n=4000, power=power, spread=spread)
    truth = expected_calibration_error(true, stated, n_bins=10, binning="mass")
    values, inside = [], 0
    for seed in range(120):
        found = calibration_error_by_unit(*images(seed, power=power, spread=spread)[:2], units=images(0)[2])
        assert found.error.low is not None and found.error.high is not None
        values.append(found.error.value)
        inside += found.error.low <= truth <= found.error.high
    assert np.mean(values) == pytest.approx(truth, rel=0.12)
    assert inside / 120 >= 0.9


def test_intervals_are_by_image() -> None:
    true, stated, units = images(3, n=12, cases=200, spread=1.0)
    by_image = calibration_error_by_unit(true, stated, units=units, n_bins=3)
    by_case = calibration_error_by_unit(true, stated, units=list(range(len(true))), n_bins=3)
    assert by_image.seen == pytest.approx(by_case.seen)
    assert by_image.if_calibrated > 2 * by_case.if_calibrated
    assert by_image.error.n_units == 12
    again, other = (calibration_error_by_unit(true, stated, units=units, n_bins=3, seed=k) for k in (0, 1))
    assert again == by_image and other.error != by_image.error


def test_one_image_none_and_no_spread() -> None:
    one = calibration_error_by_unit([1, 0], [0.5, 0.4], units=["a", "a"], n_bins=1)
    assert one.seen == pytest.approx(0.05) and math.isnan(one.error.value) and not one.shown
    assert one.error.method == "cannot tell: 1 image" and math.isnan(one.if_calibrated)
    none = calibration_error_by_unit([], [], units=[])
    assert math.isnan(none.seen) and none.n_cases == 0
    plain = json.loads(json.dumps(none.to_dict()))
    assert plain["seen"] is None and plain["if_calibrated"] is None and plain["error"]["low"] is None
    perfect = calibration_error_by_unit([1, 0] * 5, [1.0, 0.0] * 5, units=np.repeat(range(5), 2).tolist())
    assert perfect.seen == 0 and perfect.error.high == pytest.approx(1 - 0.025 ** (1 / 5))
    assert perfect.error.method == "no spread between units: binomial bound"


def test_brier_score_with_its_interval() -> None:
    random = np.random.default_rng(2)
    stated = random.dirichlet([1, 1, 1], size=60)
    classes = random.integers(0, 3, 60)
    assert brier_by_case(classes, stated).mean() == pytest.approx(brier_score(classes, stated))
    units = np.repeat(np.arange(12), 5).tolist()
    found = brier_interval(classes, stated, units=units)
    by_image = brier_by_case(classes, stated).reshape(12, 5).mean(axis=1)
    # Images of the same size: the pooled mean is the mean of the images'.
    expected = mean_interval(by_image, bounds=(0, 2))
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
    binary = brier_interval(classes == 1, stated[:, 1], units=units)
    assert binary.value == pytest.approx(brier_score(classes == 1, stated[:, 1])) and binary.n_units == 12
    assert math.isnan(brier_interval([], [], units=[]).value)


def test_brier_intervals_hold() -> None:
    def case(seed: int) -> tuple[NDArray[np.bool_], FloatArray, list[int]]:
        return images(seed, n=12, cases=30, power=1.5, spread=0.5)

    truth = brier_score(*images(999, n=4000, power=1.5, spread=0.5)[:2])
    inside = 0
    for seed in range(300):
        true, stated, units = case(seed)
        found = brier_interval(true, stated, units=units)
        assert found.low is not None and found.high is not None
        inside += found.low <= truth <= found.high
    assert 0.91 <= inside / 300 <= 0.98


def test_what_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        calibration_error_by_unit([0, 1], [0.1, 0.2], units=["a"])
    assert str(caught.value) == "1 units are given for 2 cases; give one for each"
    with pytest.raises(InputError, match=r"^level 2 is not allowed"):
        class_wise_error_by_unit([0, 1], [0.1, 0.2], units=["a", "b"], level=2)
    with pytest.raises(InputError, match=r"^n_bins 0 is not allowed"):
        class_wise_error_by_unit([0, 1], [0.1, 0.2], units=["a", "b"], n_bins=0)
