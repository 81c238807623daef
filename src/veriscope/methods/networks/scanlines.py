"""Draw many polygons at once, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_polygons"]


def draw_polygons(
    corners: NDArray[np.float64], numbers: NDArray[np.integer[Any]], shape: tuple[int, int]
) -> NDArray[np.int32]:
    """Fill polygons with numbers; later ones go over earlier ones.

    Parameters
    ----------
    corners
        (polygon, corner, 2), y first, in pixels; the centre of the first pixel is at 0.
    numbers
        Label of each polygon.
    shape
        (y, x) of the image.

    Returns
    -------
    numpy.ndarray
        int32. A pixel belongs to a polygon if its centre lies inside (even-odd rule) or on the border.
    """
    labels = np.zeros(shape, np.int32)
    if not len(corners):
        return labels
    spans = [_spans(corners, shape, closed_above=True), _spans(corners, shape, closed_above=False)]
    at = np.flatnonzero(((corners == np.rint(corners)).all(2)).ravel())
    y, x = corners.reshape(-1, 2)[at].astype(np.int64).T
    spans.append((at // corners.shape[1], y, x, x))
    owner, row, first, last = (np.concatenate(parts) for parts in zip(*spans, strict=True))
    first, last = np.maximum(first, 0), np.minimum(last, shape[1] - 1)
    good = np.flatnonzero((last >= first) & (row >= 0) & (row < shape[0]))
    good = good[np.argsort(owner[good], kind="stable")]
    length = (last - first + 1)[good]
    start = (row * shape[1] + first)[good]
    pixels = np.repeat(start - np.cumsum(length) + length, length) + np.arange(length.sum())
    labels.ravel()[pixels] = np.repeat(np.asarray(numbers, np.int32)[owner[good]], length)
    return labels


def _spans(
    corners: NDArray[np.float64], shape: tuple[int, int], *, closed_above: bool
) -> tuple[NDArray[np.int64], ...]:
    """Give polygon, row, first and last pixel of the pieces of rows between an odd and an even crossing.

    A row that meets a corner has two answers: with the edges that reach it from above, or from below.
    Pixels that either of them has inside are inside or on the border.
    """
    n = corners.shape[1]
    y, x = corners[..., 0].ravel(), corners[..., 1].ravel()
    end = np.roll(corners, -1, axis=1)
    end_y, end_x = end[..., 0].ravel(), end[..., 1].ravel()
    low, high = np.minimum(y, end_y), np.maximum(y, end_y)
    if closed_above:
        from_row, to_row = np.ceil(low), np.ceil(high) - 1
    else:
        from_row, to_row = np.floor(low) + 1, np.floor(high)
    from_row, to_row = np.maximum(from_row, 0).astype(np.int64), np.minimum(to_row, shape[0] - 1)
    count = np.maximum(to_row.astype(np.int64) - from_row + 1, 0)
    edge = np.repeat(np.arange(len(y)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + from_row[edge]
    dy0, dy1 = y[edge] - row, end_y[edge] - row
    place = x[edge] + dy0 * (end_x[edge] - x[edge]) / (dy0 - dy1)
    # Whether a crossing lies left or right of the nearest pixel's centre, or on it, without rounding.
    pixel = np.rint(place)
    side = ((x[edge] - pixel) * dy1 - (end_x[edge] - pixel) * dy0) * np.sign(dy1 - dy0)
    right_of, left_of = pixel + (side > 0), pixel - (side < 0)
    owner = edge // n
    order = np.lexsort((place, row, owner))
    starts, stops = order[0::2], order[1::2]
    first = np.where(closed_above, right_of[starts], left_of[starts] + 1).astype(np.int64)
    last = np.where(closed_above, right_of[stops] - 1, left_of[stops]).astype(np.int64)
    return owner[starts], row[starts], first, last
