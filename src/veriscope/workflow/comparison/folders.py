"""Judge the predictions of one or several candidates against references."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError
from veriscope.workflow.comparison.advice import advise, first_fitting
from veriscope.workflow.comparison.cases import find_cases
from veriscope.workflow.comparison.class_tables import judge_classes
from veriscope.workflow.comparison.images import judge_images
from veriscope.workflow.comparison.instance import Instances
from veriscope.workflow.comparison.options import TASKS, CompareOptions
from veriscope.workflow.comparison.place_tables import judge_places
from veriscope.workflow.comparison.restoration import Restorations
from veriscope.workflow.comparison.semantic import Masks
from veriscope.workflow.comparison.several import rank_all
from veriscope.workflow.comparison.task import ImageTask, Judged
from veriscope.workflow.comparison.tracking import judge_tracks

__all__ = ["COMPARE_SCHEMA", "compare_folders"]

COMPARE_SCHEMA = "veriscope/compare/1"

_IMAGE_TASKS: dict[str, Callable[[CompareOptions], ImageTask]] = {
    "instance": Instances,
    "semantic": Masks,
    "restoration": Restorations,
}


def compare_folders(
    references: str | Path,
    *predictions: str | Path,
    task: str = "instance",
    groups: str | Path | None = None,
    partial: bool = False,
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
    if task in _IMAGE_TASKS:
        cases = find_cases(references, predictions, groups=groups, partial=partial)
        judged = judge_images(_IMAGE_TASKS[task](settings), cases, progress=progress)
    elif task == "tracking":
        _refuse_groups(groups)
        judged = judge_tracks(references, predictions, settings, partial=partial, progress=progress)
    elif task == "detection":
        judged = judge_places(references, predictions, settings, groups=groups)
    else:
        judged = judge_classes(references, predictions, settings, groups=groups, partial=partial)
    unit = "replicate" if groups else "sequence" if task == "tracking" else "image"
    return {
        "schema": COMPARE_SCHEMA,
        "task": task,
        "unit": unit,
        "level": settings.level,
        **_summary(judged, settings, unit=unit),
        "notes": judged.judge.notes,
        "references_without_prediction": list(judged.references_without_prediction),
        "predictions_without_reference": _left_over(judged),
    }


def _refuse_groups(groups: str | Path | None) -> None:
    if groups is not None:
        raise InputError(
            "a sample sheet has no use for tracking, whose units are sequences; leave out --groups"
        )


def _summary(judged: Judged, settings: CompareOptions, *, unit: str) -> dict[str, Any]:
    judge, units = judged.judge, judged.units
    advice = advise(judged.fingerprint)
    found = {name: judge.summarise(items, unit=unit) for name, items in units.items()}
    first: Sequence[Any] = next(iter(units.values()))
    rankable = judge.rankable(first)
    metric = settings.metric
    if metric is not None and metric not in rankable:
        raise InputError(f"candidates cannot be ranked by {metric!r}; the metrics are {', '.join(rankable)}")
    if len(found) == 1:
        return {**next(iter(found.values())), "advice": advice}
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
