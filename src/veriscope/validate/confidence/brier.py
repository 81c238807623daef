"""Brier score with its interval by image."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from veriscope.validate.confidence.reliability import mean_by_unit
from veriscope.validate.metrics.classification.calibration import brier_by_case
from veriscope.validate.statistics import Interval, check_level

__all__ = ["brier_interval"]


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
    reference, probabilities
        As in `metrics.classification.calibration.brier_by_case`.
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
