"""Intervals by unit (image, tile, replicate), never by object.

Objects of one image share its focus, staining and density, so they are no independent witnesses. A
statistic is computed again with each unit left out (jackknife), and the spread of these values gives
the standard error. Four things make the interval hold for the few, unequal units of practice:

- The degrees of freedom are those of the *effective* number of units: few, if one image holds most of
  the objects or if most of the spread comes from one image.
- Metrics with two bounds get their interval on the logit scale, so that it stays within the bounds and
  is longer away from the near one.
- Others (counts, distances, errors) get half of Hall's correction for skewness: the end on the side of
  the long tail moves out. All of it would follow the noise in the skewness of a few units.
- If all units agree exactly, nothing can be said from the spread. Then at most a share
  ``1 - (alpha/2)**(1/k)`` of all units can differ from the k seen (the exact binomial bound, close to
  the "rule of three"), and the interval allows for anything to happen in these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from veriscope.core.plain import PlainRecord
from veriscope.errors import InputError

__all__ = [
    "Aggregation",
    "Interval",
    "JackknifeSpread",
    "cautious_p_value",
    "jackknife_interval",
    "jackknife_spread",
    "leave_one_out",
    "mean_interval",
]

FloatArray = NDArray[np.float64]
Aggregation = Literal["pooled", "mean"]
Scale = Literal["linear", "logit", "skewed", "cautious"]

_REAL = (-np.inf, np.inf)


@dataclass(frozen=True, slots=True)
class Interval(PlainRecord):
    """A value with the interval in which the true value lies at a stated level of confidence.

    Parameters
    ----------
    value
        The estimate; NaN if it is undefined.
    low, high
        Ends of the interval; None: cannot tell (fewer than two units say anything, or all that is
        known comes from one of them).
    level
        Share of such intervals that contain the true value.
    n_units
        Number of units that contribute; images with no object on either side do not.
    unit
        What a unit is.
    aggregation
        ``"pooled"``: sums over all units, then the metric; ``"mean"``: mean of the units' values.
    method
        How the interval was made.
    """

    value: float
    low: float | None
    high: float | None
    level: float
    n_units: int
    unit: str = "image"
    aggregation: Aggregation = "pooled"
    method: str = "jackknife-t"


@dataclass(frozen=True, slots=True)
class JackknifeSpread:
    """What leaving out one unit at a time tells about a statistic.

    Parameters
    ----------
    standard_error
        Standard error of the statistic, 0 or more; NaN if a left-out value is undefined.
    degrees_of_freedom
        For the t distribution, at least 1 and at most the number of units less one.
    skewness
        Of the statistic: that of single units' influence / √k; above 0, a few units pull it up.
    """

    standard_error: float
    degrees_of_freedom: float
    skewness: float = 0.0


def check_level(level: float) -> None:
    """Refuse a level of confidence that makes no sense.

    Parameters
    ----------
    level
        The level given.

    Raises
    ------
    InputError
        If it is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError(f"level {level!r} is not allowed; use a share between 0 and 1, such as 0.95")


def leave_one_out(rows: FloatArray, function: Callable[[FloatArray], FloatArray]) -> tuple[float, FloatArray]:
    """Compute a statistic of sums over all units, and over all units but one.

    Parameters
    ----------
    rows
        Shape (k, c), one row per unit.
    function
        Gives the statistic from sums of shape (..., c), as an array of shape (...).

    Returns
    -------
    tuple
        The value over all units, and an array of shape (k,) of the values without each unit.
    """
    total = rows.sum(axis=0)
    return float(function(total)), np.asarray(function(total - rows), dtype=np.float64)


def jackknife_spread(left_out: FloatArray, sizes: FloatArray, *, magnitude: float = 0.0) -> JackknifeSpread:
    """Give standard error and degrees of freedom from the values without each unit.

    Parameters
    ----------
    left_out
        Shape (k,), k at least 2: the statistic without each unit.
    sizes
        Shape (k,), above 0: how much each unit brings into the denominator of the statistic.
    magnitude
        Size of the numbers that the statistic is a difference of, in its unit, where it may be smaller than
        their rounding.

    Returns
    -------
    JackknifeSpread
        Without spread where the values are equal to 12 digits of the larger of them and `magnitude`,
        whatever the unit; NaN if one is undefined. The smaller of two degrees of freedom is taken: the
        effective number of units less one, (Σ size)² / Σ size² - 1, and Satterthwaite's 2k / (kurtosis - 1),
        which falls when a single unit makes most of the spread.
    """
    k = len(left_out)
    # In the size of the values: squares of very small or large ones would leave the range of numbers.
    largest = max(magnitude, float(np.abs(left_out).max())) or 1.0
    deviations = (left_out - left_out.mean()) / largest
    squares = deviations**2
    total = float(squares.sum())
    if not total > 1e-24:
        # Rounding alone; NaN also arrives here and stays NaN.
        return JackknifeSpread(0.0 * total, float(k - 1))
    kurtosis = k * float((squares**2).sum()) / total**2
    effective_units = float(sizes.sum()) ** 2 / float((sizes**2).sum())
    by_spread = 2 * k / max(kurtosis - 1, 1e-9)
    skewness = -float((deviations**3).mean()) / (total / k) ** 1.5 / float(np.sqrt(k))
    standard_error = largest * float(np.sqrt((k - 1) / k * total))
    return JackknifeSpread(standard_error, max(1.0, min(effective_units - 1, by_spread)), skewness)


def jackknife_interval(
    value: float,
    left_out: FloatArray,
    sizes: FloatArray,
    *,
    level: float = 0.95,
    bounds: tuple[float, float] = _REAL,
    scale: Scale | None = None,
    magnitude: float = 0.0,
    unit: str = "image",
    aggregation: Aggregation = "pooled",
) -> Interval:
    """Make an interval from a statistic and its values without each unit.

    Parameters
    ----------
    value
        The statistic over all units.
    left_out
        Shape (k,): the statistic without each unit.
    sizes
        Shape (k,): how much each unit brings into the denominator; units of size 0 are left aside.
    level
        Level of confidence, between 0 and 1.
    bounds
        Smallest and largest possible value.
    scale
        ``"linear"``: value ± t SE, the interval of a t test; ``"logit"``: the same on the logit scale;
        ``"skewed"``: linear, each end halfway to that of Hall's correction for skewness; ``"cautious"``:
        linear, widened where the correction for half of the skewness asks for it, as `cautious_p_value`
        tests. None: logit between two finite bounds, else skewed.
    magnitude
        As in `jackknife_spread`; finite bounds tell it too.
    unit, aggregation
        Passed on to the result.

    Returns
    -------
    Interval
        Within the bounds; without ends ("cannot tell") for fewer than two units or an undefined value.

    References
    ----------
    .. [1] Efron B. The jackknife, the bootstrap and other resampling plans (1982), chapter 3.
    .. [2] Hall P. On the removal of skewness by transformation. Journal of the Royal Statistical Society
       B 54 (1992), 221-228.
    """
    check_level(level)
    telling = np.asarray(sizes) > 0
    left_out, sizes = np.asarray(left_out)[telling], np.asarray(sizes, dtype=np.float64)[telling]
    k = len(sizes)

    def result(low: float | None, high: float | None, method: str) -> Interval:
        return Interval(value, low, high, level, k, unit, aggregation, method)

    if k < 2 or not np.isfinite(value) or not np.isfinite(left_out).all():
        return result(None, None, f"cannot tell: {k} {unit}{'' if k == 1 else 's'}")
    magnitude = max(magnitude, *(abs(bound) for bound in bounds if np.isfinite(bound)), 0.0)
    spread = jackknife_spread(left_out, sizes, magnitude=magnitude)
    if spread.standard_error == 0:
        return result(*_without_spread(value, k, level, bounds), "no spread between units: binomial bound")
    t = float(special.stdtrit(spread.degrees_of_freedom, (1 + level) / 2))
    low, high = bounds
    if scale is None:
        scale = "logit" if np.isfinite(low) and np.isfinite(high) else "skewed"
    if scale == "logit":
        ends = _on_logit_scale(value, t * spread.standard_error, low, high)
        return result(*ends, "jackknife-t on the logit scale")
    down, up = t, t
    if scale == "skewed":
        corrected = (
            _without_skewness_inverse(t, spread.skewness),
            -_without_skewness_inverse(-t, spread.skewness),
        )
        down, up = (t + corrected[0]) / 2, (t + corrected[1]) / 2
    elif scale == "cautious":
        half = spread.skewness / 2
        down = max(t, _without_skewness_inverse(t, half))
        up = max(t, -_without_skewness_inverse(-t, half))
    ends = value - down * spread.standard_error, value + up * spread.standard_error
    return result(max(low, ends[0]), min(high, ends[1]), _METHODS[scale])


_METHODS = {
    "linear": "jackknife-t",
    "skewed": "jackknife-t, half corrected for skewness",
    "cautious": "jackknife-t, widened for skewness",
}


def cautious_p_value(value: float, spread: JackknifeSpread) -> float:
    """Give the two-sided p value of a statistic that would be zero, also where few units pull it to a side.

    Parameters
    ----------
    value
        The statistic, such as a difference.
    spread
        From `jackknife_spread`, with a standard error above 0.

    Returns
    -------
    float
        The larger of two: that of the t test, and that after Hall's (1992) correction for half of the
        skewness. It is below 1 - level just where an interval of scale ``"cautious"`` leaves zero out.
    """
    t = value / spread.standard_error
    towards = _without_skewness(t, spread.skewness / 2) * (1 if t >= 0 else -1)
    return float(min(1.0, 2 * special.stdtr(spread.degrees_of_freedom, -min(abs(t), towards))))


def _without_skewness(t: float, skewness: float) -> float:
    """Transform a studentised mean so that it is free of skewness to first order (Hall 1992): monotone."""
    a = skewness / 3
    return t + a * t**2 + a**2 * t**3 / 3 + skewness / 6


def _without_skewness_inverse(t: float, skewness: float) -> float:
    """Give the studentised mean that `_without_skewness` takes to t."""
    if abs(skewness) < 1e-9:
        return t
    return float((np.cbrt(1 + skewness * (t - skewness / 6)) - 1) * 3 / skewness)


def _on_logit_scale(value: float, reach: float, low: float, high: float) -> tuple[float, float]:
    """Move the ends of ``value ± reach`` by the delta method so that they stay within the bounds."""
    share = min(max((value - low) / (high - low), 1e-12), 1 - 1e-12)
    centre = np.log(share / (1 - share))
    step = reach / (high - low) / (share * (1 - share))
    with np.errstate(over="ignore"):
        ends = 1 / (1 + np.exp(-np.array([centre - step, centre + step])))
    return low + (high - low) * float(ends[0]), low + (high - low) * float(ends[1])


def _without_spread(
    value: float, k: int, level: float, bounds: tuple[float, float]
) -> tuple[float | None, float | None]:
    """Bound a value that is the same without any unit: some units, unseen, may be as bad as can be."""
    unseen = 1 - ((1 - level) / 2) ** (1 / k)
    low, high = bounds
    if not np.isfinite(low):
        return None, None
    if not np.isfinite(high):
        if value == low:  # nothing says how far off the units not seen may be
            return None, None
        # As far up as down: counts may be off by their own size in the units not seen.
        return value - unseen * (value - low), value + unseen * (value - low)
    return value - unseen * (value - low), value + unseen * (high - value)


def mean_interval(
    values: FloatArray, *, level: float = 0.95, bounds: tuple[float, float] = _REAL, unit: str = "image"
) -> Interval:
    """Give the mean of one value per unit, each unit counting the same, with its interval.

    Parameters
    ----------
    values
        Shape (n,): one value per unit; NaN where a unit has none, such an image is left aside.
    level
        Level of confidence, between 0 and 1.
    bounds
        Smallest and largest possible value.
    unit
        What a unit is.

    Returns
    -------
    Interval
        Aggregation ``"mean"``; NaN if no unit has a value.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    k = len(known)
    value = float(known.mean()) if k else float("nan")
    left_out = (known.sum() - known) / (k - 1) if k > 1 else np.full(k, np.nan)
    return jackknife_interval(
        value, left_out, np.ones(k), level=level, bounds=bounds, unit=unit, aggregation="mean"
    )
