"""Local maxima and the ways uphill to them, decided by a pixel's surroundings and by nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["follow", "local_peaks", "steepest"]


def local_peaks(image: NDArray[Any], *, distance: int | Sequence[int], floor: float) -> NDArray[np.intp]:
    """Find pixels that are the largest in a square window.

    Of equal pixels in one window the first counts (row by row), so that the choice in a part of an
    image is that in the whole.

    Parameters
    ----------
    image
        Of any dimension.
    distance
        The window has 2 × `distance` + 1 pixels along each axis; one for all, or one for each.
    floor
        Peaks are above this value.

    Returns
    -------
    numpy.ndarray
        Coordinates (n, ndim), row by row.
    """
    size = 2 * distance + 1 if isinstance(distance, int) else tuple(2 * width + 1 for width in distance)
    top = ndimage.maximum_filter(image, size=size, mode="nearest")
    candidate = (image == top) & (image > floor)
    places = np.flatnonzero(candidate)
    last = np.iinfo(np.int32).max if image.size < np.iinfo(np.int32).max else np.iinfo(np.int64).max
    order = np.full(image.shape, last, np.int32 if image.size < np.iinfo(np.int32).max else np.int64)
    order.ravel()[places] = places
    first = ndimage.minimum_filter(order, size=size, mode="nearest").ravel()[places] == places
    return np.stack(np.unravel_index(places[first], image.shape), axis=1)


def steepest(height: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Give each pixel of the mask the place of its highest neighbour there; of equals the first.

    Parameters
    ----------
    height
        Of any dimension.
    mask
        Pixels that have a place to go; all others are left out.

    Returns
    -------
    numpy.ndarray
        int64, flattened: places in the flattened array; its own for a pixel that is the highest
        itself, -1 outside the mask.
    """
    padded = np.pad(np.where(mask, height, -np.inf), 1, constant_values=-np.inf)
    inside = np.flatnonzero(np.pad(mask, 1))
    strides = [stride // padded.itemsize for stride in padded.strides]
    # In raster order, so that the first of equal neighbours, the pixel included, wins.
    steps = sorted(
        sum(s * d for s, d in zip(strides, offset, strict=True))
        for offset in itertools.product((-1, 0, 1), repeat=mask.ndim)
    )
    flat = padded.ravel()
    best = np.full(len(inside), -np.inf, np.float32)
    to = inside.copy()
    for step in steps:
        value = flat[inside + step]
        better = value > best
        best[better] = value[better]
        to[better] = inside[better] + step
    uphill = np.full(mask.size, -1, np.int64)
    coordinates = np.unravel_index(to, padded.shape)
    uphill[np.flatnonzero(mask)] = np.ravel_multi_index(tuple(c - 1 for c in coordinates), mask.shape)
    return uphill


def follow(uphill: NDArray[np.int64], mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Give pixels that arrive at the same place one label.

    Parameters
    ----------
    uphill
        Flattened; for each pixel of the mask the place of the next one, its own where it has arrived.
        There are no circles.
    mask
        Foreground.

    Returns
    -------
    labels
        Label image, int32, numbered 1 … n in the order of the places.
    places
        int64 (n,): where the pixels of each label arrive.
    """
    inside = np.flatnonzero(mask)
    number = np.empty(mask.size, np.int32)
    number[inside] = np.arange(len(inside), dtype=np.int32)
    after = number[uphill[inside]]
    while not np.array_equal(further := after[after], after):
        after = further
    arrived = np.zeros(len(inside) + 1, np.int32)
    arrived[after + 1] = 1
    labels = np.zeros(mask.shape, np.int32)
    labels.ravel()[inside] = np.cumsum(arrived, dtype=np.int32)[after + 1]
    return labels, inside[np.flatnonzero(arrived[1:])]
