"""What stated confidence is worth: reliability, what is gained by leaving cases out, guaranteed error rates.

A case is a pixel, an object or an image; a *unit* is what was sampled on its own, mostly the image. Shares
get their intervals by unit, and conformal thresholds take one loss per unit, since cases of one image
share its faults.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from veriscope.errors import InputError, PixelValueError
from veriscope.validate.metrics.base import FloatArray, ratio
from veriscope.validate.metrics.classification.calibration import (
    Binning,
    bin_index,
    expected_calibration_error,
)
from veriscope.validate.metrics.classification.cases import check_outcomes, check_probabilities, check_scores
from veriscope.validate.statistics import (
    Interval,
    check_level,
    jackknife_interval,
    leave_one_out,
    sum_by_cluster,
)

__all__ = [
    "ConformalThreshold",
    "Reliability",
    "ReliabilityBin",
    "RiskCoverage",
    "conformal_risk_control",
    "reliability",
    "risk_coverage",
]


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
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

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            The fields by name.
        """
        return {
            "n_cases": self.n_cases,
            "low": self.low,
            "high": self.high,
            "stated": self.stated,
            "observed": self.observed.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Reliability:
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

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            The fields by name; NaN becomes None.
        """
        return {
            "bins": [each.to_dict() for each in self.bins],
            "excess": self.excess.to_dict(),
            "calibration_error": self.calibration_error if self.n_cases else None,
            "n_cases": self.n_cases,
        }


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
    if len(units) != len(true):
        raise InputError(f"{len(units)} units are given for {len(true)} cases; give one for each")
    bins = []
    for k in np.unique(index):
        inside = np.flatnonzero(index == k)
        observed = _mean_by_unit(
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
        excess=_mean_by_unit(true - stated, units, (-1.0, 1.0), level, unit),
        calibration_error=expected_calibration_error(true, stated, n_bins=n_bins, binning=binning),
        n_cases=len(true),
    )


def _mean_by_unit(
    values: FloatArray, units: Sequence[Hashable], bounds: tuple[float, float], level: float, unit: str
) -> Interval:
    """Give the mean over all cases with its interval by unit."""
    rows = sum_by_cluster(np.stack([values, np.ones(len(values))], axis=1), units)
    value, left_out = leave_one_out(rows, lambda sums: ratio(sums[..., 0], sums[..., 1]))
    return jackknife_interval(value, left_out, rows[:, 1], level=level, bounds=bounds, unit=unit)


@dataclass(frozen=True, slots=True, eq=False)
class RiskCoverage:
    """Mean loss of the cases that are kept if only those with enough confidence are.

    Parameters
    ----------
    thresholds
        Confidences that occur, descending, shape (t,): cases at or above are kept.
    coverage
        Share of cases kept, shape (t,), ascending to 1.
    risk
        Mean loss of the cases kept, shape (t,).
    area
        Mean over k = 1 … n of the mean loss of the k surest cases, those of the same confidence in random
        order; lower is better. NaN without a case.
    """

    thresholds: FloatArray
    coverage: FloatArray
    risk: FloatArray
    area: float

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            The fields by name; NaN becomes None.
        """
        return {
            "thresholds": self.thresholds.tolist(),
            "coverage": self.coverage.tolist(),
            "risk": self.risk.tolist(),
            "area": self.area if len(self.risk) else None,
        }


def risk_coverage(losses: ArrayLike, confidence: ArrayLike) -> RiskCoverage:
    """Tell what is gained by leaving out cases of low confidence.

    Parameters
    ----------
    losses
        Loss of each case, shape (n,), finite: 1 - correct, or 1 - IoU of an object, for example.
    confidence
        Confidence of each case, shape (n,), finite, higher for surer; of any scale.

    Returns
    -------
    RiskCoverage
        Cases of the same confidence are kept or left out together. Confidence that says nothing has
        about the same risk everywhere; useful confidence lowers the risk where coverage is small.

    Raises
    ------
    InputError
        If the arrays do not fit, or a value is not finite.

    References
    ----------
    .. [1] Geifman Y, El-Yaniv R. Selective classification for deep neural networks. NeurIPS (2017).
    """
    loss = check_scores(losses, n_cases=int(np.size(losses)), name="losses")
    sure = check_scores(confidence, n_cases=len(loss), name="confidence")
    if not (np.isfinite(loss).all() and np.isfinite(sure).all()):
        raise PixelValueError("losses and confidence must be finite; leave out cases that have infinite ones")
    n = len(loss)
    if not n:
        empty = np.empty(0)
        return RiskCoverage(empty, empty, empty, float("nan"))
    order = np.argsort(-sure, kind="stable")
    sure, loss = sure[order], loss[order]
    last = np.flatnonzero(np.append(sure[1:] != sure[:-1], True))
    kept = last + 1.0
    total = np.cumsum(loss)[last]
    # Taken in random order, cases of the same confidence add their mean loss one by one.
    each = np.arange(1.0, n + 1)
    area = float((np.interp(each, np.append(0.0, kept), np.append(0.0, total)) / each).mean())
    return RiskCoverage(sure[last], kept / n, total / kept, area)


@dataclass(frozen=True, slots=True)
class ConformalThreshold:
    """A threshold with a guaranteed mean loss, or the reason why there is none.

    Parameters
    ----------
    threshold
        The first threshold that keeps the promise; None: there is none, predict nothing with it.
    alpha
        Mean loss promised for a new unit, over all calibration sets of this size.
    n_units
        Number of units of the calibration set.
    n_needed
        Smallest number of units with which alpha can be promised at all.
    bound
        Largest possible loss.
    calibration_loss
        Mean loss of the calibration set at the threshold; NaN if there is none.
    reason
        Why there is no threshold; empty if there is one.
    """

    threshold: float | None
    alpha: float
    n_units: int
    n_needed: int
    bound: float
    calibration_loss: float
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            The fields by name; NaN becomes None.
        """
        return {
            "threshold": self.threshold,
            "alpha": self.alpha,
            "n_units": self.n_units,
            "n_needed": self.n_needed,
            "bound": self.bound,
            "calibration_loss": None if self.threshold is None else self.calibration_loss,
            "reason": self.reason,
        }


def conformal_risk_control(
    losses: ArrayLike, thresholds: ArrayLike, *, alpha: float, bound: float = 1.0
) -> ConformalThreshold:
    """Choose a threshold so that the mean loss of a new image is at most alpha, whatever the network.

    Parameters
    ----------
    losses
        Shape (n, t): loss of each image at each threshold, 0 to `bound`, never rising along the
        thresholds: share of missed pixels while the threshold of the probability falls, for example. One
        row per unit that was sampled on its own; pixels or objects of one image are no rows.
    thresholds
        Shape (t,): thresholds, from the boldest to the most careful.
    alpha
        Mean loss to be kept, above 0 and below `bound`.
    bound
        Largest possible loss, above 0.

    Returns
    -------
    ConformalThreshold
        The first threshold with (n · mean loss + bound) / (n + 1) at most alpha. None if there are too
        few units, alpha < bound / (n + 1), or if no threshold is careful enough.

    Raises
    ------
    InputError
        If shapes, losses or options are not allowed, or a loss rises along the thresholds.

    Notes
    -----
    The promise holds if new images come from where the calibration images came from (exchangeable), on the
    average over calibration sets; it says nothing on a single image, and ends with a shift of the data.

    References
    ----------
    .. [1] Angelopoulos AN, Bates S, Fisch A, Lei L, Schuster T. Conformal risk control. ICLR (2024), eq. 4
       and theorem 1. arXiv:2208.02814
    """
    rows, grid = _check_losses(losses, thresholds, bound)
    if not 0 < alpha < bound:
        raise InputError(f"alpha {alpha!r} is not allowed; use a mean loss above 0 and below {bound:g}")
    n = len(rows)
    # Rounding must not cost a unit: 0.05 is promised by 19, since 19 + 1 times 0.05 is 1.
    slack = 1e-9
    n_needed = max(int(np.ceil(bound / alpha - slack)) - 1, 1)
    if n < n_needed:
        reason = (
            f"{n} unit{'' if n == 1 else 's'} cannot promise a mean loss of {alpha:g}: even without any "
            f"loss among them, only {bound / (n + 1):.3g} can be promised; at least {n_needed} are needed"
        )
        return ConformalThreshold(None, alpha, n, n_needed, bound, float("nan"), reason)
    totals = rows.sum(axis=0)
    careful = np.flatnonzero(totals + bound <= alpha * (n + 1) + slack * bound)
    if not len(careful):
        smallest = float((totals.min() + bound) / (n + 1))
        reason = (
            f"no threshold keeps the mean loss at {alpha:g}: the most careful one promises {smallest:.3g}; "
            "offer more careful thresholds, or allow a larger loss"
        )
        return ConformalThreshold(None, alpha, n, n_needed, bound, float("nan"), reason)
    first = careful[0]
    return ConformalThreshold(float(grid[first]), alpha, n, n_needed, bound, float(totals[first] / n))


def _check_losses(losses: ArrayLike, thresholds: ArrayLike, bound: float) -> tuple[FloatArray, FloatArray]:
    rows, grid = np.asarray(losses, dtype=np.float64), np.asarray(thresholds, dtype=np.float64)
    if not (np.isfinite(bound) and bound > 0):
        raise InputError(f"bound {bound!r} is not allowed; use the largest possible loss, such as 1")
    if grid.ndim != 1 or not len(grid) or rows.ndim != 2 or rows.shape[1] != len(grid):
        raise InputError(
            f"losses have shape {rows.shape} for thresholds of shape {grid.shape}; "
            "give one row per unit and one column per threshold, at least one"
        )
    if np.isnan(grid).any():
        raise InputError("thresholds must not be NaN")
    bad = ~((rows >= 0) & (rows <= bound))
    if bad.any():
        raise InputError(
            f"{int(bad.sum())} losses are not between 0 and {bound:g}, the first is {rows[bad][0]:g}; "
            "state the largest possible loss as bound, and leave out units without a loss"
        )
    rising = int((np.diff(rows, axis=1) > 1e-9 * bound).any(axis=1).sum())
    if rising:
        raise InputError(
            f"the loss of {rising} of {len(rows)} units rises along the thresholds; sort the thresholds "
            "from the boldest to the most careful, and take a loss that care can only lower"
        )
    return rows, grid
