"""What Cellpose 3 does with the objects that its flow gave: those that do not fit it go, and small ones.

After Stringer et al., Cellpose: a generalist algorithm for cellular segmentation, Nature Methods 18 (2021),
doi:10.1038/s41592-020-01018-x. Of each object the flow is made that training would have aimed at: heat
spreads from its middle within it, and the flow is the direction in which it grows warmer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from veriscope.methods.networks.objects import in_reading_order

__all__ = ["drop_unfit", "fill_and_drop", "flow_errors", "heat_flow"]

_STEPS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))


def drop_unfit(labels: NDArray[np.int32], flow: NDArray[np.float32], *, largest: float) -> NDArray[np.int32]:
    """Remove objects whose own flow is not the one that the network gave.

    Parameters
    ----------
    labels
        int32 (y, x).
    flow
        float32 (2, y, x), y first: the network's output, five times the direction to the centre.
    largest
        Mean squared difference up to which an object stays.

    Returns
    -------
    numpy.ndarray
        int32 (y, x), with the numbers given.
    """
    errors = np.concatenate([[0.0], flow_errors(labels, flow)])
    return np.asarray(np.where(errors[labels] > largest, 0, labels), np.int32)


def flow_errors(labels: NDArray[np.int32], flow: NDArray[np.float32]) -> NDArray[np.float64]:
    """Measure how far the flow of each object is from the network's.

    Parameters
    ----------
    labels
        int32 (y, x).
    flow
        As for `drop_unfit`.

    Returns
    -------
    numpy.ndarray
        float64, one value for each number from 1 on: the mean squared difference; 0 for numbers not used.
    """
    numbers = np.arange(1, int(labels.max(initial=0)) + 1)
    if not len(numbers):
        return np.zeros(0)
    squares = ((heat_flow(labels) - flow.astype(np.float64) / 5) ** 2).sum(0)
    pixels = np.bincount(labels.ravel(), minlength=len(numbers) + 1)[1:]
    sums = np.bincount(labels.ravel(), squares.ravel(), minlength=len(numbers) + 1)[1:]
    return np.asarray(sums / np.maximum(pixels, 1))


def heat_flow(labels: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Give in each pixel of an object the direction to its middle, within it.

    Parameters
    ----------
    labels
        (y, x), 0 = background.

    Returns
    -------
    numpy.ndarray
        float64 (2, y, x), y first, of length 1; 0 in the background and where it is as warm on all sides.
    """
    found = np.zeros((2, *labels.shape))
    framed = np.pad(labels, 1)
    inside = np.flatnonzero(framed)
    if not len(inside):
        return found
    around = _neighbours(framed, inside)
    row = np.broadcast_to(np.arange(len(inside)), around.shape)
    same = around < len(inside)
    spread = sparse.csr_array(
        (np.full(same.sum(), 1 / 9), (row[same], around[same])), shape=(len(inside),) * 2
    )
    middles, rounds = _middles(labels)
    place = np.searchsorted(inside, np.ravel_multi_index(tuple(middles.T + 1), framed.shape))
    number = framed.ravel()[inside]
    heat, warm = np.zeros(len(inside)), np.zeros(len(inside) + 1)
    for done in range(1, int(rounds.max()) + 1):
        heat[place] += 1
        heat = spread @ heat
        if (rounds == done).any():
            ended = np.flatnonzero(rounds[number] == done)
            warm[ended] = heat[ended]
    above, left, right, below = (
        warm[around[_STEPS.index(step)]] for step in ((-1, 0), (0, -1), (0, 1), (1, 0))
    )
    slope = np.stack([below - above, right - left])
    slope /= 1e-60 + np.sqrt((slope**2).sum(0))
    y, x = np.divmod(inside, framed.shape[1])
    found[:, y - 1, x - 1] = slope
    return found


def _neighbours(framed: NDArray[np.integer[Any]], inside: NDArray[np.intp]) -> NDArray[np.intp]:
    """Give for each step and pixel the number of the pixel there, or of none where it is another object's."""
    numbers = np.full(framed.size, len(inside))
    numbers[inside] = np.arange(len(inside))
    flat = framed.ravel()
    found = []
    for dy, dx in _STEPS:
        near = inside + dy * framed.shape[1] + dx
        found.append(np.where(flat[near] == flat[inside], numbers[near], len(inside)))
    return np.stack(found)


def _middles(labels: NDArray[np.integer[Any]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of each object the pixel nearest to its centre of mass; and for each number the rounds of its heat."""
    middles, rounds = [], np.zeros(int(labels.max()) + 1, np.intp)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        pixels = np.argwhere(labels[box] == number)
        nearest = ((pixels - pixels.mean(0)) ** 2).sum(1).argmin()
        middles.append(pixels[nearest] + [side.start for side in box])
        rounds[number] = 2 * sum(side.stop - side.start + 2 for side in box)
    return np.array(middles), rounds


def fill_and_drop(labels: NDArray[np.int32], *, smallest: int) -> NDArray[np.int32]:
    """Drop small objects, fill the holes of the others, and number them in the order of their first pixels.

    Parameters
    ----------
    labels
        int32 (y, x).
    smallest
        Objects with fewer pixels go, before and after.

    Returns
    -------
    numpy.ndarray
        int32 (y, x), without gaps. What lies in a hole of an object becomes part of it.
    """
    kept = _drop(labels, smallest)
    filled = kept.copy()
    for number, box in enumerate(ndimage.find_objects(kept), start=1):
        if box is not None:
            filled[box][ndimage.binary_fill_holes(filled[box] == number)] = number
    return in_reading_order(_drop(filled, smallest))


def _drop(labels: NDArray[np.int32], smallest: int) -> NDArray[np.int32]:
    keep = np.bincount(labels.ravel()) >= smallest
    return np.asarray(np.where(keep[labels], labels, 0), np.int32)
