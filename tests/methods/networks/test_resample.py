"""Interpolation in a part gives the very bits that it gives in the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from veriscope.methods.networks.resample import nearest, resample, source_range

PICTURE = np.random.default_rng(0).random((60, 83), dtype=np.float32)


def everything(shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(0, size) for size in shape)


def whole(onto: tuple[int, int]) -> np.ndarray:
    region = everything(PICTURE.shape)
    return resample(PICTURE, region, PICTURE.shape, onto=onto, part=everything(onto))


@pytest.mark.parametrize("onto", [(30, 41), (120, 170), (17, 200)])
def test_values_are_those_of_linear_interpolation(onto: tuple[int, int]) -> None:
    factors = [old / new for old, new in zip(PICTURE.shape, onto, strict=True)]
    offset = [0.5 * factor - 0.5 for factor in factors]
    expected = ndimage.affine_transform(
        PICTURE, factors, offset=offset, output_shape=onto, order=1, mode="nearest"
    )
    np.testing.assert_allclose(whole(onto), expected, atol=1e-5)


def test_the_same_grid_gives_the_same_values() -> None:
    np.testing.assert_array_equal(whole((60, 83)), PICTURE)


@given(
    scale=st.floats(0.2, 3),
    start=st.tuples(st.integers(0, 30), st.integers(0, 40)),
    size=st.tuples(st.integers(20, 60), st.integers(20, 83)),
    step=st.sampled_from([1, 4]),
)
def test_parts_have_the_same_bits(
    scale: float, start: tuple[int, int], size: tuple[int, int], step: int
) -> None:
    onto = tuple(max(round(length * scale), 1) for length in PICTURE.shape)
    region = tuple(
        slice(first, min(first + length, whole_length))
        for first, length, whole_length in zip(start, size, PICTURE.shape, strict=True)
    )
    part = source_range(region, PICTURE.shape, onto=onto, step=step)
    for side, have, there in zip(part, region, PICTURE.shape, strict=True):
        assert have.start == 0 or side.start % step == 0
        assert have.stop == there or side.stop % step == 0
    found = resample(PICTURE[region], region, PICTURE.shape, onto=onto, part=part)
    np.testing.assert_array_equal(found, whole((onto[0], onto[1]))[part])
    labels = (PICTURE * 9).astype(np.int32)
    parts = nearest(labels[region], region, PICTURE.shape, onto=onto, part=part)
    every = nearest(labels, everything(labels.shape), labels.shape, onto=onto, part=everything(onto))
    np.testing.assert_array_equal(parts, every[part])


def test_nearest_takes_the_pixel_under_the_centre() -> None:
    labels = np.array([[1, 2, 3, 4]])
    region = everything(labels.shape)
    found = nearest(labels, region, (1, 4), onto=(1, 2), part=(slice(0, 1), slice(0, 2)))
    assert found.tolist() == [[2, 4]]
