"""From outlines to a label image.

Coordinates are (x, y) in pixels with the corner of the first pixel at (0, 0), as in Fiji and QuPath:
the centre of the pixel in row r and column c is (c + 0.5, r + 0.5). A pixel belongs to an outline if
its centre does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.draw import polygon

from veriscope.core.labels import relabel_sequential
from veriscope.core.words import counted

__all__ = ["Outline", "Window", "draw_outlines"]


@dataclass(frozen=True, slots=True)
class Outline:
    """The outline of one object.

    Parameters
    ----------
    paths
        Closed paths, each of shape (n, 2), (x, y). A point is inside if it is inside an odd number
        of them, so that a path within another is a hole.
    ellipse
        Whether the one path, two opposite corners, is the box around an ellipse.
    rim
        Points, in pixel places (x, y), that belong to the object although they are on its edge.
    """

    paths: tuple[NDArray[np.float64], ...]
    ellipse: bool = False
    rim: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the annotated image that is wanted.

    Parameters
    ----------
    shape
        Its height and width in pixels.
    origin
        Its first row and column in the annotated image.
    """

    shape: tuple[int, int]
    origin: tuple[int, int] = (0, 0)


def draw_outlines(outlines: Sequence[Outline], window: Window) -> tuple[NDArray[np.int32], list[str]]:
    """Draw outlines as a label image, later ones over earlier ones.

    Parameters
    ----------
    outlines
        In the order of the file.
    window
        What to draw.

    Returns
    -------
    numpy.ndarray
        int32, (y, x), numbered 1, 2, … in the order of the outlines, without gaps.
    list of str
        Notes: objects outside the window, overlaps, and objects that nothing is left of.
    """
    labels = np.zeros(window.shape, dtype=np.int32)
    overlapping = outside = 0
    for number, outline in enumerate(outlines, start=1):
        rows, columns = _pixels(outline, window)
        if rows.size == 0:
            outside += 1
            continue
        overlapping += bool(labels[rows, columns].any())
        labels[rows, columns] = number
    drawn = relabel_sequential(labels)
    notes = []
    if outside:
        notes.append(f"{outside} of {len(outlines)} objects have no pixel in this part of the image")
    if overlapping:
        notes.append(f"{overlapping} of {len(outlines)} objects overlap earlier ones and are drawn over them")
    hidden = len(outlines) - outside - int(drawn.max(initial=0))
    if hidden:
        notes.append(f"{counted(hidden, 'object is', 'objects are')} hidden by later ones and lost")
    return drawn, notes


def _pixels(outline: Outline, window: Window) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the pixels of an outline within the window."""
    shift = np.array([window.origin[1], window.origin[0]], dtype=np.float64)
    paths = [path - shift for path in outline.paths]
    box = _box(paths, window.shape)
    if box is None:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    top, left, height, width = box
    corner = np.array([left, top], dtype=np.float64)
    inside = np.zeros((height, width), dtype=bool)
    fill: Callable[[NDArray[Any], tuple[int, int]], NDArray[np.bool_]] = (
        _ellipse if outline.ellipse else _polygon
    )
    for path in paths:
        inside ^= fill(path - corner, inside.shape)
    if outline.rim is not None:
        points = outline.rim - np.array([window.origin[1] + left, window.origin[0] + top])
        kept = points[((points >= 0) & (points < [width, height])).all(axis=1)]
        inside[kept[:, 1], kept[:, 0]] = True
    rows, columns = np.nonzero(inside)
    return rows + top, columns + left


def _box(paths: Sequence[NDArray[np.float64]], shape: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Top, left, height and width of the box around the paths, clipped to the window."""
    points = np.concatenate([path for path in paths if len(path)] or [np.empty((0, 2))])
    if not len(points):
        return None
    limit = [shape[1], shape[0]]
    low = np.clip(np.floor(points.min(axis=0)), 0, limit).astype(int)
    high = np.clip(np.ceil(points.max(axis=0)) + 1, 0, limit).astype(int)
    if (high <= low).any():
        return None
    return int(low[1]), int(low[0]), int(high[1] - low[1]), int(high[0] - low[0])


def _polygon(path: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    inside = np.zeros(shape, dtype=bool)
    if len(path) >= 3:
        # skimage has pixel centres at whole numbers.
        inside[polygon(path[:, 1] - 0.5, path[:, 0] - 0.5, shape)] = True
    return inside


def _ellipse(corners: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    low, high = corners.min(axis=0), corners.max(axis=0)
    centre, radius = (low + high) / 2, np.maximum((high - low) / 2, 1e-9)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    across = (columns + 0.5 - centre[0]) / radius[0]
    down = (rows + 0.5 - centre[1]) / radius[1]
    return np.asarray(across**2 + down**2 <= 1)
