import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.methods.networks.normalise import normalise_percentiles


def spots(contrast: float, *, noise: float = 1.0, side: int = 128) -> np.ndarray:
    """Discs that cover a tenth of the image, on background 100."""
    y, x = np.mgrid[:side, :side] % 32 - 16
    field = 100 + contrast * (np.hypot(y, x) < 6)
    return field + np.random.default_rng(0).normal(0, noise, (side, side))


def test_background_goes_to_zero_and_objects_to_one() -> None:
    result = normalise_percentiles(spots(1000.0))
    assert result.dtype == np.float32
    assert np.median(result) == pytest.approx(0, abs=0.01)
    assert np.percentile(result, 99.5) == pytest.approx(1, abs=0.02)


def test_pure_noise_is_not_stretched_to_the_brightness_of_objects() -> None:
    noise = np.random.default_rng(1).normal(500, 20, (200, 150))
    assert normalise_percentiles(noise).std() == pytest.approx(1 / 8, rel=0.05)
    assert normalise_percentiles(noise, noise_floor=0.1).std() > 0.17


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64])
def test_the_number_type_does_not_matter(dtype: type) -> None:
    pixels = np.clip(np.rint(spots(100.0)), 0, 255)
    np.testing.assert_allclose(
        normalise_percentiles(pixels.astype(dtype)), normalise_percentiles(pixels), atol=1e-5
    )


@given(gain=st.floats(1e-6, 1e6), offset=st.floats(-1e6, 1e6))
def test_gain_and_offset_of_the_camera_do_not_matter(gain: float, offset: float) -> None:
    pixels = spots(50.0, side=64)
    changed = normalise_percentiles(gain * (pixels + offset))
    np.testing.assert_allclose(changed, normalise_percentiles(pixels), atol=1e-3)


@pytest.mark.parametrize("value", [0, 7, -3.5, 1e300])
def test_a_constant_image_becomes_zeros(value: float) -> None:
    result = normalise_percentiles(np.full((5, 7), value))
    assert result.shape == (5, 7)
    assert not result.any()


def test_one_bright_nucleus_in_a_black_image_is_kept() -> None:
    pixels = np.zeros((512, 512), np.uint8)
    pixels[100:108, 200:208] = 90
    result = normalise_percentiles(pixels)
    assert result[104, 204] == 1
    assert np.count_nonzero(result) == 64


def test_one_pixel_is_allowed() -> None:
    assert normalise_percentiles(np.array([[5]], np.uint8)).tolist() == [[0.0]]


def test_huge_values_do_not_overflow() -> None:
    pixels = spots(100.0) * 1e300
    assert np.isfinite(normalise_percentiles(pixels)).all()
