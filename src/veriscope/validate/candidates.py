"""Candidates that met the same units: what ranking, its stability and its power all start from.

A candidate is anything that is judged on the same images as others: a method, a model, a setting. Its
value is a function of sums over units, so that one form holds pooled metrics (F1 of all images together)
and means of one value per image (Dice, SSIM, a distance in µm).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.errors import InputError
from veriscope.validate.clusters import cluster_numbers, sum_by_cluster, whole_clusters
from veriscope.validate.metrics.base import Counts, Metric, ratio
from veriscope.validate.metrics.instance.catalogue import KeyedMetric, metric_by_key
from veriscope.validate.scores import unit_sums
from veriscope.validate.statistics import Aggregation
from veriscope.validate.units import UnitCounts

__all__ = ["Better", "Candidates", "candidates_by_counts", "candidates_by_values", "credited"]

FloatArray = NDArray[np.float64]
Better = Literal["higher", "lower"]

_REAL = (-np.inf, np.inf)
_INVENTED = Counts.from_columns(
    np.array([item.name in ("fp", "n_prediction", "aji_union") for item in fields(Counts)])
)
"""Sums of an image without an object of which one was predicted, of one pixel."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Sums of each candidate in each unit; make it with `candidates_by_values` or `candidates_by_counts`.

    Parameters
    ----------
    metric
        What the candidates are ordered by.
    better
        Which end of the metric is good.
    names
        Names of the m candidates.
    rows
        Shape (m, n, c): c sums of each candidate in each of n units.
    clusters
        Cluster of each unit, shape (n,), whole numbers from 0; None: each unit stands for itself.
    function
        Gives the metric from sums of shape (..., c), as an array of shape (...); NaN if undefined. Of counts:
        as `credited` gives it.
    sizes
        Gives from rows (..., c) how much each brings into the denominator; 0: it says nothing.
    bounds
        Smallest and largest possible value.
    aggregation
        ``"pooled"`` or ``"mean"``, as in `Interval`.
    unit
        What a unit (with clusters: a cluster) is, for the results.
    n_left_aside
        Units that were left aside because some candidate has no value there.
    """

    metric: str
    better: Better
    names: tuple[str, ...]
    rows: FloatArray
    clusters: NDArray[np.intp] | None
    function: Callable[[FloatArray], FloatArray]
    sizes: Callable[[FloatArray], FloatArray]
    bounds: tuple[float, float]
    aggregation: Aggregation
    unit: str
    n_left_aside: int = 0

    @cached_property
    def independent_rows(self) -> FloatArray:
        """Sums of each candidate in each independent unit (cluster, if there are some), shape (m, k, c)."""
        if self.clusters is None:
            return self.rows
        return np.stack([sum_by_cluster(rows, self.clusters.tolist()) for rows in self.rows])

    def sign(self) -> float:
        """Give 1 where more is better and -1 where less is.

        Returns
        -------
        float
            1 or -1.
        """
        return 1.0 if self.better == "higher" else -1.0


def candidates_by_values(
    values: Mapping[str, ArrayLike],
    *,
    better: Better = "higher",
    metric: str = "value",
    clusters: Sequence[Hashable] | None = None,
    bounds: tuple[float, float] = _REAL,
    missing: float | None = None,
    unit: str = "image",
) -> Candidates:
    """Take one value per unit and candidate, of any metric.

    Parameters
    ----------
    values
        Shape (n,) of each candidate by its name: one value per unit, the same units in the same order.
        What is not finite counts as missing.
    better
        ``"lower"`` for distances and errors.
    metric
        Name of the metric, for the results.
    clusters
        Replicate, well or animal of each unit; then these are the independent units. Values of one
        cluster are averaged first.
    bounds
        Smallest and largest possible value of the metric.
    missing
        Taken where *some* candidates have no value in a unit, mostly the worst possible value. None: such
        units are left aside for all candidates, which favours those that fail. Units without any value
        are left aside in any case.
    unit
        What an independent unit is, for the results.

    Returns
    -------
    Candidates
        For `ranking.rank_candidates`, `stability.rank_stability`, `power.units_to_separate`.

    Raises
    ------
    InputError
        If there is no candidate, values are no numbers or out of bounds, numbers of units differ, or
        `better` or `missing` is not allowed.
    """
    if better not in ("higher", "lower"):
        raise InputError(f"better {better!r} is not allowed; use 'higher' or 'lower'")
    table = _table(values)
    known = np.isfinite(table)
    if missing is not None and not (np.isfinite(missing) and bounds[0] <= missing <= bounds[1]):
        raise InputError(
            f"missing {missing!r} is not a number between {bounds[0]:g} and {bounds[1]:g}; give the worst "
            "value of this metric, or None"
        )
    if missing is not None:
        table = np.where(~known & known.any(axis=0), float(missing), table)
        known = np.isfinite(table)
    outside = known & ((table < bounds[0]) | (table > bounds[1]))
    if outside.any():
        i, j = np.argwhere(outside)[0]
        raise InputError(
            f"{tuple(values)[i]!r} has the value {table[i, j]:g} in unit {j}, which is not between "
            f"{bounds[0]:g} and {bounds[1]:g}; give the bounds of this metric"
        )
    complete: NDArray[np.bool_] = np.all(known, axis=0)
    kept = None if clusters is None else cluster_numbers(clusters, n_units=len(complete), kept=complete)
    share = np.ones(int(complete.sum())) if kept is None else 1.0 / np.bincount(kept)[kept]
    rows = np.stack([table[:, complete] * share, np.broadcast_to(share, (len(table), len(share)))], axis=-1)
    return Candidates(
        metric=metric,
        better=better,
        names=tuple(values),
        rows=rows,
        clusters=kept,
        function=lambda sums: ratio(sums[..., 0], sums[..., 1]),
        sizes=lambda sums: np.asarray(sums[..., 1], dtype=np.float64),
        bounds=bounds,
        aggregation="mean",
        unit=unit,
        n_left_aside=int((~complete).sum()),
    )


def candidates_by_counts(
    counts: Mapping[str, Sequence[UnitCounts]], *, metric: str = "f1@0.5", unit: str = "image"
) -> Candidates:
    """Take the counts of objects of each unit and candidate, for a pooled metric.

    Parameters
    ----------
    counts
        Counts of each candidate by its name, on the same units in the same order. Units with a cluster
        are added up by cluster.
    metric
        Key of a metric whose best value is an end of its range, such as ``"f1@0.5"`` or ``"pq"``.
    unit
        What an independent unit is, for the results.

    Returns
    -------
    Candidates
        For `ranking.rank_candidates`, `stability.rank_stability`, `power.units_to_separate`.

    Raises
    ------
    InputError
        If there is no candidate, the units differ, or the metric is unknown or has no better end.
    """
    keyed = _check_counts(counts, metric)
    first = next(iter(counts.values()))
    names = whole_clusters([item.cluster for item in first], names=[item.name for item in first], unit="unit")
    clusters = None if names is None else cluster_numbers(names, n_units=len(first))
    weights = np.array([item.weight for item in first]).reshape(-1, 1)
    rows = np.stack([unit_sums(items, keyed) * weights for items in counts.values()])
    return Candidates(
        metric=keyed.key,
        better="higher" if keyed.metric.best == keyed.metric.high else "lower",
        names=tuple(counts),
        rows=rows,
        clusters=clusters,
        function=credited(keyed.metric),
        sizes=lambda sums: keyed.metric.sizes(Counts.from_columns(sums)),
        bounds=keyed.bounds,
        aggregation="pooled",
        unit=unit,
    )


def credited(metric: Metric) -> Callable[[FloatArray], FloatArray]:
    """Give a metric of sums that is best where nothing is and nothing was found.

    By itself a candidate that left empty images empty has no F1. Beside one that invented objects in them,
    whose F1 is 0, it is the better one, as the code of Metrics Reloaded [1]_ has it.

    Parameters
    ----------
    metric
        Of counts of objects.

    Returns
    -------
    callable
        Gives the metric from sums of shape (..., c), columns in the order of `metrics.base.Counts`. Metrics
        that an invented object does not change, such as recall, stay undefined without a reference object.

    References
    ----------
    .. [1] Maier-Hein L, Reinke A et al. Metrics reloaded. Nature Methods (2024): F-beta of an empty reference
       and an empty prediction is 1 in its package.
    """

    def plain(sums: FloatArray) -> FloatArray:
        return metric.function(Counts.from_columns(sums))

    if not metric.sizes(_INVENTED) > 0:
        return plain

    def function(sums: FloatArray) -> FloatArray:
        counts = Counts.from_columns(sums)
        empty = (counts.n_reference == 0) & (counts.n_prediction == 0)
        return np.where(empty, metric.best, metric.function(counts))

    return function


def _table(values: Mapping[str, ArrayLike]) -> FloatArray:
    """Give values of shape (m, n), refusing candidates that did not meet the same number of units."""
    if not values:
        raise InputError("there is no candidate to rank; give the values of at least one")
    arrays = {name: _numbers(name, given) for name, given in values.items()}
    (leader, expected), *others = arrays.items()
    for name, array in arrays.items():
        if array.ndim != 1:
            raise InputError(
                f"values of {name!r} have shape {array.shape}; give one value per unit, shape (n,)"
            )
    for name, array in others:
        if len(array) != len(expected):
            raise InputError(
                f"{leader!r} has {len(expected)} units and {name!r} has {len(array)}; "
                "compare candidates on the same images"
            )
    return np.stack(list(arrays.values()))


def _numbers(name: str, given: ArrayLike) -> FloatArray:
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"values of {name!r} are no numbers; give one number per unit, NaN for none"
        ) from None


def _check_counts(candidates: Mapping[str, Sequence[UnitCounts]], metric: str) -> KeyedMetric:
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
    if keyed.metric.best not in (keyed.metric.low, keyed.metric.high):
        raise InputError(
            f"candidates cannot be ranked by {metric!r}, whose best value is {keyed.metric.best:g} and not "
            "at an end of its range; use a metric such as 'f1@0.5' or 'pq'"
        )
    return keyed


def _identity(unit: UnitCounts) -> tuple[Any, ...]:
    return (unit.name, unit.n_reference, unit.cluster, unit.weight, unit.thresholds)


def _shown(unit: UnitCounts) -> str:
    return f"{unit.name!r} with {unit.n_reference} reference objects"
