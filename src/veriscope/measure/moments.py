"""Second moments of each object: axes of the ellipse with the same moments, eccentricity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veriscope.measure.runs import Runs
from veriscope.measure.size import Sizes

__all__ = ["Ellipses", "measure_ellipses"]


@dataclass(frozen=True, slots=True)
class Ellipses:
    """The ellipse with the same second moments as each of n objects.

    Parameters
    ----------
    major, minor
        Full axis lengths, in the unit of the spacing, float64, shape (n,). 0 along a line.
    eccentricity
        0 (circle, or a single pixel) to 1 (line), float64, shape (n,).
    """

    major: NDArray[np.float64]
    minor: NDArray[np.float64]
    eccentricity: NDArray[np.float64]


def measure_ellipses(runs: Runs, sizes: Sizes, *, spacing: tuple[float, float] = (1.0, 1.0)) -> Ellipses:
    """Measure the ellipse of each object of a 2D label image.

    Parameters
    ----------
    runs
        Runs of the label image, 2D.
    sizes
        Sizes of the same objects.
    spacing
        Size of a pixel along y and x; unequal values are allowed.

    Returns
    -------
    Ellipses
        As `skimage.measure.regionprops` defines them: 4 √eigenvalue of the covariance of pixel
        centres, without the variance inside a pixel.
    """
    var_y, var_x, cov = _covariance(runs, sizes)
    # In pixels, where it is exactly 0 for lines; the unit comes after.
    determinant = np.clip(var_y * var_x - cov**2, 0, None) * (spacing[0] * spacing[1]) ** 2
    var_y, var_x, cov = var_y * spacing[0] ** 2, var_x * spacing[1] ** 2, cov * spacing[0] * spacing[1]
    mean, half = (var_y + var_x) / 2, (var_y - var_x) / 2
    spread = np.hypot(half, cov)
    large = mean + spread
    # The product of the eigenvalues is the determinant; mean − spread would cancel for thin objects.
    small = np.divide(determinant, large, out=np.zeros_like(large), where=large > 0)
    share = np.divide(2 * spread, large, out=np.zeros_like(large), where=large > 0)
    return Ellipses(4 * np.sqrt(large), 4 * np.sqrt(small), np.sqrt(np.clip(share, 0, 1)))


def _covariance(
    runs: Runs, sizes: Sizes
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Variances along y and x and their covariance, in pixels².

    Sums are taken from the corner of each object's bounding box: whole numbers, exact in float64 as
    long as they stay below 2⁵³, so that lines and squares give exact zeros.
    """
    m = runs.length
    y = runs.row - sizes.low[runs.index, 0]
    x = runs.start - sizes.low[runs.index, 1]
    last = x + m - 1
    sum_x = m * (x + last) // 2
    sum_xx = last * (last + 1) * (2 * last + 1) // 6 - (x - 1) * x * (2 * x - 1) // 6
    n = sizes.pixels.astype(np.float64)
    total_y, total_x = runs.total(m * y), runs.total(sum_x)
    scale = n * n
    var_y = (n * runs.total(m * y * y) - total_y**2) / scale
    var_x = (n * runs.total(sum_xx) - total_x**2) / scale
    cov = (n * runs.total(y * sum_x) - total_y * total_x) / scale
    return np.clip(var_y, 0, None), np.clip(var_x, 0, None), cov
