"""Known damage to a known scene: each metric of restoration sees what it is for and nothing else moves it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from veriscope.errors import AxesError, PixelValueError, ShapeMismatchError
from veriscope.validate.metrics.restoration.catalogue import DESCRIPTIONS
from veriscope.validate.metrics.restoration.frc import frc_resolution, ring_correlation
from veriscope.validate.metrics.restoration.images import fit_gain
from veriscope.validate.metrics.restoration.psnr import scale_invariant_psnr
from veriscope.validate.metrics.restoration.spectrum import high_frequency_ratio, spectral_error
from veriscope.validate.metrics.restoration.squirrel import resolution_scaled, rse, rsp
from veriscope.validate.restorations import measure_restoration

Image = NDArray[np.float64]


def scene(seed: int = 0, *, size: int = 48) -> Image:
    """Blurred points on a background, between 0 and 100."""
    rng = np.random.default_rng(seed)
    points = np.zeros((size, size))
    points[rng.integers(0, size, 40), rng.integers(0, size, 40)] = rng.uniform(0.3, 1, 40)
    image = gaussian_filter(points, 1.5)
    return np.asarray(100 * image / image.max())


CLEAN = scene()
NOISE = np.random.default_rng(9).normal(size=CLEAN.shape)
KEYS = [each.key for each in DESCRIPTIONS]


def values(prediction: Image, reference: Image = CLEAN) -> dict[str, float]:
    return measure_restoration(reference, prediction, data_range=100.0)


@pytest.mark.parametrize("each", DESCRIPTIONS, ids=KEYS)
def test_more_noise_is_farther_from_the_best(each: object) -> None:
    key = each.key  # type: ignore[attr-defined]
    found = [values(CLEAN + sigma * NOISE)[key] for sigma in (1.0, 4.0, 16.0)]
    if each.best in (each.high, np.inf):  # type: ignore[attr-defined]
        assert found == sorted(found, reverse=True)
    else:
        away = [abs(value - each.best) for value in found]  # type: ignore[attr-defined]
        assert away == sorted(away)


@pytest.mark.parametrize("key", sorted(set(KEYS) - {"psnr", "ssim"}))
@pytest.mark.parametrize(("gain", "offset"), [(3.0, 0.0), (0.2, 15.0), (1.0, -40.0)])
def test_gain_and_offset_of_the_prediction_move_no_metric_but_psnr_and_ssim(
    key: str, gain: float, offset: float
) -> None:
    noisy = CLEAN + 3 * NOISE
    assert values(gain * noisy + offset)[key] == pytest.approx(values(noisy)[key], rel=1e-3)


def test_psnr_and_ssim_see_a_wrong_scale() -> None:
    plain, bright = values(CLEAN + NOISE), values(1.2 * (CLEAN + NOISE))
    assert bright["psnr"] < plain["psnr"] - 5 and bright["ssim"] < plain["ssim"]


@pytest.mark.parametrize("key", KEYS)
def test_flips_and_turns_of_both_images_move_none(key: str) -> None:
    noisy = CLEAN + 3 * NOISE
    plain = values(noisy)[key]
    assert values(noisy[::-1].copy(), CLEAN[::-1].copy())[key] == pytest.approx(plain, rel=1e-6)
    assert values(noisy.T.copy(), CLEAN.T.copy())[key] == pytest.approx(plain, rel=1e-6)


def test_blur_takes_away_fine_detail_and_noise_adds_it() -> None:
    assert high_frequency_ratio(CLEAN, gaussian_filter(CLEAN, 1.5)) < 0.5
    assert high_frequency_ratio(CLEAN, CLEAN + 5 * NOISE) > 2
    assert high_frequency_ratio(CLEAN, CLEAN) == 1
    assert spectral_error(CLEAN, CLEAN) == 0
    assert spectral_error(CLEAN, gaussian_filter(CLEAN, 1.5)) > 3
    # Ring correlation does not see a blur without noise.
    assert frc_resolution(CLEAN, gaussian_filter(CLEAN, 1.0)) == pytest.approx(frc_resolution(CLEAN, CLEAN))


@pytest.mark.parametrize("sigma", [0.8, 2.0, 3.5])
def test_the_blur_found_is_the_best_of_all(sigma: float) -> None:
    """No blur on a fine grid, each with its best gain and offset, leaves less than what is reported."""
    raw = gaussian_filter(CLEAN, sigma) + 0.5 * NOISE
    found = resolution_scaled(raw, CLEAN)
    errors = []
    for blur in np.linspace(0.3, 6, 58):
        blurred = gaussian_filter(CLEAN, blur, mode="reflect", truncate=6)
        gain, offset = fit_gain(raw, blurred)
        errors.append(float(np.sqrt(((raw - gain * blurred - offset) ** 2).mean())))
    assert found.rse <= min(errors) * (1 + 1e-3)
    assert found.sigma == pytest.approx(sigma, abs=0.1)


@given(st.floats(0.1, 10), st.floats(-50, 50))
@settings(max_examples=15, deadline=None)
def test_the_error_is_in_the_unit_of_the_raw_image_and_the_correlation_has_none(
    gain: float, offset: float
) -> None:
    raw = gaussian_filter(CLEAN, 2.0) + NOISE
    assert rse(gain * raw + offset, CLEAN) == pytest.approx(gain * rse(raw, CLEAN), rel=1e-3)
    assert rsp(gain * raw + offset, CLEAN) == pytest.approx(rsp(raw, CLEAN), rel=1e-3)


@given(st.integers(0, 50), st.floats(0.01, 30))
@settings(max_examples=25, deadline=None)
def test_error_and_correlation_are_one_measure_in_two_units(seed: int, noise: float) -> None:
    """With gain and offset fitted, rse² = variance (1 - rsp²) wherever the correlation is not below 0."""
    raw = scene(seed) + noise * np.random.default_rng(seed).normal(size=CLEAN.shape)
    found = resolution_scaled(raw, CLEAN)
    if found.rsp > 0:
        assert found.rse**2 == pytest.approx(raw.var() * (1 - found.rsp**2), rel=1e-6)


def test_scale_invariant_psnr_is_that_of_the_correlation() -> None:
    """The best gain and offset leave 1 - ρ² of the variance of the reference."""
    noisy = 7 * CLEAN + 30 * NOISE - 5
    rho = np.corrcoef(CLEAN.ravel(), noisy.ravel())[0, 1]
    left = CLEAN.var() * (1 - rho**2)
    assert scale_invariant_psnr(CLEAN, noisy) == pytest.approx(10 * np.log10(np.ptp(CLEAN) ** 2 / left))


def test_two_noisy_images_of_one_field_agree_down_to_a_size_that_noise_sets() -> None:
    rng = np.random.default_rng(3)

    def resolution(noise: float) -> float:
        pair = [CLEAN + noise * rng.normal(size=CLEAN.shape) for _ in range(2)]
        return ring_correlation(pair[0], pair[1]).resolution()

    assert 2 <= resolution(0.5) < resolution(8.0)


METRICS: list[Callable[..., float]] = [frc_resolution, spectral_error, high_frequency_ratio, rse, rsp]


@pytest.mark.parametrize("metric", METRICS)
def test_what_is_no_pair_of_images_is_refused(metric: Callable[..., float]) -> None:
    with pytest.raises(ShapeMismatchError, match="both must cover the same pixels"):
        metric(CLEAN, CLEAN[:-1])
    with pytest.raises(PixelValueError, match="the prediction: 1 of 2304 pixels are NaN or infinite"):
        metric(CLEAN, np.where(np.arange(CLEAN.size).reshape(CLEAN.shape) == 5, np.nan, CLEAN))
    with pytest.raises(PixelValueError, match="the reference: type bool is not an image of intensities"):
        metric(CLEAN > 5, CLEAN)
    with pytest.raises(AxesError, match="images of 1 axes are not allowed"):
        metric(CLEAN[0], CLEAN[0])
    with pytest.raises(AxesError, match="spacing"):
        metric(CLEAN, CLEAN, spacing=(1.0, 1.0, 1.0))
