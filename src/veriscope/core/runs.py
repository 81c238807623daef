"""Objects as runs of pixels: exact, small, and independent of the image they are painted into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.labels import first_pixels
from veriscope.core.source import Region

__all__ = ["ObjectRuns"]


@dataclass(frozen=True, slots=True, eq=False)
class ObjectRuns:
    """Objects of one image, each with all its pixels, in the order of their first pixels.

    Parameters
    ----------
    anchors
        int64 (n,): first pixel of each object, its place in the flattened image; ascending.
    probabilities
        float32 (n,): probability that each object is one; NaN if the method gives none.
    owner
        int32 (r,): which object each run belongs to, from 0; ascending.
    row
        int64 (r,): line of the image along x, counted over all other axes.
    start, stop
        int32 (r,): first pixel of the run along x, and the one after its last.
    """

    anchors: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    owner: NDArray[np.int32]
    row: NDArray[np.int64]
    start: NDArray[np.int32]
    stop: NDArray[np.int32]

    def __len__(self) -> int:
        """Count the objects."""
        return len(self.anchors)

    @classmethod
    def find(
        cls,
        labels: NDArray[np.int32],
        region: Region,
        shape: tuple[int, ...],
        *,
        core: Region,
        probabilities: NDArray[np.float32] | None = None,
    ) -> ObjectRuns:
        """Take those objects out of a part of an image whose first pixels lie in its core.

        Parameters
        ----------
        labels
            Label image of the part, numbered 1 … n, gaps allowed.
        region, shape
            Place of the part in the image, and the shape of that.
        core
            Part of the image; objects that begin elsewhere are left out.
        probabilities
            Of all objects of the part, or None.

        Returns
        -------
        ObjectRuns
            With places in the whole image.
        """
        first = first_pixels(np.ascontiguousarray(labels))
        present = np.flatnonzero(first < labels.size)
        anchors = np.full(len(first), -1, np.int64)
        anchors[present] = _globally(first[present], labels.shape, region, shape)
        ours = np.ones(len(present), bool)
        for place, part in zip(np.unravel_index(anchors[present], shape), core, strict=True):
            ours &= (place >= part.start) & (place < part.stop)
        chosen = present[ours]
        chosen = chosen[np.argsort(anchors[chosen])]
        number = np.zeros(len(first) + 1, np.int32)
        number[chosen + 1] = np.arange(1, len(chosen) + 1)
        owner, line, start, stop = _runs(number[labels].reshape(-1, labels.shape[-1]))
        row = line
        if labels.ndim > 1:
            ones = (*labels.shape[:-1], 1)
            row = _globally(line, ones, (*region[:-1], slice(0, 1)), (*shape[:-1], 1))
        order = np.argsort(owner, kind="stable")
        chances = np.full(len(chosen), np.nan, np.float32)
        if probabilities is not None:
            chances = probabilities[chosen].astype(np.float32)
        offset = region[-1].start
        return cls(
            anchors[chosen],
            chances,
            owner[order] - 1,
            row[order],
            (start[order] + offset).astype(np.int32),
            (stop[order] + offset).astype(np.int32),
        )

    @classmethod
    def join(cls, parts: Sequence[ObjectRuns]) -> ObjectRuns:
        """Put objects of several parts together; an object that several hold is taken once.

        Parameters
        ----------
        parts
            At least one.

        Returns
        -------
        ObjectRuns
            All objects.
        """
        anchors = np.concatenate([part.anchors for part in parts])
        unique, first, number = np.unique(anchors, return_index=True, return_inverse=True)
        counts = np.cumsum([0, *(len(part) for part in parts)])
        owner = np.concatenate([part.owner + before for part, before in zip(parts, counts, strict=False)])
        keep = first[number[owner]] == owner if len(owner) else np.zeros(0, bool)
        order = np.argsort(number[owner[keep]], kind="stable")

        def gather(name: str) -> NDArray[Any]:
            values = np.concatenate([getattr(part, name) for part in parts])
            return np.asarray(values[keep][order])

        chances = np.concatenate([part.probabilities for part in parts])[first]
        found = number[owner[keep]][order].astype(np.int32)
        return cls(unique, chances, found, gather("row"), gather("start"), gather("stop"))

    def box(self, shape: tuple[int, ...]) -> Region | None:
        """Give the smallest region that holds all objects.

        Parameters
        ----------
        shape
            Of the image.

        Returns
        -------
        tuple of slice or None
            None if there is no object.
        """
        if len(self) == 0:
            return None
        lines = np.unravel_index(self.row, shape[:-1]) if len(shape) > 1 else ()
        sides = [slice(int(line.min()), int(line.max()) + 1) for line in lines]
        return (*sides, slice(int(self.start.min()), int(self.stop.max())))

    def paint(
        self, out: NDArray[Any], region: Region, shape: tuple[int, ...], numbers: NDArray[np.integer[Any]]
    ) -> None:
        """Write the objects' numbers where their pixels lie in a region.

        Parameters
        ----------
        out
            Array of the region, C-contiguous; changed.
        region, shape
            Place of `out` in the image, and the shape of that.
        numbers
            Number of each object.
        """
        lines = np.unravel_index(self.row, shape[:-1]) if len(shape) > 1 else ()
        inside = (self.stop > region[-1].start) & (self.start < region[-1].stop)
        base = np.zeros(len(self.row), np.int64)
        for line, part, size in zip(lines, region[:-1], out.shape[:-1], strict=True):
            inside &= (line >= part.start) & (line < part.stop)
            base = base * size + (line - part.start)
        start = np.maximum(self.start[inside], region[-1].start) - region[-1].start
        stop = np.minimum(self.stop[inside], region[-1].stop) - region[-1].start
        length = stop - start
        before = np.cumsum(length) - length
        place = np.repeat(base[inside] * out.shape[-1] + start - before, length) + np.arange(length.sum())
        out.reshape(-1)[place] = np.repeat(numbers[self.owner[inside]], length)


def _globally(
    places: NDArray[np.int64], local: tuple[int, ...], region: Region, shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """Places in the flattened image of places in a flattened part of it."""
    coordinates = np.unravel_index(places, local)
    moved = tuple(c + part.start for c, part in zip(coordinates, region, strict=True))
    return np.asarray(np.ravel_multi_index(moved, shape), np.int64)


def _runs(lines: NDArray[np.int32]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Label, line, start and stop of each run of equal labels above 0, line by line."""
    padded = np.pad(lines, ((0, 0), (1, 1)))
    change = padded[:, 1:] != padded[:, :-1]
    begins = change & (padded[:, 1:] > 0)
    ends = change & (padded[:, :-1] > 0)
    line, start = np.nonzero(begins)
    _, stop = np.nonzero(ends)
    return lines[line, start], line.astype(np.int64), start, stop
