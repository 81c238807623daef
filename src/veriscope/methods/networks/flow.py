"""From dense outputs to a label image, by following the vectors that point to each nucleus's centre."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["follow_flow"]

_AT_ONCE = 4_000_000
"""Pixels stamped at once, to bound memory."""


def follow_flow(
    foreground: NDArray[np.bool_], flow: NDArray[np.floating[Any]], *, step: float = 2.0, merge: float = 1.5
) -> NDArray[np.int32]:
    """Give pixels whose paths end at the same place one label.

    Every foreground pixel points to the pixel `step` away along the flow. Composing that map with
    itself eight times (pointer doubling) takes 256 steps at the cost of eight look-ups. End points
    that lie within twice `merge` of each other count as one place.

    Parameters
    ----------
    foreground
        Mask (y, x) or (z, y, x).
    flow
        Vectors (axis, *mask) in pixels, about unit length, in the order of the mask's axes.
    step
        Length of one step in pixels.
    merge
        Radius in pixels by which end points are grown before connected ones are joined.

    Returns
    -------
    numpy.ndarray
        int32 of the mask's shape, labels 1 … n; 0 outside `foreground`.
    """
    labels = np.zeros(foreground.shape, np.int32)
    inside = np.flatnonzero(foreground)
    if not len(inside):
        return labels
    goal = _compose(_one_step(foreground, flow, inside, step=step), doublings=8)
    ends = np.zeros(foreground.shape, bool)
    ends.ravel()[inside[goal]] = True
    places, _ = ndimage.label(_grown(ends, merge), structure=np.ones((3,) * ends.ndim, bool))
    labels.ravel()[inside] = places.ravel()[inside[goal]]
    return labels


def _grown(ends: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Mark all pixels within a distance; ends are few, so each is stamped with a disc or ball."""
    reach = int(radius)
    framed = np.zeros([size + 2 * reach for size in ends.shape], bool)
    offsets = np.indices((2 * reach + 1,) * ends.ndim)
    ball = np.nonzero(np.sqrt(((offsets - reach) ** 2).sum(axis=0)) <= radius)
    stamp = np.ravel_multi_index(ball, framed.shape)
    corner = np.ravel_multi_index(np.nonzero(ends), framed.shape)
    most = max(_AT_ONCE // len(stamp), 1)
    for first in range(0, len(corner), most):
        framed.ravel()[corner[first : first + most, None] + stamp] = True
    return framed[tuple(slice(reach, reach + size) for size in ends.shape)]


def _one_step(
    foreground: NDArray[np.bool_],
    flow: NDArray[np.floating[Any]],
    inside: NDArray[np.intp],
    *,
    step: float,
) -> NDArray[np.int32]:
    """Give, for each inside pixel, the number of the inside pixel one step along; itself at the edge."""
    shape = foreground.shape
    number = np.full(foreground.size, -1, np.int32)
    number[inside] = np.arange(len(inside), dtype=np.int32)
    place = np.unravel_index(inside, shape)
    along = [one.ravel()[inside] for one in flow]
    after = number[inside].copy()
    for length in (1.0, step):
        to = tuple(
            np.clip(np.rint(at + length * way), 0, size - 1).astype(np.intp)
            for at, way, size in zip(place, along, shape, strict=True)
        )
        target = number[np.ravel_multi_index(to, shape)]
        after = np.where(target >= 0, target, after)
    return after


def _compose(after: NDArray[np.int32], *, doublings: int) -> NDArray[np.int32]:
    for _ in range(doublings):
        after = after[after]
    return after
