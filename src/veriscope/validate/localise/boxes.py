"""Overlap of boxes, without a table of all references by all predictions.

A box of d axes is 2 d numbers: its first pixel on each axis, then one past its last pixel on each axis,
such as (y0, x0, y1, x1). Numbers may be fractions; a box covers first <= place < last, and its area is
the product of last - first. Boxes whose last pixel is *in* the box (as in PASCAL VOC) need 1 added to
their last pixel; boxes given as corner and size (as in COCO) need the corner added to the size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.localise.pairs import CandidatePairs

__all__ = ["box_centres", "box_intersection_over_reference", "box_iou", "check_boxes", "overlapping"]

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.intp]

_BLOCK = 1 << 20  # pairs looked at at once


def check_boxes(boxes: ArrayLike, *, name: str = "boxes") -> FloatArray:
    """Refuse what is no list of boxes.

    Parameters
    ----------
    boxes
        Shape (n, 4) or (n, 6): first pixel on each axis, then one past the last. An empty list will do.
    name
        Names them, for messages.

    Returns
    -------
    numpy.ndarray
        The same, float64; shape (0, 4) for an empty list.

    Raises
    ------
    InputError
        If the shape is another.
    PixelValueError
        If a number is not finite, or a box has no area.
    """
    found = np.asarray(boxes, dtype=np.float64)
    if found.ndim == 1 and not found.size:
        return np.empty((0, 4))
    if found.ndim != 2 or found.shape[1] not in (4, 6):
        raise InputError(
            f"{name} have shape {found.shape}; give one row per box, (y0, x0, y1, x1) or "
            "(z0, y0, x0, z1, y1, x1), the last pixel not included"
        )
    bad = ~np.isfinite(found).all(axis=1)
    if bad.any():
        raise PixelValueError(
            f"{name}: {int(bad.sum())} of {len(found)} have NaN or infinite numbers, the first is row "
            f"{int(np.flatnonzero(bad)[0])}; leave these out"
        )
    d = found.shape[1] // 2
    flat = (found[:, d:] <= found[:, :d]).any(axis=1)
    if flat.any():
        row = int(np.flatnonzero(flat)[0])
        raise PixelValueError(
            f"{name}: {int(flat.sum())} of {len(found)} have no area, the first is row {row}: "
            f"{found[row].tolist()}; give the first pixel of each axis, then one past the last of each axis"
        )
    return found


def box_iou(reference: ArrayLike, prediction: ArrayLike) -> CandidatePairs:
    """Intersection over union of the boxes that overlap.

    Parameters
    ----------
    reference, prediction
        Boxes, shape (n, 4) or (n, 6): first pixel on each axis, then one past the last.

    Returns
    -------
    CandidatePairs
        Fits above 0, up to 1; symmetric. Boxes that only touch are no candidates.

    Raises
    ------
    InputError
        If these are no boxes; see `check_boxes`.
    ShapeMismatchError
        If one side is 2D and the other 3D.

    References
    ----------
    .. [1] Everingham M et al. The PASCAL visual object classes (VOC) challenge. IJCV (2010), eq. 4.
    """
    return _overlaps("box_iou", reference, prediction, "union")


def box_intersection_over_reference(reference: ArrayLike, prediction: ArrayLike) -> CandidatePairs:
    """Share of each reference box that a predicted box covers.

    Parameters
    ----------
    reference, prediction
        Boxes, shape (n, 4) or (n, 6): first pixel on each axis, then one past the last.

    Returns
    -------
    CandidatePairs
        Fits above 0, up to 1; not symmetric. A prediction that covers the whole image fits all.

    Raises
    ------
    InputError
        If these are no boxes; see `check_boxes`.
    ShapeMismatchError
        If one side is 2D and the other 3D.

    References
    ----------
    .. [1] Maier-Hein L, Reinke A et al. Metrics reloaded. Nature Methods (2024), supplement.
    """
    return _overlaps("intersection_over_reference", reference, prediction, "reference")


def box_centres(boxes: FloatArray) -> FloatArray:
    """Give the centres of boxes, in the coordinates of points: a whole number is the centre of a pixel.

    Parameters
    ----------
    boxes
        Shape (n, 2 d), checked.

    Returns
    -------
    numpy.ndarray
        Shape (n, d); that of the box of pixel 0 alone, 0 to 1, is 0.
    """
    d = boxes.shape[1] // 2
    centres: FloatArray = (boxes[:, :d] + boxes[:, d:]) / 2 - 0.5
    return centres


def overlapping(reference: FloatArray, prediction: FloatArray) -> Iterator[tuple[IndexArray, IndexArray]]:
    """Find the boxes that overlap, a bounded number of pairs at a time.

    Parameters
    ----------
    reference, prediction
        Boxes, shape (n, 2 d) and (m, 2 d), checked.

    Yields
    ------
    tuple
        Positions of the reference and of the prediction of some pairs; each overlapping pair comes once.
        Pairs are looked for along the axis on which the fewest overlap, in blocks, so that memory stays
        small; time is n m at worst, where all boxes overlap on every axis.
    """
    if not len(reference) or not len(prediction):
        return
    d = reference.shape[1] // 2
    axis = min(range(d), key=lambda each: _n_along(reference, prediction, each, d))
    # Of two intervals that overlap, one holds the start of the other; equal starts are given to the first.
    sides: tuple[Literal["left", "right"], ...] = ("left", "right")
    for one, other, side in zip((reference, prediction), (prediction, reference), sides, strict=True):
        order = np.argsort(other[:, axis], kind="stable")
        starts = other[order, axis]
        low = np.searchsorted(starts, one[:, axis], side=side)
        high = np.searchsorted(starts, one[:, axis + d], side="left")
        for rows, places in _ranges(low, high):
            columns = order[places]
            meet = (one[rows, :d] < other[columns, d:]).all(axis=1)
            meet &= (other[columns, :d] < one[rows, d:]).all(axis=1)
            found = rows[meet], columns[meet]
            yield found if one is reference else found[::-1]


def _n_along(reference: FloatArray, prediction: FloatArray, axis: int, d: int) -> int:
    """Count the pairs that overlap on one axis."""
    begun = np.searchsorted(np.sort(prediction[:, axis]), reference[:, axis + d], side="left")
    ended = np.searchsorted(np.sort(prediction[:, axis + d]), reference[:, axis], side="right")
    return int((begun - ended).sum())


def _ranges(low: IndexArray, high: IndexArray) -> Iterator[tuple[IndexArray, IndexArray]]:
    """Write out ranges of positions, row by row, about `_BLOCK` at a time."""
    ends = np.cumsum(high - low)
    start = 0
    while start < len(low):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _BLOCK, side="right")))
        lengths = high[start:stop] - low[start:stop]
        rows = np.repeat(np.arange(start, stop), lengths)
        places = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths) + low[rows]
        yield rows, places
        start = stop


def _overlaps(
    criterion: str, reference: ArrayLike, prediction: ArrayLike, over: Literal["union", "reference"]
) -> CandidatePairs:
    references = check_boxes(reference, name="reference boxes")
    predictions = check_boxes(prediction, name="predicted boxes")
    if len(references) and len(predictions) and references.shape[1] != predictions.shape[1]:
        raise ShapeMismatchError(
            f"reference boxes have {references.shape[1] // 2} axes and predicted boxes "
            f"{predictions.shape[1] // 2}; give both in 2D or both in 3D"
        )
    parts = [(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0))]
    for rows, columns in overlapping(references, predictions):
        one, other = references[rows], predictions[columns]
        d = one.shape[1] // 2
        shared = (np.minimum(one[:, d:], other[:, d:]) - np.maximum(one[:, :d], other[:, :d])).prod(axis=1)
        area = (one[:, d:] - one[:, :d]).prod(axis=1)
        if over == "union":
            area = area + (other[:, d:] - other[:, :d]).prod(axis=1) - shared
        parts.append((rows, columns, shared / area))
    columns_of_all = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return CandidatePairs.sort(criterion, (len(references), len(predictions)), *columns_of_all)
