"""Zeiss CZI: mosaics put together as the microscope placed them; each scene is an image of its own."""

from __future__ import annotations

import math
import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import UnreadableFileError
from veriscope.io.reader import StoredLevel, StoredSeries, foreign_errors
from veriscope.io.vendor.frames import REMEDY, FrameFile, load_package, sides_of, step_of

__all__ = ["CziReader"]

_METRES_TO_UM = 1e6
_TYPES = {
    "Gray8": (np.uint8, 1),
    "Gray16": (np.uint16, 1),
    "Gray32Float": (np.float32, 1),
    "Bgr24": (np.uint8, 3),
    "Bgr48": (np.uint16, 3),
    "Bgr96Float": (np.float32, 3),
}
_OTHER_DIMENSIONS = "RIHV"
"""Rotations, illuminations, phases and views; blocks (B) are of no meaning any more."""
_SPLIT = "open it in Fiji (Bio-Formats) and save the part that you need as OME-TIFF"
_MOST_DIMENSIONS = 40
"""For which the package has room."""


class CziReader:
    """Reads CZI files with pylibCZIrw, the package of Zeiss."""

    name = "Zeiss CZI"
    suffixes: tuple[str, ...] = (".czi",)

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether the file starts as a CZI file does."""
        return head.startswith(b"ZISRAWFILE")

    @contextmanager
    def open(self, path: Path) -> Iterator[OpenCzi]:
        """Open a file without its pixels."""
        czi = load_package("pylibCZIrw.czi", path, "a Zeiss CZI file")
        with foreign_errors(path, "starts like a Zeiss CZI file but its structure is broken", REMEDY):
            stat = path.stat()
            _check_directory(path, stat.st_mtime_ns, stat.st_size)
            file = czi.CziReader(str(path))
        try:
            yield OpenCzi(path, file)
        finally:
            file.close()


@dataclass(frozen=True, slots=True)
class _Scene:
    """Where an image of the file lies on the stage, in pixels."""

    number: int | None
    x: int
    y: int


class OpenCzi(FrameFile):
    """An open CZI file.

    Parameters
    ----------
    path
        The file.
    file
        It, opened by pylibCZIrw.
    """

    format = "Zeiss CZI"

    def __init__(self, path: Path, file: Any) -> None:
        super().__init__(path)
        self._file = file

    @cached_property
    def _read(self) -> tuple[tuple[StoredSeries, ...], tuple[_Scene, ...]]:
        """Read what the file says of its images, without pixels."""
        with foreign_errors(self._path, "what it says of its images cannot be read", REMEDY):
            box = self._file.total_bounding_box_no_pyramid
            outer = {letter: box[letter][1] - box[letter][0] for letter in "TCZ"}
            extra = {letter: size for letter in _OTHER_DIMENSIONS if (size := _length(box, letter)) > 1}
            if extra:
                shown = ", ".join(f"{letter} of length {size}" for letter, size in extra.items())
                raise UnreadableFileError(
                    f"{self._path}: has dimensions that are not read, {shown}; {_SPLIT}"
                )
            kinds = set(self._file.pixel_types.values())
            if len(kinds) != 1 or not kinds <= set(_TYPES):
                shown = ", ".join(sorted(map(str, kinds)))
                raise UnreadableFileError(
                    f"{self._path}: its channels have the pixel types {shown}; {_SPLIT}"
                )
            dtype, n_samples = _TYPES[kinds.pop()]
            root = ElementTree.fromstring(self._file.raw_metadata)
            rectangles = self._file.scenes_bounding_rectangle_no_pyramid
            if not rectangles:
                rectangles = {None: self._file.total_bounding_rectangle_no_pyramid}
            series, scenes = [], []
            for number, place in sorted(rectangles.items(), key=lambda item: item[0] or 0):
                shape = (*outer.values(), place.h, place.w, *([3] if n_samples == 3 else []))
                series.append(
                    StoredSeries(
                        axes="tczyxs" if n_samples == 3 else "tczyx",
                        dtype=np.dtype(dtype),
                        levels=(StoredLevel(sides_of(shape), _spacing(root)),),
                        name=f"scene {number}" if len(rectangles) > 1 else "",
                        channels=_channel_names(root, outer["C"]),
                        samples="rgb" if n_samples == 3 else "other",
                        time_step=_time_step(root),
                        notes=self._gaps(number, outer, place.h * place.w),
                    )
                )
                scenes.append(_Scene(number, place.x, place.y))
            return tuple(series), tuple(scenes)

    @property
    def series(self) -> tuple[StoredSeries, ...]:
        """The scenes; one where the file knows of none."""
        return self._read[0]

    def frame_axes(self, series: int) -> str:
        """Take a plane, and its colours."""
        return self.series[series].axes[3:]

    def frame(self, series: int, place: tuple[int, ...], part: tuple[slice, ...]) -> NDArray[Any]:
        """Decode the tiles that a part of a plane touches; colours are stored as blue, green, red."""
        scene = self._read[1][series]
        y, x = part[:2]
        pixels: NDArray[Any] = self._file.read(
            roi=(scene.x + x.start, scene.y + y.start, x.stop - x.start, y.stop - y.start),
            plane=dict(zip("TCZ", place, strict=True)),
            scene=scene.number,
        )
        # The package gives zeros where there is no tile: right between tiles, wrong if a plane has none.
        if not pixels.any() and not self._is_recorded(scene, place, self.series[series].levels[0].shape[:3]):
            raise IndexError("a plane is not in the file: the recording was stopped before it")
        return pixels[..., ::-1][..., part[2]] if len(part) == 3 else pixels[..., 0]

    def _is_recorded(self, scene: _Scene, place: tuple[int, ...], lengths: tuple[int, ...]) -> bool:
        """Whether a plane of a scene has a tile; single planes are not always number 0."""
        plane = {letter: i for letter, i, n in zip("TCZ", place, lengths, strict=True) if n > 1}
        if scene.number is not None:
            plane["S"] = scene.number
        found: list[int] = []

        def look(number: int, _: Any) -> bool:
            found.append(number)
            return False

        self._file.enumerate_subblocks_subset(look, plane=plane, only_layer0=True)
        return bool(found)

    def _gaps(self, scene: int | None, outer: dict[str, int], area: int) -> tuple[str, ...]:
        """Say of a mosaic whose tiles cannot cover its rectangle that there is nothing between them."""
        covered = 0

        def look(_: int, block: Any) -> bool:
            nonlocal covered
            covered += int(block.logicalRect.w * block.logicalRect.h)
            return covered < area

        plane = {letter: 0 for letter, n in outer.items() if n > 1}
        if scene is not None:
            plane["S"] = scene
        self._file.enumerate_subblocks_subset(look, plane=plane, only_layer0=True)
        return (
            ("the tiles of the mosaic do not cover it: pixels between them are 0",) if covered < area else ()
        )

    def chunk_sides(self, series: int) -> tuple[int, int]:
        """Look for the largest tile of the full resolution."""
        height, width = 1, 1

        def look(_: int, block: Any) -> bool:
            nonlocal height, width
            if block.get_zoom() == 1:
                height, width = max(height, block.physicalSize.h), max(width, block.physicalSize.w)
            return True

        with foreign_errors(self._path, "the list of its tiles cannot be read", REMEDY):
            self._file.enumerate_subblocks(look)
        shape = self.series[series].levels[0].shape
        return min(height, shape[3]), min(width, shape[4])

    def chunk_bytes(self, series: int) -> int:
        """Give the size of the largest tile of the full resolution."""
        stored = self.series[series]
        return math.prod((*self.chunk_sides(series), *stored.levels[0].shape[5:])) * stored.dtype.itemsize


@lru_cache(maxsize=64)
def _check_directory(path: Path, _changed: int, _size: int) -> None:
    """Refuse a file that ends before its last tile, or a list of tiles that the package cannot take.

    It has room for so many dimensions of a tile, and writes beyond it if there are more. Done once as long as
    the file is not changed, since files are opened for every part.
    """
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        (at,) = struct.unpack_from("<Q", content, 84)
        (count,) = struct.unpack_from("<I", content, at + 32)
        at += 160
        last = 0
        for _ in range(count):
            kind, place, n_dimensions = struct.unpack_from("<2s4xQ14xI", content, at)
            if kind != b"DV":
                break  # an entry without a count, or none
            if n_dimensions > _MOST_DIMENSIONS:
                raise ValueError(f"a tile has {n_dimensions} dimensions")
            at += 32 + 20 * n_dimensions
            last = max(last, place)
        (size,) = struct.unpack_from("<Q", content, last + 24)
        if last + 32 + size > len(content):
            raise ValueError(f"tiles reach to byte {last + 32 + size} but the file ends at {len(content)}")


def _length(box: dict[str, tuple[int, int]], letter: str) -> int:
    first, last = box.get(letter, (0, 1))
    return last - first


def _spacing(root: ElementTree.Element) -> dict[str, float]:
    """Pixel size in µm, stored in metres."""
    found: dict[str, float] = {}
    for distance in root.iterfind(".//Scaling/Items/Distance"):
        value = float(distance.findtext("Value") or 0) * _METRES_TO_UM
        letter = distance.get("Id", "").lower()
        if letter in "zyx" and 0 < value < math.inf:
            found[letter] = value
    return found


def _channel_names(root: ElementTree.Element, count: int) -> tuple[str, ...]:
    """Give what microscope or user call the channels; none where that does not fit."""
    path = ".//Information/Image/Dimensions/Channels/Channel"
    names = [one.get("Name") or one.findtext("Fluor") or "" for one in root.iterfind(path)]
    return tuple(names) if len(names) == count else ()


def _time_step(root: ElementTree.Element) -> float | None:
    positions = root.find(".//Information/Image/Dimensions/T/Positions")
    if positions is None:
        return None
    increment = positions.findtext("Interval/Increment")
    if increment:
        return step_of([0.0, float(increment)])
    return step_of([float(one) for one in (positions.findtext("List/Offsets") or "").split()])
