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
