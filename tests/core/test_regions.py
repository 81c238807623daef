"""Regions of images with any number of axes: grown, placed within others, cut into a grid, read in parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.source import ArraySource, PixelSource, Region, grid, grow, within


@st.composite
def shapes_with_regions(draw: st.DrawFn) -> tuple[tuple[int, ...], Region]:
    shape = tuple(draw(st.lists(st.integers(1, 30), min_size=1, max_size=4)))
    ends = [sorted(draw(st.tuples(st.integers(0, n), st.integers(0, n)))) for n in shape]
    return shape, tuple(slice(start, stop) for start, stop in ends)


PLACES = shapes_with_regions()


@given(PLACES, st.integers(0, 40), st.integers(0, 40))
def test_growing_twice_is_growing_once_by_both(
    place: tuple[tuple[int, ...], Region], first: int, second: int
) -> None:
    shape, region = place
    assert grow(grow(region, first, shape), second, shape) == grow(region, first + second, shape)
    assert grow(region, 0, shape) == region
    assert grow(region, 40, shape) == tuple(slice(0, n) for n in shape)


@given(PLACES, st.integers(0, 40))
def test_what_was_grown_holds_what_it_grew_from(place: tuple[tuple[int, ...], Region], by: int) -> None:
    shape, region = place
    outer = grow(region, by, shape)
    pixels = np.arange(int(np.prod(shape))).reshape(shape)
    assert np.array_equal(pixels[outer][within(region, outer)], pixels[region])


@given(PLACES)
def test_within_itself_a_region_begins_at_0(place: tuple[tuple[int, ...], Region]) -> None:
    _, region = place
    for part, own in zip(region, within(region, region), strict=True):
        assert (own.start, own.stop) == (0, part.stop - part.start)


@given(st.lists(st.tuples(st.integers(1, 25), st.integers(1, 9)), min_size=1, max_size=3))
def test_a_grid_goes_row_by_row_with_whole_sides_up_to_the_last(given_: list[tuple[int, int]]) -> None:
    shape, sides = zip(*given_, strict=True)
    found = list(grid(shape, sides))
    starts = [tuple(part.start for part in region) for region in found]
    assert starts == sorted(starts) and len(set(starts)) == len(starts)
    assert len(found) == np.prod([-(-n // side) for n, side in given_])
    for region in found:
        for part, n, side in zip(region, shape, sides, strict=True):
            assert part.stop - part.start == side or part.stop == n


def test_an_image_without_pixels_has_no_region() -> None:
    assert list(grid((0, 5), (2, 2))) == [] and list(grid((), ())) == [()]


@pytest.mark.parametrize(("shape", "sides"), [((3, 4), (2,)), ((3,), (2, 2))])
def test_axes_that_do_not_fit_are_no_grid(shape: tuple[int, ...], sides: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="zip"):
        list(grid(shape, sides))


class Counting(PixelSource):
    """A source that notes what was read of it."""

    def __init__(self, pixels: NDArray[Any], block: tuple[int, ...]) -> None:
        super().__init__(pixels.shape, "yx", pixels.dtype, name="counted", block=block)
        self.pixels, self.read_regions = pixels, []  # type: ignore[var-annotated]

    def read(self, region: Region) -> NDArray[Any]:
        self.read_regions.append(region)
        return self.pixels[region]


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 8), st.integers(1, 8), st.integers(0, 6))
def test_blocks_read_no_more_than_they_need(
    height: int, width: int, rows: int, columns: int, halo: int
) -> None:
    pixels = np.arange(height * width).reshape(height, width)
    source = Counting(pixels, (rows, columns))
    found = list(source.blocks(halo=halo))
    cores = list(grid((height, width), (rows, columns)))
    assert source.read_regions == [grow(core, halo, (height, width)) for core in cores]
    for block, core in zip(found, cores, strict=True):
        assert np.array_equal(block.pixels[block.core], pixels[core])


def test_blocks_are_read_when_they_are_asked_for() -> None:
    """An image of any size: the next block is not read before the last is done with."""
    source = Counting(np.zeros((40, 40)), (10, 10))
    blocks = source.blocks(halo=1)
    assert source.read_regions == []
    next(blocks), next(blocks)
    assert len(source.read_regions) == 2


def test_a_source_of_one_channel_is_its_own_single() -> None:
    source = Counting(np.zeros((4, 4)), (2, 2))
    assert source.singles() == [source]


@pytest.mark.parametrize("names", [("DNA", "actin"), ()])
def test_each_channel_is_a_source_of_its_own(names: tuple[str, ...]) -> None:
    pixels = np.arange(2 * 5 * 6).reshape(2, 5, 6)
    whole = ArraySource(Image(pixels, "cyx", {"y": 0.5, "x": 0.5}, names, name="a"))
    for number, single in enumerate(whole.singles()):
        assert (single.axes, single.shape, single.spacing) == ("yx", (5, 6), {"y": 0.5, "x": 0.5})
        region = np.s_[1:4, 2:6]
        assert np.array_equal(single.read(region), pixels[number][region])
        image = single.image(region)
        assert (image.axes, image.name, image.spacing) == ("yx", "a", {"y": 0.5, "x": 0.5})
        assert np.array_equal(image.pixels, pixels[number][region])


def test_an_array_is_read_without_a_copy() -> None:
    pixels = np.zeros((5, 6), np.uint8)
    part = ArraySource(Image(pixels, "yx")).read(np.s_[0:2, 0:3])
    assert np.shares_memory(part, pixels)
