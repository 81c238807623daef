"""A label image of any size as OME-Zarr, written sheet by sheet."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.labels import smallest_label_dtype
from veriscope.core.source import Region, grid
from veriscope.errors import InputError
from veriscope.io.ome_zarr import create_array, label_attributes
from veriscope.io.ome_zarr_metadata import read_attributes

__all__ = ["LabelStore", "read_origin"]

_ORIGIN = "veriscope"


class LabelStore:
    """A label image that grows on disk and takes its place when it is complete.

    The same labels give the same bytes, in whatever order and however often sheets are written. It can
    be sent to other processes.

    Parameters
    ----------
    folder
        Where it grows; made by `make`.
    target
        Where it will be.
    """

    def __init__(self, folder: Path, target: Path) -> None:
        import zarr

        self._folder = folder
        self._target = target
        # Also empty chunks are stored, so that a missing file always means an incomplete copy.
        with zarr.config.set({"array.write_empty_chunks": True}):
            self._array: Any = zarr.open_array(store=str(folder / "0"), mode="r+")

    def __reduce__(self) -> tuple[type[LabelStore], tuple[Path, Path]]:
        return type(self), (self._folder, self._target)

    @classmethod
    def make(
        cls,
        folder: Path,
        target: Path,
        *,
        shape: tuple[int, ...],
        axes: str,
        spacing: Mapping[str, float] | None,
        n_objects: int,
        origin: Mapping[str, Any],
    ) -> LabelStore:
        """Begin a label image, or go on with one that was begun in the same way.

        Parameters
        ----------
        folder
            Where it grows, on the same disk as `target`.
        target
            Where it will be, ending ``.zarr``.
        shape, axes, spacing
            Of the image, spacing in µm or None.
        n_objects
            Largest label: decides between uint16 and uint32.
        origin
            Plain values put into its metadata: how the labels came to be.

        Returns
        -------
        LabelStore
            Open for writing.

        Raises
        ------
        InputError
            If the disk is full.
        """
        attributes = label_attributes(target, axes, spacing) | {_ORIGIN: dict(origin)}
        with _writing(target):
            if read_origin(folder) != json.loads(json.dumps(dict(origin))):
                shutil.rmtree(folder, ignore_errors=True)
                dtype = smallest_label_dtype(n_objects)
                create_array(folder, shape, dtype, axes, attributes, small_shards=True)
            return cls(folder, target)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the labels."""
        dtype: np.dtype[Any] = np.dtype(self._array.dtype)
        return dtype

    def sheets(self) -> list[Region]:
        """Give the parts that are one file each.

        Returns
        -------
        list of tuple of slice
            Row by row; they cover every pixel once.
        """
        return list(grid(self._array.shape, self._array.shards or self._array.chunks))

    def write(self, sheet: Region, labels: NDArray[Any]) -> None:
        """Write one sheet.

        Parameters
        ----------
        sheet
            One of `sheets`.
        labels
            Its labels.

        Raises
        ------
        InputError
            If the disk is full.
        """
        with _writing(self._target):
            self._array[sheet] = labels

    def finish(self) -> None:
        """Put the image in its place.

        Raises
        ------
        InputError
            If there is something already.
        """
        if self._target.exists():
            raise InputError(f"{self._target}: exists already; it was made while this run was going on")
        with _writing(self._target):
            for file in self._folder.rglob("*"):
                if file.is_file():
                    with file.open("rb") as stream:
                        os.fsync(stream.fileno())
            self._folder.rename(self._target)


class _writing:
    """Turns a full disk into an error with a remedy."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Say what to do."""
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(
                f"{self._target}: cannot be written: the disk is full; free some space, then give the same "
                "command again: what is finished is kept"
            ) from error


def read_origin(folder: Path) -> dict[str, Any] | None:
    """Give what a label image says of how it came to be.

    Parameters
    ----------
    folder
        OME-Zarr folder.

    Returns
    -------
    dict or None
        None if it says nothing, or there is no such folder.
    """
    if not folder.is_dir() or not (folder / "0").is_dir():
        return None
    found = read_attributes(folder).get(_ORIGIN)
    return found if isinstance(found, dict) else None
