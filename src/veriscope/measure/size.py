"""Pixel count, centroid, bounding box and border contact of each object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veriscope.measure.runs import Runs

__all__ = ["Sizes", "equivalent_diameter", "measure_sizes"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Size and place of n objects in d dimensions.

    Parameters
    ----------
    pixels
        Number of pixels, int64, shape (n,).
    centroid
        Mean pixel coordinate, in pixels, float64, shape (n, d).
    low, high
        Bounding box, first and one past the last pixel of each axis, int64, shape (n, d).
    touches_border
        Whether the box reaches the edge of the image, bool, shape (n,). An axis of length 1 does not count.
    """

    pixels: NDArray[np.int64]
    centroid: NDArray[np.float64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    touches_border: NDArray[np.bool_]


def measure_sizes(runs: Runs) -> Sizes:
    """Measure size and place of each object.

    Parameters
    ----------
    runs
        Runs of the label image.

    Returns
    -------
    Sizes
        One entry per object of `runs.ids`.
    """
    n, d = runs.n_objects, len(runs.shape)
    low = np.empty((n, d), dtype=np.int64)
    high = np.empty((n, d), dtype=np.int64)
    for axis in range(d):
        first = runs.start if axis == d - 1 else runs.along(axis)
        last = first + runs.length if axis == d - 1 else first + 1
        low[:, axis], high[:, axis] = runs.shape[axis], 0
        np.minimum.at(low[:, axis], runs.index, first)
        np.maximum.at(high[:, axis], runs.index, last)
    pixels = np.rint(runs.total(runs.length)).astype(np.int64)
    long_axes = np.array(runs.shape) > 1
    at_edge = ((low == 0) | (high == np.array(runs.shape))) & long_axes
    return Sizes(pixels, _centroid(runs, pixels, low), low, high, at_edge.any(axis=1))


def _centroid(runs: Runs, pixels: NDArray[np.int64], low: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean coordinates; summed from the corner of each object's box, where the sums stay small and exact."""
    centroid = low.astype(np.float64)
    last = len(runs.shape) - 1
    for axis in range(last):
        local = runs.along(axis) - low[runs.index, axis]
        centroid[:, axis] += runs.total(runs.length * local) / pixels
    local = runs.start - low[runs.index, last]
    twice = runs.length * (2 * local + runs.length - 1)
    centroid[:, last] += runs.total(twice) / (2 * pixels)
    return centroid


def equivalent_diameter(size: NDArray[np.float64], n_dimensions: int) -> NDArray[np.float64]:
    """Give the diameter of the disc (2D) or ball (3D) of the same size.

    Parameters
    ----------
    size
        Areas or volumes, in any unit.
    n_dimensions
        2 or 3.

    Returns
    -------
    numpy.ndarray
        Diameters in the unit whose square or cube is that of `size`.
    """
    diameter: NDArray[np.float64] = (2 * n_dimensions * size / np.pi) ** (1 / n_dimensions)
    return diameter
