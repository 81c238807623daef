"""Reliability diagram: the share that came true against the probability that was stated, by image.

A case is a pixel, an object or an image; a *unit* is what was sampled on its own, mostly the image. Cases of
one image share its faults, so shares get their intervals by unit.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from veriscope.core.plain import PlainRecord
from veriscope.validate.clusters import sum_by_cluster
from veriscope.validate.metrics.base import FloatArray, ratio
from veriscope.validate.metrics.classification.calibration import (
    Binning,
    bin_index,
    expected_calibration_error,
)
from veriscope.validate.metrics.classification.cases import check_outcomes, check_probabilities, check_units
from veriscope.validate.statistics import (
    Interval,
    check_level,
    jackknife_interval,
    leave_one_out,
)

__all__ = ["Reliability", "ReliabilityBin", "mean_by_unit", "reliability"]


@dataclass(frozen=True, slots=True)
class ReliabilityBin(PlainRecord):
    """Cases with about the same stated probability.

    Parameters
    ----------
    n_cases
        Number of cases, at least 1.
    low, high
        Smallest and largest probability that was stated in the bin.
    stated
        Mean of the stated probabilities.
    observed
        Share that came true, with its interval by unit; calibrated: it is `stated`.
    """

    n_cases: int
    low: float
    high: float
    stated: float
    observed: Interval


@dataclass(frozen=True, slots=True)
class Reliability(PlainRecord):
    """Reliability diagram: the share that came true against the probability that was stated.

    Parameters
    ----------
    bins
        Bins with at least one case, by ascending probability.
    excess
        Share that came true less mean stated probability, over all cases, with interval by unit; -1 to 1,
        0 is best, below 0: overconfident. It can be 0 while no bin is calibrated.
    calibration_error
        Expected calibration error with these bins, 0 to 1; biased upwards, so without interval.
    n_cases
        Number of cases.
    """

    bins: tuple[ReliabilityBin, ...]
    excess: Interval
    calibration_error: float
    n_cases: int


def reliability(
    outcomes: ArrayLike,
    probabilities: ArrayLike,
    *,
    units: Sequence[Hashable],
    n_bins: int = 10,
    binning: Binning = "mass",
    level: float = 0.95,
    unit: str = "image",
) -> Reliability:
    """Compare stated probabilities with what came true, with intervals by image.

    Parameters
    ----------
    outcomes
        Whether what was stated came true, shape (n,), 0 or 1.
    probabilities
        Stated probability of each case, shape (n,), 0 to 1.
    units
        Name of the image (or replicate) of each case.
    n_bins, binning
        Bins, see `metrics.classification.calibration.bin_index`.
    level
        Level of each interval.
    unit
        What a unit is, for the result.

    Returns
    -------
    Reliability
        Without bins and with NaN if there is no case; intervals without ends ("cannot tell") where fewer
        than two units have cases.

    Raises
    ------
    InputError
        If outcomes, probabilities, units or options are not allowed.
    """
    check_level(level)
    true = check_outcomes(outcomes)
    stated = check_probabilities(probabilities, n_cases=len(true))
    index = bin_index(stated, n_bins=n_bins, binning=binning)
    check_units(units, n_cases=len(true))
    bins = []
    for k in np.unique(index):
        inside = np.flatnonzero(index == k)
        observed = mean_by_unit(
            true[inside].astype(np.float64), [units[i] for i in inside.tolist()], (0.0, 1.0), level, unit
        )
        within = stated[inside]
        bins.append(
            ReliabilityBin(
                len(inside), float(within.min()), float(within.max()), float(within.mean()), observed
            )
        )
    return Reliability(
        bins=tuple(bins),
        excess=mean_by_unit(true - stated, units, (-1.0, 1.0), level, unit),
        calibration_error=expected_calibration_error(true, stated, n_bins=n_bins, binning=binning),
        n_cases=len(true),
    )


def mean_by_unit(
    values: FloatArray, units: Sequence[Hashable], bounds: tuple[float, float], level: float, unit: str
) -> Interval:
    """Give the mean over all cases with its interval by unit.

    Parameters
    ----------
    values
        One value per case, shape (n,).
    units
        Name of the unit of each case.
    bounds
        Smallest and largest possible value.
    level
        Level of the interval.
    unit
        What a unit is, for the result.

    Returns
    -------
    Interval
        Pooled: each case counts the same. NaN without a case.

    Raises
    ------
    InputError
        If there is not one unit per case.
    """
    check_units(units, n_cases=len(values))
    rows = sum_by_cluster(np.stack([values, np.ones(len(values))], axis=1), units)
    value, left_out = leave_one_out(rows, lambda sums: ratio(sums[..., 0], sums[..., 1]))
    return jackknife_interval(value, left_out, rows[:, 1], level=level, bounds=bounds, unit=unit)
