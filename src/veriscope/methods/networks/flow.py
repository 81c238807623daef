"""From dense outputs to a label image, by following the vectors that point to each nucleus's centre."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["follow_flow"]


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
        Mask (y, x).
    flow
        Vectors (2, y, x) in pixels, about unit length, y first.
    step
        Length of one step in pixels.
    merge
        Radius in pixels by which end points are grown before connected ones are joined.

    Returns
    -------
    numpy.ndarray
        int32 (y, x), labels 1 … n; 0 outside `foreground`.
    """
    labels = np.zeros(foreground.shape, np.int32)
    inside = np.flatnonzero(foreground)
    if not len(inside):
        return labels
    goal = _compose(_one_step(foreground, flow, inside, step=step), doublings=8)
    ends = np.zeros(foreground.shape, bool)
    ends.ravel()[inside[goal]] = True
    places, _ = ndimage.label(_grown(ends, merge), structure=np.ones((3, 3), bool))
    labels.ravel()[inside] = places.ravel()[inside[goal]]
    return labels


def _grown(ends: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Mark all pixels within a distance; ends are few, so each is stamped with a disc."""
    reach = int(radius)
    height, width = ends.shape
    framed = np.zeros((height + 2 * reach, width + 2 * reach), bool)
    y, x = np.indices((2 * reach + 1, 2 * reach + 1)) - reach
    disc = np.flatnonzero(np.sqrt(y**2 + x**2) <= radius)
    dy, dx = np.divmod(disc, 2 * reach + 1)
    ends_y, ends_x = np.nonzero(ends)
    corner = ends_y * framed.shape[1] + ends_x
    framed.ravel()[corner[:, None] + (dy * framed.shape[1] + dx)] = True
    return framed[reach : reach + height, reach : reach + width]


def _one_step(
    foreground: NDArray[np.bool_],
    flow: NDArray[np.floating[Any]],
    inside: NDArray[np.intp],
    *,
    step: float,
) -> NDArray[np.int32]:
    """Give, for each inside pixel, the number of the inside pixel one step along; itself at the edge."""
    height, width = foreground.shape
    number = np.full(foreground.size, -1, np.int32)
    number[inside] = np.arange(len(inside), dtype=np.int32)
    y, x = np.divmod(inside, width)
    dy, dx = flow[0].ravel()[inside], flow[1].ravel()[inside]
    after = number[inside].copy()
    for length in (1.0, step):
        to_y = np.clip(np.rint(y + length * dy), 0, height - 1).astype(np.intp)
        to_x = np.clip(np.rint(x + length * dx), 0, width - 1).astype(np.intp)
        target = number[to_y * width + to_x]
        after = np.where(target >= 0, target, after)
    return after


def _compose(after: NDArray[np.int32], *, doublings: int) -> NDArray[np.int32]:
    for _ in range(doublings):
        after = after[after]
    return after
