"""Which candidate is better on the same images, and which cannot be told apart.

Candidates meet the same images, so what counts is the spread of their *difference* from image to image,
which is much smaller than that of either. With several candidates there are several comparisons; p
values are adjusted (Holm), so that among candidates that are all equally good the chance of naming any
one better than another stays below 1 - level.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from veriscope.core.plain import PlainRecord
from veriscope.validate.candidates import Better, Candidates, candidates_by_counts, candidates_by_values
from veriscope.validate.paired import PairedDifference, compare_pair
from veriscope.validate.statistics import Interval, check_level, jackknife_interval, leave_one_out
from veriscope.validate.units import UnitCounts

__all__ = ["Ranking", "holm", "observed_order", "rank", "rank_candidates", "rank_values"]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking(PlainRecord):
    """Candidates in order, with what the data can separate.

    Parameters
    ----------
    metric
        Key of the metric they are ordered by.
    level
        1 - level is the chance of naming any candidate better among equals.
    values
        The metric of each candidate, best first; undefined values come last, but for those of candidates
        that rightly found nothing anywhere (`candidates.credited`).
    pairs
        Every pair of candidates.
    groups
        Names, best first, in groups: no member of a group can be separated from its first.
    better
        Which end of the metric is good.
    n_left_aside
        Units left aside for all candidates because some candidate has no value there.
    """

    metric: str
    level: float
    values: dict[str, Interval]
    pairs: tuple[PairedDifference, ...]
    groups: tuple[tuple[str, ...], ...]
    better: Better = "higher"
    n_left_aside: int = 0


def rank(
    candidates: Mapping[str, Sequence[UnitCounts]],
    *,
    metric: str = "f1@0.5",
    level: float = 0.95,
    unit: str = "image",
) -> Ranking:
    """Order candidates by a pooled metric and say which differences are real.

    Parameters
    ----------
    candidates
        Counts of each candidate by its name, on the same units in the same order.
    metric
        Key of a metric whose best value is an end of its range, such as ``"f1@0.5"`` or ``"pq"``.
    level
        Level of the intervals; a pair is separated if its adjusted p value is below 1 - level.
    unit
        What a unit of the intervals is, for the results.

    Returns
    -------
    Ranking
        Order, pairs and groups.

    Raises
    ------
    InputError
        If there is no candidate, the units differ, or the metric is unknown or has no better end.
    """
    return rank_candidates(candidates_by_counts(candidates, metric=metric, unit=unit), level=level)


def rank_values(
    values: Mapping[str, ArrayLike],
    *,
    better: Better = "higher",
    metric: str = "value",
    clusters: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    missing: float | None = None,
    level: float = 0.95,
    unit: str = "image",
) -> Ranking:
    """Order candidates by the mean of one value per unit and say which differences are real.

    Parameters
    ----------
    values
        Shape (n,) of each candidate by its name: one value per unit, the same units in the same order.
    better
        ``"lower"`` for distances and errors.
    metric
        Name of the metric, for the result.
    clusters
        Replicate, well or animal of each unit; then these are the independent units.
    bounds
        Smallest and largest possible value of the metric.
    missing
        Taken where some candidates have no value in a unit; None: the unit is left aside for all. See
        `candidates.candidates_by_values`.
    level
        Level of the intervals; a pair is separated if its adjusted p value is below 1 - level.
    unit
        What an independent unit is, for the results.

    Returns
    -------
    Ranking
        Order, pairs and groups.

    Raises
    ------
    InputError
        If there is no candidate, numbers of units differ, `better` is unknown, or values are out of bounds.
    """
    taken = candidates_by_values(
        values, better=better, metric=metric, clusters=clusters, bounds=bounds, missing=missing, unit=unit
    )
    return rank_candidates(taken, level=level)


def rank_candidates(candidates: Candidates, *, level: float = 0.95) -> Ranking:
    """Order candidates and say which differences are real.

    Parameters
    ----------
    candidates
        From `candidates.candidates_by_values` or `candidates.candidates_by_counts`.
    level
        Level of the intervals; a pair is separated if its adjusted p value is below 1 - level.

    Returns
    -------
    Ranking
        Order, pairs and groups.
    """
    check_level(level)
    values = {name: _value(candidates, i, level) for i, name in enumerate(candidates.names)}
    totals = candidates.function(candidates.independent_rows.sum(axis=1))
    order = observed_order(candidates, totals.tolist())
    compared = [
        (candidates.names[i], candidates.names[j], compare_pair(candidates, i, j, level=level))
        for i, j in combinations(order, 2)
    ]
    adjusted = holm([p_value for _, _, (_, p_value) in compared])
    pairs = tuple(
        PairedDifference(
            first=first,
            second=second,
            difference=difference,
            p_value=p_value,
            p_adjusted=p_adjusted,
            better=_better(first, second, candidates.sign() * difference.value, p_adjusted, level),
        )
        for (first, second, (difference, p_value)), p_adjusted in zip(compared, adjusted, strict=True)
    )
    names = [candidates.names[i] for i in order]
    return Ranking(
        metric=candidates.metric,
        level=level,
        values={name: values[name] for name in names},
        pairs=pairs,
        groups=_groups(names, pairs),
        better=candidates.better,
        n_left_aside=candidates.n_left_aside,
    )


def observed_order(candidates: Candidates, values: Sequence[float]) -> list[int]:
    """Order candidates by their values.

    Parameters
    ----------
    candidates
        The candidates.
    values
        Value of each.

    Returns
    -------
    list of int
        Positions, best first; undefined values come last, equal ones stay in the order given.
    """
    sign = candidates.sign()
    return sorted(range(len(values)), key=lambda i: -sign * values[i] if np.isfinite(values[i]) else np.inf)


def _value(candidates: Candidates, i: int, level: float) -> Interval:
    """Give the metric of one candidate with its interval."""
    rows = candidates.independent_rows[i]
    value, left_out = leave_one_out(rows, candidates.function)
    sizes = candidates.sizes(rows)
    return jackknife_interval(
        value if (sizes > 0).any() else np.nan,
        left_out,
        sizes,
        level=level,
        bounds=candidates.bounds,
        unit=candidates.unit,
        aggregation=candidates.aggregation,
    )


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p values for the number of comparisons.

    Parameters
    ----------
    p_values
        p value of each comparison; None: cannot tell, which still counts as a comparison.

    Returns
    -------
    list
        Adjusted p values, up to 1, in the same order; None stays None.

    References
    ----------
    .. [1] Holm S. A simple sequentially rejective multiple test procedure. Scandinavian Journal of
       Statistics 6 (1979), 65-70.
    """
    order = sorted(range(len(p_values)), key=lambda i: (p_values[i] is None, p_values[i] or 0.0))
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for position, index in enumerate(order):
        p_value = p_values[index]
        if p_value is None:
            continue
        largest = max(largest, min(1.0, (len(p_values) - position) * p_value))
        adjusted[index] = largest
    return adjusted


def _better(first: str, second: str, advantage: float, p_adjusted: float | None, level: float) -> str | None:
    if p_adjusted is None or p_adjusted >= 1 - level:
        return None
    return first if advantage > 0 else second


def _groups(order: Sequence[str], pairs: Sequence[PairedDifference]) -> tuple[tuple[str, ...], ...]:
    separated = {frozenset((pair.first, pair.second)) for pair in pairs if pair.better is not None}
    groups: list[list[str]] = []
    for name in order:
        if groups and frozenset((groups[-1][0], name)) not in separated:
            groups[-1].append(name)
        else:
            groups.append([name])
    return tuple(tuple(group) for group in groups)
