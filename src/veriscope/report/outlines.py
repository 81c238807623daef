"""Outlines of objects as lines, solid or dashed."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw
from scipy import ndimage
from skimage.measure import find_contours

__all__ = ["Line", "dashes", "draw_outlines", "outlines"]

Line = list[tuple[float, float]]
"""Points (x, y), one after the other."""
_GAP = 0.85
"""Length of a gap for a dash of 1."""


def outlines(labels: NDArray[Any]) -> list[Line]:
    """Trace the outline of each object half-way between its pixels and the others.

    Parameters
    ----------
    labels
        Label image, (y, x).

    Returns
    -------
    list of list of (float, float)
        Closed lines of (x, y), where the centre of the first pixel is at (0.5, 0.5).
    """
    lines: list[Line] = []
    compact = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    if not (labels == 0).any():
        compact = compact + 1
    for index, where in enumerate(ndimage.find_objects(compact), start=1):
        if where is None:
            continue
        alone = np.pad((compact[where] == index).astype(np.float64), 1)
        top, left = where[0].start - 0.5, where[1].start - 0.5
        lines += [
            [(float(x + left), float(y + top)) for y, x in contour] for contour in find_contours(alone, 0.5)
        ]
    return lines


def dashes(line: Line, dash: float, gap: float) -> list[Line]:
    """Cut a line into dashes by the length along it, a whole number of them.

    Parameters
    ----------
    line
        Its points, two or more.
    dash, gap
        Lengths wanted; both are stretched alike to fit. A line shorter than a dash is not cut.

    Returns
    -------
    list of list of (float, float)
        The dashes, in order.
    """
    total = sum(math.dist(a, b) for a, b in pairwise(line))
    if total < dash:
        return [line]
    period = total / max(1, round(total / (dash + gap)))
    filled = period * dash / (dash + gap)
    dashes: list[Line] = []
    current: Line = [line[0]]
    place = 0.0
    drawing = True
    for start, stop in pairwise(line):
        length = math.dist(start, stop)
        done = 0.0
        while length > 0:
            room = (filled - place) if drawing else (period - place)
            if length - done < room:
                place += length - done
                break
            done += room
            share = min(1.0, done / length)
            point = (start[0] + share * (stop[0] - start[0]), start[1] + share * (stop[1] - start[1]))
            if drawing:
                dashes.append([*current, point])
                place = filled
            else:
                current = [point]
                place = 0.0
            drawing = not drawing
        if drawing:
            current.append(stop)
    return dashes


def draw_outlines(
    draw: ImageDraw.ImageDraw,
    labels: NDArray[Any],
    *,
    scale: float,
    colour: tuple[int, int, int],
    width: int,
    halo: int,
    dash: float | None = None,
) -> None:
    """Draw the outline of each object of a label image.

    Parameters
    ----------
    draw
        Is drawn on.
    labels
        Label image, (y, x).
    scale
        Pixels of the picture for each pixel of the labels.
    colour
        Red, green and blue, 0 to 255.
    width
        Width of the line in pixels of the picture.
    halo
        How much wider the black line below it is; it keeps the outline visible on bright objects.
    dash
        Length of a dash in pixels of the picture; None: solid.
    """
    for line in outlines(labels):
        scaled = [(x * scale, y * scale) for x, y in line]
        pieces = [scaled] if dash is None else dashes(scaled, dash, dash * _GAP)
        for piece in pieces:
            draw.line(piece, fill=(0, 0, 0), width=width + halo, joint="curve")
            draw.line(piece, fill=colour, width=width, joint="curve")
