from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label, regionprops

from veriscope.errors import InputError, ShapeMismatchError
from veriscope.trust.tiles import Tile, split_into_tiles, sum_per_tile, tile_owner

SHAPES = st.tuples(st.integers(1, 60), st.integers(1, 60))


@settings(deadline=None)
@given(SHAPES, st.integers(1, 40))
def test_tiles_cover_every_pixel_once_and_differ_by_at_most_one_pixel(
    shape: tuple[int, int], size: int
) -> None:
    tiles = split_into_tiles(shape, size=size)
    seen = np.zeros(shape, int)
    for tile in tiles:
        seen[tile.slices] += 1
    assert (seen == 1).all()
    assert [tile.index for tile in tiles] == list(range(len(tiles)))
    for sides in ({t.y1 - t.y0 for t in tiles}, {t.x1 - t.x0 for t in tiles}):
        assert max(sides) <= size
        assert max(sides) - min(sides) <= 1
    assert sum(tile.area for tile in tiles) == shape[0] * shape[1]


@settings(deadline=None)
@given(SHAPES, st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_each_object_belongs_to_the_one_tile_that_holds_its_centroid(
    shape: tuple[int, int], size: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    centroids = rng.uniform(-0.5, np.array(shape) - 0.5, (20, 2))
    tiles = split_into_tiles(shape, size=size)
    owner = tile_owner(centroids, tiles)
    for (y, x), index in zip(centroids, owner, strict=True):
        holding = [t.index for t in tiles if t.y0 - 0.5 <= y < t.y1 - 0.5 and t.x0 - 0.5 <= x < t.x1 - 0.5]
        assert holding == [index]


def test_sums_over_tiles_are_sums_over_objects_of_a_label_image() -> None:
    rng = np.random.default_rng(1)
    labels = label(rng.random((90, 130)) > 0.7)
    objects = regionprops(labels)
    areas = np.array([o.area for o in objects])
    tiles = split_into_tiles(labels.shape, size=32)
    owner = tile_owner(np.array([o.centroid for o in objects]), tiles)
    assert sum_per_tile(owner, n_tiles=len(tiles)).sum() == len(objects)
    assert sum_per_tile(owner, areas, n_tiles=len(tiles)).sum() == areas.sum()


def test_even_split_leaves_no_slivers_and_small_images_whole() -> None:
    tiles = split_into_tiles((520, 696))
    assert len(tiles) == 9
    assert {t.y1 - t.y0 for t in tiles} == {173, 174}
    assert split_into_tiles((256, 100)) == (Tile(0, 0, 0, 256, 100),)
    assert len(split_into_tiles((257, 100))) == 2


def test_three_dimensional_images_are_tiled_in_y_and_x() -> None:
    tiles = split_into_tiles((7, 40, 40), size=20)
    assert len(tiles) == 4
    assert tile_owner(np.array([[6.0, 1.0, 39.0], [0.0, 39.0, 1.0]]), tiles).tolist() == [1, 2]


def test_a_centroid_on_a_border_belongs_to_the_later_tile() -> None:
    tiles = split_into_tiles((4, 4), size=2)
    assert tile_owner(np.array([[1.5, 1.49]]), tiles).tolist() == [2]


def test_no_objects_give_no_owner_and_zero_sums() -> None:
    tiles = split_into_tiles((4, 4), size=2)
    owner = tile_owner(np.zeros((0, 2)), tiles)
    assert owner.shape == (0,)
    assert sum_per_tile(owner, np.zeros(0), n_tiles=4).tolist() == [0, 0, 0, 0]


def test_centroids_outside_the_image_are_refused() -> None:
    tiles = split_into_tiles((4, 8), size=2)
    with pytest.raises(ShapeMismatchError) as caught:
        tile_owner(np.array([[1.0, 1.0], [6.0, 2.0]]), tiles)
    assert str(caught.value) == (
        "1 of 2 centroids lie outside the image of 4 × 8 pixels, the first at y=6, x=2; "
        "are they in µm, or in x, y order?"
    )
    with pytest.raises(ShapeMismatchError, match=r"centroids have shape \(1, 4\)"):
        tile_owner(np.zeros((1, 4)), tiles)


@pytest.mark.parametrize(
    ("shape", "size", "message"),
    [
        ((4,), 2, "shape (4,) cannot be tiled; give (y, x) or (z, y, x), each at least 1"),
        ((0, 4), 2, "shape (0, 4) cannot be tiled; give (y, x) or (z, y, x), each at least 1"),
        ((4, 4), 0, "tile size 0 is not possible; give at least 1 pixel"),
    ],
)
def test_impossible_tilings_are_refused(shape: tuple[int, ...], size: int, message: str) -> None:
    with pytest.raises(InputError) as caught:
        split_into_tiles(shape, size=size)
    assert str(caught.value) == message
