"""An array described for a browser has the same pixels there, and resolutions are known by their size."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from veriscope.io.own_levels import ServedArray, own_levels, served_array

RNG = np.random.default_rng(0)
PLANE = RNG.integers(0, 999, (20, 30), dtype=np.uint16)


def as_a_browser_reads_it(served: ServedArray, place: Path) -> NDArray[Any]:
    """Fetch metadata and chunks under the names that Zarr 3 gives them, and read those."""
    place.mkdir()
    (place / "zarr.json").write_text(json.dumps(served.metadata))
    grid = served.metadata["chunk_grid"]["configuration"]["chunk_shape"]
    counts = [-(-size // step) for size, step in zip(served.metadata["shape"], grid, strict=True)]
    for numbers in itertools.product(*map(range, counts)):
        places = [str(number) for number in numbers]
        if (file := served.chunk(places)).is_file():
            target = place.joinpath("c", *places)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    return np.asarray(zarr.open_array(store=str(place), mode="r")[...])


@pytest.mark.parametrize("dtype", ["?", "u1", "u2", ">u2", "i4", ">f4", "f8"])
@pytest.mark.parametrize(
    "options",
    [
        {"zarr_format": 2, "compressors": None},
        {"zarr_format": 2, "compressors": numcodecs.Blosc(cname="lz4", shuffle=0)},
        {"zarr_format": 2, "compressors": numcodecs.Blosc(cname="zstd", shuffle=2)},
        {"zarr_format": 2, "compressors": numcodecs.Blosc(cname="zlib", shuffle=-1)},
        {"zarr_format": 2, "compressors": numcodecs.Zstd(level=2)},
        {"zarr_format": 2, "chunk_key_encoding": {"name": "v2", "separator": "/"}},
        {"zarr_format": 2, "compressors": numcodecs.GZip()},
        {"zarr_format": 3, "compressors": None},
        {"zarr_format": 3, "compressors": BloscCodec(cname="lz4")},
        {"zarr_format": 3, "compressors": [ZstdCodec()]},
        {"zarr_format": 3, "compressors": GzipCodec(), "shards": (16, 32), "chunks": (8, 8)},
        {"zarr_format": 3, "chunk_key_encoding": {"name": "default", "separator": "."}},
        {"zarr_format": 3, "chunk_key_encoding": {"name": "v2", "separator": "."}},
        {"zarr_format": 3, "fill_value": 1},
    ],
)  # fmt: skip
def test_what_is_served_is_what_is_stored(tmp_path: Path, options: dict[str, Any], dtype: str) -> None:
    pixels = (PLANE % 2 if dtype == "?" else PLANE % 200).astype(dtype)
    shape: dict[str, Any] = {"shape": pixels.shape, "dtype": pixels.dtype, "chunks": (8, 16)}
    array = zarr.create_array(str(tmp_path / "a"), **(shape | options))
    array[...] = pixels
    served = served_array(tmp_path / "a")
    assert served is not None
    assert served.metadata["zarr_format"] == 3
    np.testing.assert_array_equal(as_a_browser_reads_it(served, tmp_path / "browser"), pixels)


@pytest.mark.parametrize("version", [2, 3])
def test_an_empty_chunk_is_what_fills_it(tmp_path: Path, version: Any) -> None:
    array = zarr.create_array(
        str(tmp_path / "a"), shape=(20, 30), dtype="u2", chunks=(8, 16), fill_value=7, zarr_format=version
    )
    array[:8] = 3
    served = served_array(tmp_path / "a")
    assert served is not None
    assert not served.chunk(["2", "1"]).exists()
    found = as_a_browser_reads_it(served, tmp_path / "browser")
    assert (found[:8] == 3).all() and (found[8:] == 7).all()


@pytest.mark.parametrize(
    "options",
    [
        {"zarr_format": 2, "order": "F"},
        {"zarr_format": 2, "compressors": numcodecs.LZMA()},
        {"zarr_format": 2, "compressors": numcodecs.Blosc(cname="blosclz")},
        {"zarr_format": 2, "filters": [numcodecs.Delta(dtype="u2")]},
        {"zarr_format": 3, "compressors": BloscCodec(cname="blosclz")},
        {"zarr_format": 3, "compressors": BloscCodec(cname="blosclz"), "shards": (16, 32)},
    ],
)
def test_what_the_viewer_cannot_read_is_not_served(tmp_path: Path, options: dict[str, Any]) -> None:
    zarr.create_array(str(tmp_path / "a"), shape=(20, 30), dtype="u2", chunks=(8, 16), **options)
    assert served_array(tmp_path / "a") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"zarr_format": 3}'])
@pytest.mark.parametrize("name", ["zarr.json", ".zarray"])
def test_what_is_no_array_is_not_served(tmp_path: Path, name: str, text: str) -> None:
    assert served_array(tmp_path) is None
    (tmp_path / name).write_text(text)
    assert served_array(tmp_path) is None


def write(path: Path, axes: str, *shapes: tuple[int, ...], dtypes: str = "") -> Path:
    datasets = []
    group = zarr.open_group(str(path), mode="w", zarr_format=3)
    for number, shape in enumerate(shapes):
        kind = dtypes.split()[number] if dtypes else "u2"
        group.create_array(str(number), shape=shape, dtype=kind, chunks=tuple(min(64, n) for n in shape))
        scale = [a / b for a, b in zip(shapes[0], shape, strict=True)]
        datasets.append(
            {"path": str(number), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        )
    described = [{"name": letter, "type": "space" if letter in "zyx" else "channel"} for letter in axes]
    multiscale = {"name": "slide", "axes": described, "datasets": datasets}
    group.attrs["ome"] = {"version": "0.5", "multiscales": [multiscale]}
    return path


def rename(path: Path, name: str) -> None:
    group = zarr.open_group(str(path), mode="r+")
    ome: Any = group.attrs["ome"]
    ome["multiscales"][0]["name"] = name
    group.attrs["ome"] = ome


def looked(path: Path, axes: str, shape: tuple[int, ...], dtype: str = "u2") -> Any:
    return own_levels(path, axes, shape, np.dtype(dtype))


def test_halves_are_served_also_where_they_were_rounded_down(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", "yx", (101, 203), (50, 101), (26, 51))
    found = looked(path, "yx", (101, 203))
    assert (list(found.served), found.alike, found.notes) == ([1, 2], {}, ())
    assert found.full.folder == path / "0"
    assert found.served[2].folder == path / "2"


def test_other_factors_serve_the_next_coarser_level(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", "yx", (900, 900), (300, 300), (100, 100))
    found = looked(path, "yx", (900, 900))
    assert found.served == {}
    assert found.alike == {2: (path / "1", (300, 300)), 4: (path / "2", (100, 100))}


def test_axes_of_length_one_do_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", "tczyx", (1, 2, 1, 64, 64), (1, 2, 1, 32, 32))
    found = looked(path, "cyx", (2, 64, 64))
    assert (found.axes, list(found.served)) == ("tczyx", [1])


@pytest.mark.parametrize(
    ("axes", "shape", "dtype"),
    [
        ("zyx", (64, 64), "u2"),
        ("yx", (64, 63), "u2"),
        ("yx", (64, 64), "u1"),
    ],
)
def test_another_image_is_not_taken_for_this_one(
    tmp_path: Path, axes: str, shape: tuple[int, ...], dtype: str
) -> None:
    path = write(tmp_path / "a.zarr", "yx", (64, 64), (32, 32))
    assert looked(path, "yx", (64, 64)) is not None
    assert looked(path, axes, shape, dtype) is None


def test_an_image_that_is_turned_is_written_anew(tmp_path: Path) -> None:
    assert looked(write(tmp_path / "a.zarr", "xy", (30, 20)), "yx", (20, 30)) is None


@pytest.mark.parametrize(
    ("shapes", "dtypes", "why"),
    [
        (((3, 64, 64), (2, 32, 32)), "u2 u2", "it has other planes, channels or times than the full one"),
        (((3, 64, 64), (3, 32, 32)), "u2 u1", "its pixels are uint8 and those of the full one uint16"),
        (((3, 64, 64), (3, 32, 128)), "u2 u2", "it is larger than the full one"),
        (((3, 64, 64), (3, 64, 64)), "u2 u2", "another one is as fine"),
    ],
)
def test_resolutions_that_are_none_are_told_of(
    tmp_path: Path, shapes: tuple[tuple[int, ...], ...], dtypes: str, why: str
) -> None:
    path = write(tmp_path / "a.zarr", "zyx", *shapes, dtypes=dtypes)
    found = looked(path, "zyx", (3, 64, 64))
    assert (found.served, found.alike) == ({}, {})
    assert found.notes == (f"Resolution 1 of the file is not used: {why}.",)


def test_what_is_no_ome_zarr_has_no_resolutions(tmp_path: Path) -> None:
    assert looked(tmp_path, "yx", (64, 64)) is None
    assert looked(tmp_path / "none", "yx", (64, 64)) is None


def test_one_image_of_several_in_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "many.zarr"
    zarr.open_group(str(path), mode="w", zarr_format=3)
    for folder in ("1", "2", "10"):  # numbers need not begin at 0
        write(path / folder, "yx", (64, 64))
    rename(path / "2", "second")
    for series, folder in ((0, "1"), ("0", "1"), (1, "2"), ("1", "2"), ("second", "2"), (2, "10")):
        found = own_levels(path, "yx", (64, 64), np.dtype("u2"), series=series)
        assert found is not None and found.full is not None
        assert found.full.folder == path / folder / "0"
    for wrong in (None, 3, "third", "slide"):
        assert own_levels(path, "yx", (64, 64), np.dtype("u2"), series=wrong) is None
