"""Objects from Cellpose's outputs, by the rules of Cellpose 3: Euler steps along the flow, then clustering.

After Stringer et al., Cellpose: a generalist algorithm for cellular segmentation, Nature Methods 18 (2021),
doi:10.1038/s41592-020-01018-x. Every pixel is carried along the interpolated flow in small steps; where many
pixels end, a cluster is grown, and its pixels are one object. The numbers are those of Cellpose on a
processor, bit by bit; pixels whose path has become periodic are not followed further, which changes nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.methods.networks.objects import in_reading_order

__all__ = ["cellpose_labels", "cluster_ends", "follow_interpolated"]

_CHUNK = 16384
"""Pixels followed together: as many as the cache of a core holds."""
_LOOK = 8
"""Steps between two looks for pixels whose path has become periodic."""
_MARGIN = 20
"""Width of the frame around the histogram of ends."""
_PEAK, _GROWN, _ROUNDS = 10, 2, 5
"""Ends that a seed has at least, ends of the places that a cluster grows over, and rounds of growing."""


def cellpose_labels(
    flow: NDArray[np.float32],
    probability: NDArray[np.floating[Any]],
    *,
    threshold: float = 0.0,
    steps: int = 200,
    largest: float = 0.4,
) -> NDArray[np.int32]:
    """Give the objects that Cellpose 3 finds before it looks at their flow again and drops small ones.

    Parameters
    ----------
    flow
        float32 (2, y, x), y first: the network's output, five times the direction to the centre.
    probability
        (y, x), logits: the network's output.
    threshold
        Pixels with a larger logit are followed.
    steps
        Number of Euler steps.
    largest
        Objects that cover more than this share of the image are dropped.

    Returns
    -------
    numpy.ndarray
        int32 (y, x), numbered in the order of the first pixels.
    """
    inside = probability > threshold
    # As in the original: masked, then divided, in single precision.
    unit = flow * inside / np.float32(5)
    ends = follow_interpolated(unit, np.nonzero(inside), steps=steps)
    return cluster_ends(ends, inside, largest=largest)


def follow_interpolated(
    flow: NDArray[np.float32], start: tuple[NDArray[np.intp], ...], *, steps: int = 200
) -> NDArray[np.float32]:
    """Carry pixels along a flow that is interpolated linearly between pixels.

    Parameters
    ----------
    flow
        float32 (2, y, x), y first, in pixels per step.
    start
        Rows and columns of the pixels, as `numpy.nonzero` gives them.
    steps
        How often each pixel moves.

    Returns
    -------
    numpy.ndarray
        float32 (2, pixel): where they are in the end; never outside the image.
    """
    height, width = flow.shape[1:]
    ends = np.empty((2, len(start[0])), np.float32)
    below, right = np.minimum(np.arange(height) + 1, height - 1), np.minimum(np.arange(width) + 1, width - 1)
    # The flow at each pixel and the one to its right, y and x of both; and the same one row below.
    above = np.concatenate([flow, flow[:, :, right]]).reshape(4, -1).astype(np.float64)
    under = np.concatenate([flow[:, below], flow[:, below][:, :, right]]).reshape(4, -1)
    for first in range(0, ends.shape[1], _CHUNK):
        place = np.stack([axis[first : first + _CHUNK] for axis in start]).astype(np.float32)
        ends[:, first : first + _CHUNK] = _follow(above, under, (height, width), place, steps)
    return ends


def _follow(
    above: NDArray[np.float64],
    under: NDArray[np.float32],
    shape: tuple[int, int],
    here: NDArray[np.float32],
    steps: int,
) -> NDArray[np.float32]:
    ends = here.copy()
    limit = np.array(shape, np.float32)[:, None] - 1
    moving = np.arange(here.shape[1])
    before = np.full_like(here, -1)
    for step in range(steps):
        there = here + _velocity(above, under, shape[1], here)
        np.maximum(there, 0, out=there)
        np.minimum(there, limit, out=there)
        if step % _LOOK == 0:
            # A pixel that is where it was one or two steps ago goes on like that for ever.
            ended = (there == before).all(0) | (there == here).all(0)
            done, still = np.flatnonzero(ended), np.flatnonzero(~ended)
            last = here if (steps - step) % 2 == 0 else there
            ends[:, moving[done]] = last[:, done]
            moving, here, there = moving[still], here[:, still], there[:, still]
            if not len(moving):
                break
        here, before = there, here
    ends[:, moving] = here
    return ends


def _velocity(
    above: NDArray[np.float64], under: NDArray[np.float32], width: int, place: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Interpolate, every product and sum in the order and precision of the original."""
    whole = place.astype(np.int32)
    part = place - whole.astype(np.float32)
    y, x = part
    up, left = 1 - part.astype(np.float64)
    index = (whole[0] * width + whole[1]).astype(np.intp)
    high, low = above.take(index, axis=1, mode="clip"), under.take(index, axis=1, mode="clip")
    high *= up
    high[:2] *= left
    high[2:] *= x
    low *= y
    low[2:] *= x
    total = high[:2] + high[2:]
    total += low[:2] * left
    total += low[2:]
    return np.asarray(total, np.float32)


def cluster_ends(
    ends: NDArray[np.floating[Any]], inside: NDArray[np.bool_], *, largest: float = 0.4
) -> NDArray[np.int32]:
    """Join the pixels that end at the same place.

    Parameters
    ----------
    ends
        (axis, pixel): where the pixels of `inside` end, in reading order.
    inside
        Mask (y, x) or (z, y, x).
    largest
        Objects that cover more than this share of the image are dropped.

    Returns
    -------
    numpy.ndarray
        int32 of the shape of `inside`, numbered in the order of the first pixels.
    """
    labels = np.zeros(inside.shape, np.int32)
    framed = tuple(size + 2 * _MARGIN for size in inside.shape)
    limit = np.array(inside.shape)[:, None] + _MARGIN - 1
    place = np.clip(ends.astype(np.int32) + _MARGIN, 0, limit)
    flat = np.ravel_multi_index(tuple(place), framed)
    counts = np.bincount(flat, minlength=int(np.prod(framed))).reshape(framed)
    high = np.argwhere(counts > _PEAK)
    if not len(high):
        return labels
    around = _windows(counts, high, 2)
    seeds = high[counts[tuple(high.T)] >= around.reshape(len(high), -1).max(1)]
    # Where clusters meet, the one whose seed has more ends wins; of equal ones the later.
    seeds = seeds[np.argsort(counts[tuple(seeds.T)], kind="stable")]
    clusters = np.zeros(framed, np.int32)
    grown = np.argwhere(_grow(_windows(counts, seeds, _ROUNDS) > _GROWN))
    clusters[tuple((seeds[grown[:, 0]] + grown[:, 1:] - _ROUNDS).T)] = grown[:, 0] + 1
    labels[inside] = clusters.ravel()[flat]
    sizes = np.bincount(labels.ravel())
    too_large = np.flatnonzero(sizes > labels.size * largest)
    labels[np.isin(labels, too_large)] = 0
    return in_reading_order(labels)


def _windows(counts: NDArray[np.int64], centres: NDArray[np.intp], radius: int) -> NDArray[np.int64]:
    """Cut a window around each centre: (centre, *window)."""
    step = np.arange(-radius, radius + 1)
    index = [
        centres[:, axis].reshape(-1, *[1] * counts.ndim)
        + step.reshape([-1 if other == axis else 1 for other in range(counts.ndim)])
        for axis in range(counts.ndim)
    ]
    return np.asarray(counts[tuple(index)])


def _grow(open_places: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Grow the middle of each window over its open places, by all neighbours, so many rounds."""
    grown = np.zeros_like(open_places)
    middle: tuple[Any, ...] = (slice(None), *[_ROUNDS] * (open_places.ndim - 1))
    grown[middle] = True
    block = np.ones((1, *[3] * (open_places.ndim - 1)), bool)
    for _ in range(_ROUNDS):
        grown = ndimage.binary_dilation(grown, block) & open_places
    return grown
