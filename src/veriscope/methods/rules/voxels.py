"""Lengths in stacks, whose planes usually lie farther apart than their pixels.

Rules think in pixels of a plane. A *step* is the size of a voxel along each axis relative to that along x;
in planes there is none, and all axes are alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from veriscope.core.source import PixelSource
from veriscope.methods.sampling import gaussian_reach

__all__ = ["along", "farthest", "pad_planes", "smoothing_reach", "steps_of", "whole_along"]


def steps_of(source: PixelSource) -> tuple[float, ...]:
    """Give the size of a voxel relative to that along x.

    Parameters
    ----------
    source
        A plane or a stack.

    Returns
    -------
    tuple of float
        One for each axis of a stack, all 1 if it is uncalibrated; empty for a plane.
    """
    if len(source.shape) < 3:
        return ()
    if source.spacing is None:
        return (1.0,) * len(source.shape)
    return tuple(source.spacing[axis] / source.spacing["x"] for axis in source.axes)


def along(length: float, step: Sequence[float]) -> float | tuple[float, ...]:
    """Give a length in voxels along each axis.

    Parameters
    ----------
    length
        In pixels along x.
    step
        As from `steps_of`.

    Returns
    -------
    float or tuple of float
        The length itself for a plane.
    """
    return tuple(length / size for size in step) if step else length


def whole_along(length: float, step: Sequence[float], n_axes: int) -> tuple[int, ...]:
    """Give a length in whole voxels along each axis, at least one.

    Parameters
    ----------
    length
        In pixels along x.
    step
        As from `steps_of`.
    n_axes
        Number of axes.

    Returns
    -------
    tuple of int
        One for each axis.
    """
    return tuple(max(1, round(length / size)) for size in step or (1.0,) * n_axes)


def farthest(length: float, step: Sequence[float]) -> int:
    """Give the most voxels that a length has along any axis.

    Parameters
    ----------
    length
        In pixels along x.
    step
        As from `steps_of`.

    Returns
    -------
    int
        Rounded up.
    """
    return math.ceil(length / min(step, default=1.0))


def smoothing_reach(sigma: float, step: Sequence[float]) -> int:
    """Say how far SciPy's Gaussian filter looks along the axis where that is farthest.

    Parameters
    ----------
    sigma
        Standard deviation in pixels along x.
    step
        As from `steps_of`.

    Returns
    -------
    int
        In voxels.
    """
    return gaussian_reach(sigma / min(step, default=1.0))


def pad_planes(mask: NDArray[np.bool_], step: Sequence[float]) -> tuple[NDArray[np.bool_], tuple[slice, ...]]:
    """Put background around a mask, and in stacks around each plane.

    What leaves a stack at its first or last plane goes on there: few planes are no reason to take an object
    for thin.

    Parameters
    ----------
    mask
        Foreground.
    step
        As from `steps_of`.

    Returns
    -------
    padded, inner
        The larger mask, and where the given one lies in it.
    """
    widths = [0 if step and axis == 0 else 1 for axis in range(mask.ndim)]
    inner = tuple(slice(width, width + size) for width, size in zip(widths, mask.shape, strict=True))
    return np.pad(mask, [(width, width) for width in widths]), inner
