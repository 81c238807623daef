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


def _border_codes(labels: NDArray[Any], block: slice) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Label and neighbourhood code of each border pixel in a block of rows."""
    first, stop = max(block.start - 1, 0), min(block.stop + 1, labels.shape[0])
    border = _border(labels, first, stop)
    # Labels of border pixels inside a frame of zeros, so that neighbours need no bounds check.
    width = labels.shape[1] + 2
    framed = np.zeros((stop - first + 2, width), dtype=labels.dtype)
    framed[1:-1, 1:-1] = labels[first:stop] * border
    flat = framed.reshape(-1)
    row = block.start - first + 1
    inside = slice(row * width, (row + block.stop - block.start) * width)
    place = np.flatnonzero(flat[inside]) + inside.start
    own = flat[place]
    code = np.ones(len(place), dtype=np.int64)
    for step in (1, -1, width, -width):
        code += 2 * (flat[place + step] == own)
    for step in (width + 1, width - 1, -width + 1, -width - 1):
        code += 10 * (flat[place + step] == own)
    return own.astype(np.int64), code


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
