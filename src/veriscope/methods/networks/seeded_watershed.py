"""Watershed from seeds inside a mask, flooding only where seeds compete."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["seeded_watershed"]


def seeded_watershed(
    image: NDArray[Any], seeds: NDArray[np.integer[Any]], mask: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Flood an image from seeds, from low to high values.

    A connected part of the mask that holds seeds of one label belongs to it whatever the values are. Only the
    other parts are flooded, by scikit-image, so the result is that of
    `skimage.segmentation.watershed(image, seeds, mask=mask)`. Where seed pixels of two labels have exactly
    the same value, which one goes first is not defined there, and pixels between them may differ.

    Parameters
    ----------
    image
        (y, x) or (z, y, x), finite.
    seeds
        Label image of the same shape; what lies outside the mask is not used.
    mask
        Pixels that can be reached.

    Returns
    -------
    numpy.ndarray
        int32 of the same shape, labels of the seeds; 0 outside the mask and where no seed leads.
    """
    parts, n_parts = ndimage.label(mask)
    where = np.flatnonzero(mask & (seeds > 0))
    part, label = parts.ravel()[where], seeds.ravel()[where].astype(np.int32)
    lowest = np.full(n_parts + 1, np.iinfo(np.int32).max, np.int32)
    highest = np.zeros(n_parts + 1, np.int32)
    np.minimum.at(lowest, part, label)
    np.maximum.at(highest, part, label)
    contested = highest > lowest
    labels = np.where(contested, 0, highest)[parts]
    if contested.any():
        from skimage.segmentation import watershed

        flooded = contested[parts]
        box = ndimage.find_objects(flooded.view(np.int8))[0]
        inner = flooded[box]
        labels[box] += watershed(image[box], np.where(inner, seeds[box], 0).astype(np.int32), mask=inner)
    return np.asarray(labels, np.int32)
