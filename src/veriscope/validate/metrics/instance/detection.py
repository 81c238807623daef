"""Metrics of finding objects: precision, recall, F1 and AP at an IoU threshold."""

from __future__ import annotations

from veriscope.validate.metrics.base import Counts, FloatArray, Metric, ratio

__all__ = ["AP", "F1", "PRECISION", "RECALL", "ap", "f1", "precision", "recall"]


def precision(counts: Counts) -> FloatArray:
    """Share of predicted objects that match a reference object.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        TP / (TP + FP), 0 to 1, higher is better. NaN if nothing was predicted.
    """
    return ratio(counts.tp, counts.tp + counts.fp)


def recall(counts: Counts) -> FloatArray:
    """Share of reference objects that were found.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        TP / (TP + FN), 0 to 1, higher is better. NaN if the reference has no object.
    """
    return ratio(counts.tp, counts.tp + counts.fn)


def f1(counts: Counts) -> FloatArray:
    """Harmonic mean of precision and recall, the Dice coefficient of the sets of objects.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        2 TP / (2 TP + FP + FN), 0 to 1, higher is better. NaN if neither side has an object, 0 if only
        one side has.
    """
    return ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def ap(counts: Counts) -> FloatArray:
    """Jaccard index of the sets of objects, called "average precision" by StarDist and Cellpose.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        TP / (TP + FP + FN), 0 to 1, higher is better, = F1 / (2 - F1). NaN if neither side has an
        object, 0 if only one side has. This is not the AP of COCO, which integrates over confidence.
    """
    return ratio(counts.tp, counts.tp + counts.fp + counts.fn)


PRECISION = Metric(
    "precision",
    "TP / (TP + FP)",
    precision,
    sizes=lambda counts: counts.tp + counts.fp,
    empty="no predicted object: undefined",
)
RECALL = Metric(
    "recall",
    "TP / (TP + FN)",
    recall,
    sizes=lambda counts: counts.tp + counts.fn,
    empty="no reference object: undefined",
)
F1 = Metric(
    "f1",
    "2 TP / (2 TP + FP + FN)",
    f1,
    sizes=lambda counts: counts.tp + (counts.fp + counts.fn) / 2,
    empty="no object on either side: undefined; on one side only: 0",
)
AP = Metric(
    "ap",
    "TP / (TP + FP + FN)",
    ap,
    sizes=lambda counts: counts.tp + counts.fp + counts.fn,
    empty=F1.empty,
)
