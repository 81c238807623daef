"""Large images and those with lower resolutions are copied part by part, with lower resolutions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr

from veriscope.core.image import Image
from veriscope.errors import UnreadableFileError
from veriscope.io import copying
from veriscope.io.copying import copied_levels, copy_blocks, copy_image
from veriscope.io.images import read_header, read_image
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.own_levels import own_levels
from veriscope.io.pyramid import Making, halve, level_shapes, pyramid_attributes, write_pyramid
from veriscope.io.regions import JoinedChannels, StoredImage

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 60_000, (1301, 1100)).astype(np.uint16)
COLOUR = RNG.integers(0, 255, (1030, 1301, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several blocks in an image of three resolutions."""
    monkeypatch.setattr(copying, "_SIDE", 1024)
    monkeypatch.setattr(copying, "_BLOCK_BYTES", 2 << 20)


def write_pyramidal_tiff(
    path: Path, pixels: np.ndarray[Any, Any], factors: tuple[int, ...], **how: Any
) -> None:
    """Write an OME-TIFF with lower resolutions, which hold their factor, in SubIFDs."""
    metadata = {"axes": "YXS" if pixels.ndim == 3 else "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    with tifffile.TiffWriter(path, ome=True) as file:
        file.write(pixels, subifds=len(factors), metadata=metadata, tile=(256, 256), **how)
        for factor in factors:
            lower = np.full_like(pixels[::factor, ::factor], factor)
            file.write(lower, subfiletype=1, tile=(256, 256), metadata=None, **how)


def write_pyramidal_zarr(path: Path, pixels: np.ndarray[Any, Any]) -> None:
    shapes = level_shapes(pixels.shape, "yx")
    attributes = pyramid_attributes("slide", "yx", {"y": 0.5, "x": 0.5}, shapes)
    write_pyramid(path, Making(pixels.__getitem__, shapes, pixels.dtype, "yx", attributes, with_full=True))


def check(source: StoredImage | JoinedChannels, target: Path, whole: Image) -> dict[str, Any]:
    """Copy, and compare all resolutions with those of the whole image; gives the metadata."""
    copy_image(source, target)
    kept = read_image(target)
    np.testing.assert_array_equal(kept.pixels, whole.pixels)
    assert (kept.axes, kept.spacing, kept.channels) == (whole.axes, whole.spacing, whole.channels)
    expected = whole.pixels
    shapes = level_shapes(expected.shape, whole.axes)
    for level in range(1, len(shapes)):
        expected = halve(expected, is_labels=False)
        np.testing.assert_array_equal(zarr.open_array(str(target / str(level)), mode="r")[...], expected)
    assert sorted(path.name for path in target.iterdir()) == [*map(str, range(len(shapes))), "zarr.json"]
    # A viewer needs nothing else: all resolutions can be read as they are.
    own = own_levels(target, whole.axes, whole.shape, whole.pixels.dtype)
    assert own is not None and own.full is not None
    assert (sorted(own.served), own.alike, own.notes) == ([*range(1, len(shapes))], {}, ())
    found: dict[str, Any] = json.loads((target / "zarr.json").read_text())["attributes"]["ome"]
    return found


@pytest.mark.parametrize("factors", [(2, 4), (4,), (3, 7), (2, 4, 8, 16)])
def test_a_pyramidal_ome_tiff_keeps_a_pyramid(tmp_path: Path, factors: tuple[int, ...]) -> None:
    path = tmp_path / "slide.ome.tif"
    write_pyramidal_tiff(path, GREY, factors, compression="zlib")
    assert len(read_header(path).levels) == len(factors) + 1
    ome = check(StoredImage(path), tmp_path / "copy.ome.zarr", read_image(path))
    assert ome["version"] == "0.5"
    (multiscale,) = ome["multiscales"]
    assert multiscale["name"] == "copy"
    assert multiscale["axes"] == [{"name": x, "type": "space", "unit": "micrometer"} for x in "yx"]
    assert multiscale["datasets"] == [
        {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [0.5, 0.5]}]},
        *(
            {
                "path": str(level),
                "coordinateTransformations": [
                    {"type": "scale", "scale": [size, size]},
                    {"type": "translation", "translation": [shift, shift]},
                ],
            }
            for level, size, shift in ((1, 1.0, 0.25), (2, 2.0, 0.75))
        ),
    ]


def test_colours_of_a_slide_keep_a_pyramid(tmp_path: Path) -> None:
    path = tmp_path / "slide.ome.tif"
    write_pyramidal_tiff(path, COLOUR, (2,), photometric="rgb")
    ome = check(StoredImage(path), tmp_path / "copy.ome.zarr", read_image(path))
    assert [channel["label"] for channel in ome["omero"]["channels"]] == ["red", "green", "blue"]


def test_a_pyramidal_ome_zarr_keeps_a_pyramid(tmp_path: Path) -> None:
    write_pyramidal_zarr(tmp_path / "slide.ome.zarr", GREY)
    whole = read_image(tmp_path / "slide.ome.zarr")
    check(StoredImage(tmp_path / "slide.ome.zarr"), tmp_path / "copy.ome.zarr", whole)
    again = StoredImage(tmp_path / "copy.ome.zarr")
    assert again.header.levels == tuple(level_shapes(GREY.shape, "yx"))
    check(again, tmp_path / "again.ome.zarr", whole)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "zlib", "rowsperstrip": 7},
        {"compression": "zlib", "rowsperstrip": 700},
        {"compression": "zlib", "rowsperstrip": 1301},
        {"compression": "lzw", "tile": (240, 272)},
        {"byteorder": ">", "bigtiff": True},
    ],
)
def test_large_images_of_any_kind_get_a_pyramid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, GREY, metadata=None, **how)
    header = read_header(path)
    assert copied_levels(header) == [GREY.shape], "a viewer halves small images in no time"
    monkeypatch.setattr(copying, "_LARGE", GREY.nbytes - 1)
    assert copied_levels(header) == level_shapes(GREY.shape, "yx")
    check(StoredImage(path), tmp_path / "copy.ome.zarr", read_image(path))


def test_channels_of_several_files_get_a_pyramid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_LARGE", GREY.nbytes)
    parts = []
    for name in "abcdef":
        tifffile.imwrite(tmp_path / f"{name}.tif", GREY // (ord(name) - 90), metadata=None)
        parts.append(StoredImage(tmp_path / f"{name}.tif"))
    joined = JoinedChannels(parts, tuple("abcdef"), "image")
    whole = Image(np.stack([part.read((slice(0, 1301), slice(0, 1100))).pixels for part in parts]), "cyx",
                  channels=tuple("abcdef"))  # fmt: skip
    check(joined, tmp_path / "copy.ome.zarr", whole)


def covered(blocks: list[tuple[slice, ...]], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    count = np.zeros(shape, np.uint8)
    for block in blocks:
        count[block] += 1
    return count


class Stored:
    """An image of which only the kind is known."""

    def __init__(self, path: Path, chunk_sides: tuple[int, int]) -> None:
        self.header, self.chunk_sides = read_header(path), chunk_sides

    def read(self, region: Any) -> Image:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("chunk_sides", "first"),
    [
        ((1, 1), (1024, 1024)),
        ((256, 256), (1024, 1024)),
        ((1, 2500), (256, 2500)),  # bands, within the bytes that they may have
        ((600, 2500), (768, 2500)),  # a strip is decoded twice at most
        ((2100, 2500), (2100, 2500)),  # nothing less can be decoded
    ],
)
def test_blocks_fit_how_the_file_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk_sides: tuple[int, int], first: tuple[int, int]
) -> None:
    monkeypatch.setattr(copying, "_BAND_BYTES", 2 << 20)
    write_ome_zarr(tmp_path / "a.ome.zarr", Image(np.zeros((2100, 2500), np.uint16), "yx"))
    blocks = copy_blocks(Stored(tmp_path / "a.ome.zarr", chunk_sides))
    assert tuple(side.stop - side.start for side in blocks[0]) == first
    assert (covered(blocks, (2100, 2500)) == 1).all()


def test_colours_are_read_together_and_many_channels_one_by_one(tmp_path: Path) -> None:
    for channels, together in ((3, 3), (4, 4), (5, 1)):
        path = tmp_path / f"{channels}.ome.zarr"
        write_ome_zarr(path, Image(np.zeros((channels, 20, 30), np.uint8), "cyx"))
        blocks = copy_blocks(Stored(path, (20, 30)))
        assert {block[0].stop - block[0].start for block in blocks} == {together}
        assert (covered(blocks, (channels, 20, 30)) == 1).all()


def test_what_is_wrong_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "slide.ome.tif"
    write_pyramidal_tiff(path, GREY, (2,), compression="zlib")
    with tifffile.TiffFile(path) as file:
        offset = file.pages[0].dataoffsets[-1]
    content = bytearray(path.read_bytes())
    content[offset : offset + 200] = bytes(200)
    path.write_bytes(content)
    told: list[tuple[int, int]] = []
    with pytest.raises(UnreadableFileError, match="the pixels cannot be decoded"):
        copy_image(StoredImage(path), tmp_path / "copy.ome.zarr", told=lambda *far: told.append(far))
    assert told == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert [each.name for each in tmp_path.iterdir()] == ["slide.ome.tif"]


def test_a_copy_that_is_refused_at_the_end_is_not_kept(tmp_path: Path) -> None:
    write_pyramidal_zarr(tmp_path / "slide.ome.zarr", GREY)
    seen: list[int] = []

    def refuse() -> None:
        raise ValueError(f"after {sum(seen)} pixels")

    with pytest.raises(ValueError, match=f"after {GREY.size} pixels"):
        copy_image(
            StoredImage(tmp_path / "slide.ome.zarr"),
            tmp_path / "copy.ome.zarr",
            look=lambda part: seen.append(part.pixels.size),
            at_end=refuse,
        )
    assert [each.name for each in tmp_path.iterdir()] == ["slide.ome.zarr"]
