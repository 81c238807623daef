"""Average precision, AP: precision averaged over recall, over all thresholds of confidence.

Two forms with one name are in use, and they differ by up to several hundredths:

- `average_precision` (ours): every step of recall counts with the precision at that step, nothing is
  interpolated, all detections count. With one detection per object it is that of scikit-learn.
- `coco_average_precision` (COCO): at 101 levels of recall, the best precision at that recall *or higher*,
  averaged; then the mean over IoU thresholds 0.50, 0.55 … 0.95 (and over classes); only the 100 surest
  detections of each image and class are looked at. The best of what follows is never less than what is
  there, so interpolation raises the value; leaving out detections lowers it where images hold more than
  100 objects, as images of cells do.

StarDist and Cellpose call TP / (TP + FP + FN) "average precision", which is neither.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.errors import InputError
from veriscope.validate.localise.pairs import CandidatePairs
from veriscope.validate.metrics.base import ratio
from veriscope.validate.metrics.detection.ranked import RankedDetections, by_weights, rank_detections

__all__ = [
    "COCO_RECALLS",
    "COCO_THRESHOLDS",
    "average_precision",
    "coco_average_precision",
    "interpolated_average_precision",
]

FloatArray = NDArray[np.float64]

# As COCO's code makes them, rounding errors included (0.6 is 0.6000000000000001), so that values agree.
COCO_THRESHOLDS: tuple[float, ...] = tuple(np.linspace(0.5, 0.95, 10).tolist())
COCO_RECALLS: tuple[float, ...] = tuple(np.linspace(0.0, 1.0, 101).tolist())
_ROUNDING = 1 + 1e-9


def average_precision(ranked: RankedDetections, *, weights: ArrayLike | None = None) -> FloatArray:
    """Average precision without interpolation, over all detections of all images.

    Parameters
    ----------
    ranked
        Detections of one class, matched at one criterion.
    weights
        Weight of each image, shape (..., k); None: 1 for each.

    Returns
    -------
    numpy.ndarray
        Shape (...): Σ (recall - recall before) · precision over falling confidence, detections of equal
        confidence taken together; 0 to 1, higher is better. NaN without a reference object, 0 if there
        are some but no detection.

    Raises
    ------
    InputError
        If the weights do not fit.

    References
    ----------
    .. [1] Maier-Hein L, Reinke A et al. Metrics reloaded. Nature Methods (2024), supplement.
    .. [2] Everingham M et al. The PASCAL VOC challenge: a retrospective. IJCV (2015), all-points form, but
       without its interpolation.
    """
    return by_weights(ranked, weights, _step_wise)


def interpolated_average_precision(
    ranked: RankedDetections,
    *,
    recalls: Sequence[float] = COCO_RECALLS,
    weights: ArrayLike | None = None,
) -> FloatArray:
    """Mean over levels of recall of the best precision at that recall or higher.

    Parameters
    ----------
    ranked
        Detections of one class, matched at one criterion.
    recalls
        Levels of recall, 0 to 1; 101 levels as COCO has them, or 11 as PASCAL VOC had until 2009.
    weights
        Weight of each image, shape (..., k); None: 1 for each.

    Returns
    -------
    numpy.ndarray
        Shape (...): 0 to 1, higher is better; levels that are not reached count 0. NaN without a
        reference object, 0 if there are some but no detection.

    Raises
    ------
    InputError
        If the weights do not fit, or a level is not between 0 and 1.

    References
    ----------
    .. [1] Everingham M et al. The PASCAL visual object classes (VOC) challenge. IJCV (2010), sect. 4.2.
    .. [2] Lin T-Y et al. Microsoft COCO: common objects in context. ECCV (2014), and its evaluation code.
    """
    levels = np.asarray(recalls, dtype=np.float64)
    if not levels.size or not ((levels >= 0) & (levels <= 1)).all():
        raise InputError(f"recalls {recalls!r} are not allowed; use numbers from 0 to 1")

    def statistic(
        tp: FloatArray, fp: FloatArray, n_reference: FloatArray, n_images: FloatArray
    ) -> FloatArray:
        precision, recall = _precision(tp, fp), ratio(tp, n_reference[:, None])
        # Whole weights add up exactly, as in COCO; of others, a level may be missed by rounding alone.
        whole = (tp == np.rint(tp)).all(axis=1, keepdims=True)
        recall = np.where(whole, recall, recall * _ROUNDING)
        # The best precision at this confidence or a lower one; the last column is for levels not reached.
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        best = np.concatenate([best, np.zeros((len(best), 1))], axis=1)
        first = [np.searchsorted(row, levels, side="left") for row in recall]
        values = np.array([row[places].mean() for row, places in zip(best, first, strict=True)])
        return np.where(n_reference > 0, values, np.nan)

    return by_weights(ranked, weights, statistic)


def coco_average_precision(
    pairs: Sequence[CandidatePairs],
    scores: Sequence[ArrayLike],
    *,
    thresholds: Sequence[float] = COCO_THRESHOLDS,
    max_detections: int | None = 100,
    weights: ArrayLike | None = None,
) -> FloatArray:
    """Average precision of COCO for one class: 101 levels of recall, mean over IoU thresholds.

    Parameters
    ----------
    pairs
        Candidate pairs of each image by IoU, of objects of one class. COCO's value for several classes is
        the mean of the values of the classes that have a reference object.
    scores
        Confidence of each prediction of each image, any scale, higher is surer; no NaN.
    thresholds
        IoU thresholds, each above 0 and at most 1.
    max_detections
        How many of each image are looked at, the surest first; None: all. COCO looks at 100; set None
        where images may hold more objects, and say so.
    weights
        Weight of each image, shape (..., k); None: 1 for each.

    Returns
    -------
    numpy.ndarray
        Shape (...): 0 to 1, higher is better. NaN without a reference object, 0 if there are some but no
        detection.

    Raises
    ------
    InputError
        If lists do not fit each other, or an option is not allowed.
    PixelValueError, ShapeMismatchError
        If scores are NaN, or not one per prediction.

    Notes
    -----
    COCO takes detections of equal confidence one by one in the order of the file, so its value depends on
    that order; ours takes them together. "Crowd" regions and size ranges are not handled.

    References
    ----------
    .. [1] Lin T-Y et al. Microsoft COCO: common objects in context. ECCV (2014), and its evaluation code.
    """
    if not thresholds or not all(0 < threshold <= 1 for threshold in thresholds):
        raise InputError(f"IoU thresholds {list(thresholds)} are not allowed; use numbers above 0, at most 1")
    ranked = (
        rank_detections(pairs, scores, threshold=threshold, max_detections=max_detections)
        for threshold in thresholds
    )
    values = [interpolated_average_precision(detections, weights=weights) for detections in ranked]
    return np.asarray(np.mean(values, axis=0), dtype=np.float64)


def _precision(tp: FloatArray, fp: FloatArray) -> FloatArray:
    """Give the precision at each confidence; 0 before the first detection of weight above 0."""
    return np.nan_to_num(ratio(tp, tp + fp))


def _step_wise(tp: FloatArray, fp: FloatArray, n_reference: FloatArray, n_images: FloatArray) -> FloatArray:
    steps = np.diff(tp, axis=1, prepend=0.0)
    return ratio((steps * _precision(tp, fp)).sum(axis=1), n_reference)
