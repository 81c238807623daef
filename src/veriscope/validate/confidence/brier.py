"""Brier score with its interval by image."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from veriscope.validate.confidence.reliability import mean_by_unit
from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.classification.cases import check_classes, check_probabilities
from veriscope.validate.statistics import Interval, check_level

__all__ = ["brier_by_case", "brier_interval"]


def brier_by_case(reference: ArrayLike, probabilities: ArrayLike) -> FloatArray:
    """Give the squared distance of each case's probabilities from what was the case.

    Parameters
    ----------
    reference
        Class of each case, shape (n,), 0 to K - 1.
    probabilities
        Shape (n, K), rows summing to 1; or shape (n,), probability of class 1 of two.

    Returns
    -------
    numpy.ndarray
        Shape (n,): the sum over classes, 0 to 2; for probabilities of shape (n,) the square for class 1
        alone, 0 to 1. Its mean is `calibration.brier_score`.

    Raises
    ------
    InputError
        If classes or probabilities are not allowed.
    """
    stated = np.asarray(probabilities, dtype=np.float64)
    if stated.ndim == 2:
        classes = check_classes(reference, n_classes=max(stated.shape[1], 1), name="reference")
        stated = check_probabilities(stated, n_cases=len(classes), columns=True)
        return np.asarray(((stated - np.eye(stated.shape[1])[classes]) ** 2).sum(axis=1))
    true = check_classes(reference, n_classes=2, name="reference")
    return np.asarray((check_probabilities(stated, n_cases=len(true)) - true) ** 2)


def brier_interval(
    reference: ArrayLike,
    probabilities: ArrayLike,
    *,
    units: Sequence[Hashable],
    level: float = 0.95,
    unit: str = "image",
) -> Interval:
    """Give the Brier score with its interval by image.

    Parameters
    ----------
    reference
        Class of each case, shape (n,), 0 to K - 1.
    probabilities
        Shape (n, K), rows summing to 1; or shape (n,), probability of class 1 of two.
    units
        Name of the image (or replicate) of each case.
    level
        Level of the interval.
    unit
        What a unit is, for the result.

    Returns
    -------
    Interval
        Lower is better; 0 to 2 for shape (n, K), 0 to 1 for shape (n,). Pooled: each case counts the same.
        NaN without a case; without ends for fewer than two units.

    Raises
    ------
    InputError
        If classes, probabilities, units or the level are not allowed.
    """
    check_level(level)
    squares = brier_by_case(reference, probabilities)
    high = 2.0 if np.ndim(probabilities) == 2 else 1.0
    return mean_by_unit(squares, units, (0.0, high), level, unit)
