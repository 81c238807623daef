"""The mean–variance line of the camera, as one would measure it at the bench."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.datasets.camera import CameraSettings, expose


def exposures(photons: float, camera: CameraSettings) -> np.ndarray:
    return expose(np.full((300, 300), photons), camera, np.random.default_rng(int(photons)))


def test_mean_variance_line_gives_gain_and_read_noise() -> None:
    camera = CameraSettings(
        quantum_efficiency=0.7, dark_e=0, read_noise_e=4, gain_e_per_adu=0.5, offset_adu=100
    )
    levels = [0, 50, 100, 200, 400, 800]
    means = [exposures(n, camera).mean() for n in levels]
    variances = [exposures(n, camera).var() for n in levels]
    slope, intercept = np.polyfit(np.array(means) - 100, variances, 1)
    assert 1 / slope == pytest.approx(0.5, rel=0.02)  # e⁻ per ADU
    assert np.sqrt(variances[0] - 1 / 12) * 0.5 == pytest.approx(4, rel=0.02)  # e⁻
    assert intercept == pytest.approx((4 / 0.5) ** 2, rel=0.2)


def test_mean_follows_quantum_efficiency_and_offset() -> None:
    camera = CameraSettings(quantum_efficiency=0.5, dark_e=2, gain_e_per_adu=0.25, offset_adu=50)
    assert exposures(100, camera).mean() == pytest.approx(50 + (50 + 2) / 0.25, rel=0.005)


@pytest.mark.parametrize(
    ("bits", "top", "dtype"), [(8, 255, "uint8"), (12, 4095, "uint16"), (16, 65535, "uint16")]
)
def test_converter_saturates(bits: int, top: int, dtype: str) -> None:
    camera = CameraSettings(bit_depth=bits)  # type: ignore[arg-type]
    picture = exposures(1e6, camera)
    assert picture.dtype == dtype
    assert (picture == top).all()


def test_no_value_below_zero_without_offset() -> None:
    picture = exposures(0, CameraSettings(offset_adu=0, read_noise_e=20))
    assert picture.min() == 0
    assert picture.max() < 400  # nothing wrapped around
