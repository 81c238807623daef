"""How far a study is: which steps are done, which is next, and which results are out of date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from veriscope.core.words import counted
from veriscope.errors import StudyError, VeriscopeError
from veriscope.io.hashing import sha256_of
from veriscope.io.record import Record
from veriscope.workflow.annotations import annotated_units
from veriscope.workflow.audited import audit_inputs, audited_draws
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.evidence import read_evidence
from veriscope.workflow.judge import finished_candidates
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.plan import AuditPlan, read_plan

__all__ = ["NextStep", "StepState", "is_evidence_current", "next_step", "study_steps"]

StepName = Literal["run", "draw", "annotate", "validate", "report"]
Done = Literal["done", "next", "waiting", "stale"]


@dataclass(frozen=True, slots=True)
class StepState:
    """How far one step is.

    Parameters
    ----------
    step
        Which step.
    state
        ``done``; ``next``: to be done now; ``waiting`` for a step before it; ``stale``: done, but something
        that it depends on has changed since.
    text
        For people.
    """

    step: StepName
    state: Done
    text: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """What is best done next.

    Parameters
    ----------
    step
        A step; ``more``: the verdict lacks evidence, so draw and annotate more tiles; ``improve``: no audit
        helps this method, so train it or let others compete; ``done``.
    text
        For people.
    tiles
        How many more tiles would probably suffice; None: not known, or none are missing.
    """

    step: Literal["run", "draw", "annotate", "validate", "more", "improve", "report", "done"]
    text: str
    tiles: int | None = None


def study_steps(folder: StudyFolder, config: StudyConfig) -> tuple[StepState, ...]:
    """Say how far a study is, without computing anything.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.

    Returns
    -------
    tuple of StepState
        ``run``, ``draw``, ``annotate``, ``validate`` and ``report``, in this order. All up to the first that
        is not done are ``done`` or ``stale``; that one is ``next``, and later ones ``waiting``.
    """
    plan = read_plan(folder)
    found = [
        ("run", *_run(folder, config)),
        ("draw", *_draw(plan)),
        ("annotate", *_annotate(folder, plan)),
        ("validate", *_validate(folder, config)),
        ("report", *_report(folder)),
    ]
    steps, open_before = [], False
    for name, state, text in found:
        if state == "next" and open_before:
            state = "waiting"
        open_before = open_before or state in ("next", "stale")
        steps.append(StepState(name, state, text))  # type: ignore[arg-type]
    return tuple(steps)


def next_step(folder: StudyFolder, steps: Sequence[StepState]) -> NextStep:
    """Say what is best done next: before a report is written, what its verdict lacks.

    Parameters
    ----------
    folder
        The study.
    steps
        As from `study_steps`.

    Returns
    -------
    NextStep
        The first step that is open; in the place of the report what is missing, while the verdict says that
        the evidence does not suffice.
    """
    first = next((step for step in steps if step.state in ("next", "stale")), None)
    if first is not None and first.step != "report":
        return NextStep(first.step, first.text)
    lacking = _lacking(folder)
    if lacking is not None:
        return lacking
    return NextStep("done", "Everything is done.") if first is None else NextStep("report", first.text)


_AS_IT_IS = "The report can be written as it is; it says so too."


def _lacking(folder: StudyFolder) -> NextStep | None:
    """Say what a verdict that does not suffice asks for."""
    verdict = read_evidence(folder, "verdict")
    if verdict["verdict"] in ("fine-tune-first", "do-not-use"):
        text = f"{verdict['text']} Other candidates may do better, or training. {_AS_IT_IS}"
        return NextStep("improve", text)
    if verdict["verdict"] != "cannot-tell":
        return None
    groups = read_evidence(folder, "estimate")["groups"]
    needed = [group["extra_tiles_needed"] for group in groups]
    tiles = sum(number for number in needed if number)
    if tiles and None not in needed:
        some = "1 more tile" if tiles == 1 else f"{tiles} more tiles"
        text = f"{verdict['text']} About {some} would probably do. {_AS_IT_IS}"
        return NextStep("more", text, tiles)
    why = "; ".join(f"{group['group']}: {group['reason']}" for group in groups if group["reason"])
    text = f"{verdict['text']} More tiles are needed{f' ({why})' if why else ''}. {_AS_IT_IS}"
    return NextStep("more", text, tiles or None)


def is_evidence_current(folder: StudyFolder, config: StudyConfig) -> bool:
    """Tell whether the answer was computed from the annotations, predictions and question there are now.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.

    Returns
    -------
    bool
        False also if there is no answer yet.
    """
    output = "evidence/estimate.json"
    written = folder.root / output
    entry = Record(folder.root).latest(output)
    if entry is None or not written.exists() or not (folder.root / "evidence/verdict.json").exists():
        return False
    if entry["parameters"].get("question") != config.question.model_dump(mode="json"):
        return False
    try:
        finished_candidates(folder, config)
        wanted = set(audit_inputs(folder))
    except VeriscopeError:
        return False
    recorded: dict[str, Any] = entry["inputs"]
    chosen = folder.measurements(str(entry["parameters"].get("method"))).as_posix()
    if set(recorded) != wanted | {chosen}:
        return False
    since = written.stat().st_mtime
    return all(_unchanged(folder.root / path, digest, since) for path, digest in recorded.items())


def _unchanged(path: Path, digest: str, since: float) -> bool:
    """Whether a file has its hash; not read again if it is older than what was made from it."""
    try:
        return path.stat().st_mtime < since or sha256_of(path) == digest
    except (OSError, VeriscopeError):
        return False


def _run(folder: StudyFolder, config: StudyConfig) -> tuple[Done, str]:
    try:
        done = finished_candidates(folder, config)
    except StudyError as error:
        if "older than" in str(error):
            return "stale", "Something has changed since the candidates ran."
        return "next", "Run the candidates on all images."
    except VeriscopeError as error:
        return "next", str(error)
    total = len(config.candidates)
    return "done", f"{len(done)} of {total} candidates have run."


def _draw(plan: AuditPlan | None) -> tuple[Done, str]:
    if plan is None or plan.of_role("audit").empty:
        return "next", "Draw the tiles to annotate."
    draws = plan.of_role("audit")
    return "done", f"{counted(len(draws), 'draw')} of {counted(draws['unit'].nunique(), 'different tile')}."


def _annotate(folder: StudyFolder, plan: AuditPlan | None) -> tuple[Done, str]:
    if plan is None or plan.of_role("audit").empty:
        return "next", "Annotate the drawn tiles."
    done = set(annotated_units(folder))
    units = list(dict.fromkeys(plan.of_role("audit")["unit"]))
    n_done = sum(unit in done for unit in units)
    n_counted = len(audited_draws(folder, plan))
    text = f"{n_done} of {len(units)} tiles annotated."
    if n_done == len(units):
        return "done", text
    if n_done and not n_counted:
        text += " The first tile of each group comes first: the others do not count before it."
    return "next", text


def _validate(folder: StudyFolder, config: StudyConfig) -> tuple[Done, str]:
    if not (folder.root / "evidence/verdict.json").exists():
        return "next", "Compute the answer and judge it."
    if is_evidence_current(folder, config):
        return "done", "The answer is computed."
    return "stale", "Something has changed since the answer was computed."


def _report(folder: StudyFolder) -> tuple[Done, str]:
    page, verdict = folder.root / "report/index.html", folder.root / "evidence/verdict.json"
    if not page.exists():
        return "next", "Write the report."
    if not verdict.exists() or page.stat().st_mtime < verdict.stat().st_mtime:
        return "stale", "The answer has changed since the report was written."
    return "done", "The report is written."
