"""From what all parts hold to images: numbering, and the work of painting one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.runs import ObjectRuns
from veriscope.core.source import Region, within
from veriscope.errors import UnreadableFileError
from veriscope.io.atomic import atomic_path
from veriscope.io.run_files import read_map, read_runs
from veriscope.io.sheet_store import SheetStore
from veriscope.predict.tile_work import TileWork

__all__ = ["Gathered", "MapWork", "PaintWork", "gather"]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Where the objects of all parts are.

    Parameters
    ----------
    first
        For each time point, how many objects are found before it; and how many there are in all.
    boxes
        For each part start and stop along each axis of what its objects cover; None: no object.
    """

    first: tuple[int, ...]
    boxes: tuple[tuple[tuple[int, int], ...] | None, ...]

    @property
    def n_objects(self) -> int:
        """Number of objects, at all time points together."""
        return self.first[-1]

    @property
    def largest_label(self) -> int:
        """Number of objects at the time point that has most."""
        return int(np.diff(self.first).max())


def gather(work: TileWork, path: Path) -> Gathered:
    """Collect where the objects of all parts begin; parts whose files are damaged are predicted again.

    Parameters
    ----------
    work
        That made the parts.
    path
        File for the first pixels, for those who paint: those of each time point, ascending.

    Returns
    -------
    Gathered
        Where the objects are; the number of one is its place among those of its time point, from 1.
    """
    n_parts = len(work.parts())
    anchors, boxes, first = [], [], [0]
    for moment in range(len(work.surveys)):
        here = []
        for unit in range(moment * n_parts, (moment + 1) * n_parts):
            objects = read_runs(work.path(unit))
            if objects is None or (work.maps and read_map(work.map_path(unit)) is None):
                work(unit)
                objects = _read(work.path(unit))
            here.append(objects.anchors)
            box = objects.box(work.source.shape)
            boxes.append(None if box is None else tuple((side.start, side.stop) for side in box))
        anchors.append(np.sort(np.concatenate(here)))
        first.append(first[-1] + len(anchors[-1]))
    with atomic_path(path) as temporary:
        np.save(temporary, np.concatenate(anchors))
    return Gathered(tuple(first), tuple(boxes))


def _read(path: Path) -> ObjectRuns:
    objects = read_runs(path)
    if objects is None:
        raise UnreadableFileError(f"{path}: was written and cannot be read; is the disk sound?")
    return objects


@dataclass(frozen=True, slots=True)
class PaintWork:
    """Paints one sheet of a label image.

    Parameters
    ----------
    parts
        Folder of the parts' files, numbered.
    anchors
        File of the first pixels of all objects.
    gathered
        Where they are.
    shape
        Of the image at one time point.
    store
        The label image.
    """

    parts: Path
    anchors: Path
    gathered: Gathered
    shape: tuple[int, ...]
    store: SheetStore

    def __call__(self, unit: int) -> dict[str, Any]:
        """Paint one sheet; again if need be, with the same result."""
        sheet = self.store.sheets()[unit]
        moment, place = _split(sheet, len(self.shape))
        first = self.gathered.first
        anchors = np.load(self.anchors, mmap_mode="r")[first[moment] : first[moment + 1]]
        labels = np.zeros([side.stop - side.start for side in place], self.store.dtype)
        n_parts = len(self.gathered.boxes) // (len(first) - 1)
        for part in range(moment * n_parts, (moment + 1) * n_parts):
            box = self.gathered.boxes[part]
            if box is not None and _overlap([slice(*side) for side in box], place):
                objects = _read(self.parts / f"{part:08d}.npz")
                numbers = np.searchsorted(anchors, objects.anchors) + 1
                objects.paint(labels, place, self.shape, numbers)
        self.store.write(sheet, labels.reshape([side.stop - side.start for side in sheet]))
        return {}

    def lighter(self, unit: int) -> PaintWork:
        """Give the same: a sheet needs little memory."""
        return self

    def prepare(self, threads: int) -> None:
        """Do nothing: painting uses one thread."""


@dataclass(frozen=True, slots=True)
class MapWork:
    """Puts one sheet of a map together from the parts.

    Parameters
    ----------
    parts
        Folder of the parts' files, numbered.
    regions
        Where the parts of one time point lie; those of the next are numbered after them.
    store
        The map.
    """

    parts: Path
    regions: tuple[Region, ...]
    store: SheetStore

    def __call__(self, unit: int) -> dict[str, Any]:
        """Write one sheet; again if need be, with the same result."""
        sheet = self.store.sheets()[unit]
        moment, place = _split(sheet, len(self.regions[0]))
        values = np.empty([side.stop - side.start for side in place], self.store.dtype)
        for number, region in enumerate(self.regions):
            if _overlap(region, place):
                common = tuple(
                    slice(max(a.start, b.start), min(a.stop, b.stop))
                    for a, b in zip(region, place, strict=True)
                )
                found = _read_map(self.parts / f"{moment * len(self.regions) + number:08d}.npy")
                values[within(common, place)] = found[within(common, region)]
        self.store.write(sheet, values.reshape([side.stop - side.start for side in sheet]))
        return {}

    def lighter(self, unit: int) -> MapWork:
        """Give the same: a sheet needs little memory."""
        return self

    def prepare(self, threads: int) -> None:
        """Do nothing: copying uses one thread."""


def _read_map(path: Path) -> NDArray[Any]:
    values = read_map(path)
    if values is None:
        raise UnreadableFileError(f"{path}: was written and cannot be read; is the disk sound?")
    return values


def _split(sheet: Region, n_spatial: int) -> tuple[int, Region]:
    """Time point of a sheet, and its place in space; a sheet has one time point."""
    moment = sheet[0].start if len(sheet) > n_spatial else 0
    return moment, sheet[-n_spatial:]


def _overlap(one: Sequence[slice], other: Sequence[slice]) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, other, strict=True))
