"""Boundary IoU of each match, for all matches in one pass.

Each object is taken as a mask of its own, as in `matched_boundary`: a pixel lies in the rim of its object if
a pixel outside the object, be it background or a neighbour, is near. So the rims are again label images, and
the table of their overlaps holds the boundary IoU of every pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.validate.contingency import contingency
from veriscope.validate.matching import Matching
from veriscope.validate.metrics.instance.matched_boundary import check_named
from veriscope.validate.metrics.semantic.masks import (
    ROUNDING,
    BoolArray,
    boundary_pixels,
    check_distance,
    check_label_images,
    check_steps,
)

__all__ = ["boundary_iou_of_matches"]

FloatArray = NDArray[np.float64]


def boundary_iou_of_matches(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    matching: Matching,
    *,
    width: float,
    spacing: Sequence[float] | None = None,
) -> FloatArray:
    """Give the IoU of the rims of the two objects of each match.

    Parameters
    ----------
    reference, prediction
        Label images of one shape, (y, x) or (z, y, x), 0 = background.
    matching
        Which predicted object stands for which reference object, on these images.
    width
        Width of the rims, above 0, in µm (in pixels without a spacing). The time grows with the number of
        pixels that a disk (ball) of this radius holds.
    spacing
        Size of a pixel along each axis, in µm; None: the width is in pixels.

    Returns
    -------
    numpy.ndarray
        One value per match, 0 to 1, higher is better: what `semantic.boundary.boundary_iou` gives for the
        masks of the two objects.

    Raises
    ------
    AxesError
        If the images have neither two nor three axes, or the spacing does not fit.
    InputError
        If the width is not a finite number above 0, or an object of the matching is not in its image.
    PixelValueError, ShapeMismatchError
        If these are no two label images of one shape.

    References
    ----------
    .. [1] Cheng B, Girshick R, Dollár P, Berg AC, Kirillov A. Boundary IoU: improving object-centric
       image segmentation evaluation. CVPR (2021).
    """
    reference, prediction = check_label_images(reference, prediction)
    check_distance(width, name="width", zero=False)
    offsets = _offsets(width, check_steps(spacing, reference.ndim))
    rims = contingency(*(np.where(_rims(labels, offsets), labels, 0) for labels in (reference, prediction)))
    # Every object has a rim, so the rims have the labels of the objects.
    check_named(matching.pairs[:, 0], rims.reference_ids, where="the reference")
    check_named(matching.pairs[:, 1], rims.prediction_ids, where="the prediction")
    rows = np.searchsorted(rims.reference_ids, matching.pairs[:, 0])
    columns = np.searchsorted(rims.prediction_ids, matching.pairs[:, 1])
    found = np.zeros(len(matching.pairs))
    if len(rims.pairs):
        keys = rims.pairs[:, 0] * rims.n_prediction + rims.pairs[:, 1]
        wanted = rows * rims.n_prediction + columns
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found = np.where(keys[place] == wanted, rims.ious[place], 0.0)
    return found


def _offsets(width: float, steps: FloatArray) -> list[tuple[int, ...]]:
    """Give the steps to all pixels within the width, of opposite ones only one; (0, 0) is not among them."""
    reach = [int(width * ROUNDING / step) for step in steps]
    offsets = product(*(range(-most, most + 1) for most in reach))
    zero = (0,) * len(steps)
    return [
        offset
        for offset in offsets
        if offset > zero and float(((np.array(offset) * steps) ** 2).sum()) <= (width * ROUNDING) ** 2
    ]


def _rims(labels: NDArray[Any], offsets: Sequence[tuple[int, ...]]) -> BoolArray:
    """Mark the pixels from which a step leads to another label, or out of the image."""
    marked = boundary_pixels(labels)
    for offset in offsets:
        if any(abs(step) >= length for step, length in _along(offset, labels)):
            continue  # leads out of the image from every pixel, as the loop below says
        ahead = tuple(slice(max(step, 0), length + min(step, 0)) for step, length in _along(offset, labels))
        behind = tuple(slice(max(-step, 0), length - max(step, 0)) for step, length in _along(offset, labels))
        differ = labels[ahead] != labels[behind]
        marked[ahead] |= differ
        marked[behind] |= differ
    for axis in range(labels.ndim):
        edge = np.moveaxis(marked, axis, 0)
        most = max((abs(offset[axis]) for offset in offsets if not any(_others(offset, axis))), default=0)
        edge[:most] = True
        edge[len(edge) - min(most, len(edge)) :] = True
    return marked


def _along(offset: tuple[int, ...], labels: NDArray[Any]) -> zip[tuple[int, int]]:
    return zip(offset, labels.shape, strict=True)


def _others(offset: tuple[int, ...], axis: int) -> list[int]:
    return [step for other, step in enumerate(offset) if other != axis]
