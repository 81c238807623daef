"""Bring images of any camera to the brightness that a network expects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["normalise_percentiles"]


def normalise_percentiles(
    pixels: NDArray[Any], *, low: float = 1.0, high: float = 99.8, noise_floor: float = 8.0
) -> NDArray[np.float32]:
    """Map a low percentile to 0 and a high one to 1, without blowing up noise.

    The divisor is at least `noise_floor` times the standard deviation of the noise, which is estimated
    from the differences of neighbouring pixels. An image that holds only noise therefore stays dim
    instead of being stretched until the noise looks like objects.

    Parameters
    ----------
    pixels
        Image (y, x) of any boolean, integer or finite floating-point dtype.
    low, high
        Percentiles, 0 to 100.
    noise_floor
        Smallest contrast, in standard deviations of the noise, that is stretched to 1.

    Returns
    -------
    numpy.ndarray
        float32, same shape; not clipped at the top. A constant image gives zeros.
    """
    # Small integers fit float32 exactly; others keep their precision until the offset is gone.
    exact = np.float64 if pixels.dtype.itemsize > 2 else np.float32
    values: NDArray[np.floating[Any]] = np.asarray(pixels, dtype=exact)
    bottom, top = np.percentile(values, [low, high])
    contrast = max(float(top - bottom), noise_floor * _noise(values))
    if not contrast > 1e-6 * max(abs(float(bottom)), abs(float(top)), 1e-30):
        contrast = float(values.max()) - float(bottom)
    if not contrast > 0:
        return np.zeros(values.shape, np.float32)
    return np.asarray((values - bottom) / contrast, dtype=np.float32)


def _noise(values: NDArray[np.floating[Any]]) -> float:
    """Estimate the standard deviation of the noise from differences along the longer axis."""
    axis = int(np.argmax(values.shape))
    differences = np.abs(np.diff(values, axis=axis))
    return float(np.median(differences)) / (0.6745 * 2**0.5) if differences.size else 0.0
