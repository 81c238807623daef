"""The brightness that networks expect: percentiles, noise, channels and offsets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.methods.networks.normalise import (
    ContrastSurvey,
    normalise_channels,
    normalise_percentiles,
)


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


@pytest.mark.parametrize(
    ("pixels", "bottom", "contrast"),
    [
        # 101 values from 0 to 100, once up and once down: percentiles 1 and 99.8; differences are 1
        ([*range(101)], 1.0, 98.8),
        # steps of 40 between neighbours: eight times their deviation is more than the range
        ([0, 40] * 50, 0.0, 8 * 40 / (0.6745 * 2**0.5)),
        # nothing but one pixel: its height is all there is
        ([0] * 1000 + [9], 0.0, 9.0),
        ([5] * 7, 5.0, 0.0),
    ],
)
def test_bottom_and_contrast_by_hand(pixels: list[int], bottom: float, contrast: float) -> None:
    source = ArraySource(Image(np.array([pixels], np.uint16), "yx"))
    found = ContrastSurvey.measure(source)
    assert (found.bottom, found.contrast) == pytest.approx((bottom, contrast))
    np.testing.assert_allclose(
        found.normalise(np.array([pixels], np.uint16)),
        (np.array([pixels]) - bottom) / contrast if contrast else 0 * np.array([pixels]),
        rtol=1e-6,
        atol=1e-7,
    )


@pytest.mark.parametrize("block", [(3, 5), (64, 7), (1, 200)])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4", "f8"])
def test_blocks_change_nothing_not_a_bit(block: tuple[int, int], dtype: str) -> None:
    pixels = np.clip(spots(60.0, side=64), 0, 255).astype(dtype)
    whole, cut = (ArraySource(Image(pixels, "yx")) for _ in range(2))
    cut.block = block
    assert ContrastSurvey.measure(cut) == ContrastSurvey.measure(whole)


def test_channels_share_the_widest_brightness() -> None:
    dim, bright = ContrastSurvey(bottom=10, contrast=50), ContrastSurvey(bottom=40, contrast=200)
    joint = ContrastSurvey.join([dim, bright])
    assert (joint.bottom, joint.contrast) == (10, 230)
    assert ContrastSurvey.join([bright, dim]) == joint
    assert ContrastSurvey.join([dim]) is dim
    flat = ContrastSurvey(bottom=7, contrast=0)
    assert ContrastSurvey.join([flat, flat]).contrast == 0


def test_colours_keep_their_balance_and_a_dead_channel_stays_dark() -> None:
    pixels = np.stack([spots(400.0, side=64), spots(100.0, side=64), np.full((64, 64), 100.0)])
    found = normalise_channels(pixels)
    assert found.dtype == np.float32 and found.shape == pixels.shape
    middle = found[:, 16, 16]
    assert middle[0] > 3 * middle[1] > 3 * abs(middle[2])
    assert abs(found[2]).max() < 0.05
    order = [2, 0, 1]
    np.testing.assert_allclose(normalise_channels(pixels[order]), found[order], atol=1e-6)


@pytest.mark.parametrize(("dtype", "offset"), [("u4", 2**31), ("i8", 2**40), ("f8", 1e9), ("i4", -(2**30))])
def test_contrast_on_a_large_offset_is_measured_as_near_zero(dtype: str, offset: float) -> None:
    """Taken for rounding, it was measured up to the brightest pixel: one hot one made all objects dim."""
    pixels = np.rint(spots(100.0, side=64))
    pixels[0, 0] = 5000
    near, far = normalise_percentiles(pixels), normalise_percentiles((pixels + offset).astype(dtype))
    np.testing.assert_allclose(far, near, atol=1e-4)


@pytest.mark.parametrize("flip", [(0,), (1,), (0, 1)])
def test_flipped_images_are_as_bright(flip: tuple[int, ...]) -> None:
    pixels = spots(50.0, side=48)
    np.testing.assert_array_equal(
        normalise_percentiles(np.flip(pixels, flip)), np.flip(normalise_percentiles(pixels), flip)
    )


def test_a_stack_is_measured_as_one() -> None:
    stack = np.stack([spots(400.0, side=48), spots(100.0, side=48)])
    found = normalise_percentiles(stack)
    assert found[0].max() > 2 * found[1].max()
    apart = np.stack([normalise_percentiles(plane) for plane in stack])
    assert abs(apart[0].max() - apart[1].max()) < 0.5
