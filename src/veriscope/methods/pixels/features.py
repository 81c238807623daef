"""Filter bank of a pixel classifier: what surrounds each pixel, at several scales."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.source import PixelSource
from veriscope.methods.local_method import Survey
from veriscope.methods.quantiles import percentiles

__all__ = ["BrightnessSurvey", "features_reach", "pixel_features"]


class BrightnessSurvey(Survey):
    """Brightness of a whole image: what brings it to comparable values."""

    middle: float
    """Median."""
    spread: float
    """1st to 99.8th percentile, or smallest to largest where these are the same; 0 for a constant image."""

    @classmethod
    def measure(cls, source: PixelSource) -> BrightnessSurvey:
        """Count the brightness of an image.

        Parameters
        ----------
        source
            Of any numeric dtype, finite.

        Returns
        -------
        BrightnessSurvey
            The same however the source cuts its blocks.
        """
        least, low, middle, high, most = percentiles(source, (0, 1, 50, 99.8, 100))
        # Few objects on a background without noise: all that there is lies beyond the percentiles.
        return cls(middle=middle, spread=max(high - low if high > low else most - least, 0.0))

    def normalise(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Bring pixels to comparable brightness: median 0, 1st to 99.8th percentile 1 apart.

        Parameters
        ----------
        pixels
            Of the image, or of a part of it.

        Returns
        -------
        numpy.ndarray
            float32, same shape; all 0 for a constant image.
        """
        if not self.spread > 0:
            return np.zeros(pixels.shape, np.float32)
        # What float32 cannot hold keeps its precision until the offset is gone.
        values = pixels.astype(np.promote_types(pixels.dtype, np.float32))
        return np.asarray((values - self.middle) / self.spread, dtype=np.float32)


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


def features_reach(scales: tuple[float, ...]) -> int:
    """Say how far `pixel_features` looks.

    Parameters
    ----------
    scales
        As given to it.

    Returns
    -------
    int
        Radius of the largest kernel in pixels.
    """
    return int(4.0 * max(scales) + 0.5)


def _derivative(image: NDArray[np.float32], sigma: float, order: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(ndimage.gaussian_filter(image, sigma, order=order, mode="nearest"), dtype=np.float32)
