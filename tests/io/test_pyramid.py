"""Lower resolutions of images."""

from __future__ import annotations

import itertools
import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from veriscope.io.images import read_image
from veriscope.io.pyramid import Making, halve, level_shapes, pyramid_attributes, write_pyramid


def test_only_y_and_x_are_halved_until_both_are_small() -> None:
    assert level_shapes((3, 1500, 700), "cyx") == [(3, 1500, 700), (3, 750, 350), (3, 375, 175)]
    assert level_shapes((512, 512), "yx") == [(512, 512)]
    assert level_shapes((1, 1), "yx") == [(1, 1)]


def test_pixels_are_averaged_and_rounded() -> None:
    block = np.array([[1, 2, 7], [3, 5, 9]], np.uint8)
    np.testing.assert_array_equal(halve(block, is_labels=False), [[3, 8]])
    assert halve(block, is_labels=False).dtype == np.uint8
    np.testing.assert_array_equal(halve(block.astype(float), is_labels=False), [[2.75, 8.0]])
    top = np.full((2, 2), 65535, np.uint16)
    assert halve(top, is_labels=False)[0, 0] == 65535


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_the_largest_numbers_are_averaged_and_what_is_none_stays_none(kind: str) -> None:
    top = np.finfo(kind).max
    block = np.array([[top, top, np.nan, 1, np.inf, 0], [top, top, 1, 1, 0, -np.inf]], kind)
    found = halve(block, is_labels=False)
    np.testing.assert_array_equal(found, np.array([[top, np.nan, np.nan]], kind))


def test_labels_are_never_averaged() -> None:
    labels = np.array([[1, 1, 9], [5, 5, 9], [7, 7, 7]], np.uint32)
    np.testing.assert_array_equal(halve(labels, is_labels=True), [[1, 9], [7, 7]])


KINDS = ["?", "u1", "i1", "u2", ">i2", "u4", ">i4", "u8", "i8", "f2", "f4", ">f8"]


@settings(max_examples=150)
@given(
    data=st.data(), kind=st.sampled_from(KINDS), shape=hnp.array_shapes(min_dims=2, max_dims=3, max_side=5)
)
def test_halving_by_definition(data: st.DataObject, kind: str, shape: tuple[int, ...]) -> None:
    """Of any type, also at its ends, which sums of four pixels would leave."""
    finite = {"allow_nan": False, "allow_infinity": False} if np.dtype(kind).kind == "f" else {}
    block = data.draw(hnp.arrays(kind, shape, elements=finite))
    block.flags.writeable = False
    found = halve(block, is_labels=False)
    *others, height, width = shape
    assert found.shape == (*others, -(-height // 2), -(-width // 2))
    assert found.dtype == block.dtype
    for *plane, y, x in np.ndindex(found.shape):
        corners = [
            Fraction(block[(*plane, min(2 * y + dy, height - 1), min(2 * x + dx, width - 1))].item())
            for dy in (0, 1)
            for dx in (0, 1)
        ]
        mean = sum(corners, Fraction(0)) / 4
        if np.dtype(kind).kind in "bui":
            assert int(found[(*plane, y, x)]) == math.floor(mean + Fraction(1, 2))
        else:
            assert float(found[(*plane, y, x)]) == pytest.approx(float(mean), rel=1e-3, abs=1e-6)


@given(hnp.array_shapes(min_dims=2, max_dims=2, max_side=3000), st.integers(0, 2))
def test_every_resolution_is_half_of_the_one_before(shape: tuple[int, int], planes: int) -> None:
    axes = "tczyx"[-2 - planes :]
    shapes = level_shapes((2,) * planes + shape, axes)
    assert shapes[0] == (2,) * planes + shape and max(shapes[-1][-2:]) <= 512
    for fine, coarse in itertools.pairwise(shapes):
        assert max(fine[-2:]) > 512 and coarse[:-2] == fine[:-2]
        assert coarse[-2:] == tuple(-(-size // 2) for size in fine[-2:])


def test_levels_that_are_there_are_kept_and_the_others_are_made_of_them(tmp_path: Path) -> None:
    """Level 1 is there, rounded down by another program; level 2 comes from an array of about its size."""
    import zarr

    rng = np.random.default_rng(2)
    full, half = rng.integers(0, 99, (2051, 1100)).astype("u1"), rng.integers(0, 99, (1025, 550)).astype("u1")
    near = rng.integers(0, 99, (500, 280)).astype("u1")
    shapes = level_shapes(full.shape, "yx", {1: half.shape})
    assert shapes == [(2051, 1100), (1025, 550), (513, 275), (257, 138)]
    told: list[float] = []
    making = Making(
        full.__getitem__,
        shapes,
        full.dtype,
        "yx",
        pyramid_attributes("x", "yx", None, shapes),
        present={1: half.__getitem__},
        alike={2: (near.__getitem__, near.shape)},
        told=told.append,
    )
    write_pyramid(tmp_path / "x.zarr", making)
    assert sorted(path.name for path in (tmp_path / "x.zarr").iterdir()) == ["2", "3", "zarr.json"]
    second, third = (zarr.open_array(str(tmp_path / "x.zarr" / n), mode="r")[...] for n in "23")
    rows = np.minimum((np.arange(513) + 0.5) * 500 / 513, 499).astype(int)
    columns = np.minimum((np.arange(275) + 0.5) * 280 / 275, 279).astype(int)
    np.testing.assert_array_equal(second, near[np.ix_(rows, columns)])
    np.testing.assert_array_equal(third, halve(second, is_labels=False))
    assert told == sorted(told) and told[-1] == 1.0


@pytest.mark.parametrize("is_labels", [False, True])
def test_a_pyramid_in_parts_is_that_of_the_whole(tmp_path: Path, is_labels: bool) -> None:
    import zarr

    pixels = np.random.default_rng(1).integers(0, 5000, (2, 2100, 1301)).astype(np.uint16)
    shapes = level_shapes(pixels.shape, "cyx")
    attributes = pyramid_attributes("x", "cyx", {"y": 0.5, "x": 0.25}, shapes, ("a", "b"))
    target = tmp_path / "x.ome.zarr"
    making = Making(
        pixels.__getitem__, shapes, pixels.dtype, "cyx", attributes, with_full=True, is_labels=is_labels
    )
    write_pyramid(target, making)

    expected = pixels
    for level, shape in enumerate(shapes):
        found = zarr.open_array(str(target / str(level)), mode="r")
        assert found.shape == shape
        np.testing.assert_array_equal(found[...], expected)
        expected = halve(expected, is_labels=is_labels)
    read = read_image(target, level=1)
    assert (read.axes, read.channels) == ("cyx", ("a", "b"))
    assert read.spacing == {"y": 1.0, "x": 0.5}


def test_without_the_full_resolution_only_metadata_and_lower_ones_are_written(tmp_path: Path) -> None:
    target = tmp_path / "x.zarr"
    pixels = np.zeros((600, 100), np.float32)
    shapes = level_shapes(pixels.shape, "yx")
    attributes = pyramid_attributes("x", "yx", None, shapes, is_labels=True)
    write_pyramid(target, Making(pixels.__getitem__, shapes, pixels.dtype, "yx", attributes))
    assert sorted(path.name for path in target.iterdir()) == ["1", "zarr.json"]
    ome = json.loads((target / "zarr.json").read_text())["attributes"]["ome"]
    assert ome["multiscales"][0]["axes"] == [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    assert ome["image-label"] == {}
