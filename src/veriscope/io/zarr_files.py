"""Plain Zarr arrays read and written as files, without the Zarr library.

The library's machinery costs milliseconds per array, more than all other reading, writing and recording of a
small image together, which counts on plates of thousands of them. A *plain* array is one of Zarr 3 with
regular chunks, no shards, little-endian bytes compressed by Blosc: what `veriscope.io.ome_zarr` writes up to
64 MiB. The bytes written are those that the library writes; anything else is left to the library.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["plain_chunks", "read_plain_array", "write_plain_array"]

_LEVEL = 5
_SHUFFLE = 1
_MOST_BYTES = (1 << 31) - 32  # of one Blosc chunk


def write_plain_array(
    path: Path,
    pixels: NDArray[Any],
    chunks: Sequence[int],
    *,
    group_attributes: Mapping[str, Any],
    dimension_names: Sequence[str],
) -> None:
    """Write a Zarr 3 group with one array, ``0``.

    Parameters
    ----------
    path
        Folder of the group, which must not exist.
    pixels
        Boolean, integer or floating point numbers of native byte order.
    chunks
        Shape of a chunk; those at the end are filled up with 0.
    group_attributes
        Attributes of the group.
    dimension_names
        Name of each dimension.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    from numcodecs import blosc  # type: ignore[import-untyped]

    array = path / "0"
    array.mkdir(parents=True)
    group = {"attributes": dict(group_attributes), "zarr_format": 3, "node_type": "group"}
    (path / "zarr.json").write_text(json.dumps(group, indent=2), encoding="utf-8")
    (array / "zarr.json").write_text(
        json.dumps(_array_metadata(pixels, chunks, dimension_names), indent=2), encoding="utf-8"
    )
    stored = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    for place in _places(pixels.shape, chunks):
        part = stored[_slices(place, chunks)]
        if part.shape != tuple(chunks):
            whole = np.zeros(tuple(chunks), stored.dtype)
            whole[tuple(slice(0, length) for length in part.shape)] = part
            part = whole
        file = array.joinpath("c", *map(str, place))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(blosc.compress(np.ascontiguousarray(part), b"zstd", _LEVEL, _SHUFFLE))


def _array_metadata(pixels: NDArray[Any], chunks: Sequence[int], names: Sequence[str]) -> dict[str, Any]:
    """Metadata of the array, in the order in which the library writes them."""
    blosc = {"typesize": pixels.dtype.itemsize, "cname": "zstd", "clevel": _LEVEL, "shuffle": "shuffle"}
    # Bytes of one-byte types have no order, and the library names none.
    endian = {"configuration": {"endian": "little"}} if pixels.dtype.itemsize > 1 else {}
    fill = {"b": False, "f": 0.0}.get(pixels.dtype.kind, 0)
    return {
        "shape": list(pixels.shape),
        "data_type": pixels.dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(chunks)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill,
        "codecs": [
            {"name": "bytes"} | endian,
            {"name": "blosc", "configuration": blosc | {"blocksize": 0}},
        ],
        "attributes": {},
        "dimension_names": list(names),
        "zarr_format": 3,
        "node_type": "array",
        "storage_transformers": [],
    }


def read_plain_array(path: Path) -> NDArray[Any] | None:
    """Read a Zarr array, if it is a plain one with all its chunks.

    Parameters
    ----------
    path
        Folder of the array.

    Returns
    -------
    numpy.ndarray or None
        Native byte order. None if the array is of another kind, lacks chunks, or has damaged ones: the
        library reads it then, or says what is wrong.
    """
    plain = _read_metadata(path)
    if plain is None:
        return None
    shape, chunks, dtype = plain
    try:
        pixels = np.empty(shape, dtype)
        for place in _places(shape, chunks):
            part = _decode(path.joinpath("c", *map(str, place)), chunks, dtype)
            where = _slices(place, chunks)
            inside = tuple(
                slice(0, min(side.stop, length) - side.start)
                for side, length in zip(where, shape, strict=True)
            )
            pixels[where] = part[inside]
    except (OSError, ValueError, RuntimeError):  # RuntimeError: what Blosc says of damaged bytes
        return None
    return pixels.astype(dtype.newbyteorder("="), copy=False)


def plain_chunks(path: Path) -> tuple[int, ...] | None:
    """Give the shape of the chunks of a Zarr array, if it is a plain one.

    Parameters
    ----------
    path
        Folder of the array.

    Returns
    -------
    tuple of int or None
        None if the array is of another kind, or there is none.
    """
    plain = _read_metadata(path)
    return None if plain is None else plain[1]


def _read_metadata(path: Path) -> tuple[tuple[int, ...], tuple[int, ...], np.dtype[Any]] | None:
    try:
        return _plain(json.loads((path / "zarr.json").read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _plain(found: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...], np.dtype[Any]] | None:
    """Shape, chunks and type of a plain array, or None."""
    first, second = found["codecs"]
    grid, keys = found["chunk_grid"], found["chunk_key_encoding"]
    is_plain = (
        found["zarr_format"] == 3
        and first["name"] == "bytes"
        and second["name"] == "blosc"
        and first.get("configuration", {}).get("endian", "little") == "little"
        and grid["name"] == "regular"
        and keys["name"] == "default"
        and keys.get("configuration", {}).get("separator", "/") == "/"
        and not found.get("storage_transformers")
        and isinstance(found["data_type"], str)
    )
    if not is_plain:
        return None
    dtype = np.dtype(found["data_type"])
    shape = tuple(int(length) for length in found["shape"])
    chunks = tuple(int(length) for length in grid["configuration"]["chunk_shape"])
    fits = len(shape) == len(chunks) and min(chunks, default=0) > 0
    if dtype.kind not in "buif" or not fits or math.prod(chunks) * dtype.itemsize > _MOST_BYTES:
        return None
    return shape, chunks, dtype.newbyteorder("<")


def _decode(file: Path, chunks: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    from numcodecs import blosc

    content = file.read_bytes()
    # Blosc trusts the lengths in its header and reads beyond the end of a chunk that was cut.
    plain, packed = (int.from_bytes(content[at : at + 4], "little") for at in (4, 12))
    if len(content) < 16 or packed != len(content) or plain != math.prod(chunks) * dtype.itemsize:
        raise ValueError(f"{file}: the chunk is damaged")
    return np.frombuffer(blosc.decompress(content), dtype).reshape(chunks)


def _places(shape: Sequence[int], chunks: Sequence[int]) -> itertools.product[tuple[int, ...]]:
    return itertools.product(*(range(-(-n // step)) for n, step in zip(shape, chunks, strict=True)))


def _slices(place: Sequence[int], chunks: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(i * step, (i + 1) * step) for i, step in zip(place, chunks, strict=True))
