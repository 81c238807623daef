"""Free-response ROC, FROC: sensitivity against false positives per image, over thresholds of confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.core.plain import PlainRecord
from veriscope.errors import InputError
from veriscope.validate.metrics.base import ratio
from veriscope.validate.metrics.detection.ranked import RankedDetections, by_weights

__all__ = ["FROC_RATES", "FrocCurve", "froc_curve", "froc_score", "sensitivity_at_fppi"]

FloatArray = NDArray[np.float64]

FROC_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)

_ROUNDING = 1 + 1e-9  # with weights, sums of equal rates may differ by rounding


@dataclass(frozen=True, slots=True, eq=False)
class FrocCurve(PlainRecord):
    """Sensitivity and false positives per image at each confidence.

    Parameters
    ----------
    thresholds
        Shape (t,), descending: infinite first (nothing is taken), then each confidence that occurs.
    false_positives_per_image
        Shape (t,): mean over all images, those without an object included; never falls.
    sensitivity
        Shape (t,): share of the reference objects that are found, 0 to 1; never falls. NaN without any.
    """

    thresholds: FloatArray
    false_positives_per_image: FloatArray
    sensitivity: FloatArray


def froc_curve(ranked: RankedDetections, *, weights: ArrayLike | None = None) -> FrocCurve:
    """Give sensitivity and false positives per image at every confidence.

    Parameters
    ----------
    ranked
        Detections, matched at one criterion.
    weights
        Weight of each image, shape (k,); None: 1 for each.

    Returns
    -------
    FrocCurve
        Detections at or above a threshold are taken, those of equal confidence together. Second
        detections of one object are false positives (LUNA16 leaves them out). Without an image, rates
        are NaN.

    Raises
    ------
    InputError
        If the weights do not fit.

    References
    ----------
    .. [1] Bunch PC et al. A free response approach to the measurement and characterization of
       radiographic-observer performance. SPIE 127 (1977).
    """

    def statistic(
        tp: FloatArray, fp: FloatArray, n_reference: FloatArray, n_images: FloatArray
    ) -> FloatArray:
        return np.stack(_points(tp, fp, n_reference, n_images), axis=1)

    ((rates, found),) = by_weights(ranked, _one_row(ranked, weights), statistic)
    thresholds = np.concatenate([[np.inf], ranked.scores[ranked.last_of_ties]])
    return FrocCurve(thresholds, rates, found)


def sensitivity_at_fppi(
    ranked: RankedDetections, *, rates: Sequence[float] = FROC_RATES, weights: ArrayLike | None = None
) -> FloatArray:
    """Largest sensitivity at a threshold with at most so many false positives per image.

    Parameters
    ----------
    ranked
        Detections, matched at one criterion.
    rates
        False positives per image that are allowed, each at least 0.
    weights
        Weight of each image, shape (..., k); None: 1 for each.

    Returns
    -------
    numpy.ndarray
        Shape (..., number of rates): 0 to 1, higher is better. Values are those of thresholds that can be
        set, so nothing is interpolated between them (LUNA16 does, linearly). Where no threshold keeps to
        the rate nothing is taken, which is 0. NaN without a reference object.

    Raises
    ------
    InputError
        If the weights do not fit, or a rate is not allowed.

    References
    ----------
    .. [1] Maier-Hein L, Reinke A et al. Metrics reloaded. Nature Methods (2024), supplement.
    """
    allowed = np.asarray(rates, dtype=np.float64)
    if allowed.ndim != 1 or not allowed.size or not (np.isfinite(allowed) & (allowed >= 0)).all():
        raise InputError(f"rates {rates!r} are not allowed; use numbers of at least 0")

    def statistic(
        tp: FloatArray, fp: FloatArray, n_reference: FloatArray, n_images: FloatArray
    ) -> FloatArray:
        per_image, found = _points(tp, fp, n_reference, n_images)
        last = [np.searchsorted(row, allowed * _ROUNDING, side="right") - 1 for row in per_image]
        return np.array([row[places] for row, places in zip(found, last, strict=True)])

    return by_weights(ranked, weights, statistic)


def froc_score(
    ranked: RankedDetections, *, rates: Sequence[float] = FROC_RATES, weights: ArrayLike | None = None
) -> FloatArray:
    """Mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per image.

    Parameters
    ----------
    ranked
        Detections, matched at one criterion.
    rates
        False positives per image that are allowed, each at least 0.
    weights
        Weight of each image, shape (..., k); None: 1 for each.

    Returns
    -------
    numpy.ndarray
        Shape (...): 0 to 1, higher is better. NaN without a reference object, 0 without a detection. The
        rates come from images of the lung; where many false positives are tolerable, choose others and
        say which.

    Raises
    ------
    InputError
        If the weights do not fit, or a rate is not allowed.

    References
    ----------
    .. [1] Niemeijer M et al. On combining computer-aided detection systems. IEEE TMI (2011).
    .. [2] Setio AAA et al. Validation, comparison, and combination of algorithms for automatic detection of
       pulmonary nodules: the LUNA16 challenge. Medical Image Analysis (2017).
    """
    mean: FloatArray = np.asarray(sensitivity_at_fppi(ranked, rates=rates, weights=weights).mean(axis=-1))
    return mean


def _points(
    tp: FloatArray, fp: FloatArray, n_reference: FloatArray, n_images: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Give false positives per image and sensitivity, with the point where nothing is taken in front."""
    start = np.zeros((len(tp), 1))
    per_image = ratio(np.concatenate([start, fp], axis=1), n_images[:, None])
    return per_image, ratio(np.concatenate([start, tp], axis=1), n_reference[:, None])


def _one_row(ranked: RankedDetections, weights: ArrayLike | None) -> FloatArray:
    given = np.ones(ranked.n_images) if weights is None else np.asarray(weights, dtype=np.float64)
    if given.ndim != 1:
        raise InputError(f"weights of shape {given.shape} are not allowed here; give one number per image")
    return given[None, :]
