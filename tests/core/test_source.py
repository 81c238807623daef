"""Regions cover an image exactly once, whatever their size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.image import Image
from veriscope.core.source import ArraySource, grid, grow, within

sizes = st.integers(1, 20)


@given(shape=st.lists(sizes, min_size=2, max_size=3), sides=st.lists(sizes, min_size=3, max_size=3))
def test_regions_of_a_grid_cover_every_pixel_once(shape: list[int], sides: list[int]) -> None:
    seen = np.zeros(shape, int)
    for region in grid(tuple(shape), tuple(sides[: len(shape)])):
        seen[region] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize("halo", [0, 1, 3, 50])
def test_cores_of_blocks_put_together_are_the_image(halo: int) -> None:
    pixels = np.arange(7 * 11).reshape(7, 11)
    source = ArraySource(Image(pixels, "yx"))
    source.block = (3, 4)
    parts = [block.pixels[block.core] for block in source.blocks(halo=halo)]
    assert len(parts) == 9
    np.testing.assert_array_equal(np.sort(np.concatenate([part.ravel() for part in parts])), np.arange(77))
    corner = next(iter(source.blocks(halo=halo)))
    assert corner.pixels.shape == (min(3 + halo, 7), min(4 + halo, 11))


def test_a_region_grows_up_to_the_edge_and_is_found_in_what_it_grew_to() -> None:
    inner = (slice(2, 5), slice(0, 4))
    outer = grow(inner, 3, (6, 20))
    assert outer == (slice(0, 6), slice(0, 7))
    assert within(inner, outer) == (slice(2, 5), slice(0, 4))


def stack(channels: int | None) -> Image:
    shape = (3, 7, 11) if channels is None else (channels, 3, 7, 11)
    pixels = np.arange(int(np.prod(shape))).reshape(shape)
    return Image(pixels, "zyx" if channels is None else "czyx", {"z": 2.0, "y": 0.5, "x": 0.5}, name="a.tif")


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_a_part_is_read_as_an_image_that_knows_what_it_is(channels: int | None) -> None:
    whole = stack(channels)
    source = ArraySource(whole)
    region = (slice(1, 2), slice(2, 6), slice(0, 3))
    part = source.image(region)
    assert (part.axes, part.spacing, part.channels, part.name) == (
        whole.axes,
        whole.spacing,
        whole.channels,
        "a.tif",
    )
    assert (source.axes, source.shape) == ("zyx", (3, 7, 11))
    np.testing.assert_array_equal(part.pixels, whole.pixels[(..., *region)])


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_single_channels_hold_what_the_image_holds(channels: int | None) -> None:
    whole = stack(channels)
    source = ArraySource(whole)
    singles = source.singles()
    assert len(singles) == (channels or 1)
    everything = (slice(0, 3), slice(0, 7), slice(0, 11))
    for number, single in enumerate(singles):
        assert (single.channels, single.shape, single.dtype) == ((), source.shape, source.dtype)
        assert single.singles() == [single]
        own = whole.pixels if channels is None else whole.pixels[number]
        np.testing.assert_array_equal(single.read(everything), own)
        np.testing.assert_array_equal(single.image(everything).pixels, own)


@given(
    shape=st.lists(sizes, min_size=1, max_size=3),
    start=st.integers(0, 19),
    length=st.integers(1, 20),
    by=st.integers(0, 30),
)
def test_growing_keeps_the_region_and_stays_inside(
    shape: list[int], start: int, length: int, by: int
) -> None:
    inner = tuple(slice(min(start, n - 1), min(start + length, n)) for n in shape)
    outer = grow(inner, by, tuple(shape))
    pixels = np.arange(int(np.prod(shape))).reshape(shape)
    np.testing.assert_array_equal(pixels[outer][within(inner, outer)], pixels[inner])
    for small, large, n in zip(inner, outer, shape, strict=True):
        assert (large.start, large.stop) == (max(0, small.start - by), min(n, small.stop + by))
    assert grow(grow(inner, by, tuple(shape)), 3, tuple(shape)) == grow(inner, by + 3, tuple(shape))
