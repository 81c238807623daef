"""Detections of many images in the order of their confidence, each a hit or not.

Every detection is matched within its image, greedily by confidence. So what a detection gets does not
depend on those of lower confidence, and one matching serves every threshold of confidence: those at or
above a threshold are a beginning of the list. Detections of equal confidence pass a threshold together,
so curves have one point for all of them, and the order of images and objects does not matter.

Images have weights, 1 for each. The same curves for other weights are the curves without one image
(weight 0), of a resample (0, 1, 2, …), or of a study that images were drawn from (1 / probability).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.errors import InputError, ShapeMismatchError
from veriscope.validate.assign import assign, check_confidences
from veriscope.validate.localise.pairs import CandidatePairs

__all__ = ["RankedDetections", "by_weights", "rank_detections"]

FloatArray = NDArray[np.float64]

_BLOCK = 1 << 21  # numbers per block of weighted curves: a few times 16 MB


@dataclass(frozen=True, slots=True, eq=False)
class RankedDetections:
    """Detections of k images in the order of falling confidence.

    Parameters
    ----------
    scores
        Shape (n,): confidence of each detection, descending.
    hits
        Shape (n,): whether it has a reference object of its own; one that has none is a false positive,
        also a second detection of one object.
    image
        Shape (n,): position of its image, from 0.
    n_reference
        Shape (k,): number of reference objects of each image, also of those without a detection.
    """

    scores: FloatArray
    hits: NDArray[np.bool_]
    image: NDArray[np.intp]
    n_reference: FloatArray

    def __post_init__(self) -> None:
        if not len(self.scores) == len(self.hits) == len(self.image):
            raise ShapeMismatchError(
                f"{len(self.scores)} scores, {len(self.hits)} hits and {len(self.image)} images are given; "
                "give one of each per detection"
            )

    @property
    def n_images(self) -> int:
        """Number of images, also of those without an object or a detection."""
        return len(self.n_reference)

    @property
    def sizes(self) -> FloatArray:
        """Shape (k,): objects of either side of each image."""
        sizes: FloatArray = self.n_reference + np.bincount(self.image, minlength=self.n_images)
        return sizes

    @property
    def last_of_ties(self) -> NDArray[np.intp]:
        """Positions of the last detection of each confidence that occurs."""
        return np.flatnonzero(np.append(self.scores[1:] != self.scores[:-1], len(self.scores) > 0))


def rank_detections(
    pairs: Sequence[CandidatePairs],
    scores: Sequence[ArrayLike],
    *,
    threshold: float,
    max_detections: int | None = None,
) -> RankedDetections:
    """Match the detections of some images, greedily by confidence, and put them in order.

    Parameters
    ----------
    pairs
        Candidate pairs of each image.
    scores
        Confidence of each prediction of each image, any scale, higher is surer; no NaN.
    threshold
        Smallest fit of a match, such as an IoU of 0.5.
    max_detections
        How many of each image are looked at, the surest first; None: all. Where a tie is cut, those that
        come first in the list stay.

    Returns
    -------
    RankedDetections
        Of all images together.

    Raises
    ------
    InputError
        If there is not one list of scores per image, or `max_detections` is below 1.
    PixelValueError, ShapeMismatchError
        If scores are NaN, or not one per prediction.
    """
    if len(pairs) != len(scores):
        raise InputError(
            f"{len(scores)} lists of scores are given for {len(pairs)} images; give one for each"
        )
    if max_detections is not None and max_detections < 1:
        raise InputError(f"max_detections {max_detections!r} is not allowed; use at least 1, or None for all")
    columns: list[tuple[FloatArray, NDArray[np.bool_], NDArray[np.intp]]] = []
    for number, (found, values) in enumerate(zip(pairs, scores, strict=True)):
        confidence = check_confidences(values, n_predictions=found.n_prediction, where=f"image {number + 1}")
        if max_detections is not None and len(confidence) > max_detections:
            kept = np.zeros(len(confidence), dtype=np.bool_)
            kept[np.argsort(-confidence, kind="stable")[:max_detections]] = True
            found = found.of_objects(np.ones(found.n_reference, dtype=np.bool_), kept)
            confidence = confidence[kept]
        matched = assign(found.at_least(threshold), method="greedy_by_score", scores=confidence)
        hits = np.zeros(len(confidence), dtype=np.bool_)
        hits[matched.pairs[:, 1]] = True
        columns.append((confidence, hits, np.full(len(confidence), number, dtype=np.intp)))
    none = np.empty(0), np.empty(0, dtype=np.bool_), np.empty(0, dtype=np.intp)
    all_scores, all_hits, image = (np.concatenate(column) for column in zip(none, *columns, strict=True))
    order = np.argsort(-all_scores, kind="stable")
    n_reference = np.array([found.n_reference for found in pairs], dtype=np.float64)
    return RankedDetections(all_scores[order], all_hits[order], image[order], n_reference)


def by_weights(
    ranked: RankedDetections,
    weights: ArrayLike | None,
    statistic: Callable[[FloatArray, FloatArray, FloatArray, FloatArray], FloatArray],
) -> FloatArray:
    """Compute a statistic of weighted curves, a bounded number of curves at a time.

    Parameters
    ----------
    ranked
        The detections.
    weights
        Weight of each image, shape (..., k), 0 or more; None: 1 for each.
    statistic
        Gives values of shape (b,) or (b, s) from TP and FP at each confidence that occurs, descending,
        shape (b, t), and from the numbers of reference objects and of images, shape (b,).

    Returns
    -------
    numpy.ndarray
        Shape (...) or (..., s).

    Raises
    ------
    InputError
        If the weights do not fit, or one is negative or not finite.
    """
    given = np.ones(ranked.n_images) if weights is None else np.asarray(weights, dtype=np.float64)
    if not given.ndim or given.shape[-1] != ranked.n_images:
        raise InputError(
            f"weights of shape {given.shape} are given for {ranked.n_images} images; give one for each"
        )
    if not (np.isfinite(given) & (given >= 0)).all():
        raise InputError("a weight is negative or not finite; use numbers of at least 0")
    rows = given.reshape(prod(given.shape[:-1]), ranked.n_images)
    ends = ranked.last_of_ties
    step = max(1, _BLOCK // max(1, len(ranked.scores)))
    values = []
    for start in range(0, max(1, len(rows)), step):  # no row at all is one empty block
        block = rows[start : start + step]
        of_detection = block[:, ranked.image]
        tp = np.cumsum(of_detection * ranked.hits, axis=1)[:, ends]
        fp = np.cumsum(of_detection * ~ranked.hits, axis=1)[:, ends]
        values.append(statistic(tp, fp, block @ ranked.n_reference, block.sum(axis=1)))
    joined = np.concatenate(values)
    return joined.reshape(given.shape[:-1] + joined.shape[1:])
