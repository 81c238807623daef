"""How well one number per unit agrees with its reference: Bland-Altman limits and proportional bias.

For counts, or any measure with one value per image. Correlation is not agreement: a method that always
finds half of the objects correlates perfectly.

References
----------
.. [1] Bland JM, Altman DG. Measuring agreement in method comparison studies. Statistical Methods in
   Medical Research 8 (1999), 135-160. doi:10.1177/096228029900800204
.. [2] Carkeet A. Exact parametric confidence intervals for Bland-Altman limits of agreement. Optometry
   and Vision Science 92 (2015), e71-e80. doi:10.1097/OPX.0000000000000513
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from veriscope.errors import InputError
from veriscope.validate.statistics import Interval, check_level

__all__ = ["Agreement", "bland_altman"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of predicted with reference values over units.

    Parameters
    ----------
    relative
        Whether differences are shares of the mean of both values, (p - r) / ((p + r) / 2), instead of
        p - r.
    spread
        Share of units that the limits of agreement are meant to hold.
    mean_difference
        Mean of the differences prediction - reference; 0 is best, above 0 too many.
    lower_limit, upper_limit
        Limits of agreement: the differences between which the stated share of units lies, if they
        are normally distributed. NaN for fewer than two units.
    slope
        Proportional bias: change of the difference per unit of the mean of both values; 0 is best.
        NaN for fewer than three units, or if all means are the same.
    standard_deviation
        Standard deviation of the differences; NaN for fewer than two units.
    means, differences
        The points of the plot, one per unit used.
    n_left_out
        Units without a value on either side, or (relative) with 0 on both.
    """

    relative: bool
    spread: float
    mean_difference: Interval
    lower_limit: Interval
    upper_limit: Interval
    slope: Interval
    standard_deviation: float
    means: tuple[float, ...]
    differences: tuple[float, ...]
    n_left_out: int

    @property
    def n_units(self) -> int:
        """Number of units used."""
        return len(self.differences)

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            The fields by name and ``n_units``; NaN becomes None.
        """
        deviation = self.standard_deviation
        return {
            "relative": self.relative,
            "spread": self.spread,
            "mean_difference": self.mean_difference.to_dict(),
            "lower_limit": self.lower_limit.to_dict(),
            "upper_limit": self.upper_limit.to_dict(),
            "slope": self.slope.to_dict(),
            "standard_deviation": deviation if np.isfinite(deviation) else None,
            "means": list(self.means),
            "differences": list(self.differences),
            "n_units": self.n_units,
            "n_left_out": self.n_left_out,
        }


def bland_altman(
    reference: ArrayLike,
    prediction: ArrayLike,
    *,
    relative: bool = False,
    level: float = 0.95,
    spread: float = 0.95,
    unit: str = "image",
) -> Agreement:
    """Describe how far predicted values lie from reference values, unit by unit.

    Parameters
    ----------
    reference, prediction
        One value per unit, shape (n,); NaN where a unit has none.
    relative
        Take differences as shares of the mean of both values, for errors that grow with the value.
        Needs values of 0 or more; units with 0 on both sides are left out.
    level
        Level of the intervals, between 0 and 1.
    spread
        Share of units that the limits of agreement are meant to hold, between 0 and 1.
    unit
        What a unit is.

    Returns
    -------
    Agreement
        Mean difference with t interval, limits of agreement with exact intervals (noncentral t), slope
        of proportional bias with t interval; NaN and "cannot tell" where units are too few.

    Raises
    ------
    InputError
        If the arrays are not of the same length and one-dimensional, a value is infinite, a relative
        value is negative, or an option is not allowed.
    """
    check_level(level)
    check_level(spread)
    means, differences, n_left_out = _points(reference, prediction, relative=relative)
    n = len(differences)

    def interval(value: float, ends: Sequence[float] | None, method: str) -> Interval:
        low, high = (None, None) if ends is None else map(float, ends)
        text = method if ends is not None else f"cannot tell: {n} {unit}{'' if n == 1 else 's'}"
        return Interval(float(value), low, high, level, n, unit, "mean", text)

    bias = float(differences.mean()) if n else float("nan")
    deviation = float(differences.std(ddof=1)) if n > 1 else float("nan")
    bias_ends = lower_ends = upper_ends = None
    z = float(stats.norm.ppf((1 + spread) / 2))
    if n > 1:
        reach = float(stats.t.ppf((1 + level) / 2, n - 1)) * deviation / np.sqrt(n)
        bias_ends = (bias - reach, bias + reach)
        tails = np.array([(1 - level) / 2, (1 + level) / 2])
        factors = stats.nct.ppf(tails, n - 1, z * np.sqrt(n)) / np.sqrt(n)
        upper_ends = bias + deviation * factors
        lower_ends = bias - deviation * factors[::-1]
    slope, slope_ends = _slope(means, differences, level)
    return Agreement(
        relative=relative,
        spread=spread,
        mean_difference=interval(bias, bias_ends, "t"),
        lower_limit=interval(bias - z * deviation, lower_ends, "noncentral t"),
        upper_limit=interval(bias + z * deviation, upper_ends, "noncentral t"),
        slope=interval(slope, slope_ends, "least squares, t"),
        standard_deviation=deviation,
        means=tuple(means.tolist()),
        differences=tuple(differences.tolist()),
        n_left_out=n_left_out,
    )


def _points(
    reference: ArrayLike, prediction: ArrayLike, *, relative: bool
) -> tuple[FloatArray, FloatArray, int]:
    """Give mean and difference of each unit that has both, and the number of the others."""
    references = np.asarray(reference, dtype=np.float64)
    predictions = np.asarray(prediction, dtype=np.float64)
    if references.ndim != 1 or references.shape != predictions.shape:
        raise InputError(
            f"reference values have shape {references.shape} and predicted values {predictions.shape}; "
            "give one of each per unit, in the same order"
        )
    if np.isinf(references).any() or np.isinf(predictions).any():
        raise InputError("infinite values cannot be compared; leave these units out or give them NaN")
    if relative and ((references < 0).any() or (predictions < 0).any()):
        raise InputError("relative differences need values of 0 or more; use relative=False")
    means = (references + predictions) / 2
    used = np.isfinite(means)
    if relative:
        used &= means > 0
    differences = predictions[used] - references[used]
    if relative:
        differences = differences / means[used]
    return means[used], differences, int(len(means) - used.sum())


def _slope(
    means: FloatArray, differences: FloatArray, level: float
) -> tuple[float, tuple[float, float] | None]:
    """Regress the differences on the means."""
    n = len(means)
    if n < 3 or np.ptp(means) == 0:
        return float("nan"), None
    centred = means - means.mean()
    total = float(centred @ centred)
    slope = float(centred @ differences) / total
    residuals = differences - differences.mean() - slope * centred
    error = np.sqrt(float(residuals @ residuals) / (n - 2) / total)
    reach = float(stats.t.ppf((1 + level) / 2, n - 2)) * error
    return slope, (slope - reach, slope + reach)
