"""Tiles: the joined result is that of the whole image, for any size, ratio, offset and halo."""

from __future__ import annotations

import itertools
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
from veriscope.methods.zoo.tiling import cut_axis, plan_axes, run_tiled, valid_length


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


@st.composite
def stretches(draw: st.DrawFn) -> tuple[int, int, int, int, int]:
    """Give size, length, lost, halo and grid of an axis that can be cut."""
    grid = draw(st.integers(1, 5))
    lost, halo = grid * draw(st.integers(0, 3)), grid * draw(st.integers(0, 4))
    length = grid * draw(st.integers(1, 12)) + 2 * (lost + halo)
    return draw(st.integers(1, 200)), length, lost, halo, grid


@given(stretches())
def test_cores_cover_an_axis_once_and_lie_where_their_tile_is_right(
    stretch: tuple[int, int, int, int, int],
) -> None:
    size, length, lost, halo, grid = stretch
    cut = cut_axis(size, length, lost, halo, grid, "y")
    assert cut.padded == -(-size // grid) * grid
    edges = [tile.core for tile in cut.tiles]
    assert edges[0][0] == 0 and edges[-1][1] == cut.padded
    assert all(before[1] == after[0] for before, after in itertools.pairwise(edges))
    for index, tile in enumerate(cut.tiles):
        begin, end = tile.core
        assert end > begin or len(cut.tiles) > 1
        assert (tile.start + lost) % grid == 0
        first, last = tile.start + lost, tile.start + length - lost
        assert first + (halo if index else 0) <= begin
        assert end <= last - (halo if index < len(cut.tiles) - 1 else 0)


@given(
    st.integers(1, 300),
    st.integers(1, 40),
    st.integers(1, 9),
    st.integers(1, 6),
)
def test_the_next_length_that_a_model_takes(wanted: int, smallest: int, step: int, grid: int) -> None:
    axis = Axis(name="y", smallest=smallest, step=step)
    taken = [smallest + n * step for n in range(400) if (smallest + n * step) % grid == 0]
    if not taken:
        with pytest.raises(MethodError) as error:
            valid_length(wanted, axis, grid)
        assert str(error.value) == (
            f"the model takes lengths {smallest} + n × {step} along y, and none of them gives whole pixels "
            "in its output; ask its authors to correct the description"
        )
        return
    assert valid_length(wanted, axis, grid) == min(length for length in taken if length >= wanted)


@settings(max_examples=25)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 30), st.integers(1, 30)),
    st.sampled_from([Fraction(1), Fraction(1, 2), Fraction(2), Fraction(3)]),
    st.sampled_from(["zyx", "czyx", "zcyx", "zyxc"]),
)
def test_stacks_with_channels_anywhere_and_grids_of_their_own(
    shape: tuple[int, int, int], ratio: Fraction, order: str
) -> None:
    """Planes are kept as they are, rows and columns come on another grid: no pixel is lost or moved."""
    sizes = dict(zip("zyx", shape, strict=True)) | {"c": 2}
    values = np.random.default_rng(5).random([sizes[letter] for letter in order])
    rows, columns = order.index("y"), order.index("x")

    def run(part: NDArray[Any]) -> Sequence[NDArray[Any]]:
        if ratio < 1:
            take = [
                slice(None, None, 2) if axis in (rows, columns) else slice(None) for axis in range(part.ndim)
            ]
            return [part[tuple(take)], part.sum(axis=order.index("z"))]
        bigger = part.repeat(int(ratio), rows).repeat(int(ratio), columns)
        return [bigger, part.sum(axis=order.index("z"))]

    places = [order.index(letter) for letter in "zyx"]
    given_axes = [Axis(name="z", size=sizes["z"]), *(Axis(name=n, smallest=8, step=4) for n in ("y", "x"))]
    outs = [
        [Axis(name="z")],
        *([Axis(name=n, ratio=float(ratio), halo=2), Axis(name=n, halo=3)] for n in ("y", "x")),
    ]
    cuts = plan_axes(shape, given_axes, outs, limit=16)
    flat = [place - (place > order.index("z")) for place in places]
    layout = [
        [(places[0], Fraction(1), 0.0), (rows, ratio, 0.0), (columns, ratio, 0.0)],
        [(-1, Fraction(1), 0.0), (flat[1], Fraction(1), 0.0), (flat[2], Fraction(1), 0.0)],
    ]
    large, projected = run_tiled(run, values, places, cuts, layout)
    np.testing.assert_array_equal(large, run(values)[0])
    np.testing.assert_allclose(projected, values.sum(axis=order.index("z")), rtol=1e-12)


@pytest.mark.parametrize(
    ("size", "limit"), [(100, 200), (100, 64), (100, 50), (1000, 1000), (1000, 999), (997, 64)]
)
def test_as_few_tiles_as_the_limit_allows_and_no_longer_than_they_must(size: int, limit: int) -> None:
    axis = Axis(name="y", smallest=2, step=1)
    (cut,) = plan_axes([size], [axis], [[Axis(name="y", halo=10)]], limit=limit)
    around, n = 20, len(cut.tiles)
    assert cut.length <= limit
    assert n == (1 if size <= limit else -(-(size - around) // (limit - around)))
    assert cut.length * n - around * (n - 1) < size + n, "tiles overlap by more than they must"


def test_where_no_halo_is_stated_tiles_overlap_all_the_same() -> None:
    (cut,) = plan_axes([100], [Axis(name="y", size=64)], [[Axis(name="y")]], limit=64)
    assert [tile.core for tile in cut.tiles] == [(0, 48), (48, 80), (80, 100)]


@pytest.mark.parametrize("pad", ["symmetric", "reflect", "edge"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 30), (5, 3)])
def test_images_smaller_than_a_tile_are_continued(shape: tuple[int, int], pad: str) -> None:
    """Reflection without the edge cannot go on beyond the image once; then it goes on with the edge."""
    image = 1 + np.random.default_rng(6).random(shape)
    seen: list[NDArray[Any]] = []

    def run(values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        seen.append(values)
        return [values]

    cuts = plan_axes(shape, [Axis(name="y", size=32), Axis(name="x", size=32)], [[], []], limit=32)
    layout = [[(0, Fraction(1), 0.0), (1, Fraction(1), 0.0)]]
    (found,) = run_tiled(run, image, (0, 1), cuts, layout, pad=pad)
    np.testing.assert_array_equal(found, image)
    assert all(values.shape == (32, 32) and values.min() >= 1 for values in seen)
    assert set(np.unique(np.concatenate([values.ravel() for values in seen]))) <= set(image.ravel())
