"""Answers that can be: a count is not below 0, and a fraction lies between 0 and 1.

The estimate is unbiased, so that a small one may fall below 0, where the model finds much that is not there.
The truth is never out there: cutting the interval off leaves its coverage as it is, and the nearest possible
value is nearer to the truth than the estimate was. Differences between groups are taken before that.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from veriscope.trust.estimate import Estimate

__all__ = ["keep_possible"]


def keep_possible(found: Estimate, bounds: tuple[float, float]) -> Estimate:
    """Cut an answer and its interval off where no answer can be.

    Parameters
    ----------
    found
        Answer of one group.
    bounds
        Smallest and largest possible answer; infinite where there is none.

    Returns
    -------
    Estimate
        The same if all of it is possible; else it says so among its assumptions. ``cannot-tell`` if the whole
        interval lies where no answer can be.
    """
    low, high = bounds
    if not (found.value < low or found.value > high or found.low < low or found.high > high):
        return found
    value = float(np.clip(found.value, low, high))
    if found.high < low or found.low > high:
        reason = (
            f"The interval of the audit, {found.low:.4g} to {found.high:.4g}, lies where no answer can be, "
            "so the tiles drawn are unlike the others. Draw more."
        )
        nan = math.nan
        return replace(found, value=value, low=nan, high=nan, status="cannot-tell", reason=reason)
    ends = [float(np.clip(end, low, high)) for end in (found.low, found.high)]
    cut = (
        f"By the audit it is {found.value:.4g} ({found.low:.4g} to {found.high:.4g}), cut off where no "
        "answer can be."
    )
    return replace(found, value=value, low=ends[0], high=ends[1], assumptions=(*found.assumptions, cut))
