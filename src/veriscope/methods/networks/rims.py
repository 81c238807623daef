"""Objects of any length and shape from a map of the foreground and one of rims."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["GROWTH", "objects_without_rims"]

GROWTH = 3
"""Pixels by which the inner parts of objects grow back."""
_RIM = 0.5


def objects_without_rims(foreground: NDArray[np.bool_], rim: NDArray[np.floating[Any]]) -> NDArray[np.int32]:
    """Part what is connected where the rims are, and grow the parts over them.

    After the boundary field of Omnipose (Cutler et al., Nature Methods 2022, doi:10.1038/s41592-022-01639-4).
    Each pixel of a rim goes to the part it touches, the one above first, then left, right and below; pixels
    farther than three steps from any part go to none. What is nowhere thick enough to have an inner part, and
    touches no object, is an object as it is.

    Parameters
    ----------
    foreground
        Mask (y, x).
    rim
        (y, x), 0 to 1: how likely a pixel lies at the border of its object.

    Returns
    -------
    numpy.ndarray
        int32 (y, x), a number for each object; 0 outside the foreground. No rule looks farther than some
        pixels, so a part of an image gives the objects of the whole, save near where it was cut.
    """
    inner = foreground & (rim < _RIM)
    labels, n_inner = ndimage.label(inner)
    labels = np.asarray(labels, np.int32)
    for _ in range(GROWTH):
        framed = np.pad(labels, 1)
        near = np.zeros_like(labels)
        for y, x in ((2, 1), (1, 2), (1, 0), (0, 1)):  # what comes last has the last word
            neighbour = framed[y : y + labels.shape[0], x : x + labels.shape[1]]
            near = np.where(neighbour > 0, neighbour, near)
        labels = np.where((labels == 0) & foreground, near, labels)
    rest, n_rest = ndimage.label(foreground & (labels == 0))
    if n_rest:
        beside = ndimage.binary_dilation(labels > 0)
        touching = np.zeros(n_rest + 1, bool)
        touching[rest[beside]] = True
        touching[0] = True
        labels = np.where(touching[rest], labels, rest + n_inner)
    return np.asarray(labels, np.int32)
