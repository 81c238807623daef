"""The fingerprint of a study: what its question and its data say of the problem, and what a person adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from veriscope.core.words import counted, joined
from veriscope.io.atomic import write_json
from veriscope.io.labels import read_labels
from veriscope.validate.fingerprint.ask import allowed_answers, check_answers, open_items
from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.validate.fingerprint.measured import FingerprintTally
from veriscope.workflow.audited import audited_draws, audited_tiles, require_plan
from veriscope.workflow.comparison.advice import advise
from veriscope.workflow.config import StudyConfig, save_answers
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.question import Question

__all__ = ["FINGERPRINT_SCHEMA", "Ask", "answers_of_question", "fingerprint_study", "study_fingerprint"]

FINGERPRINT_SCHEMA = "veriscope/fingerprint/1"

Ask = Callable[[Mapping[str, Any]], Any]
"""Given an item (``item``, ``question``, ``answers``, ``assumed``), gives an answer; None: leave it open."""

_MOST_IMAGES = 24
_OUTLINE_COLUMNS = ("perimeter", "circularity", "solidity", "feret", "boundary", "convex")


def answers_of_question(question: Question) -> dict[str, Any]:
    """Give the items that a study's question answers.

    Parameters
    ----------
    question
        What the study asks.

    Returns
    -------
    dict
        Answers by item.
    """
    areas = question.measure in ("total-area", "area-fraction")
    column = question.column or ""
    category = "semantic" if areas else "instance"
    found: dict[str, Any] = {
        "category": category,
        "instances_matter": not areas,
        "shape_needed": True,
        "scores_available": False,
        "overlapping_predictions": False,
    }
    if areas or "area" in column or "volume" in column:
        found["volume_matters"] = True
    if any(part in column for part in _OUTLINE_COLUMNS):
        found["boundaries_matter"] = True
    return found


def fingerprint_study(
    folder: StudyFolder,
    config: StudyConfig,
    *,
    answers: Mapping[str, Any] | None = None,
    ask: Ask | None = None,
) -> dict[str, Any]:
    """Describe the problem of a study and choose the metrics that fit it.

    What can be measured is measured: on the annotated tiles, or before there are any on predictions. The
    question answers some items. The others are asked, but only where the answer would change the advice;
    answers are saved in study.yaml.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    answers
        Answers by item, that override what was measured or said before.
    ask
        Asks a person for an open item; None: nobody is asked.

    Returns
    -------
    dict
        ``veriscope/fingerprint/1``: ``measured_on``, ``items`` with their sources, ``open``, ``advice``;
        as in ``evidence/fingerprint.json``.

    Raises
    ------
    InputError
        If there is no such item, or an answer is not allowed.
    """
    given = dict(answers or {})
    check_answers(given)
    fingerprint, measured_on = study_fingerprint(folder, config)
    if given:
        fingerprint = fingerprint.override(**given)
        save_answers(folder.config, {**config.fingerprint, **given})
    skipped: set[str] = set()
    while ask is not None:
        remaining = [item for item in open_items(fingerprint) if item not in skipped]
        if not remaining:
            break
        answer = ask(_question(fingerprint, remaining[0]))
        if answer is None:
            skipped.add(remaining[0])
            continue
        fingerprint = fingerprint.override(**{remaining[0]: answer})
        given[remaining[0]] = getattr(fingerprint, remaining[0])
        save_answers(folder.config, {**config.fingerprint, **given})
    from_question = set(answers_of_question(config.question)) - set(config.fingerprint) - set(given)
    found = {
        "schema": FINGERPRINT_SCHEMA,
        "question": config.question.text,
        "measured_on": measured_on,
        "items": [_item(fingerprint, item, from_question) for item in Fingerprint.items()],
        "open": [_question(fingerprint, item) for item in open_items(fingerprint)],
        "advice": advise(fingerprint),
    }
    write_json(folder.root / "evidence" / "fingerprint.json", found)
    return found


def study_fingerprint(folder: StudyFolder, config: StudyConfig) -> tuple[Fingerprint, str]:
    """Give what is known of a study's problem.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.

    Returns
    -------
    tuple
        The fingerprint, and what it was measured on, in words.
    """
    tally = FingerprintTally()
    said = {**answers_of_question(config.question), **config.fingerprint}
    clusters: list[str] = []
    if _is_annotated(folder):
        tiles = audited_tiles(folder, config)
        for tile in tiles:
            tally.add(tile.reference)
            clusters.append(joined(tile.group, tile.replicate))
        return tally.result(clusters=clusters, **said), counted(len(tiles), "annotated tile")
    ready = [item.id for item in config.candidates if _has_all(folder, item.id)]
    if not ready:
        fingerprint = Fingerprint.parse(said, where="the fingerprint")
        return fingerprint, "nothing yet: run the candidates, or annotate tiles, to measure"
    images = folder.images()
    chosen = np.unique(np.linspace(0, len(images) - 1, min(_MOST_IMAGES, len(images))).astype(int))
    for index in chosen:
        image = images[index]
        tally.add(read_labels(folder.root / folder.prediction(ready[0], image.image_id)))
        clusters.append(joined(image.group, image.replicate))
    where = f"predictions of {ready[0]} in {counted(len(chosen), 'image')}"
    where += "; annotate tiles to measure on references"
    return tally.result(clusters=clusters, **said), where


def _is_annotated(folder: StudyFolder) -> bool:
    has_plan = (folder.root / "audit" / "plan.csv").exists()
    return has_plan and not audited_draws(folder, require_plan(folder)).empty


def _has_all(folder: StudyFolder, candidate: str) -> bool:
    return all(
        (folder.root / folder.prediction(candidate, image.image_id)).exists() for image in folder.images()
    )


def _question(fingerprint: Fingerprint, item: str) -> dict[str, Any]:
    return {
        "item": item,
        "question": Fingerprint.describe(item),
        "answers": list(allowed_answers(item)),
        "assumed": getattr(fingerprint, item),
    }


def _item(fingerprint: Fingerprint, item: str, from_question: set[str]) -> dict[str, Any]:
    source = fingerprint.source(item)
    figure = next((figure for figure in fingerprint.figures if figure.item == item), None)
    row: dict[str, Any] = {
        "item": item,
        "question": Fingerprint.describe(item),
        "answer": getattr(fingerprint, item),
        "source": "question" if source == "said" and item in from_question else source,
    }
    if figure is not None:
        row |= {"measured_as": figure.name, "figure": figure.value, "limit": figure.limit}
    return row
