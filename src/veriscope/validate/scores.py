"""Metrics of a set of units, pooled or averaged, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.validate.clusters import sum_by_cluster, whole_clusters
from veriscope.validate.means import mean_over_units
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.instance.catalogue import KeyedMetric, metric_by_key
from veriscope.validate.statistics import Interval, jackknife_interval, leave_one_out
from veriscope.validate.units import DEFAULT_THRESHOLDS, UnitCounts, check_thresholds

__all__ = ["common_thresholds", "mean_score", "pooled_score", "unit_rows", "unit_sums", "unit_values"]

FloatArray = NDArray[np.float64]


def common_thresholds(
    units: Sequence[UnitCounts], thresholds: Sequence[float] | None = None
) -> tuple[float, ...]:
    """Give the IoU thresholds that all units were counted at.

    Parameters
    ----------
    units
        Counts from `count_unit`.
    thresholds
        Thresholds that they should have; None: whatever they have.

    Returns
    -------
    tuple
        Thresholds, ascending; the default ones if there is nothing to go by.

    Raises
    ------
    InputError
        If they differ.
    """
    found = {unit.thresholds for unit in units}
    if thresholds is not None:
        found.add(check_thresholds(thresholds))
    if len(found) > 1:
        shown = "; ".join(str(list(levels)) for levels in sorted(found))
        raise InputError(f"units were counted at different thresholds: {shown}; count them all at the same")
    return found.pop() if found else check_thresholds(DEFAULT_THRESHOLDS)


def unit_sums(units: Sequence[UnitCounts], keyed: KeyedMetric) -> FloatArray:
    """Give the sums that a metric needs of each unit as it stands, without weight and cluster.

    Parameters
    ----------
    units
        Counts from `count_unit`.
    keyed
        The metric.

    Returns
    -------
    numpy.ndarray
        Shape (n, 17), columns in the order of `metrics.base.Counts`; NaN where a unit does not know.

    Raises
    ------
    InputError
        If the metric needs whole images and a unit is a tile.
    """
    tiles = [unit.name for unit in units if unit.overlap is None]
    if keyed.needs_overlap and tiles:
        raise InputError(
            f"{keyed.key!r} is known for whole images only, and {len(tiles)} of {len(units)} units are "
            f"tiles, the first is {tiles[0]!r}; use a metric of objects, such as 'f1@0.5' or 'pq'"
        )
    width = len(fields(Counts))
    return np.array([unit.all_sums(keyed.threshold) for unit in units], dtype=np.float64).reshape(-1, width)


def unit_rows(units: Sequence[UnitCounts], keyed: KeyedMetric) -> FloatArray:
    """Give the weighted sums of each unit, added up by cluster where there are clusters.

    Parameters
    ----------
    units
        Counts from `count_unit`.
    keyed
        The metric.

    Returns
    -------
    numpy.ndarray
        Shape (k, 17), columns in the order of `metrics.base.Counts`; NaN where a unit does not know.

    Raises
    ------
    InputError
        If some units have a cluster and others have none, or the metric needs whole images and a unit is a
        tile.
    """
    rows = unit_sums(units, keyed)
    rows *= np.array([unit.weight for unit in units]).reshape(-1, 1)
    clusters = _clusters(units)
    return rows if clusters is None else sum_by_cluster(rows, clusters)


def unit_values(units: Sequence[UnitCounts], keyed: KeyedMetric) -> FloatArray:
    """Give a metric of each unit by itself.

    Parameters
    ----------
    units
        Counts from `count_unit`.
    keyed
        The metric.

    Returns
    -------
    numpy.ndarray
        Shape (n,); NaN where it is undefined.
    """
    return keyed.metric.function(Counts.from_columns(unit_sums(units, keyed)))


def pooled_score(
    units: Sequence[UnitCounts], metric: KeyedMetric | str, *, level: float = 0.95, unit: str = "image"
) -> Interval:
    """Give a metric of all units together with its interval.

    Parameters
    ----------
    units
        Counts from `count_unit`, at least one if the metric is given by its key.
    metric
        The metric, or its key such as ``"f1@0.5"``.
    level
        Level of the interval.
    unit
        What a unit of the interval is, for the result.

    Returns
    -------
    Interval
        Aggregation ``"pooled"``; NaN and "cannot tell" where the metric is undefined.
    """
    keyed = _keyed(metric, units)
    rows = unit_rows(units, keyed)
    value, left_out = leave_one_out(rows, lambda sums: keyed.metric.function(Counts.from_columns(sums)))
    sizes = keyed.metric.sizes(Counts.from_columns(rows))
    return jackknife_interval(value, left_out, sizes, level=level, bounds=keyed.bounds, unit=unit)


def mean_score(
    units: Sequence[UnitCounts], metric: KeyedMetric | str, *, level: float = 0.95, unit: str = "image"
) -> Interval:
    """Give the mean over units of a metric of each, every unit counting the same, with its interval.

    Parameters
    ----------
    units
        Counts from `count_unit`, at least one if the metric is given by its key. Units of one cluster
        are averaged first.
    metric
        The metric, or its key such as ``"f1@0.5"``.
    level
        Level of the interval.
    unit
        What a unit of the interval is, for the result.

    Returns
    -------
    Interval
        Aggregation ``"mean"``; units in which the metric is undefined are left aside.

    Raises
    ------
    InputError
        If some units have a cluster and others have none.
    """
    keyed = _keyed(metric, units)
    clusters: Sequence[str | None] = _clusters(units) or [None] * len(units)
    return mean_over_units(unit_values(units, keyed), clusters, level=level, bounds=keyed.bounds, unit=unit)


def _keyed(metric: KeyedMetric | str, units: Sequence[UnitCounts]) -> KeyedMetric:
    if isinstance(metric, KeyedMetric):
        return metric
    return metric_by_key(metric, common_thresholds(units))


def _clusters(units: Sequence[UnitCounts]) -> list[str] | None:
    names = [unit.name for unit in units]
    return whole_clusters([unit.cluster for unit in units], names=names, unit="unit")
