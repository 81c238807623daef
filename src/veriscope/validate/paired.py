"""The difference of two candidates on the same units, and whether it is real.

Candidates meet the same images, so what counts is the spread of their *difference* from image to image,
which is much smaller than that of either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from veriscope.core.plain import PlainRecord
from veriscope.validate.candidates import Candidates
from veriscope.validate.statistics import (
    Interval,
    cautious_p_value,
    jackknife_interval,
    jackknife_spread,
    leave_one_out,
)

__all__ = ["PairedDifference", "compare_pair", "paired_left_out"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairedDifference(PlainRecord):
    """Two candidates compared on the same units.

    Parameters
    ----------
    first, second
        Names of the candidates.
    difference
        Metric of the first minus metric of the second, with its interval (not adjusted for the number
        of comparisons).
    p_value
        Chance of a difference at least as large if there were none; None: cannot tell.
    p_adjusted
        The same for all comparisons together (Holm).
    better
        Name of the better candidate; None: they cannot be separated.
    """

    first: str
    second: str
    difference: Interval
    p_value: float | None
    p_adjusted: float | None
    better: str | None

    also_told: ClassVar[tuple[str, ...]] = ("verdict",)

    @property
    def verdict(self) -> str:
        """The result in words: ``"A better"`` or ``"cannot separate"``."""
        return f"{self.better} better" if self.better else "cannot separate"


def compare_pair(
    candidates: Candidates, i: int, j: int, *, level: float = 0.95
) -> tuple[Interval, float | None]:
    """Compare two candidates on the same units.

    Parameters
    ----------
    candidates
        The candidates.
    i, j
        Positions of the two.
    level
        Level of the interval.

    Returns
    -------
    tuple
        Metric of the first minus metric of the second with its interval, and the two-sided p value of no
        difference; None: cannot tell.
    """
    value, left_out, sizes, magnitude = paired_left_out(candidates, i, j)
    width = candidates.bounds[1] - candidates.bounds[0]
    interval = jackknife_interval(
        value,
        left_out,
        sizes,
        level=level,
        bounds=(-width, width),
        scale="cautious",
        magnitude=magnitude,
        unit=candidates.unit,
        aggregation=candidates.aggregation,
    )
    if len(sizes) < 2 or not np.isfinite(value) or not np.isfinite(left_out).all():
        return interval, None
    spread = jackknife_spread(left_out, sizes, magnitude=magnitude)
    if spread.standard_error > 0:
        return interval, cautious_p_value(value, spread)
    # All units agree exactly: a sign test is all that is left.
    return interval, 1.0 if value == 0 else min(1.0, 2.0 ** (1 - interval.n_units))


def paired_left_out(candidates: Candidates, i: int, j: int) -> tuple[float, FloatArray, FloatArray, float]:
    """Give the difference of two candidates over all units, and over all units but one.

    Parameters
    ----------
    candidates
        The candidates.
    i, j
        Positions of the two.

    Returns
    -------
    tuple
        Difference, differences without each unit that says anything, shape (k,), what these units bring
        into the denominators, shape (k,), and the size of the numbers whose difference it is: the width
        between finite bounds, else the largest of them.
    """
    first, second = candidates.independent_rows[[i, j]]
    (a, a_left_out), (b, b_left_out) = (leave_one_out(rows, candidates.function) for rows in (first, second))
    sizes = candidates.sizes(first) + candidates.sizes(second)
    telling = sizes > 0
    left_out = (a_left_out - b_left_out)[telling]
    width = candidates.bounds[1] - candidates.bounds[0]
    if np.isfinite(width):
        return a - b, left_out, sizes[telling], width
    known = np.abs([a_left_out[telling], b_left_out[telling]])
    return a - b, left_out, sizes[telling], float(known.max(initial=0.0, where=np.isfinite(known)))
