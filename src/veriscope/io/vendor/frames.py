"""What the files of microscope makers have in common: frames, of which one is read at a time."""

from __future__ import annotations

import importlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import UnreadableFileError
from veriscope.io.reader import StoredSeries, foreign_errors

__all__ = ["FrameFile", "load_package", "sides_of", "step_of"]

REMEDY = "was a copy interrupted? Copy it again, or open it in Fiji (Bio-Formats) and save it as OME-TIFF"


def load_package(name: str, path: Path, kind: str) -> Any:
    """Load the package that reads a format, or say how to get it.

    Parameters
    ----------
    name
        Of the module.
    path
        The file that it is for.
    kind
        What the file is, such as "a Nikon ND2 file".

    Returns
    -------
    module
        It, loaded.

    Raises
    ------
    UnreadableFileError
        If it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UnreadableFileError(
            f"{path}: is {kind}, and what reads such files is not installed ({error}); install it with: pip "
            "install 'veriscope[formats]', or open the file in Fiji (Bio-Formats) and save it as OME-TIFF"
        ) from error


def sides_of(sizes: Iterable[int]) -> tuple[int, ...]:
    """Give the sides of an image, unless damage made one of them nothing or less.

    Parameters
    ----------
    sizes
        As the file says.

    Returns
    -------
    tuple of int
        The same.

    Raises
    ------
    ValueError
        If one is below 1.
    """
    sides = tuple(int(size) for size in sizes)
    if min(sides, default=1) < 1:
        raise ValueError(f"an image has the sides {' × '.join(map(str, sides))}")
    return sides


def step_of(places: Sequence[float]) -> float | None:
    """Give the step from one place to the next.

    Parameters
    ----------
    places
        In order, in any unit.

    Returns
    -------
    float or None
        The median step, above 0; None if there is none, as of one place or of places that are all the same.
    """
    steps = np.abs(np.diff(np.asarray(places, float)))
    step = float(np.median(steps)) if steps.size else 0.0
    return step if 0 < step < math.inf else None


class FrameFile(ABC):
    """An open file that is read frame by frame: a plane, or a plane in all its channels or colours.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    format
        Name for people.
    """

    format: ClassVar[str]

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    @abstractmethod
    def series(self) -> tuple[StoredSeries, ...]:
        """The images in the file; the last dimensions of each are those of a frame."""

    @abstractmethod
    def frame_axes(self, series: int) -> str:
        """Tell which dimensions one frame has: the last of the image's.

        Parameters
        ----------
        series
            Which image.

        Returns
        -------
        str
            Such as ``"yx"``, ``"cyx"`` or ``"yxs"``.
        """

    @abstractmethod
    def frame(self, series: int, place: tuple[int, ...], part: tuple[slice, ...]) -> NDArray[Any]:
        """Read a frame, or a part of it.

        Parameters
        ----------
        series
            Which image.
        place
            One number per dimension before those of a frame.
        part
            One slice per dimension of a frame.

        Returns
        -------
        numpy.ndarray
            The part.
        """

    def pixels(self, series: int, level: int) -> NDArray[Any]:
        """Read all frames of an image; level is 0, the only one."""
        shape = self.series[series].levels[level].shape
        return self.region(series, tuple(slice(0, size) for size in shape))

    def region(self, series: int, part: tuple[slice, ...]) -> NDArray[Any]:
        """Read the frames that a part touches."""
        n_outer = len(part) - len(self.frame_axes(series))
        outer, inner = part[:n_outer], part[n_outer:]
        sides = [side.stop - side.start for side in part]
        with foreign_errors(self._path, "the pixels cannot be read", REMEDY):
            found = np.empty(sides, self.series[series].dtype)
            for index in np.ndindex(*sides[:n_outer]):
                place = tuple(side.start + i for side, i in zip(outer, index, strict=True))
                pixels = self.frame(series, place, inner)
                if pixels.shape != found[index].shape:
                    raise ValueError(f"a frame has the shape {pixels.shape}, not {found[index].shape}")
                found[index] = pixels
        return found

    def chunk_bytes(self, series: int) -> int:
        """One frame."""
        stored = self.series[series]
        sides = stored.levels[0].shape[-len(self.frame_axes(series)) :]
        return math.prod(sides) * stored.dtype.itemsize

    def chunk_sides(self, series: int) -> tuple[int, int]:
        """One frame, or a line of the plane where frames lie across it."""
        stored, axes = self.series[series], self.frame_axes(series)
        sizes = dict(zip(stored.axes, stored.levels[0].shape, strict=True))
        height, width = (sizes[letter] if letter in axes else 1 for letter in "yx")
        return height, width

    def verify(self, series: int) -> None:
        """Read the last frame, which is missing where a copy was interrupted."""
        shape = self.series[series].levels[0].shape
        self.region(series, tuple(slice(size - 1, size) for size in shape))
