"""Predicted totals corrected by what the drawn tiles show: estimates and their influence values.

With draw probabilities p, reference y and prediction m of the drawn tiles, and the predicted total M
over all tiles, the terms of a total are

.. math:: z_j = M + (y_j - β m_j) / p_j + (β - 1) M

whose mean is unbiased for any fixed β, whatever the prediction is worth [1]_. β = 1 gives the
difference estimator, which Veriscope uses; β = 0 the Hansen-Hurwitz estimator from references
alone; PPI++ [2]_ fits β. A ratio divides two such means.

All functions take draws along the last axis, so that a benchmark can run thousands of audits at once
through the code that a study uses.

References
----------
.. [1] Särndal, Swensson & Wretman, Model Assisted Survey Sampling, Springer (1992), sections 2.9, 6.3.
.. [2] Angelopoulos, Duchi & Zrnic, PPI++: efficient prediction-powered inference (2023),
   arXiv:2311.01453.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["corrected_terms", "exact_share", "fitted_slope", "mean_and_influence", "ratio_and_influence"]

Floats = NDArray[np.float64]


def corrected_terms(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    probability: NDArray[Any],
    predicted_total: float,
    *,
    slope: NDArray[Any] | float = 1.0,
) -> Floats:
    """Give one unbiased estimate of the true total per draw.

    Parameters
    ----------
    reference, prediction
        Quantity of the drawn tiles, of shape (..., n).
    probability
        Probability of the drawn tiles in one draw, of shape (..., n), above 0.
    predicted_total
        Sum of the prediction over all tiles, drawn or not.
    slope
        Weight β of the prediction, a number or an array of shape (...): 1 difference, 0 references alone.

    Returns
    -------
    numpy.ndarray
        Terms, of shape (..., n).
    """
    weight = np.asarray(slope, dtype=np.float64)[..., np.newaxis]
    return np.asarray((reference - weight * prediction) / probability + weight * predicted_total)


def fitted_slope(reference: NDArray[Any], prediction: NDArray[Any], probability: NDArray[Any]) -> Floats:
    """Fit the slope that makes the terms of a total vary least, as PPI++ does.

    Parameters
    ----------
    reference, prediction, probability
        Of the drawn tiles, of shape (..., n), n at least 2.

    Returns
    -------
    numpy.ndarray
        Slopes, of shape (...), clipped to 0–1 as in PPI++; 0 where the prediction does not vary.
    """
    y, m = reference / probability, prediction / probability
    y, m = y - y.mean(axis=-1, keepdims=True), m - m.mean(axis=-1, keepdims=True)
    spread = (m**2).sum(axis=-1)
    return np.asarray(np.clip((y * m).sum(axis=-1) / np.where(spread > 0, spread, 1.0), 0.0, 1.0))


def exact_share(*pairs: tuple[NDArray[Any], NDArray[Any]]) -> Floats:
    """Share of drawn tiles on which the model is exactly right.

    Parameters
    ----------
    *pairs
        Reference and prediction of the drawn tiles, of shape (..., n): one pair for a total, two for
        a ratio, in which both must agree.

    Returns
    -------
    numpy.ndarray
        Of shape (...), 0 to 1; equal means to within a billionth, for sums of decimals.
    """
    agree = [
        np.abs(reference - prediction) <= 1e-9 * np.abs(reference).clip(1e-300)
        for reference, prediction in pairs
    ]
    return np.asarray(np.logical_and.reduce(agree).mean(axis=-1))


def mean_and_influence(terms: Floats) -> tuple[Floats, Floats]:
    """Average the terms of a total.

    Parameters
    ----------
    terms
        Of shape (..., n).

    Returns
    -------
    tuple of numpy.ndarray
        Estimates (...) and deviations (..., n).
    """
    value = terms.mean(axis=-1)
    return value, terms - value[..., np.newaxis]


def ratio_and_influence(numerator: Floats, denominator: Floats) -> tuple[Floats, Floats]:
    """Divide one corrected total by another.

    Parameters
    ----------
    numerator, denominator
        Terms of both totals from the same draws, of shape (..., n).

    Returns
    -------
    tuple of numpy.ndarray
        Ratios (...) and influence values (..., n); NaN where the denominator's mean is not above 0.
    """
    below = denominator.mean(axis=-1)
    below = np.where(below > 0, below, np.nan)
    value = numerator.mean(axis=-1) / below
    influence = (numerator - value[..., np.newaxis] * denominator) / below[..., np.newaxis]
    return value, np.asarray(influence)
