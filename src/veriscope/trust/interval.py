"""Confidence interval of a mean of few, possibly skewed, independent terms.

Student's t assumes symmetry. Errors of a predictor are seldom symmetric: a method that merges
touching cells misses many in a few crowded tiles, and a sample without such a tile is both too low
and too narrow. Johnson [1]_ derives from the third moment by how much the t interval misses on that
side. His interval moves both ends; the moved-in end relies on a skewness that ten draws estimate
badly. Here the end on the side of the skew moves out, and the other stays: the union of both
intervals. On real data this brought coverage near nominal at 6 to 12 % more width, where moving
both ends, bootstrap-t and heavier t tails did not (`benchmarks/science/coverage.py`).

References
----------
.. [1] Johnson, Modified t tests and confidence intervals for asymmetrical populations, Journal of
   the American Statistical Association 73 (1978), 536-544. doi:10.2307/2286597
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

__all__ = ["skewness_allowance", "skewness_t_interval"]


def skewness_t_interval(
    value: NDArray[Any] | float, influence: NDArray[Any], *, level: float, df: float | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put an interval around estimates that are means of independent terms.

    Parameters
    ----------
    value
        Estimates, of shape (...).
    influence
        Deviation of each draw's term from the estimate, of shape (..., n), mean 0 along the last axis.
    level
        Probability that an interval covers the truth, 0 to 1.
    df
        Degrees of freedom of Student's t; None: n − 1.

    Returns
    -------
    tuple of numpy.ndarray
        Low and high ends, of shape (...). Infinite for n < 3, where the skewness is not defined.
    """
    centre = np.asarray(value, dtype=np.float64)
    n = influence.shape[-1]
    if n < 3:
        infinite = np.full(centre.shape, np.inf)
        return -infinite, infinite
    error = np.sqrt((influence**2).sum(axis=-1) / (n - 1) / n)
    half = student.ppf((1 + level) / 2, n - 1 if df is None else df) * error
    allowance = skewness_allowance(influence, half)
    return centre - half + np.minimum(allowance, 0), centre + half + np.maximum(allowance, 0)


def skewness_allowance(influence: NDArray[Any], half: NDArray[Any]) -> NDArray[np.float64]:
    """Distance by which skewness moves the ends of a t interval.

    Parameters
    ----------
    influence
        Deviations of the terms, of shape (..., n), mean 0 along the last axis, n at least 3.
    half
        Half-width of the t interval, of shape (...).

    Returns
    -------
    numpy.ndarray
        Of shape (...), in the unit of the estimate; positive if the interval should reach higher; 0 if
        all deviations are 0. With s² and k3 the unbiased second and third central moments it is
        ``k3 / (6 s² n) + k3 / (3 s⁴) · half²``.
    """
    n = influence.shape[-1]
    variance = (influence**2).sum(axis=-1) / (n - 1)
    third = (influence**3).sum(axis=-1) * n / ((n - 1) * (n - 2))
    safe = np.where(variance > 0, variance, 1.0)
    return np.asarray(np.where(variance > 0, third / (6 * safe * n) + third / (3 * safe**2) * half**2, 0.0))
