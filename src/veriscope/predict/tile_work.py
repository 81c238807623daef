"""The work of predicting one part of an image: its objects, and its map of probability, as files."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.runs import ObjectRuns
from veriscope.core.source import Region, grid, within
from veriscope.errors import MethodError
from veriscope.io.atomic import write_text
from veriscope.io.run_files import write_map, write_runs
from veriscope.methods.local_method import LocalMethod, Survey
from veriscope.methods.restoration import RestorationMethod
from veriscope.predict.part import PartResult, predict_part
from veriscope.predict.reading import ChannelSource

__all__ = ["SurveyWork", "TileWork"]

_SMALLEST_CORE = 64
_NO_MEMORY = (
    "bad allocation",
    "bad_alloc",
    "failed to allocate memory",
    "out of memory",
    "alloc_failed",
    "memory allocation failure",
)


@dataclass(frozen=True, slots=True)
class SurveyWork:
    """Measures what depends on the whole image, of one time point, and keeps it as a file.

    Parameters
    ----------
    method
        Ready to predict.
    source
        The image.
    folder
        Where the files go.
    """

    method: LocalMethod | RestorationMethod
    source: ChannelSource
    folder: Path

    def path(self, unit: int) -> Path:
        """Give the file of a time point.

        Parameters
        ----------
        unit
            Number of the time point.

        Returns
        -------
        pathlib.Path
            It exists once the survey is done.
        """
        return self.folder / f"{unit:08d}.json"

    def __call__(self, unit: int) -> dict[str, Any]:
        """Survey one time point."""
        survey = self.method.survey(self.source.at(unit))
        write_text(self.path(unit), survey.model_dump_json())
        return {}

    def read(self, unit: int) -> Survey:
        """Give the survey of a time point, made anew if its file is missing or damaged.

        Parameters
        ----------
        unit
            Number of the time point.

        Returns
        -------
        Survey
            The same each time.
        """
        try:
            return self.method.SurveyType.model_validate_json(self.path(unit).read_bytes())
        except (OSError, ValueError):
            self(unit)
            return self.method.SurveyType.model_validate_json(self.path(unit).read_bytes())

    def lighter(self, unit: int) -> SurveyWork:
        """Give the same: a survey goes through the image in blocks."""
        return self

    def prepare(self, threads: int) -> None:
        """Keep to some threads."""
        self.method.limit_threads(threads)


@dataclass(frozen=True, slots=True)
class TileWork:
    """Predicts one part and keeps what was found as files.

    Parameters
    ----------
    method, source
        As for `veriscope.predict.part.predict_part`; the source at its first time point.
    surveys
        What the method measured at each time point.
    tile
        Length of the parts along each axis.
    folder
        Where the files go.
    maps
        Keep also the probability of each pixel.
    largest_crop
        Pixels that may be predicted at once; None: any.
    pieces
        Into how many pieces a part is cut first; more need less memory.
    """

    method: LocalMethod
    source: ChannelSource
    surveys: tuple[Survey, ...]
    tile: tuple[int, ...]
    folder: Path
    maps: bool = False
    largest_crop: int | None = None
    pieces: tuple[tuple[int, int], ...] = ()

    def path(self, unit: int) -> Path:
        """Give the file of a part.

        Parameters
        ----------
        unit
            Number of the part.

        Returns
        -------
        pathlib.Path
            It exists once the part is done.
        """
        return self.folder / f"{unit:08d}.npz"

    def map_path(self, unit: int) -> Path:
        """Give the file of the map of a part.

        Parameters
        ----------
        unit
            Number of the part.

        Returns
        -------
        pathlib.Path
            It is written before the objects, if maps are kept.
        """
        return self.folder / f"{unit:08d}.npy"

    def is_done(self, unit: int) -> bool:
        """Tell whether a part has all its files.

        Parameters
        ----------
        unit
            Number of the part.

        Returns
        -------
        bool
            Whether nothing is left to do.
        """
        return self.path(unit).exists() and (not self.maps or self.map_path(unit).exists())

    def parts(self) -> list[Region]:
        """Give the parts of one time point.

        Returns
        -------
        list of tuple of slice
            Those of the next time point are numbered after them.
        """
        return list(grid(self.source.shape, self.tile))

    def __call__(self, unit: int) -> dict[str, Any]:
        """Predict one part, in smaller ones if memory runs out."""
        started = time.perf_counter()
        parts = self.parts()
        moment, number = divmod(unit, len(parts))
        core, source = parts[number], self.source.at(moment)
        kept = np.empty([side.stop - side.start for side in core], np.float32) if self.maps else None
        waiting = _cut(core, dict(self.pieces).get(unit, 0))
        found, n_grown, n_pixels, n_cut = [], 0, 0, len(waiting) - 1
        while waiting:
            part = waiting.pop()
            try:
                result = predict_part(
                    self.method, source, self.surveys[moment], part, largest_crop=self.largest_crop
                )
            except Exception as error:
                if not _is_out_of_memory(error):
                    raise
                smaller = _cut(part, 1)
                if len(smaller) == 1:
                    raise MethodError(
                        f"{self.source.name}: memory ran out even for {_SMALLEST_CORE} pixels at a time; "
                        "close other programs or use a computer with more memory, then give the same "
                        "command again"
                    ) from None
                waiting += smaller
                n_cut += 1
                continue
            found.append(result.objects)
            n_grown += result.n_grown
            n_pixels += result.n_pixels
            if kept is not None:
                kept[within(part, core)] = self._map(result)
        if kept is not None:
            write_map(self.map_path(unit), kept)
        objects = ObjectRuns.join(found)
        write_runs(self.path(unit), objects)
        return {
            "n_objects": len(objects),
            "n_grown": n_grown,
            "n_pixels": n_pixels,
            "n_cut": n_cut,
            "seconds": time.perf_counter() - started,
        }

    def _map(self, result: PartResult) -> NDArray[np.float32]:
        if result.probability_map is None:
            raise MethodError(
                f"{self.source.name}: {self.method.name} gives values for it that are no probabilities (not "
                "all between 0 and 1); predict without --probabilities"
            )
        return result.probability_map

    def lighter(self, unit: int) -> TileWork:
        """Cut a part in two, four, … pieces."""
        times = dict(self.pieces)
        times[unit] = times.get(unit, 0) + 1
        return replace(self, pieces=tuple(times.items()))

    def prepare(self, threads: int) -> None:
        """Keep to some threads."""
        self.method.limit_threads(threads)


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, as NumPy, file readers, ONNX Runtime, CUDA and torch say it."""
    if isinstance(error, MemoryError) or isinstance(error.__cause__, MemoryError):
        return True
    said = f"{error} {error.__cause__ or ''}".lower()
    return any(words in said for words in _NO_MEMORY)


def _cut(core: Region, times: int) -> list[Region]:
    """Halve a part along its longest axis, some times; one that is short already stays."""
    parts = [core]
    for _ in range(times):
        halves: list[Region] = []
        for part in parts:
            lengths = [side.stop - side.start for side in part]
            axis = int(np.argmax(lengths))
            if lengths[axis] < 2 * _SMALLEST_CORE:
                halves.append(part)
                continue
            middle = part[axis].start + lengths[axis] // 2
            sides = slice(part[axis].start, middle), slice(middle, part[axis].stop)
            halves += [(*part[:axis], side, *part[axis + 1 :]) for side in sides]
        parts = halves
    return parts
