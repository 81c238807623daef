"""Validation inside a study: every candidate against the audited tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.commands import command
from veriscope.errors import StudyError
from veriscope.io.atomic import write_json
from veriscope.io.record import Record
from veriscope.registry import get_method, make_method
from veriscope.validate.agreement import bland_altman
from veriscope.validate.instances import compare_units
from veriscope.validate.ranking import rank
from veriscope.validate.units import UnitCounts, count_unit
from veriscope.workflow.audited import (
    AuditedTile,
    audit_inputs,
    audited_tiles,
    predicted_sums,
    prediction_of,
    require_plan,
    require_same_tiles,
)
from veriscope.workflow.comparison.advice import advise
from veriscope.workflow.config import Candidate, StudyConfig
from veriscope.workflow.domain import outside_domain
from veriscope.workflow.evidence import read_evidence
from veriscope.workflow.fine_tuning import is_tuned_here
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.problem import study_fingerprint
from veriscope.workflow.quantities import TileSums
from veriscope.workflow.reliability import object_reliability
from veriscope.workflow.training import training_images, training_inputs

__all__ = ["RANKED_BY", "VALIDATE_SCHEMA", "choose_candidate", "finished_candidates", "validate_study"]

VALIDATE_SCHEMA = "veriscope/validate/1"
RANKED_BY = "f1@0.5"
"""Metric by which candidates are ordered: finding objects, not a width that the audit could favour."""

_THRESHOLDS = (0.5, 0.7, 0.9)
_LEVEL = 0.95


def finished_candidates(folder: StudyFolder, config: StudyConfig) -> list[str]:
    """List the candidates that have predicted and measured every image.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.

    Returns
    -------
    list of str
        Identifiers, in the order of study.yaml.

    Raises
    ------
    StudyError
        If there is none, or one has run with other options than study.yaml has now.
    """
    found = [item for item in config.candidates if (folder.root / folder.measurements(item.id)).exists()]
    if not found:
        raise StudyError(f"no candidate has run yet; first: {command('run', folder.root)}")
    record = Record(folder.root)
    stale = [item.id for item in found if not _is_current(folder, config, record, item)]
    if stale:
        raise StudyError(
            f"predictions of {', '.join(stale)} are older than study.yaml, the images or the training tiles "
            f"say; first: {command('run', folder.root)}"
        )
    return [item.id for item in found]


def _is_current(folder: StudyFolder, config: StudyConfig, record: Record, item: Candidate) -> bool:
    """Whether every image was predicted by the method as study.yaml has it now."""
    method = make_method(item.method, item.parameters)
    wanted = {
        "method": method.describe(),
        "channel": config.channel,
        "training": training_inputs(folder) if method.needs_training else {},
    }
    for image in folder.images():
        entry = record.latest(folder.prediction(item.id, image.image_id))
        if entry is None or any(entry["parameters"].get(key) != value for key, value in wanted.items()):
            return False
    return True


def validate_study(folder: StudyFolder, config: StudyConfig) -> dict[str, Any]:
    """Judge all candidates that have run on the audited tiles; done again only if something changed.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.

    Returns
    -------
    dict
        ``veriscope/validate/1``, as in ``evidence/validate.json``.

    Raises
    ------
    StudyError
        If no candidate has run, no tile is annotated, or tiles were changed after the draw.
    """
    candidates = finished_candidates(folder, config)
    require_same_tiles(folder, config)
    output = "evidence/validate.json"
    Record(folder.root).step(
        "validate",
        inputs=[*audit_inputs(folder), *(folder.measurements(name) for name in candidates)],
        parameters={
            "candidates": candidates,
            "question": config.question.model_dump(mode="json"),
            "thresholds": list(_THRESHOLDS),
            "level": _LEVEL,
            "fingerprint": config.fingerprint,
            "reliability": "objects at IoU 0.5",
            "shown": "before a tile was saved",
        },
        outputs=[output],
        work=lambda: write_json(folder.root / output, _validate(folder, config, candidates)),
    )
    return read_evidence(folder, "validate")


def choose_candidate(validated: Mapping[str, Any], method: str | None) -> str:
    """Choose the candidate whose predictions are corrected.

    Parameters
    ----------
    validated
        Result of `validate_study`.
    method
        The user's choice, or None for the candidate that validation ranks first.

    Returns
    -------
    str
        Identifier of the candidate.

    Raises
    ------
    StudyError
        If the chosen candidate has not run.
    """
    known = list(validated["candidates"])
    if method is None:
        return str(validated["first"])
    if method not in known:
        raise StudyError(f"no candidate {method!r} that has run; there are: {', '.join(known)}")
    return method


def _validate(folder: StudyFolder, config: StudyConfig, candidates: Sequence[str]) -> dict[str, Any]:
    tiles = audited_tiles(folder, config)
    frame = require_plan(folder).frame
    rows = {unit: index for index, unit in enumerate(frame["unit"])}
    seen = training_images(folder)
    learns = {
        item.id
        for item in config.candidates
        if get_method(item.method).needs_training or is_tuned_here(folder, item.method)
    }
    cards = {item.id: get_method(item.method).card for item in config.candidates}
    counts: dict[str, list[UnitCounts]] = {}
    found: dict[str, Any] = {}
    for name in candidates:
        predictions = prediction_of(folder, name, tiles)
        counts[name] = _count(tiles, predictions)
        kept = [at for at, tile in enumerate(tiles) if name not in learns or tile.image_id not in seen]
        fair = [counts[name][at] for at in kept]
        comparison = compare_units(fair, level=_LEVEL, thresholds=_THRESHOLDS, unit="image")
        sums = predicted_sums(folder, config, name, frame).sums
        predicted = _per_tile(sums, [rows[tile.unit] for tile in tiles])
        reference = np.array([_per_tile(tile.sums, [0])[0] for tile in tiles])
        agreement = bland_altman(reference, predicted, level=_LEVEL, unit="tile")
        found[name] = {
            "metrics": {key: interval.to_dict() for key, interval in comparison.metrics.items()},
            "n_tiles": len(fair),
            "outside_domain": outside_domain(cards[name], config, tiles),
            "agreement": agreement.to_dict()
            | {"reference": reference.tolist(), "prediction": predicted.tolist()},
            "reliability": object_reliability(
                folder, name, [tiles[at] for at in kept], [predictions[at] for at in kept], level=_LEVEL
            ),
            "tiles": [unit.to_dict() for unit in counts[name]],
        }
    return {
        "schema": VALIDATE_SCHEMA,
        "evidence": "audited",
        "n_tiles": len(tiles),
        "n_images": len({tile.image_id for tile in tiles}),
        "tiles": [_describe(tile) for tile in tiles],
        "candidates": found,
        "advice": advise(study_fingerprint(folder, config)[0]),
        **_ranking(counts, tiles, learns & set(candidates), seen),
    }


def _count(tiles: Sequence[AuditedTile], predictions: Sequence[NDArray[Any]]) -> list[UnitCounts]:
    return [
        count_unit(
            tile.reference,
            prediction,
            owner_box=tile.inner_box,
            thresholds=_THRESHOLDS,
            name=tile.unit,
            cluster=tile.image_id,
            weight=tile.weight,
        )
        for tile, prediction in zip(tiles, predictions, strict=True)
    ]


def _per_tile(sums: TileSums, rows: Sequence[int]) -> Any:
    """Give the measure of single tiles; NaN where there is nothing to average."""
    above = sums.numerator[list(rows)]
    if sums.denominator is None:
        return above
    below = sums.denominator[list(rows)]
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)


def _describe(tile: AuditedTile) -> dict[str, Any]:
    return {
        "unit": tile.unit,
        "image_id": tile.image_id,
        "group": tile.group,
        "box": list(tile.box),
        "weight": tile.weight,
        "shown": list(tile.shown),
    }


def _ranking(
    counts: Mapping[str, Sequence[UnitCounts]], tiles: Sequence[AuditedTile], learn: set[str], seen: set[str]
) -> dict[str, Any]:
    """Order the candidates on the tiles that none of them was trained on.

    Where no such tile is left, those that learn cannot be judged: they come last, without a value.
    """
    kept = [index for index, tile in enumerate(tiles) if not learn or tile.image_id not in seen]
    unjudged: dict[str, list[UnitCounts]] = {} if kept else {name: [] for name in counts if name in learn}
    judged = {
        name: [units[index] for index in kept or range(len(tiles))]
        for name, units in counts.items()
        if name not in unjudged
    }
    found, *others = (
        rank(part, metric=RANKED_BY, level=_LEVEL, unit="image").to_dict()
        for part in (judged, unjudged)
        if part
    )
    for other in others:
        found["values"] |= other["values"]
        found["groups"] += [[name] for name in other["values"]]
    n_tiles = len(kept or tiles) if judged else 0
    return {"ranking": found | {"n_tiles": n_tiles}, "first": next(iter(found["values"]))}
