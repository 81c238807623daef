"""What each kind of job does: one call of the function that the command line calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress
from veriscope.workflow.study import Study

__all__ = ["WORK"]


def _new(study: Path, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    from veriscope.server.jobs.new_study import make_study

    return make_study(study, request, progress)


def _demo(study: Path, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    from veriscope.workflow.demo import demo_simulated

    found = demo_simulated(study, tiles=request["tiles"], seed=request["seed"], progress=progress)
    return {key: found[key] for key in ("choices", "truth", "not_run")} | _brief(found["verdict"])


def _run(study: Path, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    runs = Study(study).run(only=request["only"], progress=progress)
    return {"candidates": [asdict(run) for run in runs], "evidence": "untested"}


def _validate(study: Path, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    opened, stages = Study(study), ("validate", "estimate", "verdict")
    progress(stages[0], 0, len(stages))
    opened.validate()
    progress(stages[1], 1, len(stages))
    opened.estimate(method=request["method"])
    progress(stages[2], 2, len(stages))
    return _brief(opened.verdict(method=request["method"]))


def _report(study: Path, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    progress("write the report", 0, 1)
    page = Study(study).report(method=request["method"])
    progress("write the report", 1, 1)
    return {"report": page.relative_to(study).as_posix()}


def _brief(verdict: Mapping[str, Any]) -> dict[str, Any]:
    return {key: verdict[key] for key in ("verdict", "text", "method", "evidence")}


WORK: Mapping[str, Callable[[Path, Mapping[str, Any], Progress], dict[str, Any]]] = {
    "new": _new,
    "demo": _demo,
    "run": _run,
    "validate": _validate,
    "report": _report,
}
"""By kind: takes the study's folder, what was asked for, and whom to tell about progress."""
