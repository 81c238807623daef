"""Linear interpolation on finer or coarser grids, the same in a part of an image as in the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.source import Region

__all__ = ["nearest", "resample", "source_range"]


def resample(
    pixels: NDArray[np.float32],
    region: Region,
    shape: tuple[int, ...],
    *,
    onto: tuple[int, ...],
    part: Region,
) -> NDArray[np.float32]:
    """Interpolate linearly on a part of a grid that covers the same field with other pixels.

    Parameters
    ----------
    pixels
        Part of an image.
    region, shape
        Its place in the image, and the shape of that.
    onto
        Shape of the whole other grid.
    part
        Part of it that is wanted; the pixels must reach at least half a pixel beyond.

    Returns
    -------
    numpy.ndarray
        float32, of the shape of `part`. A grid of the same shape gives the same values.
    """
    out = pixels
    if shape == onto:
        return out[
            tuple(slice(p.start - r.start, p.stop - r.start) for p, r in zip(part, region, strict=True))
        ]
    for axis, (size, other) in enumerate(zip(shape, onto, strict=True)):
        place = _places(part[axis], size, other)
        low = np.floor(place).astype(np.intp)
        share = (place - low).astype(np.float32).reshape([-1 if i == axis else 1 for i in range(out.ndim)])
        first = region[axis].start
        last = first + out.shape[axis] - 1
        below = np.take(out, np.clip(low, first, last) - first, axis=axis)
        above = np.take(out, np.clip(low + 1, first, last) - first, axis=axis)
        out = below * (1 - share) + above * share
    return np.asarray(out, np.float32)


def nearest(
    labels: NDArray[Any], region: Region, shape: tuple[int, ...], *, onto: tuple[int, ...], part: Region
) -> NDArray[Any]:
    """Give the value under the centre of each pixel of a part of another grid.

    Parameters
    ----------
    labels
        Part of an image.
    region, shape, onto, part
        As for `resample`.

    Returns
    -------
    numpy.ndarray
        Of the shape of `part`.
    """
    index = [
        ((np.arange(p.start, p.stop) + 0.5) * size / other).astype(np.intp) - r.start
        for p, r, size, other in zip(part, region, shape, onto, strict=True)
    ]
    return labels[np.ix_(*index)]


def source_range(region: Region, shape: tuple[int, ...], *, onto: tuple[int, ...], step: int = 1) -> Region:
    """Say which part of another grid can be interpolated from a part of an image.

    Parameters
    ----------
    region, shape
        Part of an image, and the shape of that.
    onto
        Shape of the whole other grid.
    step
        Where the part is cut, it starts and stops at multiples of this number.

    Returns
    -------
    tuple of slice
        As large as possible; along an axis of which all is there, all; it may be empty.
    """
    parts = []
    for have, size, other in zip(region, shape, onto, strict=True):
        first, last = 0, other
        if have.start > 0:
            first = int(np.ceil((have.start + 1) * other / size))
            first = -(-first // step) * step
        if have.stop < size:
            last = int(np.floor((have.stop - 1) * other / size)) // step * step
        parts.append(slice(first, max(last, first)))
    return tuple(parts)


def _places(part: slice, size: int, other: int) -> NDArray[np.float64]:
    """Where the centres of pixels of the other grid lie, in pixels of the image."""
    return np.clip((np.arange(part.start, part.stop) + 0.5) * (size / other) - 0.5, 0, size - 1)
