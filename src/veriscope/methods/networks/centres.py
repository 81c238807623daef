"""From heat maps of centres to boxes, and from boxes to label images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

__all__ = ["Found", "boxes_at_peaks", "ellipse_labels", "keep_apart"]

Found = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]
"""Edges (n, 4) as y0, x0, y1, x1; scores (n,); classes (n,)."""


def boxes_at_peaks(dense: NDArray[np.float32], n_classes: int, *, step: int, threshold: float) -> Found:
    """Give a box for every peak of the heat maps.

    Parameters
    ----------
    dense
        float32 (n_classes + 4, y, x): probability of a centre by class, logarithm of height and width of the
        box in pixels, and where in its cell the centre lies, y and x, 0 to 1.
    n_classes
        Kinds of objects.
    step
        Pixels per cell of the grid.
    threshold
        Least probability of a centre.

    Returns
    -------
    edges, scores, classes
        By falling score; equal scores in the order of the grid. A peak is a cell that no neighbour in its
        class exceeds.
    """
    heat = dense[:n_classes]
    highest = ndimage.maximum_filter(heat, size=(1, 3, 3), mode="nearest")
    kind, y, x = np.nonzero((heat == highest) & (heat >= threshold))
    score = heat[kind, y, x]
    order = np.argsort(-score, kind="stable")
    kind, y, x, score = kind[order], y[order], x[order], score[order]
    half = np.exp(np.clip(dense[n_classes : n_classes + 2, y, x], -1, 9)).T / 2
    place = np.clip(dense[n_classes + 2 : n_classes + 4, y, x], 0, 1).T
    centre = (np.stack([y, x], 1) + place) * step
    edges = np.concatenate([centre - half, centre + half], 1).astype(np.float32)
    return edges, score.astype(np.float32), kind.astype(np.int64)


def keep_apart(found: Found, *, overlap: float) -> NDArray[np.int64]:
    """Drop boxes that overlap a better one too much (greedy non-maximum suppression).

    Parameters
    ----------
    found
        Edges, scores and classes by falling score.
    overlap
        Greatest intersection over union with a better box, 0 to 1; of whatever class, since one cell is one
        object.

    Returns
    -------
    numpy.ndarray
        Indices of the boxes kept, rising.
    """
    edges = found[0].astype(np.float64)
    n = len(edges)
    if n < 2:
        return np.arange(n)
    centre, side = (edges[:, :2] + edges[:, 2:]) / 2, edges[:, 2:] - edges[:, :2]
    # Boxes whose centres are farther apart than the longest side cannot overlap.
    pairs = cKDTree(centre).query_pairs(float(side.max()) * np.sqrt(2), output_type="ndarray")
    first, second = pairs.T
    low = np.maximum(edges[first, :2], edges[second, :2])
    high = np.minimum(edges[first, 2:], edges[second, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=1)
    area = np.prod(side, axis=1)
    rivals = pairs[both > overlap * (area[first] + area[second] - both)]
    rivals = np.sort(rivals, axis=1)
    rivals = rivals[np.lexsort((rivals[:, 1], rivals[:, 0]))]
    kept = np.ones(n, bool)
    for better, worse in rivals:
        if kept[better]:
            kept[worse] = False
    return np.nonzero(kept)[0]


def ellipse_labels(
    edges: NDArray[np.float32], shape: tuple[int, ...]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Draw the ellipse in every box; where two overlap, a pixel goes to the one whose centre is nearer.

    Parameters
    ----------
    edges
        (n, 4): y0, x0, y1, x1 in pixels.
    shape
        Height and width of the image.

    Returns
    -------
    labels, drawn
        int32 (y, x), numbered 1 … m, and which boxes they are; a box without a pixel of its own is left out.
        Nearer means in units of the ellipse's half axes.
    """
    labels = np.zeros(shape, np.int32)
    nearest = np.full(shape, np.inf, np.float32)
    for index, (y0, x0, y1, x1) in enumerate(edges.astype(np.float64)):
        rows = slice(max(int(y0), 0), min(int(np.ceil(y1)), shape[0]))
        columns = slice(max(int(x0), 0), min(int(np.ceil(x1)), shape[1]))
        if rows.stop <= rows.start or columns.stop <= columns.start:
            continue
        y = (np.arange(rows.start, rows.stop) + 0.5 - (y0 + y1) / 2) / max((y1 - y0) / 2, 0.5)
        x = (np.arange(columns.start, columns.stop) + 0.5 - (x0 + x1) / 2) / max((x1 - x0) / 2, 0.5)
        far = (y[:, None] ** 2 + x[None, :] ** 2).astype(np.float32)
        closer = (far <= 1) & (far < nearest[rows, columns])
        labels[rows, columns][closer] = index + 1
        nearest[rows, columns][closer] = far[closer]
    present = np.zeros(len(edges) + 1, bool)
    present[labels.ravel()] = True
    drawn = np.nonzero(present[1:])[0]
    number = np.zeros(len(edges) + 1, np.int32)
    number[drawn + 1] = np.arange(1, len(drawn) + 1)
    return number[labels], drawn
