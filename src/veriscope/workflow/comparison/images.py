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
        reference = None
        try:
            reference = task.read(case.reference)
        except VeriscopeError as error:
            faults.append(error)
        for name, path in case.predictions.items():
            try:
                # Read beside a broken reference too, so that its own faults are told at once.
                prediction = task.read(path)
                if reference is not None:
                    units[name].append(task.judge(case, reference, prediction))
                    found.append(task.objects(prediction))
            except VeriscopeError as error:
                faults.append(error if len(cases.names) == 1 else type(error)(f"{name}: {error}"))
        objects = None if reference is None else task.objects(reference)
        if objects is not None and not faults:
            tally.add(objects, *(item for item in found if item is not None))
            measured = True
        progress("compare", done, len(cases.cases))
    n_pairs = len(cases.cases) * len(cases.names)
    n_bad = n_pairs - sum(map(len, units.values()))
    raise_together(faults, what=f"{n_bad} of {n_pairs} pairs cannot be compared")
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
