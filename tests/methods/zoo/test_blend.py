"""How far tiles differ is measured, and tiles that do not agree fade into each other."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.source import Region
from veriscope.errors import MethodError
from veriscope.methods.zoo.blend import Halo, TileSize, cut_image, measure_halo, tile_sizes, weights_along
from veriscope.methods.zoo.description import Axis

SHAPE = (300, 260)
PIXELS = np.random.default_rng(0).random(SHAPE).astype(np.float32)
AXES = (Axis(name="y"), Axis(name="x"))


def model(
    work: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> Callable[[Region], NDArray[np.float32]]:
    """Give what a model sees of a tile alone."""
    return lambda region: np.asarray(work(PIXELS[region]), np.float32)


def mean_of(reach: int) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    return lambda values: ndimage.uniform_filter(values, 2 * reach + 1, mode="constant")


def tiles(length: int = 96, halo: int = 4, align: int = 1) -> tuple[TileSize, ...]:
    return (TileSize(length, 0, align, halo),) * 2


@pytest.mark.parametrize("reach", [0, 1, 5, 9, 20])
@pytest.mark.parametrize("stated", [1, 8])
def test_as_much_is_left_out_as_the_model_sees_or_as_its_card_says(reach: int, stated: int) -> None:
    found = measure_halo(model(mean_of(reach)), SHAPE, tiles(halo=stated))
    assert [(one.width, one.blend) for one in found] == [(max(reach, stated), 0)] * 2
    assert found[0].difference < 1e-4


def test_a_model_that_sees_more_than_a_quarter_of_the_tile_is_blended() -> None:
    found = measure_halo(model(mean_of(26)), SHAPE, tiles())
    assert all(one.blend > 0 for one in found)
    assert [one.width for one in found] == [4, 4]
    assert found[0].difference > 1e-4


def test_a_model_that_depends_on_the_whole_tile_is_blended_and_the_step_is_known() -> None:
    """Each tile is brighter by its place: two tiles differ by as much as they are apart."""

    def run(region: Region) -> NDArray[np.float32]:
        return PIXELS[region] + np.float32(region[1].start)

    found = measure_halo(run, SHAPE, tiles(length=96, halo=4))
    shift = (96 - 2 * 4) // 2
    assert found[0].difference == pytest.approx(shift, rel=1e-5)
    assert found[0].blend == found[1].blend == (96 - 8) // 6


@pytest.mark.parametrize("shape", [(60, 90), (96, 96), (1, 1)])
def test_one_tile_needs_no_comparison(shape: tuple[int, int]) -> None:
    def never(region: Region) -> NDArray[np.float32]:
        raise AssertionError("there is nothing to compare")

    found = measure_halo(never, shape, tiles())
    assert [(one.width, one.blend) for one in found] == [(4, 0)] * 2
    assert math.isnan(found[0].difference)


def test_too_small_to_compare_is_blended_unseen() -> None:
    """Longer than what a tile gives, shorter than two tiles side by side on the grid of the model."""
    found = measure_halo(model(mean_of(1)), (98, 90), tiles(align=16))
    assert found[0].blend > 0
    assert math.isnan(found[0].difference)


def test_a_long_thin_image_is_compared_along_its_length_only() -> None:
    def run(region: Region) -> NDArray[np.float32]:
        assert region[0] == slice(0, 96)
        lines = np.zeros((96, region[1].stop - region[1].start), np.float32)
        lines[:20] = mean_of(3)(PIXELS[:20, region[1]])
        return lines

    found = measure_halo(run, (20, 260), tiles(halo=1))
    assert found[1].blend == 0
    assert found[1].width == 3


lengths = st.integers(1, 700)


@given(
    shape=st.tuples(lengths, lengths),
    smallest=st.integers(1, 64),
    step=st.integers(1, 32),
    limit=st.integers(32, 512),
    halo=st.integers(0, 20),
    tied=st.booleans(),
)
@settings(max_examples=80)
def test_tiles_are_of_a_length_that_the_model_takes_and_cover_the_image(
    shape: tuple[int, int], smallest: int, step: int, limit: int, halo: int, tied: bool
) -> None:
    inputs = tuple(Axis(name=name, smallest=smallest, step=step, tied=tied) for name in ("y", "x"))
    outputs = [[Axis(name=name, halo=halo)] for name in ("y", "x")]
    found = tile_sizes(shape, inputs, outputs, limit=limit)
    surroundings = halo or 16
    for tile in found:
        assert tile.length >= smallest
        assert (tile.length - smallest) % step == 0
        least = max(smallest, 2 * surroundings + 4 * step) + step
        assert tile.length <= max(limit, least)
        assert tile.halo == surroundings
    assert not tied or found[0].length == found[1].length
    halos = [Halo(tile.halo, 0, 0.0) for tile in found]
    for cut, size, tile in zip(cut_image(shape, found, inputs, halos), shape, found, strict=True):
        assert cut.tiles[0].core[0] == 0
        assert cut.tiles[-1].core[1] >= size
        for one, other in zip(cut.tiles, cut.tiles[1:], strict=False):
            assert one.core[1] == other.core[0]
            assert one.core[1] <= one.start + tile.length - tile.halo
            assert other.core[0] >= other.start + tile.halo
            assert (other.start - one.start) % tile.align == 0


@given(
    size=st.integers(1, 400),
    length=st.integers(36, 128),
    halo=st.integers(0, 8),
    blend=st.integers(0, 8),
)
def test_shares_add_up_to_one_and_no_tile_counts_where_it_is_cut(
    size: int, length: int, halo: int, blend: int
) -> None:
    (cut,) = cut_image(
        (size,), [TileSize(length, 0, 1, halo)], [Axis(name="x")], [Halo(halo, blend, math.nan)]
    )
    shares = weights_along(cut, size, blend)
    assert shares.shape == (len(cut.tiles), size)
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-6)
    for row, tile in zip(shares, cut.tiles, strict=True):
        used = np.flatnonzero(row)
        if tile.start > 0:
            assert used[0] >= tile.start + halo
        if tile.start + length < size:
            assert used[-1] < tile.start + length - halo
        if blend == 0:
            assert set(row.tolist()) <= {0.0, 1.0}


def test_shares_by_hand() -> None:
    # Two tiles of 10 on 14 pixels with a halo of 2: cut in the middle of what both give, faded over 4.
    (cut,) = cut_image((14,), [TileSize(10, 0, 1, 0)], [Axis(name="x")], [Halo(0, 2, 1.0)])
    first, second = (tile.core for tile in cut.tiles)
    assert first[1] == second[0] == 8
    expected = [1, 1, 1, 1, 1, 1, 0.875, 0.625, 0.375, 0.125, 0, 0, 0, 0]
    np.testing.assert_allclose(weights_along(cut, 14, 2)[0], expected)
    np.testing.assert_allclose(weights_along(cut, 14, 2)[1], 1 - np.array(expected))


def test_tiles_that_are_all_surroundings_are_refused_in_words() -> None:
    with pytest.raises(MethodError) as error:
        cut_image(SHAPE, tiles(length=40), AXES, (Halo(15, 5, 1.0),) * 2)
    assert str(error.value) == (
        "the model takes 40 pixels along y and needs 20 of them at each end as surroundings, so that an "
        "image of 300 cannot be cut; give smaller images"
    )
