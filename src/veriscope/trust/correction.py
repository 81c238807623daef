"""Predicted totals corrected by what the drawn tiles show: estimates and their influence values.

With draw probabilities p, reference y and prediction m of the drawn tiles, and the predicted total M
over all tiles, the terms of a total are

.. math:: z_j = M + (y_j - β m_j) / p_j + (β - 1) M

whose mean is unbiased for any fixed β, whatever the prediction is worth [1]_. β = 1 gives the
difference estimator; β = 0 the Hansen-Hurwitz estimator from references alone; PPI++ [2]_ fits β.

Veriscope takes β = 1 for few draws. From 20 on, each term has a β fitted to the *other* draws, pulled
towards 1. Such a cross-fitted β does not know its own draw, so the mean stays unbiased; it saves a
sixth to a third of the width when the prediction is poor, and covers (`benchmarks/science/coverage.py`).
 A ratio divides two such means.

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

__all__ = [
    "CROSS_FIT_FROM",
    "calibrated_terms",
    "corrected_terms",
    "exact_share",
    "fitted_slope",
    "mean_and_influence",
    "ratio_and_influence",
]

Floats = NDArray[np.float64]

CROSS_FIT_FROM = 20
"""Draws from which the slope is fitted; with fewer, fitting costs coverage."""

_PULL = 5.0
"""Draws that the prior slope of 1 is worth."""


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


def calibrated_terms(
    reference: NDArray[Any], prediction: NDArray[Any], probability: NDArray[Any], predicted_total: float
) -> Floats:
    """Give one unbiased estimate of the true total per draw, as Veriscope does.

    Parameters
    ----------
    reference, prediction, probability
        Of the drawn tiles, of shape (..., n).
    predicted_total
        Sum of the prediction over all tiles, drawn or not.

    Returns
    -------
    numpy.ndarray
        Terms (..., n): slope 1 below `CROSS_FIT_FROM` draws, cross-fitted slopes of 0 to 1.5 from there on.
    """
    if np.shape(reference)[-1] < CROSS_FIT_FROM:
        return corrected_terms(reference, prediction, probability, predicted_total)
    return _cross_fitted_terms(reference, prediction, probability, predicted_total)


def _cross_fitted_terms(
    reference: NDArray[Any], prediction: NDArray[Any], probability: NDArray[Any], predicted_total: float
) -> Floats:
    """Terms whose slope is fitted to the other draws, n at least 3."""
    y, m = reference / probability, prediction / probability - predicted_total
    others = y.shape[-1] - 1
    y_mean = (y.sum(axis=-1, keepdims=True) - y) / others
    m_sum = m.sum(axis=-1, keepdims=True) - m
    products = y * m
    together = products.sum(axis=-1, keepdims=True) - products - y_mean * m_sum
    squares = m**2
    squares = squares.sum(axis=-1, keepdims=True) - squares
    spread = squares - m_sum**2 / others
    varies = spread > 1e-9 * squares  # not rounding alone
    pull = _PULL * spread / others
    fitted = (together + pull) / np.where(varies, spread + pull, 1.0)
    return np.asarray(y - np.where(varies, np.clip(fitted, 0.0, 1.5), 1.0) * m)


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
