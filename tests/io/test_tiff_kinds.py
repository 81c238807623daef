"""TIFF files of every kind that other programs write: order of bytes, packing, tiles, planes of colours."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.errors import UnreadableFileError
from veriscope.io.images import read_header, read_image
from veriscope.io.regions import StoredImage

TYPES = ["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"]
PACKED = [None, "zlib", "lzw", "packbits", "zstd"]


def noise(shape: tuple[int, ...], kind: str, seed: int = 0) -> np.ndarray:
    dice = np.random.default_rng(seed)
    if kind.startswith("f"):
        return dice.normal(0, 100, shape).astype(kind)
    limits = np.iinfo(np.dtype(kind))
    return dice.integers(limits.min, limits.max, shape, kind, endpoint=True)


def check(path: Path, pixels: np.ndarray, axes: str) -> None:
    """Read as a whole, by its header, and in parts."""
    found, header = read_image(path), read_header(path)
    assert (found.axes, header.axes) == (axes, axes)
    assert header.shape == found.shape == pixels.shape
    assert found.pixels.dtype == header.dtype and found.pixels.dtype.isnative
    assert np.array_equal(found.pixels, pixels)
    stored = StoredImage(path)
    height, width = pixels.shape[-2:]
    for y, x in ((0, 0), (height // 3, width // 2), (height - 1, width - 1)):
        region = (*(slice(0, n) for n in pixels.shape[:-2]), slice(y, height), slice(x, min(width, x + 9)))
        assert np.array_equal(stored.read(region).pixels, pixels[region])
    stored.verify()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", TYPES)
def test_numbers_of_every_type_in_both_orders(tmp_path: Path, order: str, kind: str) -> None:
    pixels = noise((37, 29), kind)
    tifffile.imwrite(tmp_path / "a.tif", pixels, byteorder=order, photometric="minisblack")
    check(tmp_path / "a.tif", pixels, "yx")


@pytest.mark.parametrize("packed", PACKED, ids=str)
@pytest.mark.parametrize(
    "how", [{}, {"tile": (16, 32)}, {"rowsperstrip": 5}], ids=["whole", "tiles", "strips"]
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_packed_in_tiles_or_strips(
    tmp_path: Path, packed: str | None, how: dict[str, Any], order: str
) -> None:
    pixels = noise((50, 70), "u2")
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, compression=packed, byteorder=order, photometric="minisblack", **how
    )
    check(tmp_path / "a.tif", pixels, "yx")


@pytest.mark.parametrize(("kind", "predictor"), [("u1", 2), ("u2", 2), ("u4", 2), ("f4", 3), ("f8", 3)])
@pytest.mark.parametrize("order", ["<", ">"])
def test_differences_between_neighbours(tmp_path: Path, kind: str, predictor: int, order: str) -> None:
    pixels = noise((33, 41), kind)
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, compression="zlib", predictor=predictor, byteorder=order,
        photometric="minisblack", tile=(16, 16),
    )  # fmt: skip
    check(tmp_path / "a.tif", pixels, "yx")


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("tile", [None, (16, 16)], ids=["strips", "tiles"])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_colours_beside_or_behind_each_other(
    tmp_path: Path, planar: str, tile: tuple[int, int] | None, kind: str
) -> None:
    pixels = noise((3, 30, 44), kind)
    given = pixels if planar == "separate" else np.moveaxis(pixels, 0, -1)
    tifffile.imwrite(tmp_path / "a.tif", given, photometric="rgb", planarconfig=planar, tile=tile)
    check(tmp_path / "a.tif", pixels, "cyx")
    assert read_image(tmp_path / "a.tif").channels == ("red", "green", "blue")


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("axes", ["ZYX", "CYX", "TYX", "ZCYX", "TZCYX"])
def test_stacks_with_axes_in_their_order(tmp_path: Path, bigtiff: bool, axes: str) -> None:
    lengths = {"T": 2, "Z": 3, "C": 2, "Y": 12, "X": 15}
    pixels = noise(tuple(lengths[letter] for letter in axes), "u2")
    tifffile.imwrite(
        tmp_path / "a.ome.tif", pixels, bigtiff=bigtiff, metadata={"axes": axes}, photometric="minisblack"
    )
    ours = "".join(letter for letter in "tczyx" if letter.upper() in axes)
    turned = np.transpose(pixels, [axes.index(letter.upper()) for letter in ours])
    check(tmp_path / "a.ome.tif", turned, ours)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_imagej_stacks_in_both_orders(tmp_path: Path, order: str, kind: str) -> None:
    pixels = noise((2, 3, 2, 14, 11), kind)
    tifffile.imwrite(
        tmp_path / "a.tif", pixels, imagej=True, byteorder=order, metadata={"axes": "TZCYX"},
    )  # fmt: skip
    check(tmp_path / "a.tif", np.moveaxis(pixels, 2, 1), "tczyx")


def test_masks_of_one_bit(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).random((19, 23)) < 0.4
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack")
    assert np.array_equal(read_image(tmp_path / "a.tif").pixels.astype(bool), pixels)


@pytest.mark.parametrize("side", [(1, 1), (1, 300), (300, 1), (2, 2)])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_images_smaller_than_a_tile(tmp_path: Path, side: tuple[int, int], tile: tuple[int, int]) -> None:
    pixels = noise(side, "u2")
    tifffile.imwrite(tmp_path / "a.tif", pixels, tile=tile, photometric="minisblack")
    found = read_image(tmp_path / "a.tif")
    assert np.array_equal(found.pixels, pixels) and found.axes == "yx"


@pytest.mark.parametrize("how", [{}, {"compression": "zlib", "tile": (16, 16)}], ids=["plain", "packed"])
def test_a_file_cut_at_any_tenth_is_refused_and_never_read_as_less(tmp_path: Path, how: Any) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, noise((64, 64), "u2"), photometric="minisblack", **how)
    whole = path.read_bytes()
    for tenth in range(10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises(UnreadableFileError) as caught:
            read_image(path)
        assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "head",
    [b"", b"II", b"II*\0", b"MM\0*\0\0\0\x08", b"II*\0\xff\xff\xff\xff", b"II+\0\x08\0\0\0\0\0",
     b"GIF89a"],
    ids=["empty", "two bytes", "no table", "big-endian without a table", "table far away", "big", "another"],
)  # fmt: skip
def test_what_only_begins_like_a_tiff_file_is_refused(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(head)
    for read in (read_image, read_header, StoredImage):
        with pytest.raises(UnreadableFileError, match=r"a\.tif: "):
            read(path)  # type: ignore[operator]


def test_pyramids_of_every_kind_give_their_full_resolution_first(tmp_path: Path) -> None:
    pixels = noise((64, 96), "u1")
    for order, packed in itertools.product("<>", (None, "zlib")):
        path = tmp_path / f"{ord(order)}-{packed}.tif"
        with tifffile.TiffWriter(path, byteorder=order) as file:
            options: dict[str, Any] = {"tile": (16, 16), "compression": packed, "photometric": "minisblack"}
            file.write(pixels, subifds=2, **options)
            for factor in (2, 4):
                file.write(pixels[::factor, ::factor], subfiletype=1, **options)
        check(path, pixels, "yx")
        assert read_header(path).levels[0] == (64, 96)
        for level, factor in ((1, 2), (2, 4)):
            found = read_image(path, level=level)
            assert np.array_equal(found.pixels, pixels[::factor, ::factor])
