"""Judge the predictions of one or several candidates against references."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError
from veriscope.workflow.comparison.advice import advise, first_fitting
from veriscope.workflow.comparison.cases import find_cases
from veriscope.workflow.comparison.images import judge_images
from veriscope.workflow.comparison.options import TASKS, CompareOptions
from veriscope.workflow.comparison.task import ImageTask, Judged

__all__ = ["COMPARE_SCHEMA", "compare_folders"]

COMPARE_SCHEMA = "veriscope/compare/1"

# Modules of tasks are loaded when their task is asked for: together they take a second.
_IMAGE_TASKS = {
    "instance": ("instance", "Instances"),
    "semantic": ("semantic", "Masks"),
    "restoration": ("restoration", "Restorations"),
}
_TABLE_TASKS = {
    "detection": ("place_tables", "judge_places"),
    "classification": ("class_tables", "judge_classes"),
    "tracking": ("tracking", "judge_tracks"),
}


def compare_folders(
    references: str | Path,
    *predictions: str | Path,
    task: str = "instance",
    groups: str | Path | None = None,
    partial: bool = False,
    probabilities: str | Path | None = None,
    objects: str | Path | None = None,
    progress: Progress = silent,
    **options: Any,
) -> dict[str, Any]:
    """Judge predictions against references of the same names; rank them if there are several.

    Parameters
    ----------
    references
        Folder (or pattern, or file) of reference images, or a table, see `io.image_tables`.
    *predictions
        The same of each candidate, paired with the references by stem. Predictions without a reference
        are left out and named; a reference without a prediction is an error.
    task
        Kind of problem: ``instance``, ``semantic``, ``detection``, ``classification``, ``restoration``
        or ``tracking``.
    groups
        Sample sheet whose replicates are then the units of the intervals, instead of images.
    partial
        Leave out references without a prediction too, instead of stopping.
    probabilities
        Folder of maps of probability, 0 to 1, named as the predictions of the one candidate (instance and
        semantic): whether they can be believed.
    objects
        Table to write, .parquet or .csv: what became of each object (instance).
    progress
        Told about every image.
    **options
        Fields of `CompareOptions`, such as ``thresholds``, ``level``, ``metric``, ``spacing``.

    Returns
    -------
    dict
        ``veriscope/compare/1``. Of one candidate: ``n_images``, ``metrics`` (pooled),
        ``metrics_per_image``, one row per image in ``images``. Of several: the same for each in
        ``candidates``, and ``ranking``. ``advice``: which metrics fit, and what may mislead.

    Raises
    ------
    InputError
        If files cannot be paired, read, or are of different shape; all faults are listed.
    """
    if not predictions:
        raise InputError("there is nothing to compare; give at least one folder of predictions")
    if task not in TASKS:
        raise InputError(f"task {task!r} is not known; the tasks are {', '.join(TASKS)}")
    settings = CompareOptions.parse(options, where="compare")
    settings.check_task(task)
    unit = "replicate" if groups else "sequence" if task == "tracking" else "image"
    _check_probabilities(probabilities, task, len(predictions))
    _check_objects(objects, task)
    confidence: dict[str, Any] = {}
    if task in _IMAGE_TASKS:
        cases = find_cases(references, predictions, groups=groups, partial=partial)
        image_task: ImageTask = _load(_IMAGE_TASKS[task])(settings)
        image_task.answers["scores_available"] = probabilities is not None
        judged = judge_images(image_task, cases, progress=progress)
        if probabilities is not None:
            judge_confidence = _load(("confidence", "judge_confidence"))
            confidence["confidence"] = judge_confidence(image_task, cases, probabilities, settings, unit=unit)
    else:
        judged = _load(_TABLE_TASKS[task])(
            references, predictions, settings, groups=groups, partial=partial, progress=progress
        )
    if objects is not None:
        _write_objects(Path(objects), judged)
    return {
        "schema": COMPARE_SCHEMA,
        "task": task,
        "unit": unit,
        "level": settings.level,
        **_summary(judged, settings, unit=unit),
        **confidence,
        "notes": list(dict.fromkeys(judged.judge.notes)),
        "references_without_prediction": list(judged.references_without_prediction),
        "predictions_without_reference": _left_over(judged),
    }


def _load(place: tuple[str, str]) -> Any:
    module, name = place
    return getattr(import_module(f"veriscope.workflow.comparison.{module}"), name)


def _check_probabilities(probabilities: str | Path | None, task: str, n_candidates: int) -> None:
    if probabilities is None:
        return
    if task not in ("instance", "semantic"):
        raise InputError(
            f"maps of probability go with the tasks instance and semantic, not {task}: tables of boxes and "
            "classes have columns for scores and probabilities"
        )
    if n_candidates > 1:
        raise InputError("maps of probability belong to one candidate; compare it alone")


def _check_objects(objects: str | Path | None, task: str) -> None:
    if objects is None:
        return
    if task != "instance":
        raise InputError(f"a table of objects goes with the task instance, not {task}; leave out --objects")
    from veriscope.io.tables import check_table_path

    check_table_path(objects)


def _write_objects(path: Path, judged: Judged) -> None:
    import pandas as pd

    from veriscope.io.tables import write_table
    from veriscope.workflow.comparison.instance import OBJECT_COLUMNS, Instances

    assert isinstance(judged.judge, Instances), "checked: only this task has objects"
    rows = [
        {"candidate": name, **row}
        for name, units in judged.units.items()
        for row in judged.judge.object_rows(units)
    ]
    table = pd.DataFrame(rows, columns=["candidate", *OBJECT_COLUMNS])
    write_table(path, table.astype({"match": "Int64", "partner": "Int64"}), {"size": "px"})


def _summary(judged: Judged, settings: CompareOptions, *, unit: str) -> dict[str, Any]:
    judge, units = judged.judge, judged.units
    advice = advise(judged.fingerprint.override(**settings.answers))
    found = {name: judge.summarise(items, unit=unit) for name, items in units.items()}
    first: Sequence[Any] = next(iter(units.values()))
    rankable = judge.rankable(first)
    metric = settings.metric
    if metric is not None and metric not in rankable:
        raise InputError(f"candidates cannot be ranked by {metric!r}; the metrics are {', '.join(rankable)}")
    if len(found) == 1:
        return {**next(iter(found.values())), "advice": advice}
    rank_all = _load(("several", "rank_all"))
    chosen = metric or first_fitting(advice, rankable, otherwise=judge.usual)
    return {
        "n_images": len(first),
        "candidates": found,
        "ranking": rank_all(judge.candidates(units, metric=chosen, unit=unit), level=settings.level),
        "advice": advice,
    }


def _left_over(judged: Judged) -> Any:
    found = {name: list(stems) for name, stems in judged.predictions_without_reference.items()}
    return found if len(found) > 1 else next(iter(found.values()))
