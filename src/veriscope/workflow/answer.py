"""The answer: per group and between groups, corrected by the audit, beside the model's word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veriscope.io.atomic import write_json
from veriscope.io.record import Record
from veriscope.io.tables import read_units
from veriscope.trust.census import census
from veriscope.trust.contrast import Contrast, Group, compare_groups
from veriscope.trust.estimate import Estimate, estimate, labelled_only, naive, tiles_needed
from veriscope.trust.possible import keep_possible
from veriscope.trust.units import DrawnUnits
from veriscope.workflow.annotations import annotated_units
from veriscope.workflow.audited import (
    audit_inputs,
    audited_draws,
    audited_tiles,
    predicted_sums,
    reference_sums,
    require_plan,
)
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.evidence import read_evidence
from veriscope.workflow.judge import choose_candidate, validate_study
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.plane_remarks import plane_remarks
from veriscope.workflow.quantities import TileSums, answer_unit

__all__ = ["ESTIMATE_SCHEMA", "answer_now", "estimate_study"]

ESTIMATE_SCHEMA = "veriscope/estimate/1"


def estimate_study(folder: StudyFolder, config: StudyConfig, *, method: str | None = None) -> dict[str, Any]:
    """Answer the question of a study; done again only if something changed.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    method
        Candidate whose predictions are corrected; None takes the one that validation ranks first.

    Returns
    -------
    dict
        ``veriscope/estimate/1``, as in ``evidence/estimate.json``.

    Raises
    ------
    StudyError
        If no candidate has run, or no tile is annotated.
    TableError
        If the column of the question was not measured.
    """
    chosen = choose_candidate(validate_study(folder, config), method)
    output = "evidence/estimate.json"
    Record(folder.root).step(
        "estimate",
        inputs=[*audit_inputs(folder), folder.measurements(chosen)],
        parameters={
            "method": chosen,
            "chosen_by": "validation" if method is None else "user",
            "question": config.question.model_dump(mode="json"),
        },
        outputs=[output],
        work=lambda: write_json(
            folder.root / output, answer_now(folder, config, chosen, by_rank=method is None)
        ),
    )
    return read_evidence(folder, "estimate")


@dataclass(frozen=True, slots=True)
class _Frame:
    """Predictions over all tiles, references over the drawn ones, of one study."""

    frame: pd.DataFrame
    predicted: TileSums
    draws: pd.DataFrame
    reference: Mapping[str, TileSums]
    whole: frozenset[str]

    def answer(self, group: str, *, known: float | None, level: float) -> Estimate:
        """Estimate a group, or sum it up where every tile is annotated."""
        if group not in self.whole:
            return estimate(self.units(group, known=known), level=level)
        sums = [self.reference[unit] for unit in self.frame.loc[self.frame["group"] == group, "unit"]]
        total = sum(float(item.numerator[0]) for item in sums)
        below = known if known is not None else float(_below(sums).sum()) if self.has_denominator else 1.0
        return census(total, denominator=below, n=len(sums), level=level)

    def distinct(self, group: str) -> int:
        """Count the different tiles drawn in a group."""
        return int(self.draws.loc[self.draws["group"] == group, "unit"].nunique())

    @property
    def has_denominator(self) -> bool:
        """Whether the answer is a ratio."""
        return self.predicted.denominator is not None

    def units(self, group: str, *, known: float | None) -> DrawnUnits:
        """Give the drawn tiles of a group in the terms of the estimator.

        `known` is what a total is divided by; None: by the denominator if there is one.
        """
        inside = (self.frame["group"] == group).to_numpy()
        rows = pd.Series(np.arange(len(self.frame)), index=self.frame["unit"])
        draws = self.draws[self.draws["group"] == group]
        at = rows.loc[draws["unit"]].to_numpy()
        drawn = [self.reference[unit] for unit in draws["unit"]]
        above = np.array([float(sums.numerator[0]) for sums in drawn])
        below = self.predicted.denominator
        area_known = below is None or known is not None
        return DrawnUnits(
            probability=draws["probability"].to_numpy(float),
            reference=above,
            prediction=self.predicted.numerator[at],
            predicted_total=float(self.predicted.numerator[inside].sum()),
            reference_denominator=None if area_known else _below(drawn),
            prediction_denominator=None if area_known or below is None else below[at],
            predicted_total_denominator=None if area_known or below is None else float(below[inside].sum()),
            known_denominator=1.0 if known is None else known,
            n_tiles=int(inside.sum()),
        )


def _whole_groups(folder: StudyFolder, frame: pd.DataFrame) -> frozenset[str]:
    """Name the groups of which every tile is annotated."""
    done = frame["unit"].isin(set(annotated_units(folder)))
    return frozenset(str(group) for group, all_done in done.groupby(frame["group"]).all().items() if all_done)


def _below(drawn: Sequence[TileSums]) -> NDArray[np.float64]:
    return np.array([float(sums.denominator[0]) for sums in drawn if sums.denominator is not None])


def answer_now(folder: StudyFolder, config: StudyConfig, chosen: str, *, by_rank: bool) -> dict[str, Any]:
    """Answer the question with what is annotated now, without keeping the answer.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    chosen
        Candidate whose predictions are corrected.
    by_rank
        Whether validation chose it, rather than a user.

    Returns
    -------
    dict
        ``veriscope/estimate/1``.

    Raises
    ------
    StudyError
        If the candidate has not run, or no tile is annotated.
    TableError
        If the column of the question was not measured.
    """
    question = config.question
    plan = require_plan(folder)
    images = folder.images()
    tiles = {tile.unit: tile.sums for tile in audited_tiles(folder, config)}
    whole = _whole_groups(folder, plan.frame)
    if whole:
        tiles |= reference_sums(folder, config, plan.frame[plan.frame["group"].isin(whole)])
    data = _Frame(
        plan.frame,
        predicted_sums(folder, config, chosen, plan.frame).sums,
        audited_draws(folder, plan),
        tiles,
        whole,
    )
    groups = list(dict.fromkeys(image.group for image in images))
    contrasts = _contrasts(data, groups, config) if len(groups) > 1 else ()
    units = read_units(folder.root / folder.measurements(chosen))
    return {
        "schema": ESTIMATE_SCHEMA,
        "question": {
            "object": question.object,
            "measure": question.key,
            "text": question.text,
            "unit": answer_unit(question, calibrated=images[0].is_calibrated, units=units),
            "tolerance": question.tolerance,
            "level": question.level,
        },
        "method": chosen,
        "chosen_by": "validation" if by_rank else "user",
        "evidence": "audited",
        "groups": [_group(data, group, config, images) for group in groups],
        "contrasts": [_contrast_dict(item) for item in contrasts],
        "contrast_unit": _contrast_unit(config),
    }


def _known(data: _Frame, group: str, config: StudyConfig, *, per_image: bool = False) -> float | None:
    """Give what a total is divided by where that is known exactly: imaged area or images; else None."""
    inside = data.frame[data.frame["group"] == group]
    if config.question.measure in ("density", "area-fraction"):
        assert data.predicted.denominator is not None, "densities have the area as denominator"
        return float(data.predicted.denominator[inside.index].sum())
    if config.question.is_total and per_image:
        return float(inside["image_id"].nunique())
    return None


def _group(data: _Frame, group: str, config: StudyConfig, images: Sequence[StudyImage]) -> dict[str, Any]:
    question = config.question
    known = _known(data, group, config)
    units = data.units(group, known=known)
    answer = keep_possible(data.answer(group, known=known, level=question.level), question.bounds)
    labelled = answer
    if group not in data.whole:
        labelled = keep_possible(labelled_only(units, level=question.level), question.bounds)
    word = naive(units, level=question.level)
    mine = [image for image in images if image.group == group]
    distinct = answer.n if group in data.whole else data.distinct(group)
    return {
        "group": group,
        "estimate": _finite(answer.value),
        "low": _finite(answer.low),
        "high": _finite(answer.high),
        "level": answer.level,
        "estimator": answer.estimator,
        "n_tiles_audited": int(distinct),
        "n_draws": units.n,
        "n_images": len(mine),
        "n_replicates": len({image.replicate for image in mine}),
        "naive": _finite(word.value),
        "labelled_only": {key: _finite(getattr(labelled, key)) for key in ("value", "low", "high")},
        "status": answer.status,
        "reason": answer.reason,
        "extra_tiles_needed": _extra(units, answer, config, distinct),
        "assumptions": [*answer.assumptions, *plane_remarks(mine)],
        "evidence": "audited",
    }


def _extra(units: DrawnUnits, answer: Estimate, config: StudyConfig, distinct: int) -> int | None:
    """Further tiles that would probably reach the tolerance; None: unknown, or none is asked.

    Never more than there are: with all of them annotated nothing is left to estimate.
    """
    if answer.status == "cannot-tell":
        return answer.extra_tiles_needed
    if config.question.tolerance is None or answer.value == 0:
        return None
    wanted = config.question.tolerance * abs(answer.value)
    if (answer.high - answer.low) / 2 <= wanted:
        return 0
    needed = tiles_needed(units, tolerance=wanted, level=config.question.level)
    assert units.n_tiles is not None, "the frame tells the number of tiles"
    return None if needed is None else max(1, min(needed - units.n, units.n_tiles - distinct))


def _contrasts(data: _Frame, groups: Sequence[str], config: StudyConfig) -> tuple[Contrast, ...]:
    """Compare all groups; totals per image, so that groups of different size can be compared."""
    parts = []
    for group in groups:
        known = _known(data, group, config, per_image=True)
        inside = data.frame[data.frame["group"] == group]
        above, below = [], []
        for _, rows in inside.groupby("replicate", sort=False):
            above.append(float(data.predicted.numerator[rows.index].sum()))
            if data.predicted.denominator is None:
                below.append(float(rows["image_id"].nunique()))
            else:
                below.append(float(data.predicted.denominator[rows.index].sum()))
        if sum(below) <= 0:
            return ()
        answer = data.answer(group, known=known, level=config.question.level)
        parts.append(Group(group, answer, np.array(above), np.array(below)))
    return (
        *compare_groups(parts, kind="difference", level=config.question.level),
        *compare_groups(parts, kind="ratio", level=config.question.level),
    )


def _contrast_unit(config: StudyConfig) -> str:
    return "per image" if config.question.is_total else ""


def _contrast_dict(item: Contrast) -> dict[str, Any]:
    return {
        "group_a": item.first,
        "group_b": item.second,
        "kind": item.kind,
        "scope": item.scope,
        "estimate": _finite(item.estimate.value),
        "low": _finite(item.estimate.low),
        "high": _finite(item.estimate.high),
        "level": item.estimate.level,
        "p_value": _finite(item.p_value),
        "p_adjusted": _finite(item.p_value_holm),
        "audit_share": _finite(item.audit_share),
        "status": item.estimate.status,
        "reason": item.estimate.reason,
        "assumptions": list(item.estimate.assumptions),
        "evidence": "audited",
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
