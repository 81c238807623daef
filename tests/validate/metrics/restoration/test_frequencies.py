"""Ring correlation and spectra: known frequencies, known noise, known blur."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from veriscope.errors import AxesError, InputError
from veriscope.validate.metrics.restoration.frc import (
    checkerboard_correlation,
    frc_resolution,
    ring_correlation,
)
from veriscope.validate.metrics.restoration.rings import rings
from veriscope.validate.metrics.restoration.spectrum import high_frequency_ratio, spectral_error

Image = NDArray[np.float64]


def band_limited(shape: tuple[int, ...], cutoff: float, seed: int) -> Image:
    """Noise with equal power up to a frequency, in cycles per pixel, and none beyond."""
    noise = np.fft.fftn(np.random.default_rng(seed).normal(size=shape))
    axes = np.meshgrid(*(np.fft.fftfreq(n) for n in shape), indexing="ij")
    noise[np.sqrt(sum(axis**2 for axis in axes)) > cutoff] = 0
    values: Image = np.fft.ifftn(noise).real
    return values / values.std()


def test_rings_count_every_sample_of_the_full_transform_once() -> None:
    for shape in ((16, 16), (15, 17), (8, 9, 10)):
        grid = rings(shape, None)
        axes = np.meshgrid(*(np.fft.fftfreq(n) for n in shape), indexing="ij")
        radius = np.rint(np.sqrt(sum(axis**2 for axis in axes)) * min(shape)).astype(int)
        assert grid.n_samples.tolist() == np.bincount(radius.ravel())[1 : min(shape) // 2 + 1].tolist()
        assert grid.frequency[-1] == pytest.approx(min(shape) // 2 / min(shape))


def test_rings_with_unequal_pixels_end_at_the_coarsest() -> None:
    grid = rings((16, 64), (2.0, 0.5))
    assert grid.frequency[0] == pytest.approx(1 / 32)
    assert grid.frequency[-1] == pytest.approx(1 / 4)


@pytest.mark.parametrize("shape", [(128, 128), (96, 128), (24, 24, 24)])
def test_what_is_shared_up_to_a_frequency_gives_that_resolution(shape: tuple[int, ...]) -> None:
    shared = 5 * band_limited(shape, 0.2, seed=0)
    first, second = (shared + 0.5 * band_limited(shape, 1, seed=seed) for seed in (1, 2))
    curve = ring_correlation(first, second, window=False)
    inside, outside = curve.frequency < 0.17, curve.frequency > 0.23
    assert curve.correlation[inside].min() > 0.9
    assert abs(curve.correlation[outside].mean()) < 0.1
    # As exact as the rings are wide.
    width = 1.5 / min(shape)
    assert 1 / curve.resolution() == pytest.approx(0.2, abs=width)
    assert 1 / curve.resolution("half-bit") == pytest.approx(0.2, abs=width)
    spacing = (0.1,) * len(shape)
    assert frc_resolution(first, second, spacing=spacing) == pytest.approx(
        0.1 * frc_resolution(first, second)
    )


def test_gain_offset_and_blur_leave_ring_correlation_alone() -> None:
    first = band_limited((64, 64), 0.5, seed=0)
    second = first + 0.8 * band_limited((64, 64), 0.5, seed=1)
    expected = ring_correlation(first, second, window=False).correlation
    scaled = ring_correlation(first, 40 * second + 7, window=False).correlation
    assert scaled == pytest.approx(expected)
    transform = np.fft.fftn(second) * np.exp(-30 * np.add.outer(*(np.fft.fftfreq(64) ** 2,) * 2))
    blurred = ring_correlation(first, np.fft.ifftn(transform).real, window=False).correlation
    assert blurred == pytest.approx(expected, abs=0.05)


def test_ends_of_the_scale() -> None:
    image = band_limited((64, 64), 0.5, seed=0)
    assert frc_resolution(image, image) == pytest.approx(2)
    assert frc_resolution(image, -image) == np.inf
    assert np.isnan(frc_resolution(image, np.ones_like(image)))
    assert np.isnan(spectral_error(np.ones_like(image), image))
    assert np.isnan(high_frequency_ratio(image, np.ones_like(image)))
    assert np.isnan(checkerboard_correlation(np.ones_like(image)).resolution())
    assert ring_correlation(image, np.ones_like(image)).to_dict()["correlation"][0] is None


def test_half_bit_threshold_by_hand() -> None:
    curve = ring_correlation(*(band_limited((16, 16), 0.5, seed=seed) for seed in (0, 1)))
    # 8 samples in the first ring: (0.2071 + 1.9102 / √8) / (1.2071 + 0.9102 / √8).
    assert curve.n_samples[0] == 8
    assert curve.threshold("half-bit")[0] == pytest.approx(0.88246 / 1.52890, abs=1e-4)
    assert curve.threshold("1/7") == pytest.approx(1 / 7)
    with pytest.raises(InputError, match=r"^criterion '0.5' is not allowed; use '1/7' or 'half-bit'$"):
        curve.resolution("0.5")  # type: ignore[arg-type]


def test_the_crossing_lies_between_rings() -> None:
    curve = ring_correlation(*(band_limited((64, 64), 0.5, seed=seed) for seed in (0, 0)))
    made = type(curve)(
        frequency=np.array([1.0, 2.0, 3.0]),
        correlation=np.array([1.0, 2 / 7, 0.0]),
        n_samples=np.array([8.0, 12.0, 16.0]),
    )
    assert made.resolution() == pytest.approx(1 / 2.5)


def test_a_checkerboard_finds_the_resolution_of_one_noisy_image() -> None:
    clean = 5 * band_limited((256, 256), 0.15, seed=0)
    noisy = clean + 5 * np.random.default_rng(1).normal(size=clean.shape)
    # Without turning the phases back, the correlation of clean halves would be far below 1.
    curve = checkerboard_correlation(clean)
    assert curve.correlation[curve.frequency < 0.13].min() > 0.98
    assert checkerboard_correlation(noisy).resolution() == pytest.approx(1 / 0.15, rel=0.1)
    assert curve.frequency[-1] == pytest.approx(0.25)


def test_spectra_tell_smooth_from_noisy_and_ignore_gain() -> None:
    reference = band_limited((64, 64), 0.5, seed=0)
    smooth = gaussian_filter(reference, 1)
    noisy = gaussian_filter(reference, 1) + band_limited((64, 64), 0.5, seed=3)
    assert spectral_error(reference, reference) == pytest.approx(0, abs=1e-9)
    assert spectral_error(reference, 7 * smooth + 3) == pytest.approx(spectral_error(reference, smooth))
    assert spectral_error(reference, smooth) > spectral_error(reference, noisy) > 0.1
    assert high_frequency_ratio(reference, smooth) < 0.1
    assert high_frequency_ratio(smooth, noisy) > 5
    assert high_frequency_ratio(reference, reference) == pytest.approx(1)
    # Its place does not count: a flipped image has the same spectrum.
    assert spectral_error(reference, reference[::-1, ::-1]) == pytest.approx(0, abs=1e-9)


def test_images_too_small_for_frequencies_are_refused() -> None:
    thin = np.random.default_rng(0).random((4, 32, 32))
    message = (
        "an image of shape (4, 32, 32) is too small for frequencies; every axis needs at least 8 pixels (of "
        "a thin stack, compare planes or a projection)"
    )
    for metric in (ring_correlation, spectral_error, high_frequency_ratio):
        with pytest.raises(AxesError, match=f"^{re.escape(message)}$"):
            metric(thin, thin)
    with pytest.raises(AxesError, match=r"^spacing \(0.1, 0.1\) is not allowed; give one positive number of"):
        ring_correlation(np.ones((8, 8, 9)), np.ones((8, 8, 9)), spacing=(0.1, 0.1))
