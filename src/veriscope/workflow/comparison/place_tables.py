"""Tables of boxes and points: which image they belong to, and when one counts as found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.ndimage import find_objects

from veriscope.core.axes import check_spacing
from veriscope.core.progress import Progress, silent
from veriscope.core.words import counted
from veriscope.errors import InputError, TableError, UnreadableFileError, VeriscopeError, raise_together
from veriscope.io.folders import find_images
from veriscope.io.image_tables import PlaceTable, read_place_table
from veriscope.io.labels import read_labels
from veriscope.validate.detections import DetectionSettings
from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.validate.fingerprint.measured import LIMITS
from veriscope.validate.localise.objects import Criterion, Detections
from veriscope.workflow.comparison.cases import candidate_names, clusters_of, open_all
from veriscope.workflow.comparison.detection import DetectionUnit, Places
from veriscope.workflow.comparison.options import CompareOptions
from veriscope.workflow.comparison.task import Judged

__all__ = ["judge_places"]


@dataclass(frozen=True, slots=True)
class _Source:
    """Objects of many images, read when asked for."""

    kind: str
    stems: tuple[str, ...]
    get: Callable[[str], Detections]
    diameter: float
    classes: frozenset[str] | None = None
    has_scores: bool = False


def judge_places(
    references: str | Path,
    predictions: Sequence[str | Path],
    options: CompareOptions,
    *,
    groups: str | Path | None = None,
    partial: bool = False,
    progress: Progress = silent,
) -> Judged:
    """Pair the objects of tables by their images.

    Parameters
    ----------
    references
        Table of boxes or points, or a folder of label images.
    predictions
        Table of boxes or points of each candidate; a column ``score`` gives curves as well.
    options
        Settings of the comparison.
    groups
        Sample sheet whose replicates are the units of intervals.
    partial
        Of no effect: an image without a row has no objects.
    progress
        Told when all is done; tables are small.

    Returns
    -------
    Judged
        One entry per image that either side knows: an image without a row has no objects.

    Raises
    ------
    VeriscopeError
        If tables cannot be read, or kinds and classes do not fit; all faults together.
    """
    names = candidate_names(predictions)
    known, *others = open_all([references, *predictions], _open)
    found = dict(zip(names, others, strict=True))
    faults = [fault for name, source in found.items() for fault in _faults(name, source, known, options)]
    raise_together(faults, what=f"{len(faults)} candidates do not fit the references")
    check_spacing(options.spacing, "yx", where="the tables")
    stems = list(dict.fromkeys([*known.stems, *(s for item in found.values() for s in item.stems)]))
    if known.kind == "labels":
        stems = list(known.stems)
    if any(source.kind == "boxes" for source in (known, *found.values())):
        known, found = _boxed(known), {name: _boxed(source) for name, source in found.items()}
    criterion = _criterion(known, list(found.values()), options)
    _require_one_threshold(criterion, options)
    settings = DetectionSettings(criterion=criterion)
    judge = Places(settings, options)
    in_references = set(known.stems)
    only = [stem for stem in stems if stem not in in_references]
    if only:
        judge.notes.append(
            f"{counted(len(only), 'image has', 'images have')} predictions and no row in the references "
            f"({', '.join(only[:5])}): what is not there counts as an image without an object"
        )
    clusters = clusters_of(stems, groups)
    truth = dict(zip(stems, open_all(stems, lambda stem: known.get(str(stem))), strict=True))
    units = {
        name: [DetectionUnit(stem, clusters.get(stem), truth[stem], source.get(stem)) for stem in stems]
        for name, source in found.items()
    }
    progress("compare", 1, 1)
    return Judged(
        judge=judge,
        units=units,
        fingerprint=_fingerprint(known, list(found.values()), truth, clusters, options),
        references_without_prediction=[],
        predictions_without_reference={
            name: [stem for stem in source.stems if stem not in set(stems)] for name, source in found.items()
        },
    )


def _open(path: str | Path) -> _Source:
    place = Path(path)
    tables = [place / name for name in ("boxes.csv", "points.csv")] if place.is_dir() else [place]
    if any(table.is_file() and table.suffix.lower() in (".csv", ".tsv", ".txt") for table in tables):
        return _of_table(read_place_table(place))
    if place.is_file():
        raise UnreadableFileError(
            f"{place}: detections are read from a CSV table, or a folder of label images"
        )
    files = {file.stem: file.path for file in find_images(place)}

    def get(stem: str) -> Detections:
        if stem not in files:
            raise InputError(f"{place}: has no label image {stem}; add it, an empty one if nothing is there")
        return Detections(labels=read_labels(files[stem]))

    return _Source("labels", tuple(files), get, float("nan"))


def _of_table(table: PlaceTable) -> _Source:
    columns = ["y0", "x0", "y1", "x1"] if table.kind == "boxes" else ["y", "x"]
    by_stem = {str(stem): rows for stem, rows in table.rows.groupby("stem", sort=False)}
    empty = table.rows.iloc[:0]

    def get(stem: str) -> Detections:
        rows: pd.DataFrame = by_stem.get(stem, empty)
        places: dict[str, Any] = {table.kind: rows[columns].to_numpy(dtype=np.float64)}
        scores = rows["score"].to_numpy(dtype=np.float64) if table.has_scores else None
        classes = rows["class"].to_numpy(dtype=str) if table.has_classes else None
        return Detections(**places, scores=scores, classes=classes)

    diameter = float("nan")
    if table.kind == "boxes" and len(table.rows):
        height = table.rows["y1"] - table.rows["y0"]
        diameter = float(np.sqrt(height * (table.rows["x1"] - table.rows["x0"])).median())
    classes = frozenset(table.rows["class"]) if table.has_classes else None
    return _Source(table.kind, tuple(by_stem), get, diameter, classes, table.has_scores)


def _boxed(source: _Source) -> _Source:
    """Draw boxes around the objects of label images, so that they can be compared with boxes."""
    if source.kind != "labels":
        return source

    def get(stem: str) -> Detections:
        labels = source.get(stem).labels
        found = [] if labels is None else [place for place in find_objects(labels) if place is not None]
        rows = [[*(side.start for side in place), *(side.stop for side in place)] for place in found]
        return Detections(boxes=np.array(rows, dtype=np.float64).reshape(-1, 4))

    return replace(source, kind="boxes", get=get)


def _faults(name: str, source: _Source, known: _Source, options: CompareOptions) -> list[VeriscopeError]:
    found: list[VeriscopeError] = []
    if source.kind == known.kind == "labels" and options.criterion is None:
        found.append(
            InputError(
                f"{name}: has label images, as the references; compare with --task instance, or say with "
                "--criterion when an object counts as found"
            )
        )
    if source.stems and not set(source.stems) & set(known.stems):
        found.append(TableError(f"{name}: shares no image with the references; images go by their names"))
    if (source.classes is None) != (known.classes is None):
        has = (
            "has a column class, and the references have none"
            if known.classes is None
            else "lacks the column class"
        )
        found.append(TableError(f"{name}: {has}; add it there, or remove it from both"))
    strange = sorted((source.classes or frozenset()) - (known.classes or frozenset()))
    if strange and known.classes is not None:
        found.append(
            TableError(
                f"{name}: predicts {', '.join(strange)}, not among the reference's "
                f"{', '.join(sorted(known.classes))}; name classes alike"
            )
        )
    return found


def _criterion(known: _Source, found: Sequence[_Source], options: CompareOptions) -> Criterion:
    """Take the overlap where both sides have an extent, else the place."""
    kinds = {source.kind for source in found}
    steps = None if options.spacing is None else (options.spacing["y"], options.spacing["x"])
    if options.criterion is not None and options.criterion != "centre_distance":
        rim = options.outline_tolerance(steps) if options.criterion == "boundary_iou" else None
        return Criterion(options.criterion, threshold=options.thresholds[0], rim=rim, spacing=steps)
    if options.criterion is None and known.kind == "boxes" and kinds == {"boxes"}:
        return Criterion("box_iou", threshold=options.thresholds[0])
    if options.criterion is None and known.kind in ("labels", "boxes") and kinds == {"points"}:
        return Criterion("point_in_mask")
    # Tables are in pixels, stated sizes and the tolerance in µm where the pixel size is known.
    measured = known.diameter * math.sqrt(math.prod(steps or (1.0,)))
    tolerance = (options.object_size or measured) / 2
    if not np.isfinite(tolerance):
        raise InputError(
            "points tell no size, so it is not known how far a found one may lie off; give the typical "
            "diameter with --object-size: half of it is allowed"
        )
    return Criterion("centre_distance", tolerance=tolerance, spacing=steps)


def _require_one_threshold(criterion: Criterion, options: CompareOptions) -> None:
    """Refuse thresholds that would change nothing in silence."""
    if options.thresholds == CompareOptions().thresholds:
        return
    if criterion.key in ("point_in_mask", "centre_distance"):
        raise InputError(
            f"an object counts as found by {criterion.key}, which has no threshold; leave out --threshold, "
            "or name another --criterion"
        )
    if len(options.thresholds) > 1:
        raise InputError(
            f"detections are judged at one threshold, and {len(options.thresholds)} are given; give "
            "--threshold once"
        )


def _fingerprint(
    known: _Source,
    found: Sequence[_Source],
    truth: Mapping[str, Detections],
    clusters: Mapping[str, str],
    options: CompareOptions,
) -> Fingerprint:
    answers: dict[str, Any] = {
        "category": "detection",
        "shape_needed": False,
        "scores_available": all(source.has_scores for source in found),
        "coarse_reference": known.kind != "labels",
        "reference_may_be_empty": any(len(item) == 0 for item in truth.values()),
        "dependent_cases": len(set(clusters.values())) < len(clusters),
    }
    if np.isfinite(known.diameter):
        answers["small_structures"] = bool(known.diameter < LIMITS["small_structures"])
    answers |= options.size_answers(options.spacing)
    return Fingerprint.parse(answers, where="the problem")
