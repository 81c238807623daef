"""Comparison of two folders of label images, without a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.errors import InputError, TableError, VeriscopeError, raise_together
from veriscope.io.folders import Pair, find_images, pair_by_stem
from veriscope.io.labels import read_labels
from veriscope.validate.instances import compare_units
from veriscope.validate.units import UnitCounts, count_unit
from veriscope.workflow.sheet import read_sheet

__all__ = ["COMPARE_SCHEMA", "compare_folders"]

COMPARE_SCHEMA = "veriscope/compare/1"


def compare_folders(
    references: str | Path,
    predictions: str | Path,
    *,
    thresholds: Sequence[float] = (0.5, 0.7, 0.9),
    level: float = 0.95,
    groups: str | Path | None = None,
    partial: bool = False,
) -> dict[str, Any]:
    """Judge predicted label images against references of the same names.

    Parameters
    ----------
    references, predictions
        Folders (or patterns, or single files) of label images, paired by stem. Predictions without a
        reference are left out and named; a reference without a prediction is an error.
    thresholds
        IoU thresholds; 0.5 is always among them.
    level
        Level of the intervals.
    groups
        Sample sheet whose replicates are then the units of the intervals, instead of images.
    partial
        Leave out references without a prediction too, instead of stopping.

    Returns
    -------
    dict
        ``veriscope/compare/1``: ``n_images``, ``metrics`` (pooled), ``metrics_per_image`` and one row
        per image.

    Raises
    ------
    InputError
        If files cannot be paired, read, or are of different shape; all faults are listed.
    """
    pairing = pair_by_stem(find_images(references), find_images(predictions), partial=True)
    if pairing.only_reference and not partial:
        raise InputError(
            f"{len(pairing.only_reference)} references have no prediction of the same name "
            f"({', '.join(pairing.only_reference[:10])}{' …' if len(pairing.only_reference) > 10 else ''}); "
            "add them, or compare only what is there with --partial"
        )
    replicates = _replicates(pairing.pairs, groups)
    units: list[UnitCounts] = []
    faults: list[VeriscopeError] = []
    for pair in pairing.pairs:
        try:
            units.append(_count(pair, replicates.get(pair.stem), thresholds))
        except VeriscopeError as error:
            faults.append(error)
    raise_together(faults, what=f"{len(faults)} of {len(pairing.pairs)} pairs cannot be compared")
    unit = "replicate" if groups else "image"
    comparison = compare_units(units, level=level, thresholds=thresholds, unit=unit)
    return {
        "schema": COMPARE_SCHEMA,
        "n_images": comparison.n_images,
        "n_reference": int(np.sum([item.n_reference for item in units])),
        "n_prediction": int(np.sum([item.n_prediction for item in units])),
        "thresholds": list(comparison.thresholds),
        "metrics": {key: interval.to_dict() for key, interval in comparison.metrics.items()},
        "metrics_per_image": {
            key: interval.to_dict() for key, interval in comparison.metrics_per_image.items()
        },
        "images": comparison.table(),
        "predictions_without_reference": list(pairing.only_prediction),
        "references_without_prediction": list(pairing.only_reference),
    }


def _replicates(pairs: Sequence[Pair], groups: str | Path | None) -> dict[str, str]:
    if groups is None:
        return {}
    sheet = read_sheet(Path(groups))
    missing = [pair.stem for pair in pairs if pair.stem not in sheet]
    if missing:
        raise TableError(f"{groups}: has no row for {', '.join(missing[:10])}; add them")
    return {pair.stem: f"{sheet[pair.stem].group}/{sheet[pair.stem].replicate}" for pair in pairs}


def _count(pair: Pair, replicate: str | None, thresholds: Sequence[float]) -> UnitCounts:
    return count_unit(
        read_labels(pair.reference),
        read_labels(pair.prediction),
        thresholds=thresholds,
        name=pair.stem,
        cluster=replicate,
    )
