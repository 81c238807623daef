"""The work of predicting one part of an image: its objects as a file."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.core.runs import ObjectRuns
from veriscope.core.source import PixelSource, Region, grid
from veriscope.errors import MethodError
from veriscope.io.run_files import write_runs
from veriscope.methods.base import LocalMethod, Survey
from veriscope.predict.part import predict_part

__all__ = ["TileWork"]

_SMALLEST_CORE = 64


@dataclass(frozen=True, slots=True)
class TileWork:
    """Predicts one part and keeps its objects as a file.

    Parameters
    ----------
    method, source, survey
        As for `veriscope.predict.part.predict_part`.
    tile
        Length of the parts along each axis.
    folder
        Where the files go.
    largest_crop
        Pixels that may be predicted at once; None: any.
    pieces
        Into how many pieces a part is cut first; more need less memory.
    """

    method: LocalMethod
    source: PixelSource
    survey: Survey
    tile: tuple[int, ...]
    folder: Path
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

    def __call__(self, unit: int) -> dict[str, Any]:
        """Predict one part, in smaller ones if memory runs out."""
        started = time.perf_counter()
        core = list(grid(self.source.shape, self.tile))[unit]
        waiting = _cut(core, dict(self.pieces).get(unit, 0))
        found, n_grown, n_pixels, n_cut = [], 0, 0, len(waiting) - 1
        while waiting:
            part = waiting.pop()
            try:
                result = predict_part(
                    self.method, self.source, self.survey, part, largest_crop=self.largest_crop
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
        objects = ObjectRuns.join(found)
        write_runs(self.path(unit), objects)
        return {
            "n_objects": len(objects),
            "n_grown": n_grown,
            "n_pixels": n_pixels,
            "n_cut": n_cut,
            "seconds": time.perf_counter() - started,
        }

    def lighter(self, unit: int) -> TileWork:
        """Cut a part in two, four, … pieces."""
        times = dict(self.pieces)
        times[unit] = times.get(unit, 0) + 1
        return replace(self, pieces=tuple(times.items()))

    def prepare(self, threads: int) -> None:
        """Keep to some threads."""
        self.method.limit_threads(threads)


def _is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out, as NumPy, file readers and ONNX Runtime say it."""
    if isinstance(error, MemoryError) or isinstance(error.__cause__, MemoryError):
        return True
    return any(words in str(error) for words in ("bad allocation", "bad_alloc", "Failed to allocate memory"))


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
