"""Judge image files: each is read once, and all faults are told together."""

from __future__ import annotations

from typing import Any

from veriscope.core.progress import Progress
from veriscope.errors import VeriscopeError, raise_together
from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.validate.fingerprint.measured import FingerprintTally
from veriscope.workflow.comparison.cases import Cases
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
    units: dict[str, list[Any]] = {name: [] for name in cases.names}
    faults: list[VeriscopeError] = []
    tally = FingerprintTally()
    measured = False
    progress("compare", 0, len(cases.cases))
    for done, case in enumerate(cases.cases, start=1):
        found = []
        try:
            reference = task.read(case.reference)
        except VeriscopeError as error:
            faults.append(error)
            continue
        for name, path in case.predictions.items():
            try:
                prediction = task.read(path)
                units[name].append(task.judge(case, reference, prediction))
            except VeriscopeError as error:
                faults.append(error if len(cases.names) == 1 else type(error)(f"{name}: {error}"))
            else:
                found.append(task.objects(prediction))
        objects = task.objects(reference)
        if objects is not None and not faults:
            tally.add(objects, *(item for item in found if item is not None))
            measured = True
        progress("compare", done, len(cases.cases))
    raise_together(
        faults, what=f"{len(faults)} of {len(cases.cases) * len(cases.names)} pairs cannot be compared"
    )
    fingerprint = (
        tally.result(clusters=cases.clusters, **task.answers)
        if measured
        else Fingerprint.parse(task.answers, where="the problem")
    )
    return Judged(
        task,
        units,
        fingerprint,
        cases.references_without_prediction,
        cases.predictions_without_reference,
    )
