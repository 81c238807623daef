"""Nikon ND2: time points, planes, channels; each stage position is an image of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import UnreadableFileError
from veriscope.io.reader import StoredLevel, StoredSeries, foreign_errors
from veriscope.io.vendor.frames import REMEDY, FrameFile, load_package, sides_of, step_of

__all__ = ["Nd2Reader"]

_MAGIC = b"\xda\xce\xbe\n"
_OLD_MAGIC = b"\0\0\0\x0cjP  \r\n\x87\n"


class Nd2Reader:
    """Reads ND2 files with the package nd2."""

    name = "Nikon ND2"
    suffixes: tuple[str, ...] = (".nd2",)

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether the file starts as an ND2 file does, or is one of before 2010."""
        return head.startswith(_MAGIC) or (head.startswith(_OLD_MAGIC) and path.suffix.lower() == ".nd2")

    @contextmanager
    def open(self, path: Path) -> Iterator[OpenNd2]:
        """Open a file without its pixels."""
        nd2 = load_package("nd2", path, "a Nikon ND2 file")
        with path.open("rb") as stream:
            if not stream.read(4) == _MAGIC:
                raise UnreadableFileError(
                    f"{path}: is a Nikon ND2 file of the old kind (JPEG 2000, before 2010) that is not read; "
                    "open it in Fiji (Bio-Formats) and save it as OME-TIFF"
                )
        with foreign_errors(path, "starts like a Nikon ND2 file but its structure is broken", REMEDY):
            file = nd2.ND2File(path)
        with file:
            yield OpenNd2(path, file)


class OpenNd2(FrameFile):
    """An open ND2 file.

    Parameters
    ----------
    path
        The file.
    file
        It, opened by nd2.
    """

    format = "Nikon ND2"

    def __init__(self, path: Path, file: Any) -> None:
        super().__init__(path)
        self._file = file

    @cached_property
    def _sizes(self) -> dict[str, int]:
        """Length of each dimension, those of a frame last."""
        sizes = {letter.lower(): int(size) for letter, size in self._file.sizes.items()}
        inner = {letter: sizes.pop(letter) for letter in "cyxs" if letter in sizes}
        return sizes | inner

    @cached_property
    def _frames(self) -> dict[tuple[int, tuple[int, ...]], int]:
        """Which frame of the file is at a stage position and a place."""
        outer = [letter for letter in self._sizes if letter not in "pcyxs"]
        indices = [{key.lower(): n for key, n in one.items()} for one in self._file.loop_indices]
        return {
            (one.get("p", 0), tuple(one.get(letter, 0) for letter in outer)): i
            for i, one in enumerate(indices)
        }

    @cached_property
    def series(self) -> tuple[StoredSeries, ...]:
        """One image per stage position."""
        with foreign_errors(self._path, "what it says of its images cannot be read", REMEDY):
            sizes = {letter: size for letter, size in self._sizes.items() if letter != "p"}
            axes = "".join(letter if letter in "tzcyxs" else "?" for letter in sizes)
            described = self._file.metadata.channels or ()
            channels = tuple(one.channel.name or "" for one in described)
            spacing: dict[str, float] = {}
            if described:
                volume = described[0].volume
                stated = zip("xyz", volume.axesCalibrated, volume.axesCalibration, strict=True)
                spacing = {letter: float(value) for letter, known, value in stated if known and value > 0}
            level = StoredLevel(sides_of(sizes.values()), spacing)
            count = self._sizes.get("p", 1)
            return tuple(
                StoredSeries(
                    axes=axes,
                    dtype=np.dtype(self._file.dtype),
                    levels=(level,),
                    name=f"position {number}" if count > 1 else "",
                    channels=channels,
                    samples="rgb" if self._file.is_rgb else "other",
                    time_step=self._time_step(number) if "t" in sizes else None,
                )
                for number in range(count)
            )

    def frame_axes(self, series: int) -> str:
        """Take a plane in all its channels and colours."""
        return "".join(letter for letter in self._sizes if letter in "cyxs")

    def frame(self, series: int, place: tuple[int, ...], part: tuple[slice, ...]) -> NDArray[Any]:
        """Read a plane in all its channels; what was never recorded raises."""
        number = self._frames[series, place]
        shape = [size for letter, size in self._sizes.items() if letter in "cyxs"]
        pixels: NDArray[Any] = np.asarray(self._file.read_frame(number)).reshape(shape)[part]
        # The package gives zeros for what it does not find.
        if not pixels.any() and not self._is_stored(number):
            raise IndexError(
                f"frame {number} is not in the file: the recording was stopped, or the file cut off"
            )
        return pixels

    def _is_stored(self, number: int) -> bool:
        """Whether the pixels of a frame are in the file."""
        start, size = self._file._rdr.chunkmap.get(b"ImageDataSeq|%d!" % number, (0, 0))
        return bool(0 < size <= self._path.stat().st_size - start)

    def _time_step(self, position: int) -> float | None:
        """Seconds between time points, from when the frames were taken."""
        outer = [letter for letter in self._sizes if letter not in "pcyxs"]
        stat = self._path.stat()
        taken = _taken(self._path, stat.st_mtime_ns, stat.st_size)
        times: dict[int, float] = {}
        for (stage, place), number in sorted(self._frames.items(), reverse=True):
            if stage == position and taken.get(number) is not None:
                times[place[outer.index("t")]] = float(taken[number])
        return step_of([times[t] for t in sorted(times)])


@lru_cache(maxsize=16)
def _taken(path: Path, _changed: int, _size: int) -> dict[int, Any]:
    """When each frame was taken, in seconds.

    Read once as long as the file is not changed: it is opened for every part, and this list is long.
    """
    import nd2

    with nd2.ND2File(path) as file:
        return {int(one["Index"]): one.get("Time [s]") for one in file.events() if "Index" in one}
