"""DeltaVision DV: time points, channels and planes, mapped from the file."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import UnreadableFileError
from veriscope.io.reader import StoredLevel, StoredSeries, foreign_errors
from veriscope.io.vendor.frames import REMEDY, FrameFile, load_package, sides_of

__all__ = ["DeltaVisionReader"]

_HEADER_BYTES = 1024
_IDENTITY = {b"\xa0\xc0", b"\xc0\xa0"}


class DeltaVisionReader:
    """Reads DeltaVision files with the package mrc."""

    name = "DeltaVision DV"
    suffixes: tuple[str, ...] = (".dv", ".r3d")

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether the number that stands in such files at byte 96 is there."""
        if path.suffix.lower() not in self.suffixes:
            return False
        with contextlib.suppress(OSError), path.open("rb") as stream:
            stream.seek(96)
            return stream.read(2) in _IDENTITY
        return False

    @contextmanager
    def open(self, path: Path) -> Iterator[OpenDeltaVision]:
        """Map a file, once it is known to hold all that its header promises."""
        mrc = load_package("mrc", path, "a DeltaVision file")
        size = path.stat().st_size
        # The package maps the pixels on opening, and says of a file that is too short only that.
        if size < _HEADER_BYTES:
            raise UnreadableFileError(f"{path}: is a DeltaVision file of {size} bytes, cut off; {REMEDY}")
        what = "starts like a DeltaVision file but is damaged or cut off"
        with foreign_errors(path, what, REMEDY):
            file = mrc.DVFile(path)
        with file:
            yield OpenDeltaVision(path, file)


class OpenDeltaVision(FrameFile):
    """An open DeltaVision file.

    Parameters
    ----------
    path
        The file.
    file
        It, opened by mrc.
    """

    format = "DeltaVision DV"

    def __init__(self, path: Path, file: Any) -> None:
        super().__init__(path)
        self._file = file

    @cached_property
    def series(self) -> tuple[StoredSeries, ...]:
        """The one image."""
        with foreign_errors(self._path, "its header is damaged", REMEDY):
            sizes = {letter.lower(): int(size) for letter, size in self._file.sizes.items()}
            voxel = self._file.voxel_size
            spacing = {
                letter: float(value) for letter in "zyx" if 0 < (value := getattr(voxel, letter)) < math.inf
            }
            header, dtype = self._file.hdr, np.dtype(self._file.dtype)
            if header.n_sections != sizes["t"] * sizes["c"] * sizes["z"]:
                raise ValueError(
                    f"its {header.n_sections} planes are not {sizes['t']} times {sizes['c']} channels"
                )
            if dtype.kind == "c":
                raise ValueError("its pixels are complex numbers")
            waves = [getattr(header, f"wave{i}") for i in range(1, 6)][: sizes["c"]]
            return (
                StoredSeries(
                    axes="".join(sizes),
                    dtype=dtype.newbyteorder("="),
                    levels=(StoredLevel(sides_of(sizes.values()), spacing),),
                    channels=tuple(f"{wave} nm" if wave > 0 else "" for wave in waves),
                ),
            )

    def frame_axes(self, series: int) -> str:
        """Take a plane."""
        return "yx"

    def frame(self, series: int, place: tuple[int, ...], part: tuple[slice, ...]) -> NDArray[Any]:
        """Copy a part of a plane out of the file."""
        return np.array(self._file.data[place][part])

    def chunk_bytes(self, series: int) -> int:
        """None: pixels lie in the file as they do in memory."""
        return 0

    def chunk_sides(self, series: int) -> tuple[int, int]:
        """Single pixels."""
        return 1, 1
