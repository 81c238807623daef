"""Reading OME-Zarr 0.4 and 0.5: single images, and collections of images in one folder."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import UnreadableFileError
from veriscope.io.ome_zarr_metadata import ZarrLevel, read_attributes, read_multiscale
from veriscope.io.reader import StoredLevel, StoredSeries, foreign_errors
from veriscope.io.zarr_files import plain_chunks, read_plain_array
from veriscope.io.zarr_tasks import tasks_ended

__all__ = ["OmeZarrReader", "image_folders", "is_zarr"]

_MARKERS = ("zarr.json", ".zgroup", ".zattrs", ".zarray")
_LARGE = 1 << 30
_MOST_COMPRESSION = 2000


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a Zarr store, by its ending or its content.

    Parameters
    ----------
    path
        Any path.

    Returns
    -------
    bool
        Whether it is a folder that ends in ``.zarr`` or has the metadata of one.
    """
    return path.is_dir() and (path.suffix == ".zarr" or any((path / name).is_file() for name in _MARKERS))


class OmeZarrReader:
    """Reads folders in the OME-Zarr format."""

    name = "OME-Zarr"
    suffixes: tuple[str, ...] = (".zarr",)

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether the path is a folder with Zarr metadata."""
        return is_zarr(path)

    @contextmanager
    def open(self, path: Path) -> Iterator[OpenZarr]:
        """Open a folder; only its metadata are read."""
        yield OpenZarr(path)


class OpenZarr:
    """An OME-Zarr folder.

    Parameters
    ----------
    path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._multiscales = [read_multiscale(folder) for folder in image_folders(path)]
        self.format = f"OME-Zarr {self._multiscales[0].version}"

    @cached_property
    def series(self) -> tuple[StoredSeries, ...]:
        """The images of the folder."""
        return tuple(
            StoredSeries(
                axes=image.axes,
                dtype=image.levels[0].dtype,
                levels=tuple(StoredLevel(level.shape, level.spacing) for level in image.levels),
                name=image.name,
                channels=image.channels,
                time_step=image.time_step,
                notes=(*image.notes, *self._notes(image.levels[0])),
            )
            for image in self._multiscales
        )

    def pixels(self, series: int, level: int) -> NDArray[Any]:
        """Decode all chunks of one level."""
        stored = self._multiscales[series].levels[level]
        _check_size(stored)
        plain = read_plain_array(stored.path)
        if plain is not None:
            return plain.astype(stored.dtype, copy=False)
        _check_blosc(stored)
        return _decode(stored, (slice(None),) * len(stored.shape))

    def region(self, series: int, part: tuple[slice, ...]) -> NDArray[Any]:
        """Decode the chunks that a part touches."""
        return _decode(self._multiscales[series].levels[0], part)

    def chunk_bytes(self, series: int) -> int:
        """One chunk; of a shard only the chunks that are needed are decoded."""
        return math.prod(self._chunks(series)) * self._multiscales[series].levels[0].dtype.itemsize

    def chunk_sides(self, series: int) -> tuple[int, int]:
        """One chunk, also of a shard."""
        by_letter = dict(zip(self._multiscales[series].axes, self._chunks(series), strict=True))
        return by_letter.get("y", 1), by_letter.get("x", 1)

    def _chunks(self, series: int) -> tuple[int, ...]:
        import zarr

        stored = self._multiscales[series].levels[0]
        with foreign_errors(stored.path, "is not an array that can be read", "copy the folder again"):
            return tuple(zarr.open_array(store=str(stored.path), mode="r").chunks)

    def verify(self, series: int) -> None:
        """Every Blosc chunk has the length that it states."""
        stored = self._multiscales[series].levels[0]
        _check_size(stored)
        _check_blosc(stored)

    def _notes(self, level: ZarrLevel) -> tuple[str, ...]:
        present, expected = _chunk_files(level)
        if not present:
            raise UnreadableFileError(
                f"{level.path}: the array has no chunks at all, only metadata; copy the whole OME-Zarr "
                "folder again"
            )
        if present < expected:
            return (
                f"{expected - present} of {expected} chunks are not stored and read as the fill value: empty "
                "regions, or an incomplete copy",
            )
        return ()


_CHUNK = re.compile(r"[0-9.]+|c([./][0-9]+)*")


def _decode(level: ZarrLevel, part: tuple[slice, ...]) -> NDArray[Any]:
    import zarr

    what = "the array cannot be decoded"
    remedy = "a chunk is damaged or incomplete: copy the OME-Zarr folder again"
    with foreign_errors(level.path, what, remedy), tasks_ended():
        pixels = np.asarray(zarr.open_array(store=str(level.path), mode="r")[part])
    return pixels.astype(level.dtype, copy=False)


def image_folders(path: Path) -> list[Path]:
    """Find the images in a store: itself, or its numbered images (bioformats2raw layout).

    Parameters
    ----------
    path
        Folder of the store.

    Returns
    -------
    list of pathlib.Path
        Folder of each, in the order of their numbers, which need not begin at 0 nor be complete.

    Raises
    ------
    UnreadableFileError
        If there is none, or it is a plate.
    """
    if not any((path / name).is_file() for name in _MARKERS):
        raise UnreadableFileError(
            f"{path}: the folder ends in .zarr but has no Zarr metadata (zarr.json or .zattrs); copy it as a "
            "whole"
        )
    attributes = read_attributes(path)
    if "multiscales" in attributes:
        return [path]
    if "plate" in attributes:
        raise UnreadableFileError(
            f"{path}: is a plate of wells; name one field of a well, for example "
            f"{path.name}/{_first_well(attributes['plate'])}/0"
        )
    numbered = sorted(
        (f for f in path.iterdir() if f.name.isdecimal() and f.is_dir()), key=lambda f: int(f.name)
    )
    found = [folder for folder in numbered if "multiscales" in read_attributes(folder)]
    if not found:
        raise UnreadableFileError(
            f"{path}: is a Zarr store without OME-Zarr image metadata (multiscales); write it as OME-Zarr "
            "with the program it comes from"
        )
    return found


def _first_well(plate: Any) -> str:
    """Path of the first well that a plate names, or of the first there could be."""
    try:
        return str(plate["wells"][0]["path"])
    except (LookupError, TypeError):
        return "A/1"


def _chunk_files(level: ZarrLevel) -> tuple[int, int]:
    """Count the chunk (or shard) files that are there and those expected."""
    grid = plain_chunks(level.path)
    if grid is None:
        import zarr

        with foreign_errors(level.path, "is not an array that can be read", "copy the OME-Zarr folder again"):
            array = zarr.open_array(store=str(level.path), mode="r")
            grid = array.shards or array.chunks
    expected = math.prod(math.ceil(size / step) for size, step in zip(level.shape, grid, strict=True))
    return len(_files(level.path)), expected


def _files(array: Path) -> list[Path]:
    # Names alone: a plate has thousands of arrays, and a Path for each file costs most of reading them.
    found = ((at, name) for at, _, names in os.walk(array) for name in names if _CHUNK.fullmatch(name))
    return [Path(at, name) for at, name in found]


def _check_size(level: ZarrLevel) -> None:
    stored = sum(file.stat().st_size for file in _files(level.path))
    promised = math.prod(level.shape) * level.dtype.itemsize
    if promised > max(_LARGE, _MOST_COMPRESSION * stored):
        raise UnreadableFileError(
            f"{level.path}: its metadata promise {' × '.join(map(str, level.shape))} pixels ({promised} "
            f"bytes) in chunks of {stored} bytes in all, more than compression can do "
            f"({_MOST_COMPRESSION}-fold above 1 GiB)"
        )


def _check_blosc(level: ZarrLevel) -> None:
    """Refuse chunks that were cut: Blosc trusts the length in their header and reads beyond their end."""
    if not level.is_blosc:
        return
    for file in _files(level.path):
        with file.open("rb") as stream:
            stated = int.from_bytes(stream.read(16)[12:16], "little")
        if (size := file.stat().st_size) != stated or size < 16:
            raise UnreadableFileError(
                f"{file}: the chunk has {size} bytes but states {stated}, so it is truncated or damaged; "
                "copy the OME-Zarr folder again"
            )
