"""The verdict of a study, from its validation and its estimate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from veriscope.io.atomic import write_json
from veriscope.io.record import Record
from veriscope.trust.verdict import GroupAnswer, decide
from veriscope.workflow.answer import estimate_study
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.evidence import read_evidence
from veriscope.workflow.judge import RANKED_BY, validate_study
from veriscope.workflow.layout import StudyFolder

__all__ = ["VERDICT_SCHEMA", "conclude_study"]

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
    verdict = decide(
        [_group_answer(group) for group in answer["groups"]],
        tolerance=config.question.tolerance,
        f1=(f1["value"], f1["low"], f1["high"]),
        domain=validated["candidates"][chosen]["outside_domain"],
        in_view=[tile["shown"] for tile in validated["tiles"]],
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
