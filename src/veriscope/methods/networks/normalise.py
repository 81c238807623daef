"""Bring images of any camera to the brightness that a network expects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.source import ArraySource, PixelSource
from veriscope.methods.local_method import Survey
from veriscope.methods.quantiles import noise_deviation, percentiles

__all__ = ["ContrastSurvey", "normalise_channels", "normalise_percentiles"]


class ContrastSurvey(Survey):
    """Brightness and contrast of a whole image."""

    bottom: float
    """Low percentile: becomes 0."""
    contrast: float
    """Difference that becomes 1; 0 for a constant image."""

    @classmethod
    def measure(
        cls, source: PixelSource, *, low: float = 1.0, high: float = 99.8, noise_floor: float = 8.0
    ) -> ContrastSurvey:
        """Count the brightness of an image.

        The contrast is at least `noise_floor` times the standard deviation of the noise, which is
        estimated from the differences of neighbouring pixels. An image that holds only noise therefore stays
        dim instead of being stretched until the noise looks like objects.

        Parameters
        ----------
        source
            Image of any boolean, integer or finite floating-point dtype.
        low, high
            Percentiles, 0 to 100.
        noise_floor
            Smallest contrast, in standard deviations of the noise, that is stretched to 1.

        Returns
        -------
        ContrastSurvey
            The same however the source cuts its blocks.
        """
        bottom, top, largest = percentiles(source, (low, high, 100))
        contrast = max(top - bottom, noise_floor * noise_deviation(source))
        if not contrast > _rounding(source.dtype) * max(abs(bottom), abs(top), 1e-30):
            contrast = largest - bottom
        return cls(bottom=bottom, contrast=max(contrast, 0.0))

    @classmethod
    def join(cls, channels: Sequence[ContrastSurvey]) -> ContrastSurvey:
        """Give one brightness for all channels, so that colours stay what they are.

        Parameters
        ----------
        channels
            What was measured on each channel; at least one.

        Returns
        -------
        ContrastSurvey
            From the lowest bottom to the highest top. One channel gives itself.
        """
        if len(channels) == 1:
            return channels[0]
        bottom = min(one.bottom for one in channels)
        top = max(one.bottom + one.contrast for one in channels)
        return cls(bottom=bottom, contrast=top - bottom)

    def normalise(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Map the low percentile to 0 and the contrast to 1.

        Parameters
        ----------
        pixels
            Of the image, or of a part of it.

        Returns
        -------
        numpy.ndarray
            float32, same shape; not clipped. A constant image gives zeros.
        """
        # Small integers fit float32 exactly; others keep their precision until the offset is gone.
        exact = np.float64 if pixels.dtype.itemsize > 2 else np.float32
        if not self.contrast > 0:
            return np.zeros(pixels.shape, np.float32)
        values: NDArray[np.floating[Any]] = pixels.astype(exact)
        return np.asarray((values - self.bottom) / self.contrast, dtype=np.float32)


def _rounding(dtype: np.dtype[Any]) -> float:
    """Relative differences that are none; integers are what they are, however far from zero."""
    return min(1e-6, 8 * float(np.finfo(dtype).eps)) if dtype.kind == "f" else 0.0


def normalise_percentiles(
    pixels: NDArray[Any], *, low: float = 1.0, high: float = 99.8, noise_floor: float = 8.0
) -> NDArray[np.float32]:
    """Map a low percentile of an image to 0 and a high one to 1, without blowing up noise.

    Parameters
    ----------
    pixels
        Image (y, x) of any boolean, integer or finite floating-point dtype.
    low, high, noise_floor
        As for `ContrastSurvey.measure`.

    Returns
    -------
    numpy.ndarray
        float32, same shape; not clipped at the top. A constant image gives zeros.
    """
    source = ArraySource(Image(pixels, "zyx"[-pixels.ndim :]))
    survey = ContrastSurvey.measure(source, low=low, high=high, noise_floor=noise_floor)
    return survey.normalise(pixels)


def normalise_channels(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Bring an image of one or more channels to the brightness that a network expects.

    Parameters
    ----------
    pixels
        Image (c, y, x) of any boolean, integer or finite floating-point dtype.

    Returns
    -------
    numpy.ndarray
        float32, same shape; all channels on one scale, as `ContrastSurvey.join` says.
    """
    surveys = [ContrastSurvey.measure(ArraySource(Image(channel, "yx"))) for channel in pixels]
    return ContrastSurvey.join(surveys).normalise(pixels)
