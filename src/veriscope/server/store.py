"""One image or label image as the server gives it out: resolutions that are there, and those being made."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.source import Region
from veriscope.errors import VeriscopeError
from veriscope.io.own_levels import ServedArray
from veriscope.io.pyramid import Making, new_level, write_pyramid
from veriscope.server.making import InTheMaking, begin_making

__all__ = ["Store"]

_KEY = re.compile(r"^(\d{1,2})/(?:(zarr\.json)|c((?:/\d{1,7}){1,6}))$")


@dataclass(frozen=True, slots=True)
class Store:
    """An OME-Zarr image of several resolutions.

    Parameters
    ----------
    folder
        What is made of it, in the cache.
    own
        Arrays that are served as they are, by resolution.
    stored_axes
        Of all arrays: those of the image, and some of length 1.
    stored_shapes
        Of all resolutions, the full one first.
    axes
        Of the image.
    dtype
        Of the pixels.
    making
        What has to be made.
    notes
        What the file brings along and cannot be used, and why.
    """

    folder: Path
    own: Mapping[int, ServedArray]
    stored_axes: str
    stored_shapes: tuple[tuple[int, ...], ...]
    axes: str
    dtype: np.dtype[Any]
    making: Making
    notes: tuple[str, ...] = ()

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of all resolutions in the axes of the image."""
        return tuple(
            tuple(n for letter, n in zip(self.stored_axes, shape, strict=True) if letter in self.axes)
            for shape in self.stored_shapes
        )

    def wait(self) -> None:
        """Wait until all resolutions are there.

        Raises
        ------
        VeriscopeError
            If they cannot be made.
        """
        if growing := self._growing():
            growing.wait()

    def _growing(self) -> InTheMaking | None:
        """Give what is being made, and begin with it; None if all is there."""
        if len(self.own) == len(self.stored_shapes):
            return None

        def write(begun: Callable[[Path], None], told: Callable[[float], None]) -> None:
            write_pyramid(self.folder, replace(self.making, begun=begun, told=told))

        return begin_making(self.folder, write)

    def group(self) -> tuple[bytes, bool]:
        """Give the metadata of the image, once there is something to be seen of it.

        Returns
        -------
        bytes
            JSON, with the metadata of all arrays. While some are being made it says ``veriscope: made``,
            0 to 1.
        bool
            Whether all of it is there.

        Raises
        ------
        VeriscopeError
            If the image cannot be read.
        """
        is_seen = len(self.stored_shapes) - 1 in self.own
        notes, is_whole = list(self.notes), False
        said: dict[str, Any] = {}
        growing = None
        try:
            growing = self._growing()
            is_whole = growing is None
            if growing is not None:
                if not is_seen:
                    growing.wait_for_some()
                said = {"made": growing.part}
        except VeriscopeError as error:
            if not is_seen:
                raise
            notes.append(f"Resolutions that the file lacks cannot be made: {error}")
        said |= {"notes": notes} if notes else {}
        attributes = {"ome": dict(self.making.attributes)} | ({"veriscope": said} if said else {})
        arrays = {str(level): self._array(level, growing) for level in range(len(self.stored_shapes))}
        group = {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": attributes,
            "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": arrays},
        }
        return json.dumps(group).encode(), is_whole

    def _array(self, level: int, growing: InTheMaking | None) -> Mapping[str, Any]:
        """Give the metadata of a resolution; of one that is not there yet as it will be made."""
        if (array := self.own.get(level)) is not None:
            return array.metadata
        begun = None if growing is None else growing.folder
        for folder in (begun, self.folder):  # it may be renamed while it is read
            with contextlib.suppress(OSError):
                if folder is not None:
                    return dict(json.loads((folder / str(level) / "zarr.json").read_bytes()))
        with tempfile.TemporaryDirectory() as place:
            new_level(Path(place) / "0", self.stored_shapes[level], self.dtype, self.stored_axes)
            return dict(json.loads((Path(place) / "0" / "zarr.json").read_bytes()))

    def content(self, key: str) -> tuple[Path | bytes | None, bool]:
        """Give what is at a key of the store.

        Parameters
        ----------
        key
            Such as ``zarr.json`` or ``1/c/0/0``.

        Returns
        -------
        Path, bytes or None
            A file, or its bytes; None if there is no such key, or not yet.
        bool
            Whether that is so for good.

        Raises
        ------
        VeriscopeError
            If the image cannot be read.
        """
        if key == "zarr.json":
            return self.group()
        found = _KEY.match(key)
        if found is None or int(found[1]) >= len(self.stored_shapes):
            return None, True
        level, places = int(found[1]), found[3]
        if (array := self.own.get(level)) is not None:
            if not places:
                return json.dumps(array.metadata).encode(), True
            path = array.chunk(places[1:].split("/"))
            return (path if path.is_file() else None), True
        growing = self._growing()
        if growing is not None:
            growing.wait_for_some()
            # It may be complete by now, and renamed while it is read.
            for folder in (growing.folder, self.folder):
                try:
                    return (folder / key).read_bytes() if folder else None, False
                except OSError:
                    continue
            return None, False
        path = self.folder / key
        return (path if path.is_file() else None), True

    def read(self, level: int, region: Region) -> NDArray[Any]:
        """Read a part of a resolution, waiting for it where it has to be made.

        Parameters
        ----------
        level
            0 is the full one.
        region
            One slice per axis.

        Returns
        -------
        numpy.ndarray
            Axes as the image.
        """
        import zarr

        if (array := self.own.get(level)) is not None:
            path = array.folder
        else:
            self.wait()
            path = self.folder / str(level)
        by_axis = dict(zip(self.axes, region, strict=True))
        whole = tuple(by_axis.get(letter, 0) for letter in self.stored_axes)
        return np.asarray(zarr.open_array(str(path), mode="r")[whole])

    def level_for(self, pixels: float) -> int:
        """Choose the resolution to draw from.

        Parameters
        ----------
        pixels
            Pixels of the full resolution that come to one of the picture.

        Returns
        -------
        int
            The lowest resolution that is still fine enough.
        """
        level = 0
        while level + 1 < len(self.shapes) and 2 ** (level + 1) <= pixels:
            level += 1
        return level
