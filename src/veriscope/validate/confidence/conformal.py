"""Conformal risk control: a threshold with a guaranteed mean loss on new images, or why there is none.

It takes one loss per unit that was sampled on its own, mostly the image, since cases of one image share its
faults.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from veriscope.core.plain import PlainRecord
from veriscope.errors import InputError
from veriscope.validate.metrics.base import FloatArray

__all__ = ["ConformalThreshold", "conformal_risk_control"]


@dataclass(frozen=True, slots=True)
class ConformalThreshold(PlainRecord):
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
