"""Blur has the width that physics says; illumination falls as set."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.datasets.optics import OpticsSettings, blur, illumination, psf_sigma_um, smooth_field


def test_width_in_focus_follows_wavelength_and_aperture() -> None:
    # 0.225 λ/NA: a third of the Rayleigh distance 0.61 λ/NA, near enough
    assert psf_sigma_um(OpticsSettings(numerical_aperture=1.0), 500) == pytest.approx(0.11254, rel=1e-4)
    assert psf_sigma_um(OpticsSettings(numerical_aperture=0.5), 500) == pytest.approx(2 * 0.11254, rel=1e-4)


def test_defocus_adds_half_the_radius_of_the_blur_disc() -> None:
    optics = OpticsSettings(numerical_aperture=0.5)
    focus, disc = psf_sigma_um(optics, 500), 4 * np.tan(np.arcsin(0.5))
    expected = np.hypot(focus, disc / 2)
    assert psf_sigma_um(optics, 500, defocus_um=4) == pytest.approx(expected)
    assert psf_sigma_um(optics, 500, defocus_um=-4) == pytest.approx(expected)


@pytest.mark.parametrize("sigma_um", [0.5, 1.0])
def test_a_point_becomes_a_gaussian_of_the_width_set(sigma_um: float) -> None:
    point = np.zeros((101, 101), dtype=np.float32)
    point[50, 50] = 1000
    spread = blur(point, OpticsSettings(haze_fraction=0), sigma_um=sigma_um, pixel_size_um=0.25)
    x = (np.arange(101) - 50) * 0.25
    width = np.sqrt((spread.sum(axis=0) * x**2).sum() / spread.sum())
    assert width == pytest.approx(sigma_um, rel=0.01)
    assert spread.sum() == pytest.approx(1000, rel=1e-4)


def test_haze_takes_its_share_of_the_light_far_away() -> None:
    point = np.zeros((400, 400), dtype=np.float32)
    point[200, 200] = 1000
    spread = blur(point, OpticsSettings(haze_fraction=0.25, haze_um=10), sigma_um=0.5, pixel_size_um=0.5)
    assert spread[190:211, 190:211].sum() == pytest.approx(750, rel=0.06)
    assert spread.sum() == pytest.approx(1000, rel=0.01)


def test_haze_of_odd_sizes_keeps_place_and_shape() -> None:
    band = np.zeros((131, 77), dtype=np.float32)
    band[60:71] = 1
    spread = blur(band, OpticsSettings(haze_fraction=1.0, haze_um=10), sigma_um=1, pixel_size_um=1)
    assert spread.shape == band.shape
    profile = spread.mean(axis=1)
    assert (profile * np.arange(131)).sum() / profile.sum() == pytest.approx(65, abs=0.5)


def test_illumination_falls_to_the_furthest_corner() -> None:
    optics = OpticsSettings(vignetting=0.4, centre_sd=0.0)
    light = illumination((101, 201), optics, np.random.default_rng(0))
    assert light[50, 100] == pytest.approx(1)
    assert light[0, 0] == light[-1, -1] == pytest.approx(0.6)
    shifted = illumination((101, 201), optics.model_copy(update={"centre_sd": 0.2}), np.random.default_rng(1))
    assert (shifted.min(), shifted.max()) == (pytest.approx(0.6), pytest.approx(1, abs=1e-4))
    assert shifted[0, 0] != shifted[-1, -1]


def test_smooth_field_is_standardised_and_smooth() -> None:
    field = smooth_field((300, 300), 6.0, np.random.default_rng(0))
    assert field.mean() == pytest.approx(0, abs=1e-5)
    assert field.std() == pytest.approx(1, abs=1e-5)
    # correlation of Gaussian-smoothed noise at distance d: exp(−d²/4σ²)
    assert (field[:, 6:] * field[:, :-6]).mean() == pytest.approx(np.exp(-1 / 4), abs=0.08)
