"""The last steps from labels to objects: drop what is too small, number the rest, rate each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.labels import relabel_sequential

__all__ = ["keep_objects", "mean_inside"]


def keep_objects(labels: NDArray[np.int32], *, smallest_area: int) -> NDArray[np.int32]:
    """Remove labels with too few pixels.

    Parameters
    ----------
    labels
        Label image.
    smallest_area
        Objects with fewer pixels become background.

    Returns
    -------
    numpy.ndarray
        int32, same shape, numbered 1 … n without gaps.
    """
    area = np.bincount(labels.ravel())
    keep = area >= smallest_area
    keep[:1] = False
    return relabel_sequential(np.where(keep[labels], labels, 0))


def mean_inside(values: NDArray[np.floating[Any]], labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """Average an image over every object.

    Parameters
    ----------
    values
        Image of the shape of `labels`.
    labels
        Label image, numbered 1 … n without gaps.

    Returns
    -------
    numpy.ndarray
        float32 (n,); empty if there are no objects.
    """
    area = np.bincount(labels.ravel())
    total = np.bincount(labels.ravel(), weights=values.ravel().astype(np.float64), minlength=len(area))
    return np.asarray(total[1:] / np.maximum(area[1:], 1), dtype=np.float32)
