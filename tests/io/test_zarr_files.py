"""Plain Zarr arrays as files: the bytes of the Zarr library, and nothing that the library must judge."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.io.ome_zarr import create_array, label_attributes
from veriscope.io.zarr_files import plain_chunks, read_plain_array, write_plain_array

TYPES = ("bool", "uint8", "int8", "uint16", "int32", "uint64", "float32", "float64")
SHAPES = [((5, 7), "yx"), ((1, 1), "yx"), ((1100, 1030), "yx"), ((3, 20, 30), "zyx"), ((2, 3, 9, 8), "czyx")]


def chunks_of(shape: tuple[int, ...], axes: str) -> tuple[int, ...]:
    return tuple(min(n, 1024) if letter in "yx" else 1 for n, letter in zip(shape, axes, strict=True))


def write(path: Path, pixels: NDArray, axes: str) -> Path:
    attributes = {"ome": label_attributes("x.zarr", axes, {"y": 0.5, "x": 0.5})}
    chunks = chunks_of(pixels.shape, axes)
    write_plain_array(path, pixels, chunks, group_attributes=attributes, dimension_names=list(axes))
    return path


def content(path: Path) -> dict[str, bytes]:
    return {
        file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()
    }


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("shape", "axes"), SHAPES)
def test_files_are_those_of_the_library(
    tmp_path: Path, dtype: str, shape: tuple[int, ...], axes: str
) -> None:
    """A new version of the library that writes otherwise is seen here."""
    pixels = (np.random.default_rng(1).random(shape) * 90).astype(dtype)
    attributes = label_attributes("x.zarr", axes, {"y": 0.5, "x": 0.5})
    create_array(tmp_path / "library", shape, pixels.dtype, axes, attributes)[...] = pixels

    assert content(write(tmp_path / "ours", pixels, axes)) == content(tmp_path / "library")
    found = read_plain_array(tmp_path / "library" / "0")
    assert found is not None
    assert found.dtype == pixels.dtype
    np.testing.assert_array_equal(found, pixels)
    assert plain_chunks(tmp_path / "library" / "0") == chunks_of(shape, axes)


@settings(max_examples=40, deadline=None)
@given(
    pixels=hnp.arrays(
        st.sampled_from(["uint8", "int16", "uint32", "float32", "bool"]),
        hnp.array_shapes(min_dims=2, max_dims=4),
    ),
    data=st.data(),
)
def test_what_is_written_is_read_in_any_chunks(
    tmp_path_factory: pytest.TempPathFactory, pixels: NDArray, data: st.DataObject
) -> None:
    chunks = tuple(data.draw(st.integers(1, n + 1)) for n in pixels.shape)
    path = tmp_path_factory.mktemp("any") / "a.zarr"
    names = "tzyx"[-pixels.ndim :]
    write_plain_array(path, pixels, chunks, group_attributes={}, dimension_names=list(names))
    found = read_plain_array(path / "0")
    assert found is not None
    np.testing.assert_array_equal(found, pixels)
    np.testing.assert_array_equal(np.asarray(zarr.open_array(str(path / "0"), mode="r")[...]), pixels)


def test_other_arrays_are_left_to_the_library(tmp_path: Path) -> None:
    pixels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    for name, options in {
        "sharded": {"chunks": (16, 16), "shards": (32, 32)},
        "gzip": {"chunks": (16, 16), "compressors": zarr.codecs.GzipCodec()},
        "raw": {"chunks": (16, 16), "compressors": None},
        "big": {"chunks": (16, 16), "serializer": zarr.codecs.BytesCodec(endian="big")},
    }.items():
        array = zarr.create_array(str(tmp_path / name), shape=pixels.shape, dtype=pixels.dtype, **options)  # type: ignore[arg-type]
        array[...] = pixels
        assert read_plain_array(tmp_path / name) is None, name
        assert plain_chunks(tmp_path / name) is None, name
    zarr.create_array(str(tmp_path / "two"), shape=(4, 4), dtype="u2", zarr_format=2)
    assert read_plain_array(tmp_path / "two") is None
    assert read_plain_array(tmp_path / "none") is None


@pytest.mark.parametrize("damage", ["cut", "longer", "empty", "other", "gone", "metadata", "no codecs"])
def test_damage_is_left_to_the_library_to_name(tmp_path: Path, damage: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 60000, (50, 60), np.uint16)
    path = write(tmp_path / "a.zarr", pixels, "yx") / "0"
    chunk = path / "c" / "0" / "0"
    good = chunk.read_bytes()
    if damage == "gone":
        chunk.unlink()
    elif damage == "metadata":
        (path / "zarr.json").write_text("{")
    elif damage == "no codecs":
        content = json.loads((path / "zarr.json").read_text())
        (path / "zarr.json").write_text(json.dumps(content | {"codecs": []}))
    else:
        other = bytes(range(256)) * 20
        chunk.write_bytes({"cut": good[:-9], "longer": good + b"x", "empty": b"", "other": other}[damage])
    assert read_plain_array(path) is None
