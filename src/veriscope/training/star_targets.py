"""What a star-convex network has to learn: distances to the border along rays, and how central a pixel is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["fibonacci_directions", "plane_directions", "star_distances", "star_probability"]


def plane_directions(n_rays: int) -> NDArray[np.float32]:
    """Give equally spaced directions in the plane.

    Parameters
    ----------
    n_rays
        At least 3; ray 0 points along x, the next ones turn towards y.

    Returns
    -------
    numpy.ndarray
        float32 (ray, 2), y first, of length 1.
    """
    angle = 2 * np.pi / n_rays * np.arange(n_rays)
    return np.stack([np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)


def fibonacci_directions(
    n_rays: int, *, spacing: tuple[float, float, float] = (1, 1, 1)
) -> NDArray[np.float32]:
    """Give directions that are spread evenly over the sphere, on a golden spiral.

    Parameters
    ----------
    n_rays
        At least 4.
    spacing
        Size of a voxel (z, y, x), in any unit: with thick planes the rays lie denser in the plane.

    Returns
    -------
    numpy.ndarray
        float32 (ray, 3), z first, of length 1 in voxels.
    """
    turn = (3 - np.sqrt(5)) * np.pi * np.arange(n_rays)
    z = np.linspace(-1, 1, n_rays)
    radius = np.sqrt(1 - z**2)
    place = np.stack([z, radius * np.sin(turn), radius * np.cos(turn)], axis=1) / np.asarray(spacing)
    return np.asarray(place / np.linalg.norm(place, axis=1, keepdims=True), np.float32)


def star_distances(
    labels: NDArray[np.integer[Any]], directions: NDArray[np.float32], *, stride: int | tuple[int, ...] = 1
) -> NDArray[np.float32]:
    """Measure from every pixel of an object how far it is to its border along each ray.

    Each ray is followed in steps of one pixel until it meets another value, and half of the last step along
    the axis it mostly follows is taken back, as StarDist does.

    Parameters
    ----------
    labels
        Label image (y, x) or (z, y, x), 0 = background. Beyond the image objects end.
    directions
        (ray, axis), of length 1.
    stride
        Only every so many pixels are measured, one number or one per axis.

    Returns
    -------
    numpy.ndarray
        float32 (*places, ray) in pixels, 0 in the background.

    References
    ----------
    .. [1] Schmidt et al., Cell detection with star-convex polygons, MICCAI 2018,
       doi:10.1007/978-3-030-00934-2_30.
    """
    steps = (stride,) * labels.ndim if isinstance(stride, int) else stride
    thin = labels[tuple(slice(None, None, step) for step in steps)]
    out = np.zeros((*thin.shape, len(directions)), np.float32)
    if not labels.size:
        return out
    padded = np.pad(labels, 1)
    flat, scale = padded.ravel(), np.array(padded.strides) // padded.itemsize
    centres = np.argwhere(thin) * np.asarray(steps)
    own = labels[tuple(centres.T)]
    limit = np.array(labels.shape)
    for ray, direction in enumerate(directions):
        place = np.zeros((len(centres), labels.ndim), np.float32)
        on_way = np.arange(len(centres))
        moved = np.zeros(labels.ndim, np.float32)
        back = np.float32(0.5) / np.abs(direction).max() - np.float32(1)
        while len(on_way):
            moved = moved + direction
            at = np.rint(centres[on_way] + moved).astype(np.int64)
            np.clip(at, -1, limit, out=at)
            ended = flat[(at + 1) @ scale] != own[on_way]
            place[on_way[ended]] = moved + back * direction
            on_way = on_way[~ended]
        out[(*(centres // np.asarray(steps)).T, ray)] = np.sqrt((place**2).sum(1))
    return out


def star_probability(labels: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
    """Rate how central each pixel is in its object.

    Parameters
    ----------
    labels
        Label image (y, x) or (z, y, x), 0 = background.

    Returns
    -------
    numpy.ndarray
        float32, the distance to the border over the largest one in the object; 0 in the background.
    """
    out = np.zeros(labels.shape, np.float32)
    for number, box in enumerate(ndimage.find_objects(labels.astype(np.int32)), start=1):
        if box is None:
            continue
        grown = tuple(slice(max(one.start - 1, 0), one.stop + 1) for one in box)
        own = labels[grown] == number
        distance = ndimage.distance_transform_edt(np.pad(own, 1))[(slice(1, -1),) * own.ndim]
        out[grown][own] = (distance / distance.max())[own]
    return out
