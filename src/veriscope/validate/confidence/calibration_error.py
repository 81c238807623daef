"""Calibration errors without their upward bias, with intervals by image.

A binned calibration error is a sum of absolute gaps, so chance alone makes it larger than 0 even where all
probabilities hold. Here the gaps are taken for what they are, normal around the true ones with the spread
between images; and the true error is what makes the error seen neither too large nor too small for chance
(a test inverted). If the error seen may well come from calibrated probabilities, the interval begins at 0.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.core.plain import PlainRecord
from veriscope.validate.clusters import sum_by_cluster
from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.classification.calibration import Binning, bin_index
from veriscope.validate.metrics.classification.cases import (
    by_class,
    check_outcomes,
    check_probabilities,
    check_units,
    checked_cases,
)
from veriscope.validate.statistics import Interval, check_level, jackknife_interval

__all__ = ["CalibrationError", "calibration_error_by_unit", "class_wise_error_by_unit"]

_DRAWS = 2000
_METHOD = "inverted test, spread between units"


@dataclass(frozen=True, slots=True)
class CalibrationError(PlainRecord):
    """A binned calibration error, as seen and without its bias.

    Parameters
    ----------
    seen
        The error as its formula gives it, 0 to 1; NaN without a case. It is biased upwards.
    error
        The error without its bias and its interval by unit: 0 is calibrated. NaN without ends for fewer
        than two units.
    if_calibrated
        Mean of what would be seen, with these cases and units, if all probabilities held; NaN for fewer
        than two units. A `seen` of about this size says nothing against the probabilities.
    n_cases
        Number of cases.
    """

    seen: float
    error: Interval
    if_calibrated: float
    n_cases: int

    also_told: ClassVar[tuple[str, ...]] = ("shown",)

    @property
    def shown(self) -> bool:
        """Whether the data show that probabilities do not hold: the interval leaves out 0."""
        return self.error.low is not None and self.error.low > 0


def calibration_error_by_unit(
    outcomes: ArrayLike,
    probabilities: ArrayLike,
    *,
    units: Sequence[Hashable],
    n_bins: int = 10,
    binning: Binning = "mass",
    level: float = 0.95,
    unit: str = "image",
    seed: int = 0,
) -> CalibrationError:
    """Give the expected calibration error (ECE) without its bias, with its interval by image.

    Parameters
    ----------
    outcomes
        Whether what was stated came true, shape (n,), 0 or 1: for several classes take `top_label`.
    probabilities
        Stated probability of each case, shape (n,).
    units
        Name of the image (or replicate) of each case.
    n_bins, binning
        Bins, see `metrics.classification.calibration.bin_index`.
    level
        Level of the interval.
    unit
        What a unit is, for the result.
    seed
        Of the random draws; the same gives the same.

    Returns
    -------
    CalibrationError
        0 to 1, lower is better. The interval is for the error of these bins; gaps within a bin that cancel
        are not seen.

    Raises
    ------
    InputError
        If outcomes, probabilities, units or options are not allowed.

    Notes
    -----
    Gaps are drawn around θ times their direction with the covariance between units (t instead of normal
    tails for few units); the ends are the θ at which the error seen is at the quantiles (1 - level) / 2 and
    (1 + level) / 2 of its draws, the value is where it is at the median.

    References
    ----------
    .. [1] Bröcker J. Estimating reliability and resolution of probability forecasts through decomposition
       of the empirical score. Climate Dynamics 39 (2012), 655-667 (the bias). doi:10.1007/s00382-011-1191-1
    .. [2] Kumar A, Liang P, Ma T. Verified uncertainty calibration. NeurIPS (2019). arXiv:1909.10155
    """
    true = check_outcomes(outcomes)
    stated = check_probabilities(probabilities, n_cases=len(true))
    gaps = _residuals(true - stated, bin_index(stated, n_bins=n_bins, binning=binning), n_bins)
    return _by_unit(gaps, units, n_classes=1, level=level, unit=unit, seed=seed)


def class_wise_error_by_unit(
    reference: ArrayLike,
    probabilities: ArrayLike,
    *,
    units: Sequence[Hashable],
    n_bins: int = 10,
    binning: Binning = "mass",
    level: float = 0.95,
    unit: str = "image",
    seed: int = 0,
) -> CalibrationError:
    """Give the class-wise calibration error without its bias, with its interval by image.

    Parameters
    ----------
    reference, probabilities
        As in `metrics.classification.calibration.brier_by_case`.
    units, n_bins, binning, level, unit, seed
        As in `calibration_error_by_unit`.

    Returns
    -------
    CalibrationError
        0 to 1, lower is better: the mean over classes of the error of the probability stated for each.

    Raises
    ------
    InputError
        If classes, probabilities, units or options are not allowed.

    References
    ----------
    .. [1] Kull M and others. Beyond temperature scaling. NeurIPS (2019). arXiv:1910.12656
    """
    classes, stated = checked_cases(reference, probabilities)
    columns = by_class(stated)
    n_classes = columns.shape[1]
    gaps = [
        _residuals(
            (classes == k) - columns[:, k],
            bin_index(np.ascontiguousarray(columns[:, k]), n_bins=n_bins, binning=binning),
            n_bins,
        )
        for k in range(n_classes)
    ]
    return _by_unit(
        np.concatenate(gaps, axis=1), units, n_classes=n_classes, level=level, unit=unit, seed=seed
    )


def _residuals(residuals: FloatArray, index: NDArray[np.int64], n_bins: int) -> FloatArray:
    """Put the residual of each case into the column of its bin, shape (n, n_bins)."""
    columns = np.zeros((len(residuals), n_bins))
    columns[np.arange(len(residuals)), index] = residuals
    return columns


def _by_unit(
    gaps: FloatArray, units: Sequence[Hashable], *, n_classes: int, level: float, unit: str, seed: int
) -> CalibrationError:
    check_level(level)
    n = len(gaps)
    check_units(units, n_cases=n)
    if not n:
        undefined = jackknife_interval(float("nan"), np.empty(0), np.empty(0), level=level, unit=unit)
        return CalibrationError(float("nan"), undefined, float("nan"), 0)
    rows = sum_by_cluster(np.concatenate([gaps, np.ones((n, 1))], axis=1), units)
    sizes, sums = rows[:, -1], rows[:, :-1] / (n * n_classes)
    seen = float(np.abs(sums.sum(axis=0)).sum())
    k = len(sizes)
    if k < 2:
        cannot = jackknife_interval(float("nan"), np.full(k, np.nan), sizes, level=level, unit=unit)
        return CalibrationError(seen, cannot, float("nan"), n)
    deviations = (sums - np.outer(sizes / n, sums.sum(axis=0))) * np.sqrt(k / (k - 1))
    if not np.abs(deviations).max() > 1e-12:
        same = jackknife_interval(seen, np.full(k, seen), sizes, level=level, bounds=(0.0, 1.0), unit=unit)
        return CalibrationError(seen, same, 0.0, n)
    noise = _noise(deviations, sizes, np.random.default_rng(seed))
    value, low, high = _invert(sums.sum(axis=0), noise, level)
    error = Interval(value, low, min(high, 1.0), level, k, unit, "pooled", _METHOD)
    return CalibrationError(seen, error, float(np.abs(noise).sum(axis=1).mean()), n)


def _noise(deviations: FloatArray, sizes: FloatArray, random: np.random.Generator) -> FloatArray:
    """Draw errors of the gaps with the covariance between units, shape (draws, gaps), with tails of t."""
    freedom = max(float(sizes.sum() ** 2 / (sizes**2).sum()) - 1, 1.0)
    normal = random.standard_normal((_DRAWS, len(sizes))) @ deviations
    return np.asarray(normal * np.sqrt(freedom / random.chisquare(freedom, size=(_DRAWS, 1))))


def _invert(gaps: FloatArray, noise: FloatArray, level: float) -> tuple[float, float, float]:
    """Find the true errors at which the error seen is at the median and at both ends of its draws."""
    seen = float(np.abs(gaps).sum())
    direction = gaps / seen if seen > 0 else np.full(len(gaps), 1 / len(gaps))

    def share_above(theta: float) -> float:
        return float((np.abs(theta * direction + noise).sum(axis=1) >= seen).mean())

    value = _crossing(share_above, 0.5)
    low = _crossing(share_above, (1 - level) / 2)
    high = _crossing(share_above, (1 + level) / 2)
    # Gaps smaller than chance makes them: the upper end is not below what was seen.
    return value, low, max(high, seen)


def _crossing(share_above: Callable[[float], float], wanted: float) -> float:
    """Give the smallest true error, 0 to 1, at which that share of draws is at least as large."""
    low, high = 0.0, 1.0
    if share_above(low) >= wanted:
        return 0.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if share_above(middle) >= wanted else (middle, high)
    return high
