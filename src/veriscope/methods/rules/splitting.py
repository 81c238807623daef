"""From a mask to instances: split touching objects at their necks, looking no further than one diameter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.labels import relabel_sequential
from veriscope.methods.rules.peaks import follow, steepest
from veriscope.methods.rules.voxels import along, farthest, pad_planes, smoothing_reach, whole_along

__all__ = ["drop_small", "fill_holes", "holes_reach", "split_reach", "split_touching"]


def fill_holes(mask: NDArray[np.bool_], *, largest: int, step: Sequence[float] = ()) -> NDArray[np.bool_]:
    """Fill background that is enclosed by foreground and not wider than a limit.

    Parameters
    ----------
    mask
        Foreground, any number of dimensions.
    largest
        Holes that are longer than this along any axis stay open, in pixels along x.
    step
        Size of a voxel along each axis relative to that along x; empty: the same.

    Returns
    -------
    numpy.ndarray
        The mask without small holes. Background at the border of the array is no hole.
    """
    parts, _ = ndimage.label(~mask)
    longest = whole_along(largest, step, mask.ndim)
    is_hole = np.zeros(len(boxes := ndimage.find_objects(parts)) + 1, bool)
    for number, box in enumerate(boxes, 1):
        is_hole[number] = all(
            part.start > 0 and part.stop < size and part.stop - part.start <= limit
            for part, size, limit in zip(box, mask.shape, longest, strict=True)
        )
    return np.asarray(mask | is_hole[parts], bool)


def holes_reach(largest: int, step: Sequence[float] = ()) -> int:
    """Say how far `fill_holes` looks.

    Parameters
    ----------
    largest, step
        As given to it.

    Returns
    -------
    int
        In pixels.
    """
    return farthest(largest, step) + 1


def split_touching(
    mask: NDArray[np.bool_], *, diameter: float, step: Sequence[float] = ()
) -> NDArray[np.int32]:
    """Split a mask into objects around the deepest places of it.

    Every pixel goes uphill on the smoothed depth of the mask. A summit from which a higher place can be
    reached inside the mask and inside a window of ± 0.4 diameters goes on from there; the others are the
    objects. Depth counts up to one diameter. So the object of a pixel depends on what lies
    within a fixed distance of the way it goes, which is what the watershed, a flood of
    the whole image in the order of its values, cannot promise.

    Parameters
    ----------
    mask
        Foreground, axes (y, x) or (z, y, x).
    diameter
        Typical object diameter in pixels along x.
    step
        Size of a voxel along each axis relative to that along x; empty: the same, and objects end where
        the array ends.

    Returns
    -------
    numpy.ndarray
        Label image, int32, numbered without gaps.
    """
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    padded, inner = pad_planes(mask, step)
    depth = ndimage.distance_transform_edt(padded, sampling=step or None)[inner]
    capped = np.minimum(depth, _cap(diameter)).astype(np.float32)
    smooth = ndimage.gaussian_filter(capped, along(_sigma(diameter), step))
    uphill = steepest(smooth, mask)
    _join_summits(uphill, smooth, mask, distances=whole_along(_window(diameter), step, mask.ndim))
    return follow(uphill, mask)[0]


def split_reach(diameter: float, step: Sequence[float] = ()) -> int:
    """Say how far `split_touching` looks around each pixel of the way uphill, and how far a step goes.

    Parameters
    ----------
    diameter, step
        As given to it.

    Returns
    -------
    int
        In pixels, along the axis where it is farthest.
    """
    window = max(whole_along(_window(diameter), step, len(step) or 1))
    return farthest(_cap(diameter), step) + smoothing_reach(_sigma(diameter), step) + 2 * (window + 1)


def _cap(diameter: float) -> int:
    return math.ceil(diameter)


def _sigma(diameter: float) -> float:
    return max(0.5, diameter / 12)


def _window(diameter: float) -> int:
    return max(1, round(0.4 * diameter))


def _join_summits(
    uphill: NDArray[np.int64],
    height: NDArray[np.float32],
    mask: NDArray[np.bool_],
    *,
    distances: tuple[int, ...],
) -> None:
    """Lead each summit to the highest place of the window that is connected with it in there."""
    structure = np.ones((3,) * mask.ndim, bool)
    summits = np.flatnonzero((uphill >= 0) & (uphill == np.arange(mask.size)))
    if not len(summits):
        return
    size = tuple(2 * distance + 1 for distance in distances)
    top = ndimage.maximum_filter(np.where(mask, height, -np.inf), size=size, mode="nearest").ravel()
    flat = height.ravel()
    for summit in summits:
        place = [int(p) for p in np.unravel_index(summit, mask.shape)]
        window = tuple(
            slice(max(p - distance, 0), min(p + distance + 1, size))
            for p, distance, size in zip(place, distances, mask.shape, strict=True)
        )
        values = height[window]
        if top[summit] == flat[summit] and np.count_nonzero((values == flat[summit]) & mask[window]) == 1:
            continue
        parts, _ = ndimage.label(mask[window], structure=structure)
        here = tuple(p - part.start for p, part in zip(place, window, strict=True))
        reachable = np.where(parts == parts[here], values, -np.inf)
        best = np.unravel_index(int(np.argmax(reachable)), reachable.shape)
        uphill[summit] = np.ravel_multi_index(
            tuple(b + part.start for b, part in zip(best, window, strict=True)), mask.shape
        )


def drop_small(
    labels: NDArray[Any],
    *,
    diameter: float,
    spare: NDArray[np.bool_] | None = None,
    step: Sequence[float] = (),
) -> NDArray[np.int32]:
    """Remove objects of less than a tenth of the typical area, in stacks volume.

    Parameters
    ----------
    labels
        Label image.
    diameter
        Typical object diameter in pixels.
    spare
        Boolean for labels 0 … n: objects that are kept whatever their area; None: none.
    step
        Size of a voxel along each axis relative to that along x; empty: the same.

    Returns
    -------
    numpy.ndarray
        Label image, int32, renumbered without gaps.
    """
    areas = np.bincount(labels.ravel())
    tenth = 0.1 * np.pi / 4 * diameter**2
    if labels.ndim == 3:
        tenth = 0.1 * np.pi / 6 * diameter**3 / math.prod(step)
    keep = areas >= max(2.0**labels.ndim, tenth)
    if spare is not None:
        keep |= spare
    keep[0] = False
    return relabel_sequential(np.where(keep[labels], labels, 0))
