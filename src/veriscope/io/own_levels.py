"""The resolutions that an OME-Zarr brings along, as a browser can read them: in the words of Zarr 3."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.errors import UnreadableFileError
from veriscope.io.ome_zarr_metadata import ZarrLevel, read_multiscale
from veriscope.io.ome_zarr_reader import image_folders
from veriscope.io.reader import series_number

__all__ = ["OwnLevels", "ServedArray", "own_levels", "served_array"]

_CODECS = {"bytes", "transpose", "blosc", "gzip", "zlib", "zstd", "crc32c", "sharding_indexed"}
_IN_BLOSC = {"zstd", "lz4", "lz4hc", "zlib"}
_SHUFFLES = {0: "noshuffle", 1: "shuffle", 2: "bitshuffle"}


@dataclass(frozen=True, slots=True)
class ServedArray:
    """A Zarr array whose chunks a browser can read as they are.

    Parameters
    ----------
    folder
        Of the array.
    metadata
        Of Zarr 3, with chunks at ``c/0/0``.
    prefix, separator
        How its files are really named: ``c/`` and ``/``, or nothing and ``.``.
    """

    folder: Path
    metadata: Mapping[str, Any]
    prefix: str
    separator: str

    def chunk(self, places: Sequence[str]) -> Path:
        """Give the file of a chunk or shard.

        Parameters
        ----------
        places
            Numbers of the chunk by axis.

        Returns
        -------
        pathlib.Path
            It need not exist: then the chunk is empty.
        """
        return self.folder / f"{self.prefix}{self.separator.join(places)}"


@dataclass(frozen=True, slots=True)
class OwnLevels:
    """What an OME-Zarr has of an image.

    Parameters
    ----------
    axes
        As stored, with axes of length 1 that the image lacks.
    full
        The full resolution as it is, or None if it has to be written anew.
    served
        By level n: arrays that are 1/2ⁿ of the full one and can be read as they are.
    alike
        By level n: arrays from which that level can be taken, pixel by pixel, and their shapes.
    notes
        What cannot be used, and why; one sentence each.
    """

    axes: str
    full: ServedArray | None
    served: Mapping[int, ServedArray] = field(default_factory=dict)
    alike: Mapping[int, tuple[Path, tuple[int, ...]]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def own_levels(
    source: Path, axes: str, shape: Sequence[int], dtype: np.dtype[Any], series: int | str | None = None
) -> OwnLevels | None:
    """Look which resolutions of an OME-Zarr can be used for an image that was read from it.

    Parameters
    ----------
    source
        The folder.
    axes, shape, dtype
        Of the image, as it was understood.
    series
        Which image of the folder, where it holds several: as for `veriscope.io.images.read_image`.

    Returns
    -------
    OwnLevels or None
        None if it is no OME-Zarr, or not the image that is asked for.
    """
    try:
        multiscales = [read_multiscale(folder) for folder in image_folders(source)]
    except (UnreadableFileError, OSError):
        return None
    number = series_number([found.name for found in multiscales], series)
    if number is None:
        return None
    multiscale = multiscales[number]
    first = multiscale.levels[0]
    stored = multiscale.axes
    kept = "".join(
        letter for letter, size in zip(stored, first.shape, strict=True) if size > 1 or letter in "yx"
    )
    if (
        kept != axes
        or not stored.endswith("yx")
        or first.dtype != dtype
        or _without(first, axes, stored) != tuple(shape)
    ):
        return None
    served: dict[int, ServedArray] = {}
    alike: dict[int, tuple[Path, tuple[int, ...]]] = {}
    notes = []
    for number, level in enumerate(multiscale.levels[1:], 1):
        place, exact = _place(level, first)
        why = _why_not(level, first)
        if why or place == 0 or place in served:
            notes.append(f"Resolution {number} of the file is not used: {why or 'another one is as fine'}.")
            continue
        array = served_array(level.path) if exact else None
        if array is not None:
            served[place] = array
            alike.pop(place, None)
        elif place not in alike:
            alike[place] = (level.path, level.shape)
    return OwnLevels(stored, served_array(first.path), served, alike, tuple(notes))


def _without(level: ZarrLevel, axes: str, stored: str) -> tuple[int, ...]:
    return tuple(size for letter, size in zip(stored, level.shape, strict=True) if letter in axes)


def _place(level: ZarrLevel, first: ZarrLevel) -> tuple[int, bool]:
    """Give the n of which a resolution is 1/2ⁿ of the full one, or can give that; and whether it is it."""
    factors = [full / max(1, size) for full, size in zip(first.shape[-2:], level.shape[-2:], strict=True)]
    near = max(0, round(math.log2(max(1.0, factors[0]))))
    exact = all(
        abs(size - full / 2**near) <= 1 for full, size in zip(first.shape[-2:], level.shape[-2:], strict=True)
    )
    return (near, True) if exact else (max(0, math.ceil(math.log2(max(*factors, 1.0)) - 0.03)), False)


def _why_not(level: ZarrLevel, first: ZarrLevel) -> str:
    if level.shape[:-2] != first.shape[:-2]:
        return "it has other planes, channels or times than the full one"
    if level.dtype != first.dtype:
        return f"its pixels are {level.dtype} and those of the full one {first.dtype}"
    if any(small > full for small, full in zip(level.shape, first.shape, strict=True)):
        return "it is larger than the full one"
    return ""


def served_array(folder: Path) -> ServedArray | None:
    """Describe an array so that a browser can read its chunks as they are.

    Parameters
    ----------
    folder
        Of the array, Zarr 2 or 3.

    Returns
    -------
    ServedArray or None
        None if it is none, or stored in a way that the viewer does not read.
    """
    try:
        if (folder / "zarr.json").is_file():
            return _of_zarr_3(folder, json.loads((folder / "zarr.json").read_bytes()))
        return _of_zarr_2(folder, json.loads((folder / ".zarray").read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _of_zarr_3(folder: Path, found: dict[str, Any]) -> ServedArray | None:
    keys = found["chunk_key_encoding"]
    is_default = keys["name"] == "default"
    separator = keys.get("configuration", {}).get("separator", "/" if is_default else ".")
    fits = (
        found["zarr_format"] == 3
        and found["chunk_grid"]["name"] == "regular"
        and (is_default or keys["name"] == "v2")
        and isinstance(found["data_type"], str)
        and _are_known(found["codecs"])
        and not found.get("storage_transformers")
    )
    if not fits:
        return None
    metadata = found | {"chunk_key_encoding": _DEFAULT_KEYS}
    return ServedArray(folder, metadata, f"c{separator}" if is_default else "", separator)


_DEFAULT_KEYS = {"name": "default", "configuration": {"separator": "/"}}


def _are_known(codecs: Sequence[Mapping[str, Any]]) -> bool:
    for codec in codecs:
        settings = codec.get("configuration", {})
        if codec["name"] not in _CODECS or (codec["name"] == "blosc" and settings["cname"] not in _IN_BLOSC):
            return False
        inner = [*settings.get("codecs", ()), *settings.get("index_codecs", ())]
        if not _are_known(inner):
            return False
    return True


def _of_zarr_2(folder: Path, found: dict[str, Any]) -> ServedArray | None:
    dtype = np.dtype(found["dtype"])
    packed = _packing(found.get("compressor"), dtype)
    if found["zarr_format"] != 2 or found["order"] != "C" or found.get("filters") or packed is None:
        return None
    endian = {"configuration": {"endian": "big" if dtype.str.startswith(">") else "little"}}
    metadata = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": found["shape"],
        "data_type": dtype.newbyteorder("=").name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": found["chunks"]}},
        "chunk_key_encoding": _DEFAULT_KEYS,
        "fill_value": found["fill_value"] or (False if dtype.kind == "b" else 0),
        "codecs": [{"name": "bytes"} | (endian if dtype.itemsize > 1 else {}), *packed],
        "attributes": {},
    }
    return ServedArray(folder, metadata, "", found.get("dimension_separator", "."))


def _packing(compressor: Mapping[str, Any] | None, dtype: np.dtype[Any]) -> list[dict[str, Any]] | None:
    """Say the compression of Zarr 2 in the words of Zarr 3; None if the viewer lacks it."""
    if compressor is None:
        return []
    kind = compressor["id"]
    if kind == "blosc" and compressor["cname"] in _IN_BLOSC:
        shuffle = compressor.get("shuffle", 1)
        if shuffle not in _SHUFFLES:  # -1: bits for bytes, bytes for all else
            shuffle = 2 if dtype.itemsize == 1 else 1
        settings = {
            "cname": compressor["cname"],
            "clevel": compressor.get("clevel", 5),
            "shuffle": _SHUFFLES[shuffle],
            "typesize": dtype.itemsize,
            "blocksize": compressor.get("blocksize", 0),
        }
        return [{"name": "blosc", "configuration": settings}]
    if kind in ("gzip", "zlib", "zstd"):
        return [{"name": kind, "configuration": {"level": compressor.get("level", 1)}}]
    return None
