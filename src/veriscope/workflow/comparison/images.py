"""Judge image files: each is read once, time points apart, and all faults are told together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from veriscope.core.image import Image
from veriscope.core.progress import Progress
from veriscope.errors import ShapeMismatchError, VeriscopeError, raise_together
from veriscope.io.labels import LabelFile
from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.validate.fingerprint.measured import FingerprintTally
from veriscope.workflow.comparison.cases import Case, Cases
from veriscope.workflow.comparison.task import ImageTask, Judged

__all__ = ["judge_images"]


def judge_images(task: ImageTask, cases: Cases, *, progress: Progress) -> Judged:
    """Judge every image of every candidate.

    Parameters
    ----------
    task
        How an image is read and judged.
    cases
        The files.
    progress
        Told about every image.

    Returns
    -------
    Judged
        What was found.

    Raises
    ------
    VeriscopeError
        If files cannot be read or compared; all of them are named.
    """
    found = _Found({name: [] for name in cases.names})
    progress("compare", 0, len(cases.cases))
    for done, case in enumerate(cases.cases, start=1):
        _judge_case(task, case, found, several=len(cases.names) > 1)
        progress("compare", done, len(cases.cases))
    n_pairs = len(cases.cases) * len(cases.names)
    raise_together(found.faults, what=f"{found.n_bad} of {n_pairs} pairs cannot be compared")
    if found.clusters and 0 < found.clusters.count(None) < len(found.clusters):
        # Time points belong to their series; beside a series, a single image is a series of one.
        by_image = tuple(replace(case, cluster=case.stem) for case in cases.cases)
        return judge_images(task, replace(cases, cases=by_image), progress=progress)
    known = [cluster for cluster in found.clusters if cluster is not None]
    fingerprint = (
        found.tally.result(clusters=known or None, **task.answers)
        if found.measured
        else Fingerprint.parse(task.answers, where="the problem")
    )
    return Judged(
        task,
        found.units,
        fingerprint,
        cases.references_without_prediction,
        cases.predictions_without_reference,
    )


@dataclass(slots=True)
class _Found:
    units: dict[str, list[Any]]
    faults: list[VeriscopeError] = field(default_factory=list)
    n_bad: int = 0
    tally: FingerprintTally = field(default_factory=FingerprintTally)
    measured: bool = False
    clusters: list[str | None] = field(default_factory=list)


def _judge_case(task: ImageTask, case: Case, found: _Found, *, several: bool) -> None:
    """Judge one image, or each time point of one, of every candidate."""
    references: list[Any] | None = None
    try:
        references = _time_points(task.read(case.reference))
    except VeriscopeError as error:
        found.faults.append(error)
    series = [
        replace(case, stem=f"{case.stem}, t={t}", cluster=case.cluster or case.stem)
        for t in range(len(references or ()))
    ]
    moments = [case] if len(series) == 1 else series
    objects: list[list[Any]] = [[] for _ in moments]
    for name, path in case.predictions.items():
        try:
            # Read beside a broken reference too, so that its own faults are told at once.
            predictions = _time_points(task.read(path))
            if references is None:
                found.n_bad += 1
                continue
            if len(predictions) != len(references):
                raise ShapeMismatchError(
                    f"{case.stem}: the reference has {len(references)} time points and the prediction "
                    f"{len(predictions)}; both must cover the same ones"
                )
            judged = [task.judge(*row) for row in zip(moments, references, predictions, strict=True)]
        except VeriscopeError as error:
            found.n_bad += 1
            found.faults.append(type(error)(f"{name}: {error}") if several else error)
            continue
        found.units[name] += judged
        for there, prediction in zip(objects, predictions, strict=True):
            there.append(task.objects(prediction))
    found.clusters += [moment.cluster for moment in moments]
    if found.faults:
        return
    for reference, there in zip(references or (), objects, strict=True):
        if (labels := task.objects(reference)) is not None:
            found.tally.add(labels, *(item for item in there if item is not None))
            found.measured = True


def _time_points(file: LabelFile | Image) -> list[Any]:
    """Take a series apart; an image without time points is the only one."""
    if "t" not in file.axes:
        return [file]
    place = file.axes.index("t")
    axes = file.axes.replace("t", "")
    name = "labels" if isinstance(file, LabelFile) else "pixels"
    return [replace(file, axes=axes, **{name: frame}) for frame in np.moveaxis(getattr(file, name), place, 0)]
