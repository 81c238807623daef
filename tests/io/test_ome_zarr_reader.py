"""OME-Zarr as other programs write it: any order, type, compression, and resolutions of any shape."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from numpy.typing import NDArray
from zarr.codecs import GzipCodec, ZstdCodec

from veriscope.errors import AxesError, UnreadableFileError
from veriscope.io.convert import convert_image
from veriscope.io.images import read_header, read_image
from veriscope.io.regions import StoredImage

RNG = np.random.default_rng(0)
PLANE = RNG.integers(0, 999, (20, 30), dtype=np.uint16)
STACK = RNG.integers(0, 999, (4, 20, 30), dtype=np.uint16)
KINDS = {"t": "time", "c": "channel"}


def axes(letters: str, unit: str = "", **units: str) -> list[dict[str, str]]:
    """Axes as both versions describe them; `unit` for those in space."""
    found = []
    for letter in letters:
        entry = {"name": letter, "type": KINDS.get(letter, "space")}
        stated = units.get(letter, "" if letter in KINDS else unit)
        found.append(entry | ({"unit": stated} if stated else {}))
    return found


def write(
    path: Path,
    levels: Sequence[NDArray[Any]],
    described: object,
    *,
    version: str = "0.4",
    scales: Sequence[Sequence[float]] | None = None,
    omero: object = None,
    name: object = "image",
    **options: Any,
) -> Path:
    """Write a store with the Zarr library, as another program would."""
    datasets = [
        {"path": str(i), "coordinateTransformations": [{"type": "scale", "scale": list(scale)}]}
        for i, scale in enumerate(scales or [[1] * level.ndim for level in levels])
    ]
    multiscale: dict[str, Any] = {"name": name, "axes": described, "datasets": datasets}
    more = {} if omero is None else {"omero": {"channels": omero}}
    old = version == "0.4"
    attributes: dict[str, Any] = {"multiscales": [multiscale | ({"version": "0.4"} if old else {})]} | more
    if not old:
        attributes = {"ome": {"version": version} | attributes}
    group = zarr.open_group(str(path), mode="w", zarr_format=2 if old else 3, attributes=attributes)
    for number, level in enumerate(levels):
        chunks = tuple(min(16, size) for size in level.shape)
        given = {"chunks": chunks} | options
        array = group.create_array(str(number), shape=level.shape, dtype=level.dtype, **given)
        array[...] = level
    return path


def check(path: Path, pixels: NDArray[Any], **options: Any) -> None:
    """Read it whole and in part; the header must agree."""
    image, header = read_image(path, **options), read_header(path, **options)
    np.testing.assert_array_equal(image.pixels, pixels)
    assert image.pixels.dtype == pixels.dtype.newbyteorder("=")
    assert (header.shape, header.axes, header.dtype) == (image.pixels.shape, image.axes, image.pixels.dtype)
    part = tuple(slice(size // 3, size // 3 + max(1, size // 2)) for size in pixels.shape)
    np.testing.assert_array_equal(StoredImage(path, **options).read(part).pixels, pixels[part])


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "u2", ">u2", "i4", "u8", "f2", "f4", ">f8"])
def test_pixels_of_every_type(tmp_path: Path, version: str, dtype: str) -> None:
    pixels = (STACK % 100).astype(dtype)
    check(write(tmp_path / "a.zarr", [pixels], axes("zyx"), version=version), pixels)


@pytest.mark.parametrize(
    "options",
    [
        {"version": "0.4", "compressors": None},
        {"version": "0.4", "order": "F"},
        {"version": "0.4", "chunk_key_encoding": {"name": "v2", "separator": "."}},
        {"version": "0.4", "chunk_key_encoding": {"name": "v2", "separator": "/"}},
        {"version": "0.5", "compressors": GzipCodec()},
        {"version": "0.5", "compressors": [ZstdCodec(), GzipCodec()]},
        {"version": "0.5", "compressors": None},
        {"version": "0.5", "chunk_key_encoding": {"name": "v2", "separator": "."}},
        {"version": "0.5", "chunk_key_encoding": {"name": "default", "separator": "."}},
        {"version": "0.5", "shards": (4, 32, 32), "chunks": (1, 16, 16)},
    ],
)
def test_chunks_of_every_kind(tmp_path: Path, options: dict[str, Any]) -> None:
    check(write(tmp_path / "a.zarr", [STACK], axes("zyx"), **options), STACK)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("order", ["xyz", "yxz", "zxy", "xzy"])
def test_axes_in_any_order(tmp_path: Path, order: str, version: str) -> None:
    sizes = {"z": 2.0, "y": 0.5, "x": 0.25}
    turned = np.transpose(STACK, ["zyx".index(letter) for letter in order])
    scale = [sizes[letter] for letter in order]
    described = axes(order, "micrometer")
    path = write(tmp_path / "a.zarr", [turned], described, version=version, scales=[scale])
    check(path, STACK)
    assert read_image(path).spacing == sizes


def test_resolutions_may_lose_planes_down_to_one(tmp_path: Path) -> None:
    levels = [STACK, STACK[:2, ::2, ::2], STACK[:1, ::4, ::4]]
    described = axes("zyx", "micrometer")
    path = write(tmp_path / "a.zarr", levels, described, scales=[[1, 1, 1], [2, 2, 2], [4, 4, 4]])
    assert read_header(path).levels == ((4, 20, 30), (2, 10, 15), (5, 8))
    lowest = read_image(path, level=2)
    assert (lowest.axes, lowest.spacing) == ("yx", {"y": 4.0, "x": 4.0})
    np.testing.assert_array_equal(lowest.pixels, levels[2][0])
    assert read_image(path, level=1, spacing=3).spacing == {"z": 6.0, "y": 6.0, "x": 6.0}
    convert_image(path, tmp_path / "copy.zarr")
    check(tmp_path / "copy.zarr", STACK)


def test_a_resolution_that_is_missing_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", [PLANE, PLANE[::2, ::2]], axes("yx"))
    shutil.rmtree(path / "1")
    with pytest.raises(UnreadableFileError) as caught:
        read_image(path)
    assert str(caught.value) == f"{path / '1'}: the array is missing; copy the whole OME-Zarr folder again"


def test_units_of_length_and_time(tmp_path: Path) -> None:
    described = axes("tyx", t="millisecond", y="nanometer", x="angstrom")
    path = write(tmp_path / "a.zarr", [STACK], described, scales=[[500, 250, 5000]])
    header = read_header(path)
    assert header.time_step == 0.5
    assert header.spacing == pytest.approx({"y": 0.25, "x": 0.5})


@pytest.mark.parametrize(("step", "unit"), [(0, "second"), (-1, "second"), (2, "fortnight"), (2, "")])
def test_a_time_step_that_is_none_is_left_out(tmp_path: Path, step: float, unit: str) -> None:
    path = write(tmp_path / "a.zarr", [STACK], axes("tyx", t=unit), scales=[[step, 1, 1]])
    assert read_header(path).time_step is None


@pytest.mark.parametrize(
    ("omero", "names"),
    [
        ([{"label": 488}, {"label": 561.5}], ("488", "561.5")),
        ([{"label": "DAPI"}, {"color": "FF0000"}], ("DAPI", "channel-1")),
        ([{"label": "DAPI"}, None], ("DAPI", "channel-1")),
        ([{"label": "DAPI"}], ("channel-0", "channel-1")),
        ([{"label": "a"}] * 3, ("channel-0", "channel-1")),
        ([], ("channel-0", "channel-1")),
    ],
)
def test_names_of_channels_need_not_be_text_nor_complete(
    tmp_path: Path, omero: object, names: tuple[str, ...]
) -> None:
    path = write(tmp_path / "a.zarr", [STACK[:2]], axes("cyx"), omero=omero)
    assert read_image(path).channels == names


def test_names_that_are_numbers_are_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", [PLANE], axes("yx"), name=7)
    assert read_header(path).series == ("0 (7: yx 20 × 30 uint16)",)


def test_axes_of_another_meaning_are_dropped_or_asked_for(tmp_path: Path) -> None:
    angle = [{"name": "angle"}, *axes("zyx")]
    one = write(tmp_path / "one.zarr", [STACK[None]], angle)
    check(one, STACK)
    many = write(tmp_path / "many.zarr", [STACK], [{"name": "angle"}, *axes("yx")])
    with pytest.raises(AxesError, match=r"does not say what the dimension of length 4 is .* --axes zyx or"):
        read_image(many)
    check(many, STACK, axes="tyx")


def test_axes_that_are_words_alone_are_refused(tmp_path: Path) -> None:
    """As OME-Zarr 0.3 had them."""
    path = write(tmp_path / "a.zarr", [STACK], ["z", "y", "x"])
    with pytest.raises(UnreadableFileError, match="its OME-Zarr metadata are incomplete or wrong"):
        read_image(path)


def test_other_numbers_of_axes_and_scales_are_refused(tmp_path: Path) -> None:
    too_many = write(tmp_path / "a.zarr", [PLANE], axes("zyx"), scales=[[1, 1, 1]])
    with pytest.raises(UnreadableFileError, match="3 axes for an array of 2 dimensions"):
        read_image(too_many)
    short = write(tmp_path / "b.zarr", [PLANE], axes("yx"), scales=[[1]])
    with pytest.raises(UnreadableFileError, match="a scale of 1 numbers for 2 axes"):
        read_image(short)


def test_missing_chunks_read_as_what_fills_them(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", [PLANE], axes("yx"), fill_value=7)
    (path / "0" / "0.0").unlink()
    image = read_image(path)
    assert (image.pixels[:16, :16] == 7).all()
    np.testing.assert_array_equal(image.pixels[16:], PLANE[16:])
    assert image.notes[0].startswith("1 of 4 chunks are not stored and read as the fill value")


@pytest.mark.parametrize("codec", [GzipCodec(), ZstdCodec()])
def test_chunks_cut_off_are_refused_whole_and_in_part(tmp_path: Path, codec: Any) -> None:
    path = write(tmp_path / "a.zarr", [PLANE], axes("yx"), version="0.5", compressors=codec)
    chunk = path / "0" / "c" / "1" / "1"
    chunk.write_bytes(chunk.read_bytes()[:-20])
    with pytest.raises(UnreadableFileError, match="the array cannot be decoded"):
        read_image(path)
    stored = StoredImage(path)
    np.testing.assert_array_equal(stored.read((slice(0, 16), slice(0, 16))).pixels, PLANE[:16, :16])
    with pytest.raises(UnreadableFileError, match="the array cannot be decoded"):
        stored.read((slice(10, 20), slice(10, 20)))


def test_metadata_of_no_array_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", [PLANE], axes("yx"), version="0.5")
    file = path / "0" / "zarr.json"
    whole = json.loads(file.read_text())
    for change in ({"data_type": "colour"}, {"shape": "20, 30"}, {"codecs": []}, {"shape": None}):
        file.write_text(json.dumps(whole | change))
        with pytest.raises(UnreadableFileError, match="metadata are incomplete or wrong"):
            read_header(path)
