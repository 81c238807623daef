"""TIFF files that we write are read back as they were, by us and by ImageJ's rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.errors import InputError
from veriscope.io.images import read_image
from veriscope.io.tiff_writer import write_tiff


@pytest.mark.parametrize("axes", ["yx", "zyx", "cyx", "czyx", "tczyx"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_pixels_axes_and_spacing_come_back(tmp_path: Path, axes: str, dtype: str) -> None:
    lengths = {"t": 2, "c": 4, "z": 3, "y": 10, "x": 12}
    shape = tuple(lengths[letter] for letter in axes)
    pixels = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    spacing = {letter: {"z": 2.0, "y": 0.5, "x": 0.25}[letter] for letter in axes if letter in "zyx"}
    write_tiff(tmp_path / "a.tif", Image(pixels, axes, spacing))
    found = read_image(tmp_path / "a.tif")
    assert found.axes == axes
    assert np.array_equal(found.pixels, pixels)
    assert found.spacing == pytest.approx(spacing)


def test_three_planes_of_another_type_are_no_colours(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).random((3, 8, 9))
    write_tiff(tmp_path / "a.tif", Image(pixels, "zyx"))
    found = read_image(tmp_path / "a.tif", axes="zyx")
    assert np.array_equal(found.pixels, pixels)
    assert found.channels == ()


def test_colours_stay_colours(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 8, 9)).astype(np.uint8)
    write_tiff(tmp_path / "a.tif", Image(pixels, "cyx", channels=RGB_CHANNELS))
    found = read_image(tmp_path / "a.tif")
    assert found.is_rgb
    assert np.array_equal(found.pixels, pixels)


def test_crop_with_a_box_shown_in_fiji(tmp_path: Path) -> None:
    from roifile import ImagejRoi

    pixels = np.arange(400, dtype=np.uint16).reshape(20, 20)
    write_tiff(tmp_path / "a.tif", Image(pixels, "yx"), crop=(5, 4, 15, 18), box=(2, 3, 8, 9))
    assert np.array_equal(read_image(tmp_path / "a.tif").pixels, pixels[5:15, 4:18])
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.imagej_metadata is not None
        overlay = file.imagej_metadata["Overlays"]
    roi = ImagejRoi.frombytes(overlay if isinstance(overlay, bytes) else overlay[0])
    assert (roi.top, roi.left, roi.bottom, roi.right) == (2, 3, 8, 9)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="a part of the path is a file, not a folder"):
        write_tiff(tmp_path / "file" / "a.tif", Image(np.zeros((2, 2), np.uint8), "yx"))
