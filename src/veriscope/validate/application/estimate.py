"""A mean over replicates, or a contrast of such means, with what its spread says.

References
----------
.. [1] Welch BL. The generalization of 'Student's' problem when several different population variances are
   involved. Biometrika 34 (1947), 28-35. doi:10.1093/biomet/34.1-2.28
.. [2] Fieller EC. Some problems in interval estimation. Journal of the Royal Statistical Society B 16
   (1954), 175-185. doi:10.1111/j.2517-6161.1954.tb00159.x
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from veriscope.validate.application.result import plural
from veriscope.validate.statistics import Interval, jackknife_spread

__all__ = ["Estimate", "contrast", "fieller", "mean_estimate", "ratio_estimate", "stratified_mean"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value whose error follows a t distribution.

    Parameters
    ----------
    value
        The estimate; NaN if there is none.
    standard_error
        0 or more; NaN for fewer than two replicates.
    degrees_of_freedom
        Of the t distribution.
    n
        Number of replicates; of the smaller side, for a contrast without any spread.

    Notes
    -----
    Where all replicates agree exactly, a t distribution says too much. Then only this is known: if
    half of all replicates lay on the other side of a bound, n of n on this side would have the chance
    2^-n (sign test). So five replicates without spread are needed for p below 0.05.
    """

    value: float
    standard_error: float
    degrees_of_freedom: float
    n: int

    def p_below(self, bound: float) -> float | None:
        """Test whether the true value is below a bound.

        Parameters
        ----------
        bound
            The bound.

        Returns
        -------
        float or None
            Chance of an estimate this far below, if the true value were the bound; None: cannot tell.
        """
        return self._p(bound - self.value)

    def p_above(self, bound: float) -> float | None:
        """Test whether the true value is above a bound.

        Parameters
        ----------
        bound
            The bound.

        Returns
        -------
        float or None
            Chance of an estimate this far above, if the true value were the bound; None: cannot tell.
        """
        return self._p(self.value - bound)

    def p_differs(self, bound: float = 0.0) -> float | None:
        """Test whether the true value differs from a bound.

        Parameters
        ----------
        bound
            The bound.

        Returns
        -------
        float or None
            Two-sided p value; None: cannot tell.
        """
        p_value = self._p(abs(self.value - bound))
        return None if p_value is None else min(1.0, 2 * p_value)

    def interval(self, level: float, *, unit: str = "replicate") -> Interval:
        """Give the interval in which the true value lies.

        Parameters
        ----------
        level
            Level of confidence, between 0 and 1.
        unit
            What a replicate is called.

        Returns
        -------
        Interval
            Without ends for fewer than two replicates, and for fewer replicates without spread than
            the sign test needs.
        """

        def result(low: float | None, high: float | None, method: str) -> Interval:
            return Interval(self.value, low, high, level, self.n, unit, "mean", method)

        if not np.isfinite(self.standard_error):
            return result(None, None, f"cannot tell: {self.n} {unit if self.n == 1 else plural(unit)}")
        if self.standard_error == 0:
            ends = self.value if 1 - 2 * 0.5**self.n >= level else None
            return result(ends, ends, f"no spread between {plural(unit)}: sign test")
        reach = float(stats.t.ppf((1 + level) / 2, self.degrees_of_freedom)) * self.standard_error
        return result(self.value - reach, self.value + reach, "t")

    def _p(self, margin: float) -> float | None:
        if not np.isfinite(self.standard_error) or not np.isfinite(margin):
            return None
        if self.standard_error == 0:
            return 0.5**self.n if margin > 0 else 1.0
        return float(stats.t.sf(margin / self.standard_error, self.degrees_of_freedom))


def mean_estimate(values: FloatArray, *, less: FloatArray | None = None) -> Estimate:
    """Estimate the mean of all replicates from those that were seen.

    Parameters
    ----------
    values
        One value per replicate, shape (k,).
    less
        Taken from these, one value per replicate, so that what is left of equal ones is known to be rounding.

    Returns
    -------
    Estimate
        Standard error s / √k. Degrees of freedom k - 1, fewer if one replicate makes most of the spread
        (`statistics.jackknife_spread`). NaN for an empty array.
    """
    k, magnitude = len(values), 0.0
    if less is not None:
        magnitude = float(np.abs([values, less]).max(initial=0.0))
        values = values - less
    if k < 2:
        return Estimate(float(values[0]) if k else float("nan"), float("nan"), float("nan"), k)
    left_out = (values.sum() - values) / (k - 1)
    spread = jackknife_spread(left_out, np.ones(k), magnitude=magnitude)
    return Estimate(float(values.mean()), spread.standard_error, spread.degrees_of_freedom, k)


def stratified_mean(strata: Sequence[FloatArray], *, less: Sequence[FloatArray] | None = None) -> Estimate:
    """Estimate the mean over groups that were chosen, from replicates that were not.

    Parameters
    ----------
    strata
        One value per replicate, for each group.
    less
        Taken from these, as by `mean_estimate`.

    Returns
    -------
    Estimate
        Mean of all replicates. Only the spread within groups counts, with Welch's degrees of freedom
        [1]_; NaN error if a group has a single replicate.
    """
    taken: Sequence[FloatArray | None] = [None] * len(strata) if less is None else less
    parts = [mean_estimate(values, less=away) for values, away in zip(strata, taken, strict=True)]
    sizes = np.array([part.n for part in parts])
    weights = sizes / sizes.sum()
    value = float(weights @ [part.value for part in parts])
    variances = (weights * [part.standard_error for part in parts]) ** 2
    freedoms = np.array([part.degrees_of_freedom for part in parts])
    total = float(variances.sum())
    freedom = float(freedoms.sum())
    if total > 0:
        freedom = total**2 / float((variances**2 / freedoms).sum())
    return Estimate(value, float(np.sqrt(total)), freedom, int(sizes.sum()))


def ratio_estimate(above: FloatArray, below: FloatArray) -> Estimate:
    """Estimate the ratio of two means of the same replicates.

    Parameters
    ----------
    above, below
        Numerator and denominator, one value per replicate in the same order, shape (k,).

    Returns
    -------
    Estimate
        Ratio of the means; its error by linearisation, from the residuals above - ratio * below. NaN if
        the mean of `below` is not above 0.
    """
    centre = float(below.mean())
    if not centre > 0:
        return Estimate(float("nan"), float("nan"), float("nan"), len(below))
    ratio = float(above.mean()) / centre
    residuals = mean_estimate(above / centre, less=ratio * below / centre)
    return Estimate(ratio, residuals.standard_error, residuals.degrees_of_freedom, len(below))


def contrast(first: Estimate, second: Estimate) -> Estimate:
    """Estimate the first less the second, from different replicates [1]_.

    Parameters
    ----------
    first, second
        Estimates from replicates that have nothing to do with each other.

    Returns
    -------
    Estimate
        With Welch's degrees of freedom. If neither side has any spread, `n` is that of the smaller side.
    """
    value = first.value - second.value
    variances = np.array([first.standard_error, second.standard_error]) ** 2
    freedoms = np.array([first.degrees_of_freedom, second.degrees_of_freedom])
    total = float(variances.sum())
    if total > 0:
        freedom = total**2 / float((variances**2 / freedoms).sum())
        return Estimate(value, float(np.sqrt(total)), freedom, first.n + second.n)
    return Estimate(value, total, float(freedoms.min()), min(first.n, second.n))


def fieller(
    value: tuple[float, float], covariance: FloatArray, *, degrees_of_freedom: float, level: float
) -> tuple[float, float] | None:
    """Give the interval of a ratio of two means [2]_.

    Parameters
    ----------
    value
        Estimates of numerator and denominator.
    covariance
        Covariance matrix of their errors, shape (2, 2).
    degrees_of_freedom
        Of the t distribution.
    level
        Level of confidence, between 0 and 1.

    Returns
    -------
    tuple or None
        Ends of the interval; None if it has none, because the denominator may be 0.
    """
    above, below = value
    (aa, ab), (_, bb) = covariance
    square = float(stats.t.ppf((1 + level) / 2, degrees_of_freedom)) ** 2
    quadratic = below**2 - square * bb
    if not quadratic > 0:
        return None
    linear = above * below - square * ab
    inner = max(0.0, linear**2 - quadratic * (above**2 - square * aa))
    return float((linear - np.sqrt(inner)) / quadratic), float((linear + np.sqrt(inner)) / quadratic)
