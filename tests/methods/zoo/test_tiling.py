"""Tiles: the joined result is that of the whole image, for any size, ratio, offset and halo."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.errors import MethodError
from veriscope.methods.zoo.description import Axis
from veriscope.methods.zoo.tiling import plan_axes, run_tiled


def same(values: NDArray[Any]) -> Sequence[NDArray[Any]]:
    """Give a network with a reach of 2: a mean filter."""
    return [ndimage.uniform_filter(values, 5, mode="constant")]


def tiled(run: Any, image: NDArray[Any], given: Axis, out: Axis, *, limit: int) -> NDArray[Any]:
    names = ("y", "x")
    inputs = [given.model_copy(update={"name": name}) for name in names]
    outputs = [[out.model_copy(update={"name": name})] for name in names]
    cuts = plan_axes(image.shape, inputs, outputs, limit=limit)
    layout = [[(place, out.exact_ratio, out.offset) for place in (0, 1)]]
    (found,) = run_tiled(run, image, (0, 1), cuts, layout)
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.integers(1, 12),
    st.integers(8, 20),
    st.integers(18, 48),
)
def test_every_pixel_is_what_the_whole_image_gives(
    shape: tuple[int, int], step: int, smallest: int, limit: int
) -> None:
    image = np.random.default_rng(0).random(shape)
    found = tiled(
        same, image, Axis(name="y", smallest=smallest, step=step), Axis(name="y", halo=2), limit=limit
    )
    assert found.shape == shape
    # away from the edges, where a whole image is continued further than the filter sees
    inner = (slice(2, -2), slice(2, -2))
    wanted = ndimage.uniform_filter(np.pad(image, 4, mode="symmetric"), 5, mode="constant")[4:-4, 4:-4]
    np.testing.assert_allclose(found[inner], wanted[inner], rtol=1e-9, atol=1e-12)


def test_a_fixed_size_is_kept_and_small_images_are_continued() -> None:
    seen = []

    def run(values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        seen.append(values.shape)
        return [values]

    for shape in ((16, 16), (3, 40), (1, 1), (33, 17)):
        image = np.random.default_rng(1).random(shape)
        found = tiled(run, image, Axis(name="y", size=16), Axis(name="y", halo=3), limit=8)
        assert np.array_equal(found, image)
    assert set(seen) == {(16, 16)}


def test_the_last_tile_is_moved_inside_instead_of_being_padded() -> None:
    (cut,) = plan_axes([25], [Axis(name="y", size=16)], [[Axis(name="y", halo=3)]], limit=99)
    assert [(tile.start, tile.core) for tile in cut.tiles] == [(0, (0, 13)), (9, (13, 25))]


@pytest.mark.parametrize("shape", [(40, 31), (7, 64), (16, 16)])
def test_valid_convolutions_get_the_surroundings_they_lose(shape: tuple[int, int]) -> None:
    def run(values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        return [ndimage.uniform_filter(values, 5, mode="constant")[2:-2, 2:-2]]

    image = np.random.default_rng(2).random(shape)
    out = Axis(name="y", offset=-4, halo=0)
    found = tiled(run, image, Axis(name="y", smallest=12, step=4), out, limit=24)
    assert found.shape == shape
    wanted = ndimage.uniform_filter(np.pad(image, 2, mode="symmetric"), 5, mode="constant")[2:-2, 2:-2]
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(40, 31), (64, 7), (5, 5)])
def test_an_output_of_half_the_size(shape: tuple[int, int]) -> None:
    def run(values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        return [values[::2, ::2]]

    image = np.random.default_rng(3).random(shape)
    found = tiled(
        run, image, Axis(name="y", smallest=16, step=8), Axis(name="y", ratio=0.5, halo=1), limit=24
    )
    assert np.array_equal(found, image[::2, ::2])


def test_an_output_of_twice_the_size() -> None:
    image = np.random.default_rng(4).random((37, 50))
    found = tiled(
        lambda values: [values.repeat(2, 0).repeat(2, 1)],
        image,
        Axis(name="y", smallest=16, step=8),
        Axis(name="y", ratio=2, halo=4),
        limit=24,
    )
    assert np.array_equal(found, image.repeat(2, 0).repeat(2, 1))


def test_tied_axes_get_tiles_of_one_length() -> None:
    square = Axis(name="y", smallest=16, step=4, tied=True)
    plain = Axis(name="x", smallest=16, step=4)
    cuts = plan_axes([20, 41], [square, plain], [[Axis(name="y")], [Axis(name="x")]], limit=100)
    assert [cut.length for cut in cuts] == [44, 44]


def test_a_model_that_breaks_its_promise_is_refused() -> None:
    with pytest.raises(MethodError, match=r"output 0 of the model has shape \(16, 8\); its card promises 16"):
        tiled(lambda v: [v[:, ::2]], np.ones((16, 16)), Axis(name="y", size=16), Axis(name="y"), limit=9)
    with pytest.raises(MethodError, match="gives 0 outputs and its card describes 1"):
        tiled(lambda v: [], np.ones((16, 16)), Axis(name="y", size=16), Axis(name="y"), limit=9)


def test_a_halo_larger_than_the_tile_is_refused_for_large_images_only() -> None:
    given, out = Axis(name="y", size=16), Axis(name="y", halo=8)
    assert tiled(lambda v: [v], np.ones((16, 9)), given, out, limit=99).shape == (16, 9)
    with pytest.raises(MethodError, match="needs 8 of them at each end as surroundings"):
        tiled(lambda v: [v], np.ones((17, 9)), given, out, limit=99)


def test_a_length_that_gives_no_whole_pixels_is_refused() -> None:
    with pytest.raises(MethodError, match="none of them gives whole pixels"):
        plan_axes([30], [Axis(name="y", smallest=15, step=2)], [[Axis(name="y", ratio=0.5)]], limit=99)
    assert Axis(name="y", ratio=1 / 3).exact_ratio == Fraction(1, 3)
