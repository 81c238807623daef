"""What a star-convex network has to learn: distances to the border along rays, and how central a pixel is."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["plane_directions", "star_distances", "star_probability"]

_LOOK = 4
"""Steps after which it is looked whether any pixel is still on its way."""


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


def star_distances(
    labels: NDArray[np.integer[Any]],
    directions: NDArray[np.float32],
    *,
    stride: int | tuple[int, ...] = 1,
    first: tuple[int, ...] | None = None,
) -> NDArray[np.float32]:
    """Measure from every pixel of an object how far it is to its border along each ray.

    Each ray is followed in steps of one pixel until it meets another value, and half of the last step along
    the axis it mostly follows is taken back, as StarDist does. All pixels go along a ray together: one step
    compares the labels with themselves, moved by what the step rounds to.

    Parameters
    ----------
    labels
        Label image (y, x) or (z, y, x), 0 = background. Beyond the image objects end.
    directions
        (ray, axis), of length 1.
    stride
        Only every so many pixels are measured, one number or one per axis.
    first
        Place of the first pixel measured, one number per axis, 0 to stride - 1; None: 0.

    Returns
    -------
    numpy.ndarray
        float32 (*places, ray) in pixels, 0 in the background.

    References
    ----------
    .. [1] Schmidt et al., Cell detection with star-convex polygons, MICCAI 2018,
       doi:10.1007/978-3-030-00934-2_30.
    """
    strides = (stride,) * labels.ndim if isinstance(stride, int) else stride
    begin = first or (0,) * labels.ndim
    places = tuple(slice(one, None, step) for one, step in zip(begin, strides, strict=True))
    longest = _longest(labels) if labels.size else 0
    small = labels.astype(np.min_scalar_type(int(labels.max(initial=0))))
    own = np.ascontiguousarray(small[places])
    out = np.zeros((len(directions), *own.shape), np.float32)
    if not longest or not own.any():
        return np.moveaxis(out, 0, -1)
    margin = [-(-longest // step) * step for step in strides]
    shifted = _Shifted(np.pad(small, [(one, one) for one in margin]), strides, own.shape)
    starts = np.add(margin, begin)
    for ray, direction in enumerate(directions):
        # Added up one by one, since that is what rounding to pixels starts from.
        moved = np.cumsum(np.broadcast_to(direction, (longest, labels.ndim)), axis=0, dtype=np.float32)
        steps = _steps_inside(own, shifted, np.rint(moved).astype(np.int64) + starts)
        back = np.float32(0.5) / np.abs(direction).max() - np.float32(1)
        lengths = np.sqrt(((moved + back * direction) ** 2).sum(1))
        out[ray] = np.concatenate([np.zeros(1, np.float32), lengths])[steps]
    return np.moveaxis(out, 0, -1)


class _Shifted:
    """Every so many pixels of a label image, from any place on; contiguous, which compares many times faster.

    Parameters
    ----------
    padded
        Labels with a margin of background.
    strides
        Every so many pixels are given, by axis.
    shape
        Of what is given.
    """

    def __init__(
        self, padded: NDArray[np.integer[Any]], strides: tuple[int, ...], shape: tuple[int, ...]
    ) -> None:
        self.strides, self.shape = strides, shape
        self.parts = {
            rest: np.ascontiguousarray(
                padded[tuple(slice(one, None, step) for one, step in zip(rest, strides, strict=True))]
            )
            for rest in np.ndindex(*strides)
        }

    def at(self, place: list[int]) -> NDArray[np.integer[Any]]:
        """Give the labels from a place on."""
        rest = tuple(one % step for one, step in zip(place, self.strides, strict=True))
        cut = [
            slice(one // step, one // step + size)
            for one, step, size in zip(place, self.strides, self.shape, strict=True)
        ]
        return self.parts[rest][tuple(cut)]


def _steps_inside(
    own: NDArray[np.integer[Any]], shifted: _Shifted, places: NDArray[np.int64]
) -> NDArray[np.integer[Any]]:
    """Count the steps that a ray takes from each pixel, with the one that leaves the object."""
    on_way = own > 0
    same = np.empty_like(on_way)
    count = np.zeros(own.shape, np.min_scalar_type(len(places)))
    for number, place in enumerate(places.tolist()):
        np.add(count, on_way.view(np.uint8), out=count)
        np.equal(own, shifted.at(place), out=same)
        np.logical_and(on_way, same, out=on_way)
        if number % _LOOK == 0 and not on_way.any():
            break
    return count


def _longest(labels: NDArray[np.integer[Any]]) -> int:
    """Give a number of steps that leads out of every object; 0 without objects."""
    boxes = [box for box in ndimage.find_objects(labels.astype(np.int32)) if box is not None]
    sides = [[side.stop - side.start for side in box] for box in boxes]
    return int(np.ceil(np.linalg.norm(sides, axis=1).max())) + 2 if sides else 0


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
