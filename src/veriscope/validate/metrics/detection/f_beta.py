"""F of objects with a weight: how much a missed object costs against an invented one."""

from __future__ import annotations

import numpy as np

from veriscope.errors import InputError
from veriscope.validate.metrics.base import Counts, FloatArray, Metric, ratio
from veriscope.validate.metrics.instance.detection import F1

__all__ = ["f_beta", "f_beta_metric"]


def f_beta(counts: Counts, *, beta: float) -> FloatArray:
    """Weighted harmonic mean of precision and recall of objects.

    Parameters
    ----------
    counts
        Sums over one or more images.
    beta
        How many times as much recall weighs as precision, above 0: 2 where misses are worse, 0.5 where
        inventions are, 1 for F1.

    Returns
    -------
    numpy.ndarray
        (1 + β²) TP / ((1 + β²) TP + β² FN + FP), 0 to 1, higher is better. NaN if neither side has an
        object, 0 if only one side has.

    Raises
    ------
    InputError
        If beta is not a finite number above 0.

    References
    ----------
    .. [1] van Rijsbergen CJ. Information retrieval. Butterworths (1979), chapter 7.
    """
    square = _square(beta)
    found = (1 + square) * counts.tp
    return ratio(found, found + square * counts.fn + counts.fp)


def f_beta_metric(beta: float) -> Metric:
    """Give the metric for one beta, for pooling and intervals.

    Parameters
    ----------
    beta
        How many times as much recall weighs as precision, above 0.

    Returns
    -------
    Metric
        Of the name ``"f_beta"``.

    Raises
    ------
    InputError
        If beta is not a finite number above 0.
    """
    square = _square(beta)
    return Metric(
        name="f_beta",
        formula=f"(1 + β²) TP / ((1 + β²) TP + β² FN + FP), β = {beta:g}",
        function=lambda counts: f_beta(counts, beta=beta),
        sizes=lambda counts: counts.tp + (square * counts.fn + counts.fp) / (1 + square),
        empty=F1.empty,
    )


def _square(beta: float) -> float:
    if not (np.isfinite(beta) and beta > 0):
        raise InputError(
            f"beta {beta!r} is not allowed; use a number above 0, such as 2 where misses are worse"
        )
    return float(beta) ** 2
