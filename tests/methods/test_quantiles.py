"""Counted percentiles are exact, for every type and however the image is cut."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_values_close_together_on_a_large_offset_are_told_apart() -> None:
    pixels = 1e6 + np.linspace(0, 1e-6, 101).reshape(1, -1)
    assert percentiles(ArraySource(Image(pixels, "yx")), [50]) == [pixels[0, 50]]


@pytest.mark.parametrize("shape", [(200, 300), (300, 200)])
def test_noise_is_the_standard_deviation_of_gaussian_noise(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).normal(1000, 7, shape)
    assert noise_deviation(ArraySource(Image(noise, "yx"))) == pytest.approx(7, rel=0.02)


def test_one_pixel_has_no_noise() -> None:
    assert noise_deviation(ArraySource(Image(np.ones((1, 1)), "yx"))) == 0
