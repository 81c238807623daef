"""Perimeter of each object, estimated from its border pixels.

References
----------
.. [1] Benkrid and Crookes, Design and FPGA implementation of a perimeter estimator, Queen's
   University of Belfast. The weights are those of `skimage.measure.perimeter` with 4 neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.measure.runs import Runs, object_index, row_blocks

__all__ = ["measure_perimeters"]

# Kind of step (0 none, 1 straight, 2 diagonal, 3 half of each) by 1 + 2·(border pixels among the 4
# neighbours) + 10·(border pixels among the 4 diagonal neighbours).
_KIND = np.zeros(50, dtype=np.int64)
_KIND[[5, 7, 15, 17, 25, 27]] = 1
_KIND[[21, 33]] = 2
_KIND[[13, 23]] = 3
_STEP = np.array([0.0, 1.0, np.sqrt(2), (1 + np.sqrt(2)) / 2])


def measure_perimeters(labels: NDArray[Any], runs: Runs) -> NDArray[np.float64]:
    """Measure the perimeter of each object of a 2D label image, in pixels.

    Parameters
    ----------
    labels
        Checked label image, (y, x).
    runs
        Its runs.

    Returns
    -------
    numpy.ndarray
        float64, shape (n,); inner borders (holes) are included. 0 for objects of one or two pixels.
    """
    if not runs.n_objects:
        return np.zeros(0)
    counts = np.zeros(runs.n_objects * 4, dtype=np.int64)
    for block in row_blocks(*labels.shape):
        values, code = _border_codes(labels, block)
        index = object_index(runs.ids, values)
        counts += np.bincount(index * 4 + _KIND[code], minlength=counts.size)
    lengths: NDArray[np.float64] = counts.reshape(-1, 4) @ _STEP
    return lengths


def _border_codes(labels: NDArray[Any], block: slice) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Label and neighbourhood code of each border pixel in a block of rows."""
    first, stop = max(block.start - 1, 0), min(block.stop + 1, labels.shape[0])
    rows = labels[first:stop]
    # Everything lies in a frame of zeros, so that neighbours need no bounds check.
    width = labels.shape[1] + 2
    framed_mask = np.zeros((stop - first + 2, width), dtype=bool)
    mask = framed_mask[1:-1, 1:-1]
    np.logical_and(_border(labels, first, stop), rows, out=mask)
    place = np.flatnonzero(framed_mask)
    own = rows[mask]
    border_labels = np.zeros(framed_mask.size, dtype=labels.dtype)
    border_labels[place] = own
    row = block.start - first + 1
    inside = slice(*np.searchsorted(place, [row * width, (row + block.stop - block.start) * width]))
    place, own = place[inside], own[inside]

    def count_same(*steps: int) -> NDArray[np.uint8]:
        total = np.zeros(len(place), dtype=np.uint8)
        for step in steps:
            total += border_labels[place + step] == own
        return total

    straight = count_same(1, -1, width, -width)
    diagonal = count_same(width + 1, width - 1, -width + 1, -width - 1)
    return own.astype(np.int64), 1 + 2 * straight + 10 * diagonal


def _border(labels: NDArray[Any], first: int, stop: int) -> NDArray[np.bool_]:
    """Whether each pixel of some rows has a 4-neighbour of another label or lies at the image's edge."""
    rows = labels[first:stop]
    border = np.zeros(rows.shape, dtype=bool)
    border[:, [0, -1]] = True
    change = rows[:, 1:] != rows[:, :-1]
    border[:, 1:] |= change
    border[:, :-1] |= change
    above = max(first - 1, 0)
    below = min(stop + 1, labels.shape[0])
    change = labels[above + 1 : below] != labels[above : below - 1]
    # change[i] separates rows above + i and above + i + 1
    up = change[: len(change) - (below - stop)]
    down = change[first - above :]
    border[len(border) - len(up) :] |= up
    border[: len(down)] |= down
    if first == 0:
        border[0] = True
    if stop == labels.shape[0]:
        border[-1] = True
    return border
