"""The verdict of a study, from its validation and its estimate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from veriscope.io.atomic import write_json
from veriscope.io.record import Record
from veriscope.methods.base import Card
from veriscope.methods.channels import analysis_channel
from veriscope.registry import get_method
from veriscope.trust.verdict import GroupAnswer, decide
from veriscope.workflow.answer import estimate_study
from veriscope.workflow.audited import AuditedTile, audited_tiles
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.evidence import read_evidence
from veriscope.workflow.judge import RANKED_BY, validate_study
from veriscope.workflow.layout import StudyFolder

__all__ = ["VERDICT_SCHEMA", "conclude_study", "outside_domain"]

VERDICT_SCHEMA = "veriscope/verdict/1"


def conclude_study(folder: StudyFolder, config: StudyConfig, *, method: str | None = None) -> dict[str, Any]:
    """Judge what may be done with a candidate's numbers; done again only if something changed.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    method
        Candidate; None takes the one that validation ranks first.

    Returns
    -------
    dict
        ``veriscope/verdict/1``, as in ``evidence/verdict.json``.

    Raises
    ------
    StudyError
        If no candidate has run, or no tile is annotated.
    """
    validated = validate_study(folder, config)
    answer = estimate_study(folder, config, method=method)
    chosen = answer["method"]
    output = "evidence/verdict.json"
    Record(folder.root).step(
        "verdict",
        inputs=["evidence/validate.json", "evidence/estimate.json"],
        parameters={"method": chosen, "tolerance": config.question.tolerance},
        outputs=[output],
        work=lambda: write_json(folder.root / output, _conclude(folder, config, chosen, validated, answer)),
    )
    return read_evidence(folder, "verdict")


def _conclude(
    folder: StudyFolder,
    config: StudyConfig,
    chosen: str,
    validated: Mapping[str, Any],
    answer: Mapping[str, Any],
) -> dict[str, Any]:
    f1 = validated["candidates"][chosen]["metrics"][RANKED_BY]
    candidate = next(item for item in config.candidates if item.id == chosen)
    verdict = decide(
        [_group_answer(group) for group in answer["groups"]],
        tolerance=config.question.tolerance,
        f1=(f1["value"], f1["low"], f1["high"]),
        domain=outside_domain(get_method(candidate.method).card, config, audited_tiles(folder, config)),
    )
    return {"schema": VERDICT_SCHEMA, "method": chosen, "evidence": "audited", **verdict.to_dict()}


def _group_answer(group: Mapping[str, Any]) -> GroupAnswer:
    labelled = group["labelled_only"]
    width = None
    if labelled["low"] is not None and labelled["high"] is not None:
        width = labelled["high"] - labelled["low"]
    return GroupAnswer(
        group=group["group"],
        naive=math.nan if group["naive"] is None else group["naive"],
        estimate=group["estimate"],
        low=group["low"],
        high=group["high"],
        labelled_only_width=width,
        extra_tiles_needed=group["extra_tiles_needed"],
        reason=group["reason"],
    )


def outside_domain(card: Card, config: StudyConfig, tiles: Sequence[AuditedTile]) -> list[str]:
    """Say in which measurable ways the images differ from what a method was made for.

    Parameters
    ----------
    card
        Card of the method.
    config
        study.yaml.
    tiles
        Audited tiles; their references tell size and brightness of the objects.

    Returns
    -------
    list of str
        One sentence per difference; empty if none was found, or no object was annotated.
    """
    found = []
    if config.question.object not in card.objects:
        found.append(
            f"The method was made for {' and '.join(card.objects)}, the question is about "
            f"{config.question.object}."
        )
    diameters = np.concatenate([np.zeros(0), *(_diameters(tile) for tile in tiles)])
    if card.diameter_px is not None and len(diameters):
        typical, (low, high) = float(np.median(diameters)), card.diameter_px
        if not low <= typical <= high:
            found.append(
                f"Objects are typically {typical:.0f} pixels wide; the method was tested from "
                f"{low:g} to {high:g} pixels."
            )
    brighter = [value for tile in tiles if (value := _brighter(tile, config.channel)) is not None]
    if card.foreground != "either" and brighter:
        share = float(np.mean(brighter))
        if (share < 0.5) == (card.foreground == "bright"):
            is_ = "darker" if card.foreground == "bright" else "brighter"
            found.append(
                f"Objects are {is_} than their background in most tiles; the method was made for "
                f"{card.foreground} ones."
            )
    return found


def _diameters(tile: AuditedTile) -> np.ndarray:
    areas = np.bincount(tile.reference.ravel())[1:]
    return np.asarray(np.sqrt(4 / np.pi * areas[areas > 0]))


def _brighter(tile: AuditedTile, channel: str | None) -> bool | None:
    """Whether the objects of a tile are brighter than the rest of it; None without objects or background."""
    y0, x0, y1, x1 = tile.inner_box
    pixels = analysis_channel(tile.image, channel).pixels[y0:y1, x0:x1]
    inside = tile.reference[y0:y1, x0:x1] > 0
    if inside.all() or not inside.any():
        return None
    return bool(np.median(pixels[inside]) > np.median(pixels[~inside]))
