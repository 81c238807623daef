"""A part of a stored image is that part of the image, for every format."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.errors import UnreadableFileError
from veriscope.io.images import read_image
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.regions import StoredImage

GREY = np.random.default_rng(0).integers(0, 60_000, (131, 97)).astype(np.uint16)
COLOUR = np.random.default_rng(1).integers(0, 255, (131, 97, 3)).astype(np.uint8)
STACK = np.random.default_rng(2).integers(0, 255, (2, 5, 40, 41)).astype(np.uint8)

TIFFS: dict[str, tuple[np.ndarray, dict[str, Any], int]] = {
    "plain": (GREY, {}, 0),
    "big-endian": (GREY, {"byteorder": ">"}, 0),
    "strips": (GREY, {"compression": "zlib", "rowsperstrip": 16}, 16 * 97 * 2),
    "one strip": (GREY, {"compression": "zlib", "rowsperstrip": 131}, 131 * 97 * 2),
    "tiles": (GREY, {"compression": "lzw", "tile": (64, 64)}, 64 * 64 * 2),
    "colour": (COLOUR, {"photometric": "rgb", "compression": "zlib", "tile": (64, 64)}, 64 * 64 * 3),
    "imagej": (np.stack([GREY] * 3), {"imagej": True, "metadata": {"axes": "CYX"}}, 0),
    "ome": (STACK, {"ome": True, "metadata": {"axes": "CZYX"}, "compression": "zlib"}, 40 * 41),
}


def check(path: Path) -> StoredImage:
    whole, stored = read_image(path), StoredImage(path)
    stored.verify()
    region = tuple(slice(size // 3, size // 3 + max(size // 2, 1)) for size in whole.shape)
    part = stored.read(region)
    np.testing.assert_array_equal(part.pixels, whole.pixels[region])
    assert (part.axes, part.pixels.dtype, part.spacing) == (whole.axes, whole.pixels.dtype, whole.spacing)
    if "c" in whole.axes:
        assert part.channels == whole.channels[region[whole.axes.index("c")]]
    return stored


@pytest.mark.parametrize("kind", TIFFS)
def test_parts_of_tiff_files(tmp_path: Path, kind: str) -> None:
    pixels, options, chunk_bytes = TIFFS[kind]
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    assert check(tmp_path / "a.tif").chunk_bytes == chunk_bytes


@pytest.mark.parametrize("kind", TIFFS)
def test_parts_of_a_plane_that_is_kept_are_those_of_the_file(tmp_path: Path, kind: str) -> None:
    """Also at another plane, after a change of what was cut out, and in another process."""
    pixels, options, _ = TIFFS[kind]
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    whole, stored = read_image(tmp_path / "a.tif"), StoredImage(tmp_path / "a.tif", keep=True)
    assert (stored.kept_bytes > 0) == (kind in ("one strip", "ome"))
    for number in (0, 1, 0, 2):
        region = tuple(slice(number % size, number % size + 1) for size in whole.shape[:-2])
        region += (slice(3, 20 + number), slice(number, 17))
        found = stored.read(region).pixels
        np.testing.assert_array_equal(found, whole.pixels[region])
        found[:] = 0  # what is given is the reader's own
        np.testing.assert_array_equal(
            pickle.loads(pickle.dumps(stored)).read(region).pixels, whole.pixels[region]
        )
    assert len(pickle.dumps(stored)) < 5000


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_parts_of_ome_zarr(tmp_path: Path, version: Any) -> None:
    image = Image(np.stack([GREY, GREY // 2]), "cyx", spacing={"y": 0.5, "x": 0.5}, channels=("a", "b"))
    write_ome_zarr(tmp_path / "a.ome.zarr", image, version=version)
    assert check(tmp_path / "a.ome.zarr").chunk_bytes == 131 * 97 * 2


def test_parts_of_a_picture(tmp_path: Path) -> None:
    PIL.Image.fromarray(COLOUR).save(tmp_path / "a.png")
    assert check(tmp_path / "a.png").chunk_bytes == 131 * 97 * 3


def test_a_damaged_strip_is_named(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY, compression="zlib", rowsperstrip=16)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        offset = file.pages[0].dataoffsets[2]
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[offset : offset + 100] = bytes(100)
    (tmp_path / "a.tif").write_bytes(content)
    stored = StoredImage(tmp_path / "a.tif")
    assert stored.read((slice(0, 16), slice(0, 9))).pixels.shape == (16, 9)
    with pytest.raises(UnreadableFileError, match=r"the pixels cannot be decoded .*; copy the file again"):
        stored.read((slice(30, 50), slice(0, 9)))


def test_a_chunk_of_ome_zarr_that_was_cut_is_found_without_decoding(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "a.ome.zarr", Image(GREY, "yx"))
    chunk = tmp_path / "a.ome.zarr" / "0" / "c" / "0" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-9])
    with pytest.raises(UnreadableFileError, match="truncated or damaged; copy the OME-Zarr folder again"):
        StoredImage(tmp_path / "a.ome.zarr").verify()
