"""Compare predicted with reference objects over many images: counts per image, metrics with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.plain import plain
from veriscope.validate.columns import walk_columns
from veriscope.validate.metrics.instance.catalogue import instance_metrics
from veriscope.validate.scores import common_thresholds, mean_score, pooled_score, unit_values
from veriscope.validate.statistics import Interval, check_level
from veriscope.validate.units import DEFAULT_THRESHOLDS, UnitCounts, check_thresholds, count_unit

__all__ = ["InstanceComparison", "compare_instances", "compare_units"]


@dataclass(frozen=True, slots=True, eq=False)
class InstanceComparison:
    """How well predicted objects agree with reference objects.

    Parameters
    ----------
    units
        Counts of each image or tile, in the order given.
    metrics
        Pooled over all units, by key: ``f1@T``, ``ap@T``, ``precision@T``, ``recall@T`` and
        ``mean_matched_iou@T`` for each IoU threshold T; ``pq``, ``sq``, ``rq`` (at 0.5), ``count_bias``.
        For whole images also ``aji``, ``split_merge``, ``split_rate``, ``merge_rate``, ``vi``, ``vi_split``,
        ``vi_merge``, ``are``, ``are_precision`` and ``are_recall``; they are left out if any unit is a tile.
    metrics_per_image
        The same metrics, computed for each unit and averaged: each image counts the same, however many
        objects it has. Units in which a metric is undefined are left aside. Weights are not used.
    thresholds
        IoU thresholds, ascending, 0.5 among them.
    level
        Level of all intervals.
    """

    units: tuple[UnitCounts, ...]
    metrics: dict[str, Interval]
    metrics_per_image: dict[str, Interval]
    thresholds: tuple[float, ...]
    level: float

    @property
    def n_images(self) -> int:
        """Number of units compared, empty ones included."""
        return len(self.units)

    def table(self) -> list[dict[str, Any]]:
        """Give one row per unit with its counts and its metrics.

        Returns
        -------
        list of dict
            Plain values; None where a metric is undefined.
        """
        values = {
            keyed.key: unit_values(self.units, keyed).tolist()
            for keyed in instance_metrics(self.thresholds)
            if keyed.key in self.metrics
        }
        return [
            {**unit.to_dict(), **{key: plain(column[i]) for key, column in values.items()}}
            for i, unit in enumerate(self.units)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            ``n_images``, ``thresholds``, ``level``, ``metrics``, ``metrics_per_image`` and ``images``
            (one row per unit).
        """
        return {
            "n_images": self.n_images,
            "thresholds": list(self.thresholds),
            "level": self.level,
            "metrics": plain(self.metrics),
            "metrics_per_image": plain(self.metrics_per_image),
            "images": self.table(),
        }


def compare_instances(
    references: Iterable[NDArray[Any]],
    predictions: Iterable[NDArray[Any]],
    *,
    names: Iterable[str] | None = None,
    thresholds: Sequence[float] = DEFAULT_THRESHOLDS,
    level: float = 0.95,
    clusters: Iterable[str] | None = None,
    weights: Iterable[float] | None = None,
    unit: str | None = None,
) -> InstanceComparison:
    """Match objects image by image and give metrics with intervals by image.

    Parameters
    ----------
    references, predictions
        Label images in the same order, each pair of the same shape. Generators are taken one pair at a
        time, so that no more than one pair is in memory.
    names
        Name of each image; numbers from 1 otherwise.
    thresholds
        IoU thresholds (a match has IoU at or above); 0.5 is always added.
    level
        Level of the intervals, between 0 and 1.
    clusters
        What each image belongs to, such as its well or animal; then clusters are the units of the
        intervals, because images of one cluster are no independent witnesses.
    weights
        How many images of the study each stands for; 1 otherwise.
    unit
        What a unit of the intervals is, for the results, such as ``"tile"`` or ``"replicate"``; None:
        ``"cluster"`` where there are clusters, else ``"image"``.

    Returns
    -------
    InstanceComparison
        Counts per image, metrics pooled and averaged, intervals.

    Raises
    ------
    InputError
        If the numbers of references, predictions, names, clusters or weights differ, or an option is
        not allowed.
    ShapeMismatchError, PixelValueError
        If a pair does not fit, or is no label image; the message names it.
    """
    check_level(level)
    levels = check_thresholds(thresholds)
    columns: dict[str, Iterable[Any] | None] = {
        "references": references,
        "predictions": predictions,
        "names": names,
        "clusters": clusters,
        "weights": weights,
    }
    units = [
        count_unit(
            np.asarray(row["references"]),
            np.asarray(row["predictions"]),
            thresholds=levels,
            name=row.get("names", f"image {number}"),
            cluster=row.get("clusters"),
            weight=row.get("weights", 1.0),
        )
        for number, row in enumerate(walk_columns(columns), start=1)
    ]
    return compare_units(units, level=level, thresholds=levels, unit=unit)


def compare_units(
    units: Sequence[UnitCounts],
    *,
    level: float = 0.95,
    thresholds: Sequence[float] | None = None,
    unit: str | None = None,
) -> InstanceComparison:
    """Give metrics with intervals from the counts of images or tiles.

    Parameters
    ----------
    units
        Counts from `count_unit`, all at the same thresholds. Where any has a cluster, clusters are the
        units of the pooled intervals.
    level
        Level of the intervals, between 0 and 1.
    thresholds
        Thresholds of the units; needed only if there may be no unit.
    unit
        What a unit of the intervals is, for the results; None: ``"cluster"`` where there are clusters,
        else ``"image"``.

    Returns
    -------
    InstanceComparison
        Without units all values are NaN.

    Raises
    ------
    InputError
        If the thresholds of the units differ, only some have a cluster, or the level is not allowed.
    """
    check_level(level)
    levels = common_thresholds(units, thresholds)
    whole = all(item.overlap is not None for item in units)
    keyed_metrics = [keyed for keyed in instance_metrics(levels) if whole or not keyed.needs_overlap]
    name = unit or ("cluster" if any(item.cluster is not None for item in units) else "image")
    return InstanceComparison(
        units=tuple(units),
        metrics={keyed.key: pooled_score(units, keyed, level=level, unit=name) for keyed in keyed_metrics},
        metrics_per_image={
            keyed.key: mean_score(units, keyed, level=level, unit=name) for keyed in keyed_metrics
        },
        thresholds=levels,
        level=level,
    )
