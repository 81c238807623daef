"""All metrics of instances by their key, such as ``"f1@0.5"`` or ``"pq"``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from veriscope.errors import InputError
from veriscope.validate.metrics.base import Metric
from veriscope.validate.metrics.instance.counts import COUNT_BIAS
from veriscope.validate.metrics.instance.detection import AP, F1, PRECISION, RECALL
from veriscope.validate.metrics.instance.panoptic import MEAN_MATCHED_IOU, PQ, RQ, SQ

__all__ = ["AT_EACH_THRESHOLD", "AT_HALF", "KeyedMetric", "instance_metrics", "metric_by_key"]

AT_EACH_THRESHOLD = (F1, AP, PRECISION, RECALL, MEAN_MATCHED_IOU)
AT_HALF = (PQ, SQ, RQ, COUNT_BIAS)


@dataclass(frozen=True, slots=True)
class KeyedMetric:
    """A metric at a threshold.

    Parameters
    ----------
    key
        Name in results, such as ``"f1@0.5"``.
    metric
        The metric.
    threshold
        IoU threshold of its matches.
    """

    key: str
    metric: Metric
    threshold: float

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest possible value; the IoU of a match is not below the threshold."""
        low = self.threshold if self.metric is MEAN_MATCHED_IOU else self.metric.low
        return low, self.metric.high


def instance_metrics(thresholds: Sequence[float]) -> tuple[KeyedMetric, ...]:
    """Give all metrics of instances for some IoU thresholds.

    Parameters
    ----------
    thresholds
        IoU thresholds.

    Returns
    -------
    tuple
        Those with a threshold in their key, then those that are always taken at IoU 0.5.
    """
    at_each = [
        KeyedMetric(f"{metric.name}@{threshold:g}", metric, threshold)
        for threshold in thresholds
        for metric in AT_EACH_THRESHOLD
    ]
    return (*at_each, *(KeyedMetric(metric.name, metric, 0.5) for metric in AT_HALF))


def metric_by_key(key: str, thresholds: Sequence[float]) -> KeyedMetric:
    """Give one metric by its key.

    Parameters
    ----------
    key
        Such as ``"f1@0.5"`` or ``"pq"``.
    thresholds
        IoU thresholds that matches were counted at.

    Returns
    -------
    KeyedMetric
        The metric.

    Raises
    ------
    InputError
        If there is no such metric at these thresholds.
    """
    found = {keyed.key: keyed for keyed in instance_metrics(thresholds)}
    if key not in found:
        raise InputError(f"there is no metric {key!r}; the metrics are {', '.join(found)}")
    return found[key]
