"""PSNR and its scale-invariant form: decibels by hand, types of pixels, volumes, and their relation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.validate.metrics.restoration.images import fit_gain
from veriscope.validate.metrics.restoration.psnr import psnr, scale_invariant_psnr


def scene(seed: int, shape: tuple[int, ...] = (12, 14)) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    reference = random.uniform(0, 200, shape)
    return reference, reference + random.normal(0, 9, shape)


@pytest.mark.parametrize("power", range(-3, 4))
def test_ten_times_the_range_is_twenty_decibels_more(power: int) -> None:
    reference, prediction = scene(0)
    plain = psnr(reference, prediction, data_range=255)
    assert psnr(reference, prediction, data_range=255 * 10.0**power) == pytest.approx(plain + 20 * power)
    scaled = psnr(reference * 10.0**power, prediction * 10.0**power, data_range=255 * 10.0**power)
    assert scaled == pytest.approx(plain)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.uint32, np.float32, np.float16])
def test_the_extremes_of_a_type_do_not_wrap_around(dtype: Any) -> None:
    top = 1000 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    low, high = np.zeros((8, 8), dtype), np.full((8, 8), top, dtype)
    assert psnr(low, high, data_range=float(top)) == pytest.approx(0, abs=1e-9)
    assert psnr(high, low, data_range=float(top)) == pytest.approx(0, abs=1e-9)


def test_swapping_the_images_keeps_psnr_and_one_wrong_pixel_counts_by_its_share() -> None:
    reference, prediction = scene(1)
    there, back = (psnr(*pair, data_range=255) for pair in ((reference, prediction), (prediction, reference)))
    assert there == pytest.approx(back)
    wrong = reference.copy()
    wrong[3, 3] += 100
    assert psnr(reference, wrong, data_range=100) == pytest.approx(10 * np.log10(reference.size))


def test_a_volume_is_one_image_and_no_mean_of_planes() -> None:
    reference = np.zeros((2, 8, 8))
    prediction = np.stack([np.full((8, 8), 1.0), np.full((8, 8), 7.0)])
    assert psnr(reference, prediction, data_range=10) == pytest.approx(10 * np.log10(100 / 25))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 99))
def test_the_best_gain_and_offset_beat_every_other(seed: int) -> None:
    reference, prediction = scene(seed)
    best = scale_invariant_psnr(reference, prediction)
    span = float(np.ptp(reference))
    gain, offset = fit_gain(reference, prediction)
    assert best == pytest.approx(psnr(reference, gain * prediction + offset, data_range=span))
    for change in (0.9, 1.1):
        assert psnr(reference, change * gain * prediction + offset, data_range=span) < best
        assert psnr(reference, gain * prediction + offset + 10 * (change - 1), data_range=span) < best
    slope, intercept = np.polyfit(prediction.ravel(), reference.ravel(), 1)
    assert (gain, offset) == pytest.approx((slope, intercept))


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_the_unit_of_either_image_does_not_matter_to_the_scale_invariant_form(unit: float) -> None:
    reference, prediction = scene(2)
    plain = scale_invariant_psnr(reference, prediction)
    assert scale_invariant_psnr(unit * reference, prediction) == pytest.approx(plain)
    assert scale_invariant_psnr(reference, unit * prediction) == pytest.approx(plain)
    assert scale_invariant_psnr(reference, unit * reference + unit) == np.inf


@pytest.mark.parametrize("wrong", [0, -5, np.inf, np.nan, "255", None])
def test_a_range_is_a_number_above_nothing(wrong: Any) -> None:
    image = np.ones((4, 4))
    with pytest.raises(InputError) as caught:
        psnr(image, image, data_range=wrong)
    assert str(caught.value) == (
        f"data range {wrong!r} is not allowed; give the largest minus the smallest possible intensity, such "
        "as 255 for 8 bit, or np.ptp(reference)"
    )
