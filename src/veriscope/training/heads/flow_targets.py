"""What the network has to learn, computed once per training image from its reference labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

__all__ = ["dense_targets"]


def dense_targets(labels: NDArray[np.integer]) -> NDArray[np.float32]:
    """Give the dense targets of one label image.

    Parameters
    ----------
    labels
        Label image (y, x), 0 = background. Pieces of one object that do not touch count as objects.

    Returns
    -------
    numpy.ndarray
        float32 (5, y, x): foreground 0/1; distance to the border over the largest such distance in
        the object, 1 everywhere in one that fills the image; contact 0/1, pixels closer than 2 to another
        object; and the unit vector (y, x) along the path to the object's centre, 0 outside.
    """
    out = np.zeros((5, *labels.shape), np.float32)
    pieces = _pieces(labels)
    out[0] = pieces > 0
    for index, box in enumerate(ndimage.find_objects(pieces), start=1):
        grown = tuple(slice(max(s.start - 2, 0), s.stop + 2) for s in box)
        near = pieces[grown]
        own = near == index
        # Without any background there is no distance to it: an object that fills the image has no border.
        distance = np.ones(own.shape) if own.all() else ndimage.distance_transform_edt(own)
        out[1][grown][own] = (distance / distance.max())[own]
        other = (near > 0) & ~own
        if other.any():
            out[2][grown][own & (ndimage.distance_transform_edt(~other) <= 2)] = 1
        for component, flow in zip((3, 4), _flow_to_centre(own, distance), strict=True):
            out[component][grown][own] = flow[own]
    return out


def _pieces(labels: NDArray[np.integer]) -> NDArray[np.int32]:
    """Give every connected piece of every object a number of its own."""
    out = np.zeros(labels.shape, np.int32)
    count = 0
    for label, box in enumerate(ndimage.find_objects(labels.astype(np.int32)), start=1):
        if box is not None:
            found, n = ndimage.label(labels[box] == label)
            out[box][found > 0] = found[found > 0] + count
            count += n
    return out


def _flow_to_centre(own: NDArray[np.bool_], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve a leaky heat equation with its source at the innermost pixel; its log falls away from there."""
    number = np.full(np.array(own.shape) + 2, -1)
    inner = number[1:-1, 1:-1]
    inner[own] = np.arange(own.sum())
    y, x = np.nonzero(own)
    score = distance[own] - 1e-3 * np.hypot(y - y.mean(), x - x.mean())
    rows, cols = [], []
    for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
        neighbour = number[y + dy, x + dx]
        inside = neighbour >= 0
        rows.append(np.nonzero(inside)[0])
        cols.append(neighbour[inside])
    row, col = np.concatenate(rows), np.concatenate(cols)
    matrix = sparse.csc_matrix((np.full(len(row), -1.0), (row, col)), shape=(len(y), len(y)))
    matrix += sparse.diags(np.full(len(y), 4.0)).tocsc()
    source = np.zeros(len(y))
    source[np.argmax(score)] = 1
    heat = np.full(own.shape, np.nan)
    heat[own] = np.log(np.maximum(np.atleast_1d(spsolve(matrix, source)), 1e-300))
    outside = heat[own].min() - 1.0
    padded = np.pad(np.where(own, heat, outside), 1, constant_values=outside)
    flow = np.stack([padded[2:, 1:-1] - padded[:-2, 1:-1], padded[1:-1, 2:] - padded[1:-1, :-2]])
    unit: NDArray[np.float64] = flow / np.maximum(np.hypot(*flow), 1e-9) * own
    return unit
