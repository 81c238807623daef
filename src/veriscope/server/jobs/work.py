"""What each kind of job does: one call of the function that the command line calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.study import Study

__all__ = ["WORK", "prepare_viewing"]

_LARGE = 2048


def _new(study: Path, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    from veriscope.server.jobs.new_study import make_study

    found = make_study(study, request, progress)
    prepare_viewing(study, progress)
    return found


def _demo(study: Path, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    from veriscope.server.jobs.demo import make_demo

    found = make_demo(study, tiles=request["tiles"], seed=request["seed"], progress=progress)
    return {key: found[key] for key in ("choices", "truth", "not_run")} | _brief(found["verdict"])


def _run(study: Path, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    runs = Study(study).run(only=request["only"], progress=progress)
    prepare_viewing(study, progress, labels=True)
    return {"candidates": [asdict(run) for run in runs], "evidence": "untested"}


def _validate(study: Path, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    opened, stages = Study(study), ("validate", "estimate", "verdict")
    progress(stages[0], 0, len(stages))
    opened.validate()
    progress(stages[1], 1, len(stages))
    opened.estimate(method=request["method"])
    progress(stages[2], 2, len(stages))
    return _brief(opened.verdict(method=request["method"]))


def _train(study: Path, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    from veriscope.training.needs import need_training
    from veriscope.training.settings import TrainSettings
    from veriscope.workflow.fine_tuning import train_study

    given = {name: value for name, value in request.items() if value is not None and name != "again"}
    settings = TrainSettings.parse(given, where="train")
    need_training()
    return train_study(study, None, settings, progress=progress)


def _report(study: Path, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    progress("write the report", 0, 1)
    page = Study(study).report(method=request["method"])
    progress("write the report", 1, 1)
    return {"report": page.relative_to(study).as_posix()}


def prepare_viewing(study: Path, progress: Progress, *, labels: bool = False) -> None:
    """Make the lower resolutions of large images now, so that opening them takes no time.

    Parameters
    ----------
    study
        The study.
    progress
        Told about every image.
    labels
        Those of what the candidates found, instead of the images'.
    """
    from veriscope.server.stores import image_store, label_store, label_version

    opened = Study(study)
    folder = StudyFolder(study)
    large = [image for image in opened.images if max(image.spatial_shape) > _LARGE]
    candidates = [item.id for item in opened.config.candidates] if labels else [""]
    work = [(image, name) for image in large for name in candidates]
    for number, (image, name) in enumerate(work):
        progress("prepare viewing", number, len(work))
        if not name:
            image_store(folder, image).wait()
        elif label_version(folder, name, image.image_id) is not None:
            label_store(folder, name, image).wait()
    if work:
        progress("prepare viewing", len(work), len(work))


def _brief(verdict: Mapping[str, Any]) -> dict[str, Any]:
    return {key: verdict[key] for key in ("verdict", "text", "method", "evidence")}


WORK: Mapping[str, Callable[[Path, Mapping[str, Any], Progress], dict[str, Any]]] = {
    "new": _new,
    "demo": _demo,
    "run": _run,
    "validate": _validate,
    "report": _report,
    "train": _train,
}
"""By kind: takes the study's folder, what was asked for, and whom to tell about progress."""
