r"""Confidence intervals of totals and ratios from few independent draws of skewed terms.

Three things make Student's t on the corrected terms cover too little at n = 10, and each is met by
the simplest remedy that brought coverage near nominal on real data (`benchmarks/science/coverage.py`):

- **Skewness.** A method that merges touching cells misses many in a few crowded tiles; a sample
  without such a tile is too low and too narrow at once. Johnson [1]_ derives from the third moment how
  far the t interval should move. Here only the end on the side of the skew moves, outwards: the
  inner end would rest on a skewness that ten draws estimate badly.
- **Ratios.** The interval is that of Fieller [2]_: all ratios R for which the terms ``z - R w`` could
  have mean 0. It is finite only if the denominator is surely above 0.
- **Unseen failures.** Where the model is exactly right on most drawn tiles, its errors sit in tiles that
  were not drawn, and the spread of the terms says little about them. By the rule of three [3]_, no
  failure in n draws still allows failure on a share of ``-ln(1 - level) / (n + 1)`` of the tiles. The
  variance that references alone would have is added at that share, times the share of drawn tiles
  on which the model is exactly right, over one plus the number on which it is not: errors seen tell
  about errors to come.

References
----------
.. [1] Johnson, Modified t tests and confidence intervals for asymmetrical populations, Journal of
   the American Statistical Association 73 (1978), 536-544. doi:10.2307/2286597
.. [2] Fieller, Some problems in interval estimation, Journal of the Royal Statistical Society B 16
   (1954), 175-185. doi:10.1111/j.2517-6161.1954.tb00159.x
.. [3] Hanley & Lippman-Hand, If nothing goes wrong, is everything all right?, JAMA 249 (1983),
   1743-1745. doi:10.1001/jama.1983.03330370053031
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from veriscope.trust.correction import mean_and_influence, ratio_and_influence

__all__ = ["Intervals", "Unseen", "mean_interval", "ratio_interval", "skewness_allowance"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Estimates of one or many audits, each with its interval.

    Parameters
    ----------
    value, low, high
        Estimates and ends, of shape (...).
    standard_error
        Of shape (...).
    """

    value: Floats
    low: Floats
    high: Floats
    standard_error: Floats


@dataclass(frozen=True, slots=True)
class Unseen:
    """What is needed to allow for failures that no drawn tile shows.

    Parameters
    ----------
    exact_share
        Share of drawn tiles where the model is exactly right, of shape (...), 0 to 1.
    numerator
        Terms of the numerator from the references alone (slope 0), of shape (..., n).
    denominator
        The same of the denominator; None for a total.
    """

    exact_share: Floats
    numerator: Floats
    denominator: Floats | None = None

    def variance(self, first: Floats, second: Floats, *, level: float) -> Floats:
        """Give the covariance of two means that unseen failures may add.

        Parameters
        ----------
        first, second
            Terms from the references alone, of shape (..., n).
        level
            Confidence level of the interval, 0 to 1.

        Returns
        -------
        numpy.ndarray
            Of shape (...); 0 if the model is right nowhere.
        """
        n = first.shape[-1]
        errors_seen = n * (1 - self.exact_share)
        share = self.exact_share / (errors_seen + 1) * -math.log(1 - level) / (n + 1)
        return np.asarray(share * _covariance(first, second))


def mean_interval(terms: Floats, *, level: float, unseen: Unseen | None = None) -> Intervals:
    """Estimate a total with its interval.

    Parameters
    ----------
    terms
        One unbiased estimate of the total per draw, of shape (..., n), n at least 3.
    level
        Probability that an interval covers the truth, 0 to 1.
    unseen
        Allowance for unseen failures; None makes none.

    Returns
    -------
    Intervals
        Of width 0 if all terms are equal and nothing is allowed for.
    """
    value, influence = mean_and_influence(terms)
    own = _covariance(terms, terms)
    variance = (
        own if unseen is None else own + unseen.variance(unseen.numerator, unseen.numerator, level=level)
    )
    quantile = float(student.ppf((1 + level) / 2, terms.shape[-1] - 1))
    half = quantile * np.sqrt(variance)
    shift = skewness_allowance(influence, quantile * np.sqrt(own))
    low, high = value - half + np.minimum(shift, 0), value + half + np.maximum(shift, 0)
    return Intervals(value, low, high, np.sqrt(variance))


def ratio_interval(
    numerator: Floats, denominator: Floats, *, level: float, unseen: Unseen | None = None
) -> Intervals:
    """Estimate a ratio of two totals with its interval.

    Parameters
    ----------
    numerator, denominator
        Terms of both totals from the same draws, of shape (..., n), n at least 3.
    level
        Probability that an interval covers the truth, 0 to 1.
    unseen
        Allowance for unseen failures, with its denominator; None makes none.

    Returns
    -------
    Intervals
        Infinite ends where the denominator cannot be told from 0; value NaN where it is not above 0.
    """
    n = numerator.shape[-1]
    value, influence = ratio_and_influence(numerator, denominator)
    above, below = numerator.mean(axis=-1), denominator.mean(axis=-1)
    zz, zw, ww = (
        _covariance(a, b)
        for a, b in ((numerator, numerator), (numerator, denominator), (denominator, denominator))
    )
    own = zz - 2 * value * zw + value**2 * ww
    if unseen is not None and unseen.denominator is not None:
        zz = zz + unseen.variance(unseen.numerator, unseen.numerator, level=level)
        zw = zw + unseen.variance(unseen.numerator, unseen.denominator, level=level)
        ww = ww + unseen.variance(unseen.denominator, unseen.denominator, level=level)
    quantile = float(student.ppf((1 + level) / 2, n - 1))
    low, high = _fieller(above, below, zz, zw, ww, quantile)
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = skewness_allowance(influence, quantile * np.sqrt(np.maximum(own, 0)) / below)
        error = np.sqrt(np.maximum(zz - 2 * value * zw + value**2 * ww, 0)) / below
    known = np.isfinite(low)
    # The value solves the equation; where its ends meet, rounding must not leave it outside.
    low = np.where(known, np.minimum(low, value) + np.minimum(shift, 0), low)
    high = np.where(known, np.maximum(high, value) + np.maximum(shift, 0), high)
    return Intervals(value, low, high, np.asarray(error))


def skewness_allowance(influence: Floats, half: Floats) -> Floats:
    """Distance by which skewness moves a t interval.

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
    scale = np.square(influence).max(axis=-1)
    varies = variance > 1e-24 * np.where(scale > 0, scale, 1.0)
    safe = np.where(varies, variance, 1.0)
    return np.asarray(np.where(varies, third / (6 * safe * n) + third / (3 * safe**2) * half**2, 0.0))


def _covariance(first: Floats, second: Floats) -> Floats:
    """Covariance of the means of two sets of terms, of shape (...)."""
    n = first.shape[-1]
    a = first - first.mean(axis=-1, keepdims=True)
    b = second - second.mean(axis=-1, keepdims=True)
    return np.asarray((a * b).sum(axis=-1) / (n * (n - 1)))


def _fieller(
    above: Floats, below: Floats, zz: Floats, zw: Floats, ww: Floats, quantile: float
) -> tuple[Floats, Floats]:
    """Solve for the ratios R with ``(above - R below)² <= quantile² var(z - R w)``."""
    square = quantile**2
    a = below**2 - square * ww
    b = above * below - square * zw
    c = above**2 - square * zz
    bounded = (a > 0) & (below > 0)
    root = np.sqrt(np.maximum(b**2 - a * c, 0))
    safe = np.where(bounded, a, 1.0)
    low = np.where(bounded, (b - root) / safe, -np.inf)
    return low, np.where(bounded, (b + root) / safe, np.inf)
