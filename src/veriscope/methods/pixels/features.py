"""Filter bank of a pixel classifier: what surrounds each pixel, at several scales."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["normalise", "pixel_features"]


def normalise(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Bring an image to comparable brightness: median 0, 1st to 99.8th percentile 1 apart.

    Parameters
    ----------
    pixels
        Image of any numeric dtype, finite.

    Returns
    -------
    numpy.ndarray
        float32, same shape; all 0 for a constant image.
    """
    values = pixels.astype(np.float32)
    low, middle, high = np.percentile(values, (1, 50, 99.8))
    if not high > low:
        return np.zeros_like(values)
    return np.asarray((values - middle) / (high - low), dtype=np.float32)


def pixel_features(image: NDArray[np.float32], scales: tuple[float, ...]) -> NDArray[np.float32]:
    """Compute Gaussian, edge, ridge and texture responses at each scale.

    Parameters
    ----------
    image
        Normalised image, axes (y, x).
    scales
        Standard deviations of the Gaussian derivatives, in pixels.

    Returns
    -------
    numpy.ndarray
        float32, axes (feature, y, x): the image, then for each scale the Gaussian, gradient
        magnitude, both Hessian eigenvalues, and the local standard deviation.
    """
    layers: list[NDArray[Any]] = [image]
    for sigma in scales:
        smooth = ndimage.gaussian_filter(image, sigma, mode="nearest")
        dy, dx = (_derivative(image, sigma, order) for order in ((1, 0), (0, 1)))
        yy, xx, xy = (_derivative(image, sigma, order) for order in ((2, 0), (0, 2), (1, 1)))
        root = np.sqrt(((yy - xx) / 2) ** 2 + xy**2)
        mean = (yy + xx) / 2
        spread = ndimage.gaussian_filter(image**2, sigma, mode="nearest") - smooth**2
        layers += [
            smooth,
            sigma * np.hypot(dy, dx),
            sigma**2 * (mean + root),
            sigma**2 * (mean - root),
            np.sqrt(np.maximum(spread, 0)),
        ]
    return np.stack(layers).astype(np.float32, copy=False)


def _derivative(image: NDArray[np.float32], sigma: float, order: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(ndimage.gaussian_filter(image, sigma, order=order, mode="nearest"), dtype=np.float32)
