"""Found, invented and missed objects of each image, and metrics of them with intervals by image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.validate.clusters import sum_by_cluster, whole_clusters
from veriscope.validate.means import mean_over_units
from veriscope.validate.metrics.base import Counts, Metric
from veriscope.validate.statistics import Interval, jackknife_interval, leave_one_out

__all__ = ["DetectionCounts", "mean_of_images", "pooled"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DetectionCounts:
    """Found, invented and missed objects of one image.

    Parameters
    ----------
    name
        Name of the image.
    tp, fp, fn
        Matches, predictions without a match, references without a match.
    cluster
        What the image belongs to, such as a well or an animal; None: it stands for itself.
    weight
        How many images of the study it stands for, above 0.
    """

    name: str
    tp: int
    fp: int
    fn: int
    cluster: str | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.weight) and self.weight > 0):
            raise InputError(f"{self.name}: weight {self.weight!r} is not allowed; use a number above 0")

    def row(self) -> tuple[float, ...]:
        """Give the sums that metrics need, in the order of `metrics.base.Counts`.

        Returns
        -------
        tuple
            TP, FP, FN, NaN (there is no IoU), objects of the reference, objects of the prediction.
        """
        return (self.tp, self.fp, self.fn, np.nan, self.tp + self.fn, self.tp + self.fp)

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON or a table.

        Returns
        -------
        dict
            ``name``, ``n_reference``, ``n_prediction``, ``tp``, ``fp``, ``fn``, ``cluster``, ``weight``.
        """
        return {
            "name": self.name,
            "n_reference": self.tp + self.fn,
            "n_prediction": self.tp + self.fp,
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
            "cluster": self.cluster,
            "weight": self.weight,
        }


def pooled(
    images: Sequence[DetectionCounts], metric: Metric, *, level: float = 0.95, unit: str = "image"
) -> Interval:
    """Give a metric of the sums over all images, with its interval by image or cluster.

    Parameters
    ----------
    images
        Counts of each image. Where they have clusters, these are the units of the interval.
    metric
        Of the counts, such as `metrics.instance.detection.F1`; none that needs the IoU.
    level
        Level of the interval.
    unit
        What a unit of the interval is, for the result.

    Returns
    -------
    Interval
        Aggregation ``"pooled"``; NaN and "cannot tell" where the metric is undefined.

    Raises
    ------
    InputError
        If some images have a cluster and others have none.
    """
    rows = _rows(images) * np.array([image.weight for image in images]).reshape(-1, 1)
    if (clusters := _clusters(images)) is not None:
        rows = sum_by_cluster(rows, clusters)
    value, left_out = leave_one_out(rows, lambda sums: metric.function(Counts.from_columns(sums)))
    sizes = metric.sizes(Counts.from_columns(rows))
    return jackknife_interval(
        value, left_out, sizes, level=level, bounds=(metric.low, metric.high), unit=unit
    )


def mean_of_images(
    images: Sequence[DetectionCounts], metric: Metric, *, level: float = 0.95, unit: str = "image"
) -> Interval:
    """Give the mean over images of a metric of each, every image counting the same, with its interval.

    Parameters
    ----------
    images
        Counts of each image. Images of one cluster are averaged first. Weights are not used.
    metric
        Of the counts, such as `metrics.instance.detection.F1`; none that needs the IoU.
    level
        Level of the interval.
    unit
        What a unit of the interval is, for the result.

    Returns
    -------
    Interval
        Aggregation ``"mean"``; images in which the metric is undefined are left aside.

    Raises
    ------
    InputError
        If some images have a cluster and others have none.
    """
    values = metric.function(Counts.from_columns(_rows(images)))
    clusters: Sequence[str | None] = _clusters(images) or [None] * len(images)
    return mean_over_units(values, clusters, level=level, bounds=(metric.low, metric.high), unit=unit)


def _rows(images: Sequence[DetectionCounts]) -> FloatArray:
    return np.array([image.row() for image in images], dtype=np.float64).reshape(-1, 6)


def _clusters(images: Sequence[DetectionCounts]) -> list[str] | None:
    return whole_clusters([image.cluster for image in images], names=[image.name for image in images])
