"""Metrics of how much two masks overlap: DSC, IoU and Fβ.

Every pixel counts the same, so large structures decide; boundaries and small structures hardly show.
"""

from __future__ import annotations

import numpy as np

from veriscope.errors import InputError
from veriscope.validate.metrics.semantic.masks import BoolArray, check_masks

__all__ = ["dice", "f_beta", "iou"]


def dice(reference: BoolArray, prediction: BoolArray) -> float:
    """Dice similarity coefficient, DSC: the overlap as a share of the mean size; equals F1 of pixels.

    Parameters
    ----------
    reference, prediction
        Masks (true/false) of one shape, (y, x) or (z, y, x).

    Returns
    -------
    float
        2 |R ∩ P| / (|R| + |P|), 0 to 1, higher is better. NaN if both masks are empty, 0 if one is.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        If these are no two masks of one shape.

    References
    ----------
    .. [1] Dice LR. Measures of the amount of ecologic association between species. Ecology (1945).
    """
    return f_beta(reference, prediction, beta=1.0)


def iou(reference: BoolArray, prediction: BoolArray) -> float:
    """Intersection over union, the Jaccard index: the shared pixels as a share of all pixels in either.

    Parameters
    ----------
    reference, prediction
        Masks (true/false) of one shape, (y, x) or (z, y, x).

    Returns
    -------
    float
        |R ∩ P| / |R ∪ P| = DSC / (2 - DSC), 0 to 1, higher is better. NaN if both masks are empty, 0 if
        one is.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        If these are no two masks of one shape.

    References
    ----------
    .. [1] Jaccard P. The distribution of the flora in the alpine zone. New Phytologist (1912).
    """
    tp, fp, fn = _confusion(reference, prediction)
    union = tp + fp + fn
    return tp / union if union else float("nan")


def f_beta(reference: BoolArray, prediction: BoolArray, *, beta: float) -> float:
    """Weighted harmonic mean of the precision and recall of pixels, for errors of unequal cost.

    Parameters
    ----------
    reference, prediction
        Masks (true/false) of one shape, (y, x) or (z, y, x).
    beta
        How many times as important recall is as precision, above 0; above 1 punishes missed pixels
        more, below 1 invented ones.

    Returns
    -------
    float
        (1 + β²) TP / ((1 + β²) TP + β² FN + FP), 0 to 1, higher is better. NaN if both masks are empty,
        0 if one is.

    Raises
    ------
    InputError
        If beta is not a finite number above 0.
    AxesError, PixelValueError, ShapeMismatchError
        If these are no two masks of one shape.

    References
    ----------
    .. [1] van Rijsbergen CJ. Information Retrieval, 2nd ed. (1979), chapter 7.
    """
    if not (np.isfinite(beta) and beta > 0):
        raise InputError(f"beta {beta!r} is not allowed; use a finite number above 0, 1 for the DSC")
    tp, fp, fn = _confusion(reference, prediction)
    hits = (1 + beta**2) * tp
    everything = hits + beta**2 * fn + fp
    return hits / everything if everything else float("nan")


def _confusion(reference: BoolArray, prediction: BoolArray) -> tuple[int, int, int]:
    """Give the numbers of shared, invented and missed pixels."""
    check_masks(reference, prediction)
    tp = int(np.count_nonzero(reference & prediction))
    return tp, int(np.count_nonzero(prediction)) - tp, int(np.count_nonzero(reference)) - tp
