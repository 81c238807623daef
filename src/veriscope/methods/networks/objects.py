"""The last steps from labels to objects: drop what is too small, number the rest, rate each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.labels import first_pixels, relabel_sequential

__all__ = ["in_reading_order", "keep_objects", "keep_probable", "mean_inside"]


def keep_objects(
    labels: NDArray[np.int32], *, smallest_area: int, spare: NDArray[np.bool_] | None = None
) -> NDArray[np.int32]:
    """Remove labels with too few pixels.

    Parameters
    ----------
    labels
        Label image.
    smallest_area
        Objects with fewer pixels become background.
    spare
        Boolean for labels 0 … n: objects that are kept in any case; None: none.

    Returns
    -------
    numpy.ndarray
        int32, same shape, numbered 1 … n without gaps.
    """
    area = np.bincount(labels.ravel())
    keep = area >= smallest_area
    if spare is not None:
        keep |= spare
    keep[:1] = False
    return relabel_sequential(np.where(keep[labels], labels, 0))


def keep_probable(
    labels: NDArray[np.int32],
    probabilities: NDArray[np.float32],
    *,
    threshold: float,
    spare: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Remove objects whose probability is below a threshold.

    Parameters
    ----------
    labels
        Label image, numbered 1 … n without gaps.
    probabilities
        Probability of each object, shape (n,).
    threshold
        Smallest probability that is kept, 0 to 1.
    spare
        Boolean for labels 0 … n: objects that are kept in any case; None: none.

    Returns
    -------
    labels, probabilities
        The objects that are left, renumbered without gaps, and their probabilities.
    """
    keep = np.concatenate([[False], probabilities >= threshold])
    if spare is not None:
        keep |= spare
    numbers = (np.cumsum(keep) * keep).astype(np.int32)
    return numbers[labels], probabilities[keep[1:]]


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


def in_reading_order(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give objects numbers in the order of their first pixels, row by row.

    Parameters
    ----------
    labels
        Label image, with gaps or without.

    Returns
    -------
    numpy.ndarray
        int32, same shape, numbered 1 … n without gaps.
    """
    first = first_pixels(np.ascontiguousarray(labels))
    order = np.argsort(first, kind="stable")
    order = order[first[order] < labels.size]
    number = np.zeros(len(first) + 1, np.int32)
    number[order + 1] = np.arange(1, len(order) + 1)
    return number[labels]
