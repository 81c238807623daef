"""Counted percentiles are exact, for every type and however the image is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.methods.quantiles import noise_deviation, percentiles

TYPES = ("?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8")


def picture(dtype: str, shape: tuple[int, int] = (37, 53)) -> np.ndarray:
    values = np.random.default_rng(0).normal(0, 50, shape)
    if dtype == "?":
        return values > 40
    return (abs(values) if dtype[0] == "u" else values).astype(dtype)


@pytest.mark.parametrize("dtype", TYPES)
def test_percentiles_are_those_of_numpy_whatever_the_blocks(dtype: str) -> None:
    pixels = picture(dtype)
    wanted = [0, 1, 33.3, 50, 99.8, 100]
    whole, cut = (ArraySource(Image(pixels, "yx")) for _ in range(2))
    cut.block = (7, 11)
    found = percentiles(whole, wanted)
    np.testing.assert_allclose(found, np.percentile(pixels.astype(float), wanted), rtol=1e-12, atol=1e-12)
    assert percentiles(cut, wanted) == found
    assert noise_deviation(cut) == noise_deviation(whole)


@pytest.mark.parametrize("dtype", [kind for kind in TYPES if kind not in ("?", "u1", "i1")])
def test_byte_order_and_place_in_memory_do_not_matter(dtype: str) -> None:
    """A memory-mapped big-endian TIFF, for one, had the percentiles of other numbers."""
    pixels = picture(dtype)
    expected = measured(pixels)
    for same in (
        pixels.astype(f">{dtype}"),
        pixels.astype(f"<{dtype}"),
        np.asfortranarray(pixels),
        np.repeat(pixels, 3, axis=1)[:, ::3],
        pixels[::-1, ::-1][::-1, ::-1],
        pixels[None].transpose(1, 2, 0)[..., 0],
    ):
        assert measured(same) == expected


def measured(pixels: np.ndarray) -> tuple[list[float], float]:
    source = ArraySource(Image(pixels, "yx"))
    return percentiles(source, [0, 1, 50, 99.8, 100]), noise_deviation(source)


finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(
    pixels=hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=finite),
    percent=st.floats(0, 100),
    side=st.integers(1, 3),
)
def test_any_numbers_have_the_percentiles_of_numpy(pixels: np.ndarray, percent: float, side: int) -> None:
    """Negative numbers, both zeros, and the smallest that there are."""
    source = ArraySource(Image(pixels, "yx"))
    source.block = (side, side)
    (found,) = percentiles(source, [percent])
    expected = np.percentile(pixels.astype(float), percent)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9 * float(np.abs(pixels).max()))


@given(
    pixels=hnp.arrays(np.int16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)),
    power=st.integers(-3, 12),
    shift=st.integers(-500, 500),
)
def test_percentiles_follow_gain_and_offset(pixels: np.ndarray, power: int, shift: int) -> None:
    wanted = [0, 10, 50, 99, 100]
    other = pixels.astype(float) * 2.0**power + shift
    expected = [value * 2.0**power + shift for value in percentiles(ArraySource(Image(pixels, "yx")), wanted)]
    assert percentiles(ArraySource(Image(other, "yx")), wanted) == pytest.approx(
        expected, rel=1e-12, abs=1e-9
    )


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("u8", 0, 2**64 - 1), ("i8", -(2**63), 2**63 - 1), ("u4", 0, 2**32 - 1), ("i4", -(2**31), 2**31 - 1)],
)
def test_the_ends_of_a_type_are_told_apart(dtype: str, low: int, high: int) -> None:
    pixels = np.array([[low, high, high]], dtype)
    assert percentiles(ArraySource(Image(pixels, "yx")), [0, 50]) == [float(low), float(high)]


def test_values_close_together_on_a_large_offset_are_told_apart() -> None:
    pixels = 1e6 + np.linspace(0, 1e-6, 101).reshape(1, -1)
    assert percentiles(ArraySource(Image(pixels, "yx")), [50]) == [pixels[0, 50]]


@pytest.mark.parametrize("shape", [(200, 300), (300, 200)])
def test_noise_is_the_standard_deviation_of_gaussian_noise(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).normal(1000, 7, shape)
    assert noise_deviation(ArraySource(Image(noise, "yx"))) == pytest.approx(7, rel=0.02)


def test_one_pixel_has_no_noise() -> None:
    assert noise_deviation(ArraySource(Image(np.ones((1, 1)), "yx"))) == 0


@pytest.mark.parametrize(
    ("pixels", "median"),
    [
        ([[0, 2, 1, 5]], 2),  # differences 2, 1, 4
        ([[0, 2, 0, 2, 9]], 2),  # 2, 2, 2, 7
        ([[0], [3]], 3),
        ([[0, 0, 0], [9, 9, 9]], 0),  # along the longer axis alone
        ([[0, 9], [0, 9]], 0),  # along the first of two that are as long
    ],
)
def test_noise_by_hand(pixels: list[list[int]], median: float) -> None:
    found = noise_deviation(ArraySource(Image(np.array(pixels), "yx")))
    assert found == pytest.approx(median / (0.6745 * 2**0.5))
