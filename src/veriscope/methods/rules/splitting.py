"""From a mask to instances: split touching objects at their necks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

from veriscope.core.labels import relabel_sequential

__all__ = ["drop_small", "split_touching"]


def split_touching(mask: NDArray[np.bool_], *, diameter: float) -> NDArray[np.int32]:
    """Split a mask into objects by the watershed of its distance transform.

    Parameters
    ----------
    mask
        Foreground, axes (y, x).
    diameter
        Typical object diameter in pixels; centres closer than 0.4 of it are one object.

    Returns
    -------
    numpy.ndarray
        Label image, int32, numbered without gaps.
    """
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    smooth = ndimage.gaussian_filter(depth, max(0.5, diameter / 12))
    components, _ = ndimage.label(mask)
    peaks = peak_local_max(
        smooth, min_distance=max(1, round(0.4 * diameter)), labels=components, exclude_border=False
    )
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return np.asarray(watershed(-smooth, seeds, mask=mask), dtype=np.int32)


def drop_small(labels: NDArray[Any], *, diameter: float) -> NDArray[np.int32]:
    """Remove objects of less than a tenth of the typical area.

    Parameters
    ----------
    labels
        Label image.
    diameter
        Typical object diameter in pixels.

    Returns
    -------
    numpy.ndarray
        Label image, int32, renumbered without gaps.
    """
    areas = np.bincount(labels.ravel())
    keep = areas >= max(4.0, 0.1 * np.pi / 4 * diameter**2)
    keep[0] = False
    return relabel_sequential(np.where(keep[labels], labels, 0))
