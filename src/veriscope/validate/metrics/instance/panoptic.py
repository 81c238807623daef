"""Metrics of finding and outlining at once: panoptic quality and its two factors."""

from __future__ import annotations

from dataclasses import replace

from veriscope.validate.metrics.base import Counts, FloatArray, Metric, ratio
from veriscope.validate.metrics.instance.detection import F1

__all__ = ["MEAN_MATCHED_IOU", "PQ", "RQ", "SQ", "mean_matched_iou", "pq"]


def mean_matched_iou(counts: Counts) -> FloatArray:
    """Mean IoU of the matches; at the threshold 0.5 this is segmentation quality, SQ.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        Sum of IoU / TP, from the threshold to 1, higher is better. NaN without a match. It does not see
        objects that were missed or invented, so never judge by it alone.
    """
    return ratio(counts.sum_iou, counts.tp)


def pq(counts: Counts) -> FloatArray:
    """Panoptic quality: segmentation quality times recognition quality.

    Parameters
    ----------
    counts
        Sums over one or more images, at the IoU threshold 0.5.

    Returns
    -------
    numpy.ndarray
        Sum of IoU / (TP + FP / 2 + FN / 2), 0 to 1, higher is better. NaN if neither side has an object,
        0 if there is no match.

    References
    ----------
    .. [1] Kirillov A, He K, Girshick R, Rother C, Dollár P. Panoptic segmentation. CVPR (2019), eq. 1.
       They match at IoU > 0.5; we match at IoU >= 0.5, one to one.
    """
    return ratio(counts.sum_iou, counts.tp + (counts.fp + counts.fn) / 2)


MEAN_MATCHED_IOU = Metric(
    "mean_matched_iou",
    "sum of IoU of the matches / TP",
    mean_matched_iou,
    sizes=lambda counts: counts.tp,
    empty="no match: undefined",
)
SQ = replace(MEAN_MATCHED_IOU, name="sq", formula="sum of IoU of the matches / TP, at IoU 0.5", low=0.5)
RQ = replace(F1, name="rq", formula="2 TP / (2 TP + FP + FN), at IoU 0.5: the same as F1")
PQ = Metric(
    "pq",
    "SQ * RQ = sum of IoU of the matches / (TP + FP/2 + FN/2), at IoU 0.5",
    pq,
    sizes=F1.sizes,
    empty="no object on either side: undefined; no match: 0",
)
