"""All metrics of instances by their key, such as ``"f1@0.5"`` or ``"pq"``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from veriscope.errors import InputError
from veriscope.validate.metrics.base import Metric
from veriscope.validate.metrics.description import Description
from veriscope.validate.metrics.instance.aggregated_jaccard import AJI
from veriscope.validate.metrics.instance.counts import COUNT_BIAS
from veriscope.validate.metrics.instance.detection import AP, F1, PRECISION, RECALL
from veriscope.validate.metrics.instance.panoptic import MEAN_MATCHED_IOU, PQ, RQ, SQ
from veriscope.validate.metrics.instance.rand import ARE, ARE_PRECISION, ARE_RECALL
from veriscope.validate.metrics.instance.split_merge import MERGE_RATE, SPLIT_MERGE, SPLIT_RATE
from veriscope.validate.metrics.instance.variation_of_information import VI, VI_MERGE, VI_SPLIT

__all__ = [
    "AT_EACH_THRESHOLD",
    "AT_HALF",
    "DESCRIPTIONS",
    "OF_OVERLAPS",
    "KeyedMetric",
    "instance_metrics",
    "metric_by_key",
]

AT_EACH_THRESHOLD = (F1, AP, PRECISION, RECALL, MEAN_MATCHED_IOU)
AT_HALF = (PQ, SQ, RQ, COUNT_BIAS)
OF_OVERLAPS = (
    AJI,
    SPLIT_MERGE,
    SPLIT_RATE,
    MERGE_RATE,
    VI,
    VI_SPLIT,
    VI_MERGE,
    ARE,
    ARE_PRECISION,
    ARE_RECALL,
)
"""Metrics of whole images: they need overlaps with all objects around, which a tile does not have."""


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
        IoU threshold of its matches; 0.5 for metrics that need no matching.
    """

    key: str
    metric: Metric
    threshold: float

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest possible value; the IoU of a match is not below the threshold."""
        low = self.threshold if self.metric is MEAN_MATCHED_IOU else self.metric.low
        return low, self.metric.high

    @property
    def needs_overlap(self) -> bool:
        """Whether it is known for whole images only."""
        return self.metric in OF_OVERLAPS


def instance_metrics(thresholds: Sequence[float]) -> tuple[KeyedMetric, ...]:
    """Give all metrics of instances for some IoU thresholds.

    Parameters
    ----------
    thresholds
        IoU thresholds.

    Returns
    -------
    tuple
        Those with a threshold in their key, then those that are always taken at IoU 0.5, then those that
        need no matching.
    """
    at_each = [
        KeyedMetric(f"{metric.name}@{threshold:g}", metric, threshold)
        for threshold in thresholds
        for metric in AT_EACH_THRESHOLD
    ]
    return (*at_each, *(KeyedMetric(metric.name, metric, 0.5) for metric in (*AT_HALF, *OF_OVERLAPS)))


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


def _describe(
    metric: Metric, name: str, *, where: str, use: str, avoid: str, source: str, tasks: tuple[str, ...] = ()
) -> Description:
    at_each = metric in AT_EACH_THRESHOLD
    return Description(
        key=f"{metric.name}@T" if at_each else metric.name,
        name=name,
        tasks=("instance", *tasks),
        formula=metric.formula,
        low=metric.low,
        high=metric.high,
        best=metric.best,
        empty=metric.empty,
        use=use,
        avoid=avoid,
        source=source,
        function=f"metrics.instance.{where}",
    )


_KIRILLOV = "Kirillov et al., Panoptic segmentation, CVPR (2019)"
_MEILA = "Meilă, Journal of Multivariate Analysis 98 (2007)"
_RAND = "Arganda-Carreras et al., Frontiers in Neuroanatomy 9 (2015)"
_OURS = "ours; lies-in rule after Matula et al., PLoS ONE 10 (2015)"

DESCRIPTIONS = (
    _describe(
        F1,
        "F1 score of objects at an IoU threshold (Dice of the sets of objects)",
        where="detection.f1",
        use="How many objects are found and how many invented, misses and inventions weighing the same.",
        avoid="Objects so small or so coarsely drawn that a true match fails the threshold.",
        source="van Rijsbergen, Information Retrieval (1979)",
    ),
    _describe(
        AP,
        "TP / (TP + FP + FN) at an IoU threshold, called average precision by StarDist and Cellpose",
        where="detection.ap",
        use="To compare with published values of StarDist and Cellpose; the same order as F1.",
        avoid="Beside F1, of which it says nothing new; it is not the average precision of COCO.",
        source="Caicedo et al., Nature Methods 16 (2019)",
    ),
    _describe(
        PRECISION,
        "Share of predicted objects that match",
        where="detection.precision",
        use="Where invented objects are the costlier error; together with recall.",
        avoid="Alone: predicting only the clearest objects makes it perfect.",
        source="Manning et al., Introduction to Information Retrieval (2008)",
    ),
    _describe(
        RECALL,
        "Share of reference objects that were found",
        where="detection.recall",
        use="Where missed objects are the costlier error; together with precision.",
        avoid="Alone: it does not see invented objects.",
        source="Manning et al., Introduction to Information Retrieval (2008)",
    ),
    _describe(
        MEAN_MATCHED_IOU,
        "Mean IoU of matched objects",
        where="panoptic.mean_matched_iou",
        use="How well found objects are outlined, beside F1.",
        avoid="Alone: it does not see missed and invented objects; for tiny objects, where a pixel decides.",
        source=_KIRILLOV,
    ),
    _describe(
        PQ,
        "Panoptic quality",
        where="panoptic.pq",
        use="Detection and overlap in one number, for an overview.",
        avoid="To learn what is wrong: report its factors SQ and RQ; for tiny or thin objects.",
        source=_KIRILLOV,
    ),
    _describe(
        SQ,
        "Segmentation quality, factor of PQ",
        where="panoptic.mean_matched_iou",
        use="The part of PQ that outlines make.",
        avoid="Alone: it does not see missed and invented objects.",
        source=_KIRILLOV,
    ),
    _describe(
        RQ,
        "Recognition quality, factor of PQ",
        where="detection.f1",
        use="The part of PQ that finding makes; it is F1 at IoU 0.5.",
        avoid="Beside F1, which it is.",
        source=_KIRILLOV,
    ),
    _describe(
        COUNT_BIAS,
        "Relative error of the number of objects",
        where="counts.count_bias",
        use="Where numbers of objects are what will be reported.",
        avoid="Alone: misses and inventions cancel.",
        source="ours",
        tasks=("detection",),
    ),
    _describe(
        AJI,
        "Aggregated Jaccard index",
        where="aggregated_jaccard.aji",
        use="To compare with published values in histology (MoNuSeg).",
        avoid="Objects of very different size: large ones decide; one merge is punished once per object.",
        source="Kumar et al., IEEE TMI 36 (2017), algorithm 1",
    ),
    _describe(
        SPLIT_MERGE,
        "Share of objects that were split or merged",
        where="split_merge.split_merge",
        use="Touching objects: which errors of separation there are, with their labels.",
        avoid="Alone: a missed object is neither split nor merged.",
        source=_OURS,
    ),
    _describe(
        SPLIT_RATE,
        "Share of objects that were split",
        where="split_merge.split_rate",
        use="Over-segmentation: one object cut into several.",
        avoid="Without merge_rate: settings trade one for the other.",
        source=_OURS,
    ),
    _describe(
        MERGE_RATE,
        "Share of objects that were merged",
        where="split_merge.merge_rate",
        use="Under-segmentation: several objects taken for one.",
        avoid="Without split_rate: settings trade one for the other.",
        source=_OURS,
    ),
    _describe(
        VI,
        "Variation of information, foreground-only",
        where="variation_of_information.vi",
        use="Images filled with objects side by side, such as cells between membranes.",
        avoid="Separate objects on a background: predicted background counts as one large object.",
        source=_MEILA,
    ),
    _describe(
        VI_SPLIT,
        "Part of the variation of information that splits bring",
        where="variation_of_information.vi_split",
        use="Over-segmentation of images filled with objects.",
        avoid="Alone: predicting a single object makes it perfect.",
        source=_MEILA,
    ),
    _describe(
        VI_MERGE,
        "Part of the variation of information that merges bring",
        where="variation_of_information.vi_merge",
        use="Under-segmentation of images filled with objects.",
        avoid="Alone; with separate objects, whose missed rims count as merged with one another.",
        source=_MEILA,
    ),
    _describe(
        ARE,
        "Adapted Rand error, foreground-only",
        where="rand.are",
        use="To compare with published values of electron microscopy (ISBI 2012, SNEMI3D, CREMI).",
        avoid="Separate objects on a background, whose missed rims count as one large merged object.",
        source=_RAND,
    ),
    _describe(
        ARE_PRECISION,
        "Precision of pairs of pixels, in the adapted Rand error",
        where="rand.are_precision",
        use="The part of the error that merges make.",
        avoid="As the adapted Rand error.",
        source=_RAND,
    ),
    _describe(
        ARE_RECALL,
        "Recall of pairs of pixels, in the adapted Rand error",
        where="rand.are_recall",
        use="The part of the error that splits make.",
        avoid="As the adapted Rand error.",
        source=_RAND,
    ),
)
"""What a user is told about each metric, in the order of results."""
