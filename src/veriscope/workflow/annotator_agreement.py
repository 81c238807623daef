"""How far annotators agree on the tiles that several of them have drawn."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.labels import relabel_sequential
from veriscope.validate.instances import compare_units
from veriscope.validate.units import UnitCounts, count_unit
from veriscope.workflow.annotations import read_version
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.plan import read_plan
from veriscope.workflow.tile_annotations import PlannedTile, place_in, planned_tiles, tile_versions

__all__ = ["AGREEMENT_SCHEMA", "annotator_agreement"]

AGREEMENT_SCHEMA = "veriscope/annotator-agreement/1"
_THRESHOLDS = (0.5, 0.7, 0.9)


def annotator_agreement(folder: StudyFolder, *, level: float = 0.95) -> dict[str, Any]:
    """Compare what annotators drew on the same tiles, each with their newest version.

    Parameters
    ----------
    folder
        The study.
    level
        Confidence level of the intervals, which are by image.

    Returns
    -------
    dict
        ``veriscope/annotator-agreement/1``: ``annotators``, ``pairs`` (each with ``a``, ``b``, ``n_units``,
        ``metrics``, ``count_difference`` of b − a per tile, and ``units``), ``text``. Neither is the truth:
        F1 and PQ are the same whichever comes first.
    """
    plan = read_plan(folder)
    tiles = {} if plan is None else planned_tiles(plan, folder.images())
    newest: dict[str, dict[str, Any]] = {}
    for unit in tiles:
        for version in tile_versions(folder, unit):
            newest.setdefault(version.annotator, {})[unit] = version
    pairs = []
    for a, b in itertools.combinations(sorted(newest), 2):
        both = [unit for unit in tiles if unit in newest[a] and unit in newest[b]]
        if both:
            drawn = [(tiles[unit], newest[a][unit], newest[b][unit]) for unit in both]
            pairs.append({"a": a, "b": b, **_compare(folder, drawn, level)})
    text = (
        f"{len(pairs)} pair{'s' if len(pairs) > 1 else ''} of annotators "
        f"{'have' if len(pairs) > 1 else 'has'} drawn the same tiles."
        if pairs
        else "No tile was drawn by two annotators yet; have a second one draw some of them."
    )
    return {
        "schema": AGREEMENT_SCHEMA,
        "annotators": sorted(newest),
        "pairs": pairs,
        "text": text,
        "evidence": "audited",
    }


def _compare(folder: StudyFolder, drawn: list[tuple[PlannedTile, Any, Any]], level: float) -> dict[str, Any]:
    counts: list[UnitCounts] = []
    mirrored: list[UnitCounts] = []
    for tile, first, second in drawn:
        a, b = (_labels(folder, tile, version) for version in (first, second))
        y0, x0 = tile.context[:2]
        inner = tile.box[0] - y0, tile.box[1] - x0, tile.box[2] - y0, tile.box[3] - x0
        for found, pair in ((counts, (a, b)), (mirrored, (b, a))):
            found.append(
                count_unit(
                    *pair, owner_box=inner, thresholds=_THRESHOLDS, name=tile.unit, cluster=tile.image_id
                )
            )
    # A match across the border of a tile belongs to the tile of whoever comes first: both ways are counted.
    report = compare_units([*counts, *mirrored], level=level, thresholds=_THRESHOLDS, unit="image")
    differences = [unit.n_prediction - unit.n_reference for unit in counts]
    return {
        "n_units": len(counts),
        "metrics": {key: report.metrics[key].to_dict() for key in ("f1@0.5", "f1@0.7", "pq")},
        "count_difference": float(np.mean(differences)),
        "units": [
            {"unit": unit.name, "n_a": unit.n_reference, "n_b": unit.n_prediction, "matched": unit.tp[0]}
            for unit in counts
        ],
    }


def _labels(folder: StudyFolder, tile: PlannedTile, version: Any) -> NDArray[Any]:
    found = read_version(folder, version.annotator, version.path)
    return relabel_sequential(place_in(tile.context, found.labels, (found.y0, found.x0))[0])
