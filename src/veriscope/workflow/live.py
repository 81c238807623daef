"""The answer while tiles are being annotated, and when it is precise enough to stop."""

from __future__ import annotations

from typing import Any

from veriscope.errors import StudyError
from veriscope.workflow.answer import answer_now
from veriscope.workflow.audited import audited_draws, require_plan, require_same_tiles
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.evidence import read_evidence
from veriscope.workflow.judge import choose_candidate, finished_candidates
from veriscope.workflow.layout import StudyFolder

__all__ = ["LIVE_SCHEMA", "live_estimate"]

LIVE_SCHEMA = "veriscope/live-estimate/1"


def live_estimate(folder: StudyFolder, config: StudyConfig, *, method: str | None = None) -> dict[str, Any]:
    """Answer the question with the tiles annotated so far, and say whether they are enough.

    Looking at the interval and stopping when it is narrow makes it a little too narrow; the tolerance should
    be chosen before, and the text says so.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    method
        Candidate whose predictions are corrected; None: the one that the last validation ranked first, else
        the first that has run.

    Returns
    -------
    dict
        ``veriscope/live-estimate/1``: ``method``, ``n_counted`` (different tiles that count), ``groups`` as
        in ``veriscope/estimate/1``, ``tolerance``, ``enough``, ``extra_tiles_needed`` (None: not known) and
        ``text``.

    Raises
    ------
    StudyError
        If no candidate has run, nothing was drawn, or no tile counts yet.
    """
    finished = finished_candidates(folder, config)
    require_same_tiles(folder, config)
    plan = require_plan(folder)
    draws = audited_draws(folder, plan)
    groups = list(dict.fromkeys(plan.frame["group"]))
    without = [group for group in groups if group not in set(draws["group"])]
    if without:
        raise StudyError(
            f"no tile of {', '.join(map(str, without))} counts yet: those drawn first come first; annotate "
            "the tiles in their order"
        )
    chosen = _choose(folder, finished, method)
    answer = answer_now(folder, config, chosen, by_rank=method is None)
    extra = [group["extra_tiles_needed"] for group in answer["groups"]]
    told = [group["status"] != "cannot-tell" for group in answer["groups"]]
    tolerance = config.question.tolerance
    enough = tolerance is not None and all(told) and all(number == 0 for number in extra)
    needed = None if any(number is None for number in extra) else sum(extra)
    return {
        "schema": LIVE_SCHEMA,
        "method": chosen,
        "question": answer["question"],
        "n_counted": int(draws["unit"].nunique()),
        "groups": answer["groups"],
        "tolerance": tolerance,
        "enough": enough,
        "extra_tiles_needed": needed,
        "text": _text(tolerance, all(told), enough, needed),
        "evidence": "audited",
    }


def _choose(folder: StudyFolder, finished: list[str], method: str | None) -> str:
    if method is not None or not (folder.root / "evidence/validate.json").exists():
        return choose_candidate({"candidates": finished, "first": finished[0]}, method)
    first = str(read_evidence(folder, "validate")["first"])
    return first if first in finished else finished[0]


def _text(tolerance: float | None, is_told: bool, enough: bool, needed: int | None) -> str:
    if not is_told:
        return "Too few tiles for an interval in every group yet."
    if tolerance is None:
        return "No tolerance was given, so it is for you to say when the interval is narrow enough."
    within = f"±{100 * tolerance:g}%"
    if enough:
        return f"Every group is within {within}. You may stop here, or go on to be surer."
    if needed is None:
        return f"Not every group is within {within} yet; how many more tiles that takes is not known."
    more = "1 more tile" if needed == 1 else f"{needed} more tiles"
    return f"About {more} would probably bring every group within {within}."
