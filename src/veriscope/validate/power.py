"""How many images would tell two candidates apart.

The paired differences seen so far give a standardised difference per unit. If it is the true one, the
power of the paired t test says how many units would separate the two with a chosen probability. But the
difference seen is itself uncertain, most of all where few units could not separate the candidates, so the
answer is a range: often with no upper end, because the candidates may be equal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy import optimize, special

from veriscope.core.plain import PlainRecord
from veriscope.errors import InputError
from veriscope.validate.candidates import Candidates
from veriscope.validate.paired import compare_pair, paired_left_out
from veriscope.validate.ranking import holm, observed_order
from veriscope.validate.statistics import check_level, jackknife_spread

__all__ = ["UnitsToSeparate", "separation_power", "units_to_separate"]

LARGEST = 1_000_000
"""More units than this are not told as a number: nobody will take them."""


@dataclass(frozen=True, slots=True)
class UnitsToSeparate(PlainRecord):
    """What it takes to separate two candidates.

    Parameters
    ----------
    first, second
        Names; the first has the better value as observed.
    separated
        Whether they are separated already, all pairs together (Holm).
    n_units
        Number of independent units that say something now.
    n_needed
        Units in total, those at hand included, if the true difference is the one seen; None: cannot
        tell (see `reason`), or more than a million.
    n_needed_low, n_needed_high
        Interval of the same for the true difference; high None: no number can be promised, because the
        difference may be zero. Both None: cannot tell.
    n_further
        `n_needed` less `n_units`, 0 if separated already.
    n_images_needed
        With clusters: `n_needed` clusters of as many images as now; else the same as `n_needed`.
    detectable_difference
        True difference that as many units as now would separate with probability `power`.
    design_effect
        With clusters: by what factor they widen the variance of the difference, against images that are
        all independent; above 1, more images in the same clusters help less than more clusters.
    power
        Probability to separate them that is asked for.
    level
        Level of the interval, and of the comparison of all pairs.
    alpha
        Two-sided level of this comparison, divided by the number of pairs (Bonferroni, which is where
        Holm's procedure starts).
    unit
        What an independent unit is.
    reason
        Why there is no number, or no upper end; empty else.
    """

    first: str
    second: str
    separated: bool
    n_units: int
    n_needed: int | None
    n_needed_low: int | None
    n_needed_high: int | None
    n_further: int | None
    n_images_needed: int | None
    detectable_difference: float | None
    design_effect: float | None
    power: float
    level: float
    alpha: float
    unit: str
    reason: str


def units_to_separate(
    candidates: Candidates, *, power: float = 0.8, level: float = 0.95
) -> tuple[UnitsToSeparate, ...]:
    """Tell, for each pair of candidates, how many units would separate them.

    Parameters
    ----------
    candidates
        From `candidates.candidates_by_values` or `candidates.candidates_by_counts`.
    power
        Probability that the pair is separated, between 0 and 1.
    level
        Level of the comparison as in `ranking.rank_candidates`, and of the interval of the numbers.

    Returns
    -------
    tuple
        One entry for each pair, the best candidates first.

    Raises
    ------
    InputError
        If `power` or `level` is not between 0 and 1, or `power` is not above 1 - level.

    References
    ----------
    .. [1] Cohen J. Statistical power analysis for the behavioral sciences, 2nd ed. (1988), chapter 2.
    .. [2] Steiger JH, Fouladi RT. Noncentrality interval estimation and the evaluation of statistical
       models. In: What if there were no significance tests? (1997), 221-257: interval of a standardised
       difference from the noncentral t distribution.
    """
    check_level(level)
    if not 0 < power < 1:
        raise InputError(f"power {power!r} is not allowed; use a share between 0 and 1, such as 0.8")
    if power <= 1 - level:
        raise InputError(
            f"power {power!r} is not above {1 - level:.3g}, the chance of separating equals at level "
            f"{level:g}; use more, such as 0.8"
        )
    totals = candidates.function(candidates.independent_rows.sum(axis=1))
    pairs = list(combinations(observed_order(candidates, totals.tolist()), 2))
    adjusted = holm([compare_pair(candidates, i, j, level=level)[1] for i, j in pairs])
    return tuple(
        _plan(candidates, pair, p is not None and p < 1 - level, (1 - level) / len(pairs), power, level)
        for pair, p in zip(pairs, adjusted, strict=True)
    )


def _plan(
    candidates: Candidates,
    pair: tuple[int, int],
    separated: bool,
    alpha: float,
    power: float,
    level: float,
) -> UnitsToSeparate:
    """Plan one pair."""
    value, left_out, sizes, magnitude = paired_left_out(candidates, *pair)
    k = len(sizes)

    def result(
        needed: tuple[int | None, int | None, int | None],
        detectable: float | None,
        effect: float | None,
        reason: str,
    ) -> UnitsToSeparate:
        n = needed[0]
        per_cluster = 1.0 if candidates.clusters is None or k == 0 else len(candidates.clusters) / k
        return UnitsToSeparate(
            first=candidates.names[pair[0]],
            second=candidates.names[pair[1]],
            separated=separated,
            n_units=k,
            n_needed=n,
            n_needed_low=needed[1],
            n_needed_high=needed[2],
            n_further=0 if separated else None if n is None else max(0, n - k),
            n_images_needed=None if n is None else math.ceil(n * per_cluster),
            detectable_difference=detectable,
            design_effect=effect,
            power=power,
            level=level,
            alpha=alpha,
            unit=candidates.unit,
            reason=reason,
        )

    nothing = (None, None, None)
    if k < 2 or not np.isfinite(value) or not np.isfinite(left_out).all():
        return result(nothing, None, None, f"cannot tell: {k} {candidates.unit}{'' if k == 1 else 's'}")
    spread = jackknife_spread(left_out, sizes, magnitude=magnitude)
    if spread.standard_error == 0:
        return result(nothing, None, None, "cannot tell: the difference is the same in every unit")
    per_unit = spread.degrees_of_freedom / (k - 1)
    t = abs(value) / spread.standard_error
    tail = (1 - level) / 2
    middle, lowest, highest = (
        _noncentrality(t, spread.degrees_of_freedom, q) / math.sqrt(k) for q in (0.5, 1 - tail, tail)
    )
    largest = max(abs(lowest), abs(highest))
    needed = (
        _units_for(middle, per_unit, alpha, power),
        _units_for(largest, per_unit, alpha, power),
        _units_for(lowest, per_unit, alpha, power) if lowest > 0 else None,
    )
    effect = _design_effect(candidates, pair, spread.standard_error)
    reason = "" if needed[2] is not None else "no number can be promised: the difference may be zero"
    detectable = _effect_for(k, per_unit, alpha, power) * spread.standard_error * math.sqrt(k)
    return result(needed, detectable, effect, reason)


def separation_power(effect: float, n_units: int, *, alpha: float, df_per_unit: float = 1.0) -> float:
    """Give the probability that a paired t test separates two candidates.

    Parameters
    ----------
    effect
        True difference divided by the standard deviation of the differences of single units.
    n_units
        Number of units, at least 2.
    alpha
        Two-sided level of the test, 0 to 1.
    df_per_unit
        Degrees of freedom divided by n_units - 1, at most 1: below 1 where units are unequal.

    Returns
    -------
    float
        0 to 1, in either direction; `alpha` for an effect of 0.
    """
    df = max(1.0, df_per_unit * (n_units - 1))
    critical = float(special.stdtrit(df, 1 - alpha / 2))
    noncentrality = abs(effect) * math.sqrt(n_units)
    missed = _share_below(critical, df, noncentrality) - _share_below(-critical, df, noncentrality)
    return min(1.0, max(0.0, 1 - missed))


def _share_below(t: float, df: float, noncentrality: float) -> float:
    """Give the noncentral t distribution function.

    SciPy has NaN in some far tails: 0 below zero; above, the normal approximation 26.7.10 of Abramowitz and
    Stegun (1964) holds to many digits.
    """
    if noncentrality < 0:
        return 1 - _share_below(-t, df, -noncentrality)
    share = float(special.nctdtr(df, noncentrality, t))
    if math.isfinite(share):
        return share
    if t < 0:
        return 0.0
    return float(special.ndtr((t * (1 - 1 / (4 * df)) - noncentrality) / math.sqrt(1 + t**2 / (2 * df))))


def _noncentrality(t: float, df: float, q: float) -> float:
    """Give the noncentrality for which a share q of t values lies below the one seen."""

    def excess(noncentrality: float) -> float:
        return _share_below(t, df, noncentrality) - q

    high = 10.0 + t
    while excess(high) > 0:  # far, for few degrees of freedom and a share near 0
        high *= 2
    return float(optimize.brentq(excess, -10.0, high, xtol=1e-6))


def _units_for(effect: float, df_per_unit: float, alpha: float, power: float) -> int | None:
    """Give the smallest number of units that reaches the power; None: more than `LARGEST`."""

    def enough(n: int) -> bool:
        return separation_power(effect, n, alpha=alpha, df_per_unit=df_per_unit) >= power

    high = 2
    while not enough(high):
        high *= 2
        if high > LARGEST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _effect_for(n_units: int, df_per_unit: float, alpha: float, power: float) -> float:
    """Give the standardised difference that as many units separate with the power."""

    def lack(effect: float) -> float:
        return separation_power(effect, n_units, alpha=alpha, df_per_unit=df_per_unit) - power

    high = 1.0
    while lack(high) < 0:
        high *= 2
    return float(optimize.brentq(lack, 0.0, high, xtol=1e-9))


def _design_effect(candidates: Candidates, pair: tuple[int, int], standard_error: float) -> float | None:
    """Give the variance by cluster over the variance as if all units were independent."""
    if candidates.clusters is None:
        return None
    _, left_out, sizes, magnitude = paired_left_out(replace(candidates, clusters=None), *pair)
    naive = jackknife_spread(left_out, sizes, magnitude=magnitude).standard_error
    return (standard_error / naive) ** 2 if naive > 0 else None
