"""Annotating tiles one by one, as the app does: every version of each annotator is kept."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.labels import check_labels
from veriscope.errors import ShapeMismatchError, StudyError
from veriscope.io.labels import read_labels
from veriscope.io.record import Record
from veriscope.workflow.annotations import annotation_files, read_version, save_annotation
from veriscope.workflow.audit import context_box, margin_of, write_plan
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.plan import AuditPlan, read_plan

__all__ = [
    "PlannedTile",
    "TileVersion",
    "annotation_in_context",
    "count_objects",
    "place_in",
    "planned_tiles",
    "save_tile",
    "tile_versions",
]

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class PlannedTile:
    """A tile that was drawn.

    Parameters
    ----------
    unit, image_id, group, replicate
        Which tile it is.
    roles
        What it was drawn for: ``audit``, ``training``, ``census``.
    n_draws
        How often it was drawn for the audit.
    box
        The tile in the image: y0, x0, y1, x1.
    context
        The same with its surroundings, which annotators see and label.
    """

    unit: str
    image_id: str
    group: str
    replicate: str
    roles: tuple[str, ...]
    n_draws: int
    box: Box
    context: Box

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the context."""
        return self.context[2] - self.context[0], self.context[3] - self.context[1]


@dataclass(frozen=True, slots=True)
class TileVersion:
    """One saved version of an annotation.

    Parameters
    ----------
    annotator
        Who drew it.
    version
        Its number; versions of all annotators of a tile are counted together.
    path
        The label image.
    saved
        When, ISO 8601.
    n_objects
        Objects in it.
    seconds
        Active time spent since the version before, if known.
    is_blind
        Whether it was drawn without seeing what a candidate had found; None: not known.
    proposal
        Candidate whose objects it began with; None: none, or not known.
    segmenters
        Models for click-to-segment whose outlines were taken.
    """

    annotator: str
    version: int
    path: Path
    saved: str
    n_objects: int
    seconds: float | None
    is_blind: bool | None
    proposal: str | None
    segmenters: tuple[str, ...]


def planned_tiles(plan: AuditPlan, images: Sequence[StudyImage]) -> dict[str, PlannedTile]:
    """List the tiles that were drawn, in the order in which they are best annotated.

    Parameters
    ----------
    plan
        Of the study.
    images
        Its images.

    Returns
    -------
    dict
        By name. Audit tiles come first, group by group in turn, in the order of drawing: only what is
        annotated without a gap in this order counts.
    """
    order = {"audit": 0, "training": 1, "census": 2}
    by_id = {image.image_id: image for image in images}
    margin = margin_of(plan)
    rows = sorted(plan.draws.itertuples(), key=lambda row: (order[row.role], row.draw))
    by_unit: dict[str, list[Any]] = {}
    for row in rows:
        by_unit.setdefault(row.unit, []).append(row)
    missing = sorted({row.image_id for row in rows} - set(by_id))
    if missing:
        raise StudyError(f"the plan names image {missing[0]!r}, and images.csv does not; restore it")
    return {unit: _planned(mine, margin, by_id[mine[0].image_id]) for unit, mine in by_unit.items()}


def _planned(draws: Sequence[Any], margin: int, image: StudyImage) -> PlannedTile:
    row = draws[0]
    return PlannedTile(
        unit=row.unit,
        image_id=row.image_id,
        group=row.group,
        replicate=row.replicate,
        roles=tuple(dict.fromkeys(draw.role for draw in draws)),
        n_draws=sum(draw.role == "audit" for draw in draws),
        box=(int(row.y0), int(row.x0), int(row.y1), int(row.x1)),
        context=context_box(row, margin, image.spatial_shape),
    )


def tile_versions(folder: StudyFolder, unit: str) -> list[TileVersion]:
    """List all saved versions of a tile's annotations.

    Parameters
    ----------
    folder
        The study.
    unit
        Name of the tile.

    Returns
    -------
    list of TileVersion
        Oldest first.
    """
    return [
        _version(annotator, number, path, path.stat().st_mtime_ns)
        for number, annotator, path in sorted(annotation_files(folder, unit))
    ]


@functools.lru_cache(maxsize=20_000)
def _version(annotator: str, number: int, path: Path, changed: int) -> TileVersion:
    """Describe a version; files of versions are never changed, so that this is done once.

    In a study that was made anew under the name of a former one they are others, of another time.
    """
    beside = path.with_suffix(".json")
    try:
        said = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        said = {}
    n_objects = said.get("n_objects")
    if n_objects is None:
        n_objects = count_objects(read_labels(path))
    saved = datetime.fromtimestamp(changed / 1e9, UTC).isoformat(timespec="seconds")
    return TileVersion(
        annotator=annotator,
        version=number,
        path=path,
        saved=saved,
        n_objects=n_objects,
        seconds=said.get("seconds"),
        is_blind=said.get("blind"),
        proposal=said.get("proposal"),
        segmenters=tuple(said.get("segmenters") or ()),
    )


def annotation_in_context(
    folder: StudyFolder, tile: PlannedTile, version: TileVersion
) -> tuple[NDArray[Any], bool]:
    """Read a version as the annotator sees it.

    Parameters
    ----------
    folder
        The study.
    tile
        The tile.
    version
        Which version.

    Returns
    -------
    tuple of numpy.ndarray and bool
        Label image of the tile's context, and whether objects reach beyond it, as in references that were
        cut out of whole images.
    """
    found = read_version(folder, version.annotator, version.path)
    return place_in(tile.context, found.labels, (found.y0, found.x0))


def place_in(context: Box, labels: NDArray[Any], origin: tuple[int, int]) -> tuple[NDArray[Any], bool]:
    """Move a label image to another box of the same image.

    Parameters
    ----------
    context
        The box: y0, x0, y1, x1.
    labels
        Label image, (y, x).
    origin
        Place of its first pixel in the image.

    Returns
    -------
    tuple of numpy.ndarray and bool
        Label image of the box, and whether labelled pixels lie outside of it.
    """
    y0, x0, y1, x1 = context
    found = np.zeros((y1 - y0, x1 - x0), labels.dtype)
    top, left = max(y0, origin[0]), max(x0, origin[1])
    bottom, right = min(y1, origin[0] + labels.shape[0]), min(x1, origin[1] + labels.shape[1])
    if bottom > top and right > left:
        part = labels[top - origin[0] : bottom - origin[0], left - origin[1] : right - origin[1]]
        found[top - y0 : bottom - y0, left - x0 : right - x0] = part
    return found, int(np.count_nonzero(found)) < int(np.count_nonzero(labels))


def save_tile(
    folder: StudyFolder,
    tile: PlannedTile,
    labels: NDArray[Any],
    *,
    annotator: str,
    details: Mapping[str, Any],
) -> TileVersion | None:
    """Keep what a person drew on a tile as a new version, and note it in plan and record.

    Parameters
    ----------
    folder
        The study.
    tile
        The tile.
    labels
        Label image of its context.
    annotator
        Who drew it.
    details
        ``seconds``, ``blind``, ``proposal``, ``segmenters``, ``shown``, as far as they are known.

    Returns
    -------
    TileVersion or None
        None if it is the same as the newest version.

    Raises
    ------
    ShapeMismatchError
        If the label image has another shape than the context.
    PixelValueError
        If it is no label image.
    InputError
        If it cannot be written, such as on a full disk; older versions are as they were.
    """
    labels = check_labels(labels, where=tile.unit)
    if labels.shape != tile.shape:
        raise ShapeMismatchError(
            f"{tile.unit}: the label image has shape {labels.shape}, and the tile with its context "
            f"{tile.shape}; send it for the whole context"
        )
    is_new = save_annotation(
        folder,
        tile.unit,
        labels,
        origin=tile.context[:2],
        annotator=annotator,
        source="app",
        details={"n_objects": count_objects(labels), **details},
    )
    if not is_new:
        return None
    newest = max(tile_versions(folder, tile.unit), key=lambda item: item.version)
    plan = read_plan(folder)
    if plan is not None:
        write_plan(folder, plan)
    relative = newest.path.relative_to(folder.root)
    Record(folder.root).note(
        "annotate",
        inputs={},
        parameters={"annotator": annotator, "unit": tile.unit, "version": newest.version, **details},
        outputs=[relative, relative.with_suffix(".json")],
    )
    return newest


def count_objects(labels: NDArray[Any]) -> int:
    """Count the objects of a label image.

    Parameters
    ----------
    labels
        Label image.

    Returns
    -------
    int
        Different labels other than 0.
    """
    if not labels.size:
        return 0
    top = int(labels.max())
    if top > 16 * labels.size:
        return int(np.count_nonzero(np.unique(labels)))
    seen = np.zeros(top + 1, bool)
    seen[labels.ravel()] = True
    return int(np.count_nonzero(seen[1:]))
