"""TIFF files of which a part is missing, or that would be decoded to something else, are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.errors import UnreadableFileError
from veriscope.io.images import read_header, read_image
from veriscope.io.regions import StoredImage
from veriscope.io.tiff_checks import name_of

PLANE = np.random.default_rng(0).integers(0, 60_000, (24, 30), dtype=np.uint16)


def refusal(path: Path) -> str:
    """Give the one message of all ways to read a file."""
    said = set()
    for read in (read_header, read_image, StoredImage):
        with pytest.raises(UnreadableFileError) as caught:
            read(path)
        said.add(str(caught.value).replace(str(path), "FILE"))
    (found,) = said
    return found


def change_tag(path: Path, tag: str, value: Any, page: int = 0) -> None:
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        tiff.pages[page].tags[tag].overwrite(value)


def test_old_style_jpeg_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", PLANE.astype(np.uint8), compression="packbits", metadata=None)
    change_tag(tmp_path / "a.tif", "Compression", 6)
    assert refusal(tmp_path / "a.tif") == (
        "FILE: uses old-style JPEG compression (TIFF compression 6), which is not read; open it in Fiji or "
        "QuPath and save it as OME-TIFF"
    )


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_colours_of_fewer_pixels_than_the_brightness_are_refused(
    tmp_path: Path, compression: str | None
) -> None:
    path = tmp_path / "a.tif"
    colours = np.zeros((8, 8, 3), np.uint8)
    tifffile.imwrite(path, colours, photometric="ycbcr", compression=compression, metadata=None)
    change_tag(path, "YCbCrSubSampling", (2, 1))
    name = {None: "NONE", "zlib": "ADOBE_DEFLATE", "lzw": "LZW"}[compression]
    assert refusal(path) == (
        f"FILE: stores colours as YCbCr with subsampling 2×1 and {name} compression, which is not read; open "
        "it in Fiji or QuPath and save it as OME-TIFF"
    )


@pytest.mark.parametrize(("dtype", "bits"), [("complex64", 64), ("complex128", 128)])
def test_pixels_that_are_no_numbers_are_refused(tmp_path: Path, dtype: str, bits: int) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.ones((5, 6), dtype), metadata=None)
    assert refusal(tmp_path / "a.tif") == (
        f"FILE: its pixels are of type {dtype} ({bits} bits); allowed are boolean, integer and "
        "floating-point pixels"
    )


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_pixels_beyond_the_end_are_told_with_both_ends(tmp_path: Path, bigtiff: bool, order: str) -> None:
    path = tmp_path / "a.tif"
    options: dict[str, Any] = {"byteorder": order, "bigtiff": bigtiff, "rowsperstrip": 8}
    tifffile.imwrite(path, PLANE, compression="zlib", metadata=None, **options)
    size = path.stat().st_size
    with tifffile.TiffFile(path) as tiff:
        offsets = tiff.pages[0].dataoffsets
        last = tiff.pages[0].databytecounts[-1]
    change_tag(path, "StripOffsets", [*offsets[:-1], size - 5])
    assert refusal(path) == (
        f"FILE: the file is truncated: pixels reach to byte {size - 5 + last} but the file ends at byte "
        f"{size}; copy it again from its source"
    )


def test_compressed_pixels_may_be_many_but_not_beyond_what_compression_can_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((3000, 3000), np.uint8), compression="zlib", metadata=None)
    assert read_header(path).shape == (3000, 3000), "a constant image is far smaller in the file"
    monkeypatch.setattr("veriscope.io.tiff_checks._LARGE", 1000)
    monkeypatch.setattr("veriscope.io.tiff_checks._MOST_COMPRESSION", 10)
    size = path.stat().st_size
    assert refusal(path) == (
        f"FILE: its header promises 3000 × 3000 pixels (9000000 bytes) in a file of {size} bytes, more than "
        "compression can do (10-fold above 1 GiB); the file is damaged or made to exhaust memory"
    )


def test_one_bit_a_pixel_is_counted_as_a_bit(tmp_path: Path) -> None:
    """Else an uncompressed mask would promise eight times its bytes."""
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4000, 16), bool), photometric="minisblack", metadata=None)
    assert (tmp_path / "a.tif").stat().st_size < 4000 * 16
    assert read_image(tmp_path / "a.tif").pixels.all()


def test_pages_that_cannot_be_reached_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.stack([PLANE] * 3), photometric="minisblack", metadata=None)
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[1]
        place = page.offset + 2 + 12 * len(page.tags)  # of the offset of the next page
    content[place : place + 4] = (len(content) + 4000).to_bytes(4, "little")
    path.write_bytes(content)
    assert refusal(path).startswith("FILE: the file is truncated or damaged: pages are missing or not where")


def test_a_file_without_a_page_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"II*\0" + bytes(12))
    assert "FILE: " in refusal(tmp_path / "a.tif")
    (tmp_path / "b.tif").write_bytes(b"MM\0*")
    assert "starts like a TIFF file but its structure is broken" in refusal(tmp_path / "b.tif")


def test_codes_without_a_name_are_shown_as_numbers() -> None:
    assert name_of(tifffile.COMPRESSION.LZW) == "LZW"
    assert name_of(60_000) == "60000"
