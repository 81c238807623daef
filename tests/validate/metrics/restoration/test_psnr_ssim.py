"""PSNR, SSIM and MicroSSIM: values by hand, invariances, and images that make no sense."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.io import imread

from veriscope.errors import AxesError, InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.metrics.restoration.images import fit_gain
from veriscope.validate.metrics.restoration.micro_ssim import micro_ssim
from veriscope.validate.metrics.restoration.psnr import psnr, scale_invariant_psnr
from veriscope.validate.metrics.restoration.ssim import ssim

Image = NDArray[np.float64]
Metric = Callable[[NDArray[Any], NDArray[Any]], float]
ALL: dict[str, Metric] = {
    "psnr": lambda r, p: psnr(r, p, data_range=255),
    "scale_invariant_psnr": scale_invariant_psnr,
    "ssim": lambda r, p: ssim(r, p, data_range=255),
    "micro_ssim": micro_ssim,
}


@pytest.fixture
def image() -> Image:
    y, x = np.mgrid[:40, :48]
    values: Image = 20 + 100 * np.exp(-((y - 18) ** 2 + (x - 25) ** 2) / 90) + 10 * np.sin(x / 2)
    return values


def test_psnr_by_hand() -> None:
    reference = np.zeros((20, 20), dtype=np.uint8)
    prediction = np.full((20, 20), 5, dtype=np.uint8)
    # Unsigned numbers must not wrap around: 0 - 5 is -5.
    assert psnr(reference, prediction, data_range=255) == pytest.approx(20 * np.log10(255 / 5))
    assert psnr(reference, prediction, data_range=5) == 0.0
    assert psnr(reference, prediction, data_range=1) < 0
    assert psnr(reference, reference, data_range=255) == np.inf


def test_scale_invariant_psnr_by_hand() -> None:
    reference = np.array([[0.0, 1, 2, 3]])
    prediction = np.array([[0.0, 2, 1, 3]])
    # Best gain 0.8 and offset 0.3: residuals -0.3, 0.9, -0.9, 0.3.
    assert fit_gain(reference, prediction) == pytest.approx((0.8, 0.3))
    assert scale_invariant_psnr(reference, prediction) == pytest.approx(10 * np.log10(9 / 0.45))


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-3, 1e3), st.floats(-1e4, 1e4), st.integers(0, 99))
def test_gain_and_offset_change_nothing_where_they_should_not(gain: float, offset: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    reference = random.random((24, 24)) * 100
    prediction = reference + 10 * random.normal(size=(24, 24))
    for metric in (scale_invariant_psnr, micro_ssim):
        changed = metric(reference, gain * prediction + offset)
        assert changed == pytest.approx(metric(reference, prediction), abs=1e-4)


def test_equal_images_are_perfect(image: Image) -> None:
    assert scale_invariant_psnr(image, 3 * image - 7) == np.inf
    assert ssim(image, image, data_range=100) == pytest.approx(1)
    assert micro_ssim(image, 0.02 * image + 300) == pytest.approx(1)


def test_an_inverted_image_is_no_restoration(image: Image) -> None:
    flat = np.full_like(image, 3.0)
    assert scale_invariant_psnr(image, -image) == scale_invariant_psnr(image, flat)
    expected = 10 * np.log10(np.ptp(image) ** 2 / image.var())
    assert scale_invariant_psnr(image, flat) == pytest.approx(expected)
    assert ssim(image, image.max() - image, data_range=100) < 0
    assert micro_ssim(image, -image) < 0.6


def test_constant_references(image: Image) -> None:
    flat = np.full_like(image, 3.0)
    assert np.isnan(scale_invariant_psnr(flat, image))
    assert np.isnan(micro_ssim(flat, image))
    assert np.isfinite(psnr(flat, image, data_range=100))
    assert ssim(flat, flat, data_range=100) == pytest.approx(1)
    assert np.isfinite(micro_ssim(image, flat))


def test_the_range_of_ssim_sets_how_much_flat_regions_count(image: Image) -> None:
    noisy = image + np.random.default_rng(0).normal(size=image.shape)
    assert ssim(image, noisy, data_range=10) < ssim(image, noisy, data_range=255) < 1
    assert ssim(image, noisy, data_range=255) == pytest.approx(ssim(image / 255, noisy / 255, data_range=1))


def test_a_stack_is_the_mean_of_its_planes_however_few(image: Image) -> None:
    noisy = image + np.random.default_rng(0).normal(size=image.shape)
    stack, restored = np.stack([image, image]), np.stack([image, noisy])
    expected = (1 + ssim(image, noisy, data_range=255)) / 2
    assert ssim(stack, restored, data_range=255) == pytest.approx(expected)
    assert ssim(stack.transpose(0, 2, 1), restored.transpose(0, 2, 1), data_range=255) == pytest.approx(
        expected
    )
    assert 0.5 < micro_ssim(stack, restored) < 1


@pytest.mark.parametrize("name", ALL)
def test_input_that_makes_no_sense_is_refused(name: str, image: Image) -> None:
    metric = ALL[name]
    bad = image.copy()
    bad[3, 4] = np.nan
    message = (
        "the prediction: 1 of 1920 pixels are NaN or infinite; crop the images to where both have values, "
        "or fill them"
    )
    with pytest.raises(PixelValueError, match=f"^{re.escape(message)}$"):
        metric(image, bad)
    with pytest.raises(
        ShapeMismatchError, match=re.escape("the reference has shape (40, 48) and the prediction")
    ):
        metric(image, image[1:])
    with pytest.raises(
        PixelValueError, match=r"^the reference: type bool is not an image of intensities; give"
    ):
        metric(image > 50, image)
    with pytest.raises(
        AxesError, match=r"^the reference: images of 1 axes are not allowed; give \(y, x\) or"
    ):
        metric(image[0], image[0])
    with pytest.raises(
        AxesError, match=r"^the reference: an image of shape \(0, 48\) has no pixels; leave it"
    ):
        metric(image[:0], image[:0])
    colours = np.stack([image] * 3, axis=-1)
    with pytest.raises(
        AxesError, match=r"^the reference: shape \(40, 48, 3\) looks like colours in the last axis"
    ):
        metric(colours, colours)


def test_wrong_ranges_and_small_planes_are_refused(image: Image) -> None:
    for wrong in (0, -1.0, np.nan, np.inf):
        with pytest.raises(
            InputError, match=r"^data range .* is not allowed; give the largest minus the small"
        ):
            psnr(image, image, data_range=wrong)
        with pytest.raises(InputError, match=r"^data range .* is not allowed"):
            ssim(image, image, data_range=wrong)
    message = "planes of 10 x 48 pixels are too small; the window of this metric needs at least 11 x 11"
    with pytest.raises(AxesError, match=f"^{re.escape(message)}$"):
        ssim(image[:10], image[:10], data_range=255)
    with pytest.raises(AxesError, match=r"^planes of 6 x 48 pixels are too small; .* needs at least 7 x 7$"):
        micro_ssim(image[:6], image[:6])


@pytest.mark.real_data
def test_separate_scaling_to_eight_bit_costs_psnr_and_not_its_scale_invariant_form(data_dir: Path) -> None:
    noisy, clean = (
        imread(data_dir / "w2s_denoising" / kind / "fov003_c0.tif") for kind in ("noisy", "clean")
    )
    gain, offset = fit_gain(clean.astype(float), noisy.astype(float))
    fitted = gain * noisy + offset
    assert psnr(clean, noisy, data_range=np.ptp(clean)) < psnr(clean, fitted, data_range=np.ptp(clean))
    assert scale_invariant_psnr(clean, noisy) == pytest.approx(psnr(clean, fitted, data_range=np.ptp(clean)))
