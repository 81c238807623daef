"""From the objects of all parts to a label image: numbering, and the work of painting one sheet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.runs import ObjectRuns
from veriscope.core.source import Region
from veriscope.errors import UnreadableFileError
from veriscope.io.atomic import atomic_path
from veriscope.io.label_store import LabelStore
from veriscope.io.run_files import read_runs
from veriscope.predict.tile_work import TileWork

__all__ = ["PaintWork", "gather"]


def gather(
    work: TileWork, units: int, path: Path
) -> tuple[NDArray[np.int64], list[tuple[tuple[int, int], ...] | None]]:
    """Collect where the objects of all parts begin; parts whose file is damaged are predicted again.

    Parameters
    ----------
    work
        That made the parts.
    units
        Number of parts.
    path
        File for the first pixels, for those who paint.

    Returns
    -------
    anchors
        First pixels of all objects, ascending: the number of an object is its place here, from 1.
    boxes
        For each part start and stop along each axis of what its objects cover; None: no object.
    """
    anchors, boxes = [], []
    for unit in range(units):
        objects = read_runs(work.path(unit))
        if objects is None:
            work(unit)
            objects = _read(work.path(unit))
        anchors.append(objects.anchors)
        box = objects.box(work.source.shape)
        boxes.append(None if box is None else tuple((side.start, side.stop) for side in box))
    everything = np.sort(np.concatenate(anchors))
    with atomic_path(path) as temporary:
        np.save(temporary, everything)
    return everything, boxes


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
    boxes
        As from `gather`.
    shape
        Of the image.
    store
        The label image.
    """

    parts: Path
    anchors: Path
    boxes: tuple[tuple[tuple[int, int], ...] | None, ...]
    shape: tuple[int, ...]
    store: LabelStore

    def __call__(self, unit: int) -> dict[str, Any]:
        """Paint one sheet; again if need be, with the same result."""
        sheet = self.store.sheets()[unit]
        anchors = np.load(self.anchors, mmap_mode="r")
        labels = np.zeros([side.stop - side.start for side in sheet], self.store.dtype)
        for part, box in enumerate(self.boxes):
            if box is not None and _overlap(box, sheet):
                objects = _read(self.parts / f"{part:08d}.npz")
                numbers = np.searchsorted(anchors, objects.anchors) + 1
                objects.paint(labels, sheet, self.shape, numbers)
        self.store.write(sheet, labels)
        return {}

    def lighter(self, unit: int) -> PaintWork:
        """Give the same: a sheet needs little memory."""
        return self

    def prepare(self, threads: int) -> None:
        """Do nothing: painting uses one thread."""


def _overlap(box: tuple[tuple[int, int], ...], sheet: Region) -> bool:
    return all(
        start < side.stop and side.start < stop for (start, stop), side in zip(box, sheet, strict=True)
    )
