"""Lower resolutions of images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

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


def test_labels_are_never_averaged() -> None:
    labels = np.array([[1, 1, 9], [5, 5, 9], [7, 7, 7]], np.uint32)
    np.testing.assert_array_equal(halve(labels, is_labels=True), [[1, 9], [7, 7]])


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
