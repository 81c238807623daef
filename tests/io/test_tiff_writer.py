"""TIFF files that we write are read back as they were, by us and by ImageJ's rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.errors import InputError
from veriscope.io.images import read_image
from veriscope.io.tiff_writer import write_tiff

pytestmark = pytest.mark.usefixtures("no_flush")


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


@settings(max_examples=40)
@given(
    sizes=st.tuples(*[st.integers(1, 3)] * 3, *[st.integers(1, 5)] * 2),
    axes=st.sampled_from(["yx", "zyx", "cyx", "tyx", "czyx", "tcyx", "tzyx", "tczyx"]),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    calibrated=st.booleans(),
)
def test_images_of_any_size_come_back(
    tmp_path_factory: pytest.TempPathFactory, sizes: tuple[int, ...], axes: str, dtype: str, calibrated: bool
) -> None:
    """Also those of one column, which TIFF could take for samples of a pixel."""
    path = tmp_path_factory.mktemp("tiff") / "a.tif"
    shape = tuple(sizes["tczyx".index(letter)] for letter in axes)
    pixels = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    spacing = {letter: {"z": 2.0, "y": 0.5, "x": 0.25}[letter] for letter in axes if letter in "zyx"}
    write_tiff(path, Image(pixels, axes, spacing if calibrated else None))
    found = read_image(path)
    kept = "".join(a for a, size in zip(axes, shape, strict=True) if size > 1 or a in "yx")
    assert (found.axes, found.pixels.dtype) == (kept, pixels.dtype)
    np.testing.assert_array_equal(found.pixels, pixels.reshape(found.shape))
    wanted = {letter: spacing[letter] for letter in kept if letter in "zyx"}
    assert found.spacing == (pytest.approx(wanted) if calibrated else None)


@pytest.mark.parametrize("dtype", ["bool", "int8", "int16", "int32", "uint32", "float16", "float64"])
def test_types_that_imagej_lacks_keep_their_values(tmp_path: Path, dtype: str) -> None:
    pixels = np.array([[0, 1, 0], [1, 1, 0]], dtype)
    write_tiff(tmp_path / "a.tif", Image(pixels, "yx"))
    found = read_image(tmp_path / "a.tif").pixels
    np.testing.assert_array_equal(found, pixels * np.uint8(255) if dtype == "bool" else pixels)
    assert found.dtype == (np.uint8 if dtype == "bool" else pixels.dtype)


def test_names_of_channels_come_back(tmp_path: Path) -> None:
    image = Image(np.zeros((2, 4, 5), np.uint16), "cyx", channels=("DAPI", "alpha-tubulin"))
    write_tiff(tmp_path / "a.tif", image)
    assert read_image(tmp_path / "a.tif").channels == image.channels


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
