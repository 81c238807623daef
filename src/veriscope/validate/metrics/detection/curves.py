"""All metrics of curves over confidence, over classes, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veriscope.validate.localise.pairs import CandidatePairs
from veriscope.validate.metrics.detection.average_precision import average_precision, coco_average_precision
from veriscope.validate.metrics.detection.froc import FROC_RATES, sensitivity_at_fppi
from veriscope.validate.metrics.detection.intervals import bootstrap_by_image, jackknife_by_image
from veriscope.validate.metrics.detection.ranked import rank_detections
from veriscope.validate.statistics import Interval

__all__ = ["ImagesOfClass", "curve_metrics"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ImagesOfClass:
    """What is needed of each image for curves.

    Parameters
    ----------
    pairs
        Candidate pairs of each image.
    scores
        Confidence of each prediction of each image.
    """

    pairs: Sequence[CandidatePairs]
    scores: Sequence[FloatArray]

    @property
    def n_reference(self) -> int:
        """Number of reference objects in all images."""
        return sum(found.n_reference for found in self.pairs)


def curve_metrics(
    together: ImagesOfClass,
    classes: Sequence[ImagesOfClass],
    *,
    threshold: float,
    coco: bool,
    rates: Sequence[float] = FROC_RATES,
    max_detections: int | None = 100,
    clusters: Sequence[str] | None = None,
    weights: FloatArray | None = None,
    level: float = 0.95,
    unit: str = "image",
    seed: int = 0,
) -> dict[str, Interval]:
    """Give average precision and FROC of some images with their intervals by image or cluster.

    Parameters
    ----------
    together
        All objects, with pairs of one class only.
    classes
        The same images, class by class.
    threshold
        Smallest fit of a match.
    coco
        Whether the fits are an IoU, so that COCO's average precision can be had.
    rates
        False positives per image at which sensitivity is given, and averaged for ``froc``.
    max_detections
        Of each image and class, for COCO's average precision.
    clusters
        What each image belongs to; None: it stands for itself.
    weights
        How many images of the study each stands for; None: 1 for each.
    level
        Level of the intervals.
    unit
        What a unit of the intervals is, for the results.
    seed
        Of the resampling for the intervals of FROC.

    Returns
    -------
    dict
        ``average_precision`` and ``coco_average_precision``, the means over classes that have a reference
        object, with jackknife intervals; ``froc`` and ``sensitivity@R_fppi`` of all classes together, with
        intervals from resampled images.
    """
    ranked = rank_detections(together.pairs, together.scores, threshold=threshold)
    of_classes = [
        rank_detections(images.pairs, images.scores, threshold=threshold)
        for images in classes
        if images.n_reference
    ]

    def precisions(given: FloatArray) -> FloatArray:
        values = [average_precision(each, weights=given) for each in of_classes]
        columns = [np.mean(values, axis=0) if values else np.full(len(given), np.nan)]
        if coco:
            values = [
                coco_average_precision(
                    images.pairs, images.scores, max_detections=max_detections, weights=given
                )
                for images in classes
                if images.n_reference
            ]
            columns.append(np.mean(values, axis=0) if values else np.full(len(given), np.nan))
        return np.stack(columns, axis=1)

    def sensitivities(given: FloatArray) -> FloatArray:
        found = sensitivity_at_fppi(ranked, rates=rates, weights=given)
        return np.concatenate([found.mean(axis=1, keepdims=True), found], axis=1)

    # An image brings its objects to sensitivity, and itself to false positives per image.
    share = ranked.n_reference / max(float(ranked.n_reference.mean() if ranked.n_images else 0), 1e-9) + 1
    keys = ["average_precision", *(["coco_average_precision"] if coco else [])]
    froc_keys = ["froc", *(f"sensitivity@{rate:g}_fppi" for rate in rates)]
    by_jackknife = jackknife_by_image(
        precisions, ranked.sizes, clusters=clusters, weights=weights, level=level, unit=unit
    )
    by_bootstrap = bootstrap_by_image(
        sensitivities, share, clusters=clusters, weights=weights, level=level, unit=unit, seed=seed
    )
    return dict(zip([*keys, *froc_keys], [*by_jackknife, *by_bootstrap], strict=True))
