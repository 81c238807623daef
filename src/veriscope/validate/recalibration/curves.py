"""Maps that turn scores or badly calibrated probabilities into better ones.

Fit them on cases that are used for nothing else; `cross_calibration` does so image by image and
says whether it helped. Isotonic and Venn-Abers take scores of any scale, as long as higher means more likely;
Platt takes any scale too, but a logistic curve must fit; temperature takes probabilities of several classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from veriscope.errors import InputError
from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.classification.cases import (
    by_class,
    check_classes,
    check_outcomes,
    check_probabilities,
    check_scores,
)

__all__ = [
    "IsotonicMap",
    "PlattMap",
    "TemperatureMap",
    "checked_outcomes",
    "fit_isotonic",
    "fit_platt",
    "fit_temperature",
]

_SMALLEST = 1e-12  # probabilities below count as this much, so that their logarithm is finite
_TEMPERATURES = (0.01, 100.0)


@dataclass(frozen=True, slots=True, eq=False)
class IsotonicMap:
    """A rising curve through the shares that came true; flat beyond its ends.

    Parameters
    ----------
    scores, probabilities
        Corners of the curve, shape (k,), both ascending.
    """

    scores: FloatArray
    probabilities: FloatArray

    def apply(self, scores: ArrayLike) -> FloatArray:
        """Turn scores into probabilities.

        Parameters
        ----------
        scores
            Shape (n,), no NaN.

        Returns
        -------
        numpy.ndarray
            Shape (n,), 0 to 1.
        """
        given = check_scores(scores)
        return np.asarray(np.interp(given, self.scores, self.probabilities))


@dataclass(frozen=True, slots=True)
class PlattMap:
    """A logistic curve of the score: 1 / (1 + exp(-(slope · score + intercept))).

    Parameters
    ----------
    slope, intercept
        Of the line in the exponent.
    """

    slope: float
    intercept: float

    def apply(self, scores: ArrayLike) -> FloatArray:
        """Turn scores into probabilities.

        Parameters
        ----------
        scores
            Shape (n,), finite.

        Returns
        -------
        numpy.ndarray
            Shape (n,), above 0 and below 1.
        """
        return np.asarray(special.expit(self.slope * check_scores(scores, finite=True) + self.intercept))


@dataclass(frozen=True, slots=True)
class TemperatureMap:
    """Probabilities made softer (above 1) or sharper (below 1); their order within a case stays.

    Parameters
    ----------
    temperature
        Divides the logarithms of the probabilities, 0.01 to 100.
    """

    temperature: float

    def apply(self, probabilities: ArrayLike) -> FloatArray:
        """Make probabilities softer or sharper.

        Parameters
        ----------
        probabilities
            Shape (n, K), rows summing to 1; or shape (n,), probability of class 1 of two.

        Returns
        -------
        numpy.ndarray
            Of the same shape.
        """
        logs = _logarithms(probabilities)
        softened = special.softmax(logs / self.temperature, axis=1)
        return np.asarray(softened if np.ndim(probabilities) == 2 else softened[:, 1])


def fit_isotonic(outcomes: ArrayLike, scores: ArrayLike) -> IsotonicMap:
    """Fit the rising curve with the least squared error.

    Parameters
    ----------
    outcomes
        Whether each case came true, shape (n,), 0 or 1.
    scores
        Score or probability of each case, shape (n,), finite, higher for likelier.

    Returns
    -------
    IsotonicMap
        Needs many cases (about 1,000 [1]_): with few it follows chance, and it states 0 and 1.

    Raises
    ------
    InputError
        If there is no case, or outcomes or scores are not allowed.

    References
    ----------
    .. [1] Niculescu-Mizil A, Caruana R. Predicting good probabilities with supervised learning. ICML (2005).
       doi:10.1145/1102351.1102430
    """
    from sklearn.isotonic import IsotonicRegression

    true, given = checked_outcomes(outcomes, scores)
    fitted = IsotonicRegression(y_min=0, y_max=1).fit(given, true)
    return IsotonicMap(
        np.asarray(fitted.X_thresholds_, dtype=np.float64), np.asarray(fitted.y_thresholds_, dtype=np.float64)
    )


def fit_platt(outcomes: ArrayLike, scores: ArrayLike) -> PlattMap:
    """Fit a logistic curve, with Platt's targets that keep it from stating certainty.

    Parameters
    ----------
    outcomes
        Whether each case came true, shape (n,), 0 or 1.
    scores
        Score of each case, shape (n,), finite; for probabilities take their logit, log p / (1 - p).

    Returns
    -------
    PlattMap
        Enough for some dozens of cases; useless where no logistic curve fits.

    Raises
    ------
    InputError
        If there is no case, or outcomes or scores are not allowed.

    References
    ----------
    .. [1] Platt J. Probabilistic outputs for support vector machines. Advances in Large Margin Classifiers
       (1999). Targets (N₊ + 1) / (N₊ + 2) and 1 / (N₋ + 2).
    """
    true, given = checked_outcomes(outcomes, scores)
    n_true = float(true.sum())
    targets = np.where(true, (n_true + 1) / (n_true + 2), 1 / (len(true) - n_true + 2))
    centre, spread = float(given.mean()), float(given.std()) or 1.0
    design = np.stack([(given - centre) / spread, np.ones(len(given))], axis=1)

    def loss(line: FloatArray) -> tuple[float, FloatArray]:
        exponent = design @ line
        # Cross-entropy of targets t and 1 / (1 + exp(-x)) is log(1 + exp(x)) - t x.
        value = float((np.logaddexp(0, exponent) - targets * exponent).sum())
        return value, np.asarray(design.T @ (special.expit(exponent) - targets))

    slope, intercept = optimize.minimize(loss, np.zeros(2), jac=True, method="BFGS").x
    return PlattMap(float(slope / spread), float(intercept - slope * centre / spread))


def fit_temperature(reference: ArrayLike, probabilities: ArrayLike) -> TemperatureMap:
    """Fit the temperature with the largest likelihood.

    Parameters
    ----------
    reference
        Class of each case, shape (n,), 0 to K - 1.
    probabilities
        Shape (n, K), rows summing to 1; or shape (n,), probability of class 1 of two. Those below 10⁻¹²
        count as that much.

    Returns
    -------
    TemperatureMap
        One number, so it needs few cases; it mends over- and underconfidence, not a bias to a class.

    Raises
    ------
    InputError
        If there is no case, or classes or probabilities are not allowed.

    References
    ----------
    .. [1] Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. ICML (2017).
    """
    logs = _logarithms(probabilities)
    classes = check_classes(reference, n_classes=logs.shape[1], name="reference")
    if not len(classes):
        raise InputError("there is no case to fit on; give cases with a reference")
    if len(classes) != len(logs):
        raise InputError(f"{len(classes)} references are given for {len(logs)} cases; give one for each")
    given = logs[np.arange(len(classes)), classes]

    def loss(log_temperature: float) -> float:
        scale = np.exp(-log_temperature)
        return float((special.logsumexp(scale * logs, axis=1) - scale * given).mean())

    low, high = np.log(_TEMPERATURES)
    found = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-8})
    return TemperatureMap(float(np.exp(found.x)))


def checked_outcomes(outcomes: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], FloatArray]:
    """Check what a map of scores is fitted on.

    Parameters
    ----------
    outcomes
        Whether each case came true, shape (n,), 0 or 1.
    scores
        Score of each case, shape (n,), finite.

    Returns
    -------
    tuple
        Both as arrays.

    Raises
    ------
    InputError
        If there is no case, or outcomes or scores are not allowed.
    """
    true = check_outcomes(outcomes)
    if not len(true):
        raise InputError("there is no case to fit on; give cases with a reference")
    return true, check_scores(scores, n_cases=len(true), finite=True)


def _logarithms(probabilities: ArrayLike) -> FloatArray:
    """Give log probabilities, one column per class."""
    stated = np.asarray(probabilities, dtype=np.float64)
    stated = check_probabilities(stated, n_cases=len(np.atleast_1d(stated)), columns=stated.ndim == 2)
    return np.asarray(np.log(np.maximum(by_class(stated), _SMALLEST)))
