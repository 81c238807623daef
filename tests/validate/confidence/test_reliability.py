"""Reliability by image."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.validate.confidence.reliability import reliability
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


def test_cases_that_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        reliability([1, 0], [0.5, 0.5], units=["a"])
    assert str(caught.value) == "1 units are given for 2 cases; give one for each"
