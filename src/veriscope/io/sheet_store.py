"""An image of any size as OME-Zarr, written sheet by sheet: labels, or a map of numbers."""

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

from veriscope.core.source import Region, grid
from veriscope.errors import InputError
from veriscope.io.atomic import make_folder
from veriscope.io.ome_zarr import create_array, image_attributes, label_attributes
from veriscope.io.ome_zarr_metadata import read_attributes
from veriscope.io.zarr_tasks import tasks_ended

__all__ = ["SheetStore", "read_origin"]

_ORIGIN = "veriscope"


class SheetStore:
    """An image that grows on disk and takes its place when it is complete.

    The same pixels give the same bytes, in whatever order and however often sheets are written. It can
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

    def __reduce__(self) -> tuple[type[SheetStore], tuple[Path, Path]]:
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
        dtype: np.dtype[Any] | type[np.generic],
        origin: Mapping[str, Any],
        labels: bool = True,
    ) -> SheetStore:
        """Begin an image, or go on with one that was begun in the same way.

        Parameters
        ----------
        folder
            Where it grows, on the same disk as `target`.
        target
            Where it will be, ending ``.zarr``.
        shape, axes, spacing
            Of the image, spacing in µm or None.
        dtype
            Of the pixels.
        origin
            Plain values put into its metadata: how the image came to be.
        labels
            Mark it as a label image.

        Returns
        -------
        SheetStore
            Open for writing.

        Raises
        ------
        InputError
            If the disk is full.
        """
        describe = label_attributes if labels else image_attributes
        attributes = describe(target, axes, spacing) | {_ORIGIN: dict(origin)}
        with _writing(target):
            if read_origin(folder) != json.loads(json.dumps(dict(origin))):
                shutil.rmtree(folder, ignore_errors=True)
                create_array(folder, shape, np.dtype(dtype), axes, attributes, small_shards=True)
            return cls(folder, target)

    @property
    def folder(self) -> Path:
        """Where it grows."""
        return self._folder

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
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

    def write(self, sheet: Region, pixels: NDArray[Any]) -> None:
        """Write one sheet.

        Parameters
        ----------
        sheet
            One of `sheets`.
        pixels
            Its pixels.

        Raises
        ------
        InputError
            If the disk is full.
        """
        with _writing(self._target), tasks_ended():
            self._array[sheet] = pixels

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
            make_folder(self._target.parent)
            self._folder.rename(self._target)


class _writing:
    """Turns a full disk into an error with a remedy."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Say what to do."""
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise InputError(
                f"{self._target}: cannot be written: the disk is full; free some space, then give the same "
                "command again: what is finished is kept"
            ) from error


def read_origin(folder: Path) -> dict[str, Any] | None:
    """Give what an image says of how it came to be.

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
