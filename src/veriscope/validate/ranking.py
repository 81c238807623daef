"""Which candidate is better on the same images, and which cannot be told apart.

Candidates meet the same images, so what counts is the spread of their *difference* from image to image,
which is much smaller than that of either. With several candidates there are several comparisons; p
values are adjusted (Holm), so that among candidates that are all equally good the chance of naming any
one better than another stays below 1 - level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from veriscope.errors import InputError
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.instance.catalogue import KeyedMetric, metric_by_key
from veriscope.validate.scores import pooled_score, unit_rows
from veriscope.validate.statistics import (
    Interval,
    check_level,
    jackknife_interval,
    jackknife_spread,
    leave_one_out,
)
from veriscope.validate.units import UnitCounts

__all__ = ["PairedDifference", "Ranking", "holm", "rank"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairedDifference:
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

    @property
    def verdict(self) -> str:
        """The result in words: ``"A better"`` or ``"cannot separate"``."""
        return f"{self.better} better" if self.better else "cannot separate"

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            The fields by name, and ``verdict``.
        """
        return {
            "first": self.first,
            "second": self.second,
            "difference": self.difference.to_dict(),
            "p_value": self.p_value,
            "p_adjusted": self.p_adjusted,
            "better": self.better,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Candidates in order, with what the data can separate.

    Parameters
    ----------
    metric
        Key of the metric they are ordered by.
    level
        1 - level is the chance of naming any candidate better among equals.
    values
        The metric of each candidate, best first; undefined values come last.
    pairs
        Every pair of candidates.
    groups
        Names, best first, in groups: no member of a group can be separated from its first.
    """

    metric: str
    level: float
    values: dict[str, Interval]
    pairs: tuple[PairedDifference, ...]
    groups: tuple[tuple[str, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            ``metric``, ``level``, ``values``, ``pairs`` and ``groups``.
        """
        return {
            "metric": self.metric,
            "level": self.level,
            "values": {name: interval.to_dict() for name, interval in self.values.items()},
            "pairs": [pair.to_dict() for pair in self.pairs],
            "groups": [list(group) for group in self.groups],
        }


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
        Key of a metric of which more is better, such as ``"f1@0.5"`` or ``"pq"``.
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
    check_level(level)
    keyed = _check_candidates(candidates, metric)
    values = {name: pooled_score(units, keyed, level=level, unit=unit) for name, units in candidates.items()}
    order = sorted(
        values, key=lambda name: -values[name].value if np.isfinite(values[name].value) else np.inf
    )
    tested = [
        (first, second, *_difference(candidates[first], candidates[second], keyed, level, unit))
        for first, second in combinations(order, 2)
    ]
    adjusted = holm([p_value for *_, p_value in tested])
    pairs = tuple(
        PairedDifference(
            first=first,
            second=second,
            difference=difference,
            p_value=p_value,
            p_adjusted=p_adjusted,
            better=_better(first, second, difference, p_adjusted, level),
        )
        for (first, second, difference, p_value), p_adjusted in zip(tested, adjusted, strict=True)
    )
    return Ranking(keyed.key, level, {name: values[name] for name in order}, pairs, _groups(order, pairs))


def _check_candidates(candidates: Mapping[str, Sequence[UnitCounts]], metric: str) -> KeyedMetric:
    """Refuse candidates that did not meet the same units."""
    if not candidates:
        raise InputError("there is no candidate to rank; give the counts of at least one")
    (leader, expected), *others = candidates.items()
    for name, units in others:
        if len(units) != len(expected):
            raise InputError(
                f"{leader!r} has {len(expected)} units and {name!r} has {len(units)}; "
                "compare candidates on the same images"
            )
        for ours, theirs in zip(expected, units, strict=True):
            if _identity(ours) != _identity(theirs):
                raise InputError(
                    f"{leader!r} and {name!r} were not compared on the same units: {_shown(ours)} against "
                    f"{_shown(theirs)}; give both the same images, references, clusters and weights, in the "
                    "same order"
                )
    keyed = metric_by_key(metric, expected[0].thresholds if expected else (0.5,))
    if keyed.metric.best != keyed.metric.high:
        raise InputError(
            f"candidates cannot be ranked by {metric!r}, whose best value is {keyed.metric.best:g} and not "
            "at an end; use a metric of which more is better, such as 'f1@0.5' or 'pq'"
        )
    return keyed


def _identity(unit: UnitCounts) -> tuple[Any, ...]:
    return (unit.name, unit.n_reference, unit.cluster, unit.weight, unit.thresholds)


def _shown(unit: UnitCounts) -> str:
    return f"{unit.name!r} with {unit.n_reference} reference objects"


def _difference(
    first: Sequence[UnitCounts], second: Sequence[UnitCounts], keyed: KeyedMetric, level: float, unit: str
) -> tuple[Interval, float | None]:
    """Give the difference of a pooled metric with its interval, and the p value of no difference."""
    rows = np.concatenate([unit_rows(units, keyed.threshold) for units in (first, second)], axis=1)

    def function(sums: FloatArray) -> FloatArray:
        values = [keyed.metric.function(Counts.from_columns(part)) for part in (sums[..., :6], sums[..., 6:])]
        return np.asarray(values[0] - values[1])

    value, left_out = leave_one_out(rows, function)
    sizes = sum(
        (keyed.metric.sizes(Counts.from_columns(part)) for part in (rows[:, :6], rows[:, 6:])),
        start=np.zeros(len(rows)),
    )
    interval = jackknife_interval(
        value, left_out, sizes, level=level, bounds=(-1.0, 1.0), scale="linear", unit=unit
    )
    if interval.low is None:
        return interval, None
    telling = sizes > 0
    spread = jackknife_spread(left_out[telling], sizes[telling])
    if spread.standard_error > 0:
        t = abs(value) / spread.standard_error
        return interval, float(2 * stats.t.sf(t, spread.degrees_of_freedom))
    # All units agree exactly: a sign test is all that is left.
    return interval, 1.0 if value == 0 else min(1.0, 2.0 ** (1 - interval.n_units))


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


def _better(
    first: str, second: str, difference: Interval, p_adjusted: float | None, level: float
) -> str | None:
    if p_adjusted is None or p_adjusted >= 1 - level:
        return None
    return first if difference.value > 0 else second


def _groups(order: Sequence[str], pairs: Sequence[PairedDifference]) -> tuple[tuple[str, ...], ...]:
    separated = {frozenset((pair.first, pair.second)) for pair in pairs if pair.better is not None}
    groups: list[list[str]] = []
    for name in order:
        if groups and frozenset((groups[-1][0], name)) not in separated:
            groups[-1].append(name)
        else:
            groups.append([name])
    return tuple(tuple(group) for group in groups)
