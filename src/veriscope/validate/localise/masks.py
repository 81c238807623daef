"""Overlap of the objects of two label images: IoU, intersection over reference, boundary IoU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.validate.contingency import Contingency, contingency
from veriscope.validate.localise.pairs import CandidatePairs
from veriscope.validate.metrics.semantic.masks import (
    ROUNDING,
    boundary_pixels,
    check_distance,
    check_label_images,
    check_steps,
)

__all__ = ["boundary_iou", "intersection_over_reference", "mask_iou"]

FloatArray = NDArray[np.float64]


def mask_iou(table: Contingency) -> CandidatePairs:
    """Intersection over union of the objects that share a pixel.

    Parameters
    ----------
    table
        Overlaps of the two label images, from `veriscope.validate.contingency.contingency`.

    Returns
    -------
    CandidatePairs
        Fits above 0, up to 1; symmetric. Objects are in the order of their labels.

    References
    ----------
    .. [1] Maier-Hein L, Reinke A et al. Metrics reloaded. Nature Methods (2024), supplement.
    """
    return CandidatePairs("mask_iou", table.n_reference, table.n_prediction, table.pairs, table.ious)


def intersection_over_reference(table: Contingency) -> CandidatePairs:
    """Share of the pixels of each reference object that a predicted object covers, IoR.

    Parameters
    ----------
    table
        Overlaps of the two label images, from `veriscope.validate.contingency.contingency`.

    Returns
    -------
    CandidatePairs
        Fits above 0, up to 1; not symmetric: too large a prediction is not punished. Objects are in the
        order of their labels.

    References
    ----------
    .. [1] Maier-Hein L, Reinke A et al. Metrics reloaded. Nature Methods (2024), supplement.
    """
    fits = table.overlaps / table.reference_areas[table.pairs[:, 0]]
    return CandidatePairs(
        "intersection_over_reference", table.n_reference, table.n_prediction, table.pairs, fits
    )


def boundary_iou(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    *,
    width: float,
    spacing: Sequence[float] | None = None,
) -> CandidatePairs:
    """Intersection over union of the inner rims of objects, each object being a mask of its own.

    Parameters
    ----------
    reference, prediction
        Label images of one shape, (y, x) or (z, y, x), 0 = background.
    width
        Width of the rims, above 0, in µm (in pixels without a spacing). Wide rims give the mask IoU.
    spacing
        Size of a pixel along each axis, in µm; None: the width is in pixels.

    Returns
    -------
    CandidatePairs
        For each pair whose rims share a pixel, the value of `boundary_iou` of the two masks as defined in
        `veriscope.validate.metrics.semantic.boundary`; above 0, up to 1; symmetric. Objects are in the
        order of their labels.

    Raises
    ------
    AxesError
        If the images have neither two nor three axes, or the spacing does not fit.
    InputError
        If the width is not a finite number above 0.
    PixelValueError, ShapeMismatchError
        If these are no two label images of one shape.

    References
    ----------
    .. [1] Cheng B, Girshick R, Dollár P, Berg AC, Kirillov A. Boundary IoU: improving object-centric
       image segmentation evaluation. CVPR (2021).
    """
    check_distance(width, name="width", zero=False)
    images = check_label_images(reference, prediction)
    steps = check_steps(spacing, images[0].ndim)
    table = contingency(*(_rims(labels, width, steps) for labels in images))
    return CandidatePairs("boundary_iou", table.n_reference, table.n_prediction, table.pairs, table.ious)


def _rims(labels: NDArray[Any], width: float, steps: FloatArray) -> NDArray[Any]:
    """Set to background all pixels deeper in their object than a distance; every object keeps some."""
    if not labels.size:
        return labels
    rims = np.where(boundary_pixels(labels), labels, 0)
    ranks = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    first = int(not (labels == 0).any())  # without background, rank 0 is an object
    for number, box in enumerate(ndimage.find_objects(ranks + first), start=1):
        mask = ranks[box] + first == number
        depth = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=steps)
        rim = mask & (depth[(slice(1, -1),) * mask.ndim] <= width * ROUNDING)
        rims[box][rim] = labels[box][rim]
    return rims
