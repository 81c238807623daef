"""Whether what is measured on the objects survives the errors of the predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from veriscope.errors import InputError
from veriscope.io.labels import LabelFile
from veriscope.workflow.question import Question

__all__ = ["biology_of", "check_question", "measured_value"]

_ALL = "all"


def check_question(question: Question) -> None:
    """Refuse a measure that label images cannot answer, or one without a tolerance.

    Parameters
    ----------
    question
        What is to be measured.

    Raises
    ------
    InputError
        If the measure needs intensities, or no tolerance is stated.
    """
    if "intensity" in str(question.column):
        raise InputError(
            f"measure {question.key!r} needs the images, which a comparison of label images does not read; "
            "make a study of them, or measure both sides with veriscope measure --image"
        )
    if question.tolerance is None:
        raise InputError(
            "whether an error matters depends on what it would change; give the error that would change your "
            "conclusion with --tolerance, such as 5%"
        )


def measured_value(file: LabelFile, question: Question, spacing: Mapping[str, float] | None) -> float:
    """Measure one image.

    Parameters
    ----------
    file
        Its labels.
    question
        What is measured of them.
    spacing
        Pixel size in µm by axis; None: that of the file, or pixels.

    Returns
    -------
    float
        Count, total, fraction or mean over the objects of the image; NaN for a mean or fraction without
        objects.

    Raises
    ------
    InputError
        If the column is unknown.
    """
    if question.measure == "count":
        return float(np.count_nonzero(np.unique(file.labels)))
    scale = spacing or file.spacing
    pixel = float(np.prod([scale[axis] for axis in file.axes])) if scale else 1.0
    if question.measure == "area-fraction":
        return float(np.count_nonzero(file.labels) / file.labels.size)
    if question.measure == "density":
        return float(np.count_nonzero(np.unique(file.labels)) / (file.labels.size * pixel))
    if question.measure == "total-area":
        return float(np.count_nonzero(file.labels) * pixel)
    from veriscope.measure.table import measure_objects

    column = str(question.column)
    values = (
        measure_objects(file.labels, spacing=scale, properties=[column]).frame[column].to_numpy(np.float64)
    )
    if not len(values):
        return float("nan")
    if question.measure == "mean":
        return float(values.mean())
    limit = float(question.threshold or 0.0)
    return float(np.mean(values > limit if question.sign == ">" else values < limit))


def biology_of(
    values: Sequence[tuple[float, float]],
    *,
    names: Sequence[str],
    groups: Sequence[str | None],
    clusters: Sequence[str | None],
    question: Question,
) -> dict[str, Any]:
    """Check bias, equivalence, and whether groups still differ as they do.

    Parameters
    ----------
    values
        Reference and predicted value of each image.
    names
        The images.
    groups
        Group of each; all None: one group.
    clusters
        Replicate of each, unique among all groups; all None: each image is a replicate.
    question
        What was measured, as allowed by `check_question`; its tolerance is a share of the reference.

    Returns
    -------
    dict
        As `ApplicationReport.to_dict`.
    """
    assert question.tolerance is not None, "check_question demands a tolerance"
    import pandas as pd

    from veriscope.validate.application.report import check_application
    from veriscope.validate.application.settings import ApplicationSettings

    known = clusters[0] is not None
    table = pd.DataFrame(
        {
            "unit": list(names),
            "group": [_ALL if item is None else item for item in groups],
            "replicate": [str(item) for item in clusters] if known else list(names),
            "reference": [reference for reference, _ in values],
            "prediction": [prediction for _, prediction in values],
        }
    )
    return check_application(
        table,
        quantity=question.key,
        tolerance=question.tolerance,
        relative=True,
        settings=ApplicationSettings(missing="leave out"),
    ).to_dict()
