"""The report of a study: its record assembled from what is on disk, then rendered."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from veriscope import __version__
from veriscope.core.cost import Assumptions
from veriscope.io.atomic import write_text
from veriscope.io.hashing import sha256_of
from veriscope.io.record import Record, environment
from veriscope.methods.channels import analysis_channel
from veriscope.registry import make_method
from veriscope.report.html import render_html
from veriscope.report.methods_text import methods_text
from veriscope.report.record import to_json
from veriscope.report.reliability_plot import reliability_sentence
from veriscope.report.schema import Reliability
from veriscope.report.tiles import data_uri, tile_picture
from veriscope.trust.sampling import EVEN_SHARE
from veriscope.workflow.annotations import annotated_units, latest_annotation
from veriscope.workflow.answer import estimate_study
from veriscope.workflow.audited import (
    AuditedTile,
    audited_draws,
    audited_tiles,
    prediction_of,
    require_plan,
)
from veriscope.workflow.conclude import conclude_study
from veriscope.workflow.config import Candidate, StudyConfig
from veriscope.workflow.cost import study_cost
from veriscope.workflow.judge import validate_study
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.plane_remarks import plane_remarks

__all__ = ["REPORT_SCHEMA", "write_report"]

REPORT_SCHEMA = "veriscope/report/1"

_PICTURES = 3


def write_report(
    folder: StudyFolder,
    config: StudyConfig,
    *,
    method: str | None = None,
    truth: Mapping[str, float] | None = None,
    truth_source: str = "",
) -> Path:
    """Write ``report/report.json`` and, from it, ``report/index.html``.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    method
        Candidate whose predictions are corrected; None takes the one that validation ranks first.
    truth
        Known answer by group; shown beside the estimate.
    truth_source
        Where the truth comes from.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    StudyError
        If no candidate has run, or no tile is annotated.
    """
    validated = validate_study(folder, config)
    answer = estimate_study(folder, config, method=method)
    verdict = conclude_study(folder, config, method=method)
    found = Record(folder.root)
    named = ("validate", "estimate", "verdict")
    outputs = ["report/report.json", "report/index.html"]
    found.step(
        "report",
        inputs=[*(f"evidence/{name}.json" for name in named), "images.csv", "audit/plan.csv"],
        parameters={
            "study": config.model_dump(mode="json"),
            "truth": {group: _plain(value) for group, value in (truth or {}).items()},
            "truth_source": truth_source,
            "assumptions": Assumptions.from_environment(os.environ).model_dump(),
            "veriscope": __version__,
        },
        outputs=outputs,
        work=lambda: _write(folder, config, validated, answer, verdict, truth, truth_source),
    )
    return folder.root / outputs[1]


def _write(
    folder: StudyFolder,
    config: StudyConfig,
    validated: Mapping[str, Any],
    answer: Mapping[str, Any],
    verdict: Mapping[str, Any],
    truth: Mapping[str, float] | None,
    truth_source: str,
) -> None:
    chosen = answer["method"]
    record: dict[str, Any] = {
        "schema": REPORT_SCHEMA,
        "title": config.name,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "veriscope": __version__,
        "study": _study(folder, config),
        "question": answer["question"],
        "evidence": "audited",
        "estimate": _with_labelled(answer),
        "verdict": verdict,
        "candidates": [_candidate(folder, item, chosen, validated) for item in config.candidates],
        "comparisons": [_comparison(pair, validated) for pair in validated["ranking"]["pairs"]],
        "advice": validated["advice"],
        "agreement": [_agreement(name, item) for name, item in validated["candidates"].items()],
        "reliability": [
            _reliability(name, item["reliability"])
            for name, item in validated["candidates"].items()
            if item.get("reliability")
        ],
        "audit": _audit(folder, config, chosen, validated),
        "tiles": _pictures(folder, config, chosen, validated),
        "truth": {"source": truth_source, "groups": dict(truth)} if truth else None,
        "cost": study_cost(folder, Assumptions.from_environment(os.environ)),
        "environment": environment(),
        "reproduce": _commands(folder),
        "record": {
            "n_entries": len(Record(folder.root).entries()),
            "sha256": sha256_of(folder.root / "record.jsonl"),
        },
    }
    record["methods_text"] = methods_text(record)
    text = to_json(record)
    write_text(folder.root / "report/report.json", text)
    # From what was written, so that whoever renders the file gets this page, down to the order of metrics.
    write_text(folder.root / "report/index.html", render_html(json.loads(text)))


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _study(folder: StudyFolder, config: StudyConfig) -> dict[str, Any]:
    images = folder.images()
    warnings = sorted({f"{image.image_id}: {image.notes}" for image in images if image.notes})
    if len(warnings) > 10:
        warnings = [*warnings[:10], f"… and notes on {len(warnings) - 10} more images, see images.csv"]
    warnings = [*plane_remarks(images), *warnings]
    skipped = folder.root / "skipped.txt"
    if skipped.exists():
        warnings.insert(0, skipped.read_text(encoding="utf-8").splitlines()[0] + " See skipped.txt.")
    spacings = sorted({image.spacing for image in images})
    return {
        "name": config.name,
        "n_images": len(images),
        "n_replicates": len({(image.group, image.replicate) for image in images}),
        "spacing": images[0].spacing_text if len(spacings) == 1 else "different between images",
        "channel": config.channel or "",
        "warnings": warnings,
    }


def _with_labelled(answer: Mapping[str, Any]) -> dict[str, Any]:
    groups = [
        group | {"labelled_only": group["labelled_only"] | {"estimate": group["labelled_only"]["value"]}}
        for group in answer["groups"]
    ]
    return dict(answer) | {"groups": groups}


def _candidate(
    folder: StudyFolder, item: Candidate, chosen: str, validated: Mapping[str, Any]
) -> dict[str, Any]:
    method = make_method(item.method, item.parameters)
    card = method.card
    judged = validated["candidates"].get(item.id)
    found: dict[str, Any] = {
        "method": item.id,
        "name": method.name,
        "version": method.version,
        "summary": card.summary,
        "chosen": item.id == chosen,
        "evidence": "audited" if judged else "untested",
        "parameters": method.parameters.model_dump(mode="json"),
        "limits": list(card.limits),
        "training_data": card.training_data,
        "licence": card.licence,
        "citation": card.citation,
        "metrics": judged["metrics"] if judged else None,
        "not_run": None,
    }
    if judged is None:
        waits = "it needs annotated training tiles (veriscope audit STUDY --training 6)"
        found["not_run"] = waits if method.needs_training else "it has not been run (veriscope run STUDY)"
        return found
    record = Record(folder.root)
    made = [record.latest(folder.prediction(item.id, image.image_id)) for image in folder.images()]
    entries = [entry for entry in made if entry is not None]
    found["seconds"] = round(sum(entry["wall_s"] for entry in entries), 2)
    found["n_objects"] = sum(int(entry["details"]["n_objects"]) for entry in entries)
    found["warnings"] = list(judged["outside_domain"])
    left_out = validated["n_tiles"] - judged["n_tiles"]
    if left_out:
        found["warnings"].append(
            f"{left_out} audited tiles are in images it was trained on; not judged there"
        )
    return found


def _comparison(pair: Mapping[str, Any], validated: Mapping[str, Any]) -> dict[str, Any]:
    difference = pair["difference"]
    return {
        "a": pair["first"],
        "b": pair["second"],
        "metric": validated["ranking"]["metric"],
        "difference": difference["value"],
        "low": difference["low"],
        "high": difference["high"],
        "p_adjusted": pair["p_adjusted"],
        "verdict": pair["verdict"],
    }


def _agreement(name: str, item: Mapping[str, Any]) -> dict[str, Any]:
    found = item["agreement"]
    pairs = zip(found["reference"], found["prediction"], strict=True)
    limits = [found["lower_limit"]["value"], found["upper_limit"]["value"]]
    return {
        "method": name,
        "unit": "tile",
        "points": [[a, b] for a, b in pairs if a is not None and b is not None],
        "mean_difference": found["mean_difference"]["value"],
        "low": found["mean_difference"]["low"],
        "high": found["mean_difference"]["high"],
        "limits": None if None in limits else limits,
        "slope": found["slope"]["value"],
    }


def _reliability(name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    record = {"method": name, **found}
    return record | {"sentence": reliability_sentence(Reliability.model_validate(record))}


def _audit(
    folder: StudyFolder, config: StudyConfig, chosen: str, validated: Mapping[str, Any]
) -> dict[str, Any]:
    plan = require_plan(folder)
    draws = plan.of_role("audit")
    used = audited_draws(folder, plan)
    done = annotated_units(folder)
    annotators = sorted(
        {a.annotator for unit in set(used["unit"]) if (a := latest_annotation(folder, unit)) is not None}
    )
    agreement = validated["candidates"][chosen]["agreement"]
    measured = {
        tile["unit"]: (reference, prediction)
        for tile, reference, prediction in zip(
            validated["tiles"], agreement["reference"], agreement["prediction"], strict=True
        )
    }
    rows = [
        {
            "unit": unit,
            "image": part["image_id"].iloc[0],
            "group": part["group"].iloc[0],
            "probability": float(part["probability"].iloc[0]),
            "draws": len(part),
            "reference": measured[unit][0],
            "prediction": measured[unit][1],
        }
        for unit, part in used.groupby("unit", sort=False)
    ]
    n_training = len(set(plan.of_role("training")["unit"]) & set(done))
    trained = (
        f" {n_training} other tiles were annotated for training and do not count here." if n_training else ""
    )
    return {
        "n_drawn": len(draws),
        "n_distinct": draws["unit"].nunique(),
        "n_annotated": len(set(draws["unit"]) & set(done)),
        "tile_size": config.audit.tile_size,
        "seed": config.audit.seed,
        "design": (
            f"All images were cut into {len(plan.frame)} tiles of at most {config.audit.tile_size} pixels a "
            f"side. Within each group tiles were drawn independently, with replacement, half of each draw's "
            "probability spread evenly over the tiles and half in proportion to what the candidates predict. "
            "An object belongs to the tile that holds its centroid, so each object counts exactly once."
            + trained
        ),
        "sized_by": str(plan.frame["sized_by"].iloc[0]).split(";"),
        "constant": EVEN_SHARE,
        "reference_source": ", ".join(annotators),
        "rows": rows,
    }


def _pictures(
    folder: StudyFolder, config: StudyConfig, chosen: str, validated: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Pictures of the tiles where the chosen candidate does worst and best."""
    scores = {}
    for row in validated["candidates"][chosen]["tiles"]:
        tp, fp, fn = row["tp@0.5"], row["fp@0.5"], row["fn@0.5"]
        if tp + fp + fn:
            scores[row["name"]] = (2 * tp / (2 * tp + fp + fn), -(tp + fp + fn), row)
    ordered = sorted(scores, key=lambda unit: scores[unit][:2])
    worst = ordered[: min(_PICTURES, (len(ordered) + 1) // 2)]
    best = [unit for unit in reversed(ordered) if unit not in worst][:_PICTURES]
    wanted = dict.fromkeys(worst, "worst") | dict.fromkeys(best, "best")
    tiles = {tile.unit: tile for tile in audited_tiles(folder, config) if tile.unit in wanted}
    chosen_tiles = [tiles[unit] for unit in wanted]
    predictions = prediction_of(folder, chosen, chosen_tiles)
    return [
        _picture(tile, prediction, wanted[tile.unit], scores[tile.unit], config)
        for tile, prediction in zip(chosen_tiles, predictions, strict=True)
    ]


def _picture(
    tile: AuditedTile, prediction: np.ndarray, rank: str, score: Sequence[Any], config: StudyConfig
) -> dict[str, Any]:
    row = score[2]
    image = tile.image if tile.image.is_rgb else analysis_channel(tile.image, config.channel)
    png = tile_picture(
        image.pixels, tile.reference, prediction, box=tile.inner_box, spacing=tile.image.spacing
    )
    counted = f"{row['tp@0.5']} found, {row['fn@0.5']} missed, {row['fp@0.5']} invented (IoU 0.5)"
    scale = "" if tile.image.spacing else "; uncalibrated"
    return {
        "unit": tile.unit,
        "image": tile.image_id,
        "box": list(tile.box),
        "rank": rank,
        "f1": score[0],
        "n_reference": row["n_reference"],
        "n_prediction": row["n_prediction"],
        "picture": data_uri(png),
        "caption": f"{tile.image_id} ({tile.group}): {counted}{scale}",
    }


def _commands(folder: StudyFolder) -> list[str]:
    """Say what to type inside the study: it may be renamed, moved or handed on with its report."""
    n = len(require_plan(folder).of_role("audit"))
    return [
        "cd STUDY    # the folder that holds study.yaml",
        "veriscope run .",
        f"veriscope audit . --tiles {n}",
        "veriscope audit . --import FOLDER    # the annotations, kept in annotations",
        "veriscope validate .",
        "veriscope estimate .",
        "veriscope verdict .",
        "veriscope report .",
    ]
