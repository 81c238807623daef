"""Intensity statistics of each object in one channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.measure.runs import Runs, flat_rows, row_blocks
from veriscope.measure.size import Sizes

__all__ = ["Intensities", "measure_intensities"]


@dataclass(frozen=True, slots=True)
class Intensities:
    """Intensity of n objects in one channel; each field float64 of shape (n,).

    Parameters
    ----------
    mean, minimum, maximum, total, deviation
        Mean, extremes, sum, and standard deviation (divisor n: 0 for one pixel) of the pixel values.
    """

    mean: NDArray[np.float64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    total: NDArray[np.float64]
    deviation: NDArray[np.float64]


def measure_intensities(labels: NDArray[Any], pixels: NDArray[Any], runs: Runs, sizes: Sizes) -> Intensities:
    """Measure the intensity of each object.

    Parameters
    ----------
    labels
        Checked label image, (y, x) or (z, y, x).
    pixels
        One channel, same shape, boolean, integer or floating point, finite.
    runs, sizes
        Runs and sizes of the label image.

    Returns
    -------
    Intensities
        Summed in float64 whatever the type of the pixels.
    """
    n = runs.n_objects
    label_rows, pixel_rows = flat_rows(labels), flat_rows(pixels)
    first = np.empty(n, dtype=np.int64)
    first[runs.index[::-1]] = np.arange(len(runs.index))[::-1]
    # Sums are taken of the difference to one pixel of the object itself. As that pixel alone adds
    # (its distance from the mean)²/n to the variance, the rounding error of one pass stays below n·2⁻⁵².
    origin = pixel_rows[runs.row[first], runs.start[first]].astype(np.float64)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    sums, squares = np.zeros(n), np.zeros(n)
    for block in row_blocks(*label_rows.shape):
        part = slice(*np.searchsorted(runs.row, [block.start, block.stop]))
        if part.start == part.stop:
            continue
        index, length = runs.index[part], runs.length[part]
        begin = np.cumsum(length) - length
        values = pixel_rows[block][label_rows[block] != 0]
        np.minimum.at(low, index, np.minimum.reduceat(values, begin).astype(np.float64))
        np.maximum.at(high, index, np.maximum.reduceat(values, begin).astype(np.float64))
        difference = values - np.repeat(origin[index], length)
        sums += np.bincount(index, weights=np.add.reduceat(difference, begin), minlength=n)
        np.square(difference, out=difference)
        squares += np.bincount(index, weights=np.add.reduceat(difference, begin), minlength=n)
    count = sizes.pixels
    shift = sums / count
    variance = np.clip(squares / count - shift**2, 0, None)
    # The mean cannot lie outside the extremes; rounding could put it there.
    mean = np.clip(origin + shift, low, high)
    return Intensities(mean, low, high, origin * count + sums, np.sqrt(variance))
