"""Microscopy images as the photographs that encoders of Segment Anything were trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from veriscope.errors import PixelValueError
from veriscope.methods.networks.normalise import normalise_channels, normalise_percentiles

__all__ = ["MEAN", "SPREAD", "as_photograph", "resized_shape", "scaled_to"]

MEAN = np.array([123.675, 116.28, 103.53], np.float32)
"""Of red, green and blue in the photographs of ImageNet; what the padding is filled with."""
SPREAD = np.array([58.395, 57.12, 57.375], np.float32)
"""Their standard deviations."""


def as_photograph(pixels: NDArray[Any], *, is_colour: bool = False) -> NDArray[np.float32]:
    """Bring channels of any camera to red, green and blue.

    Channels are stretched from their 1st to their 99.8th percentile, without blowing up noise. One channel is
    taken three times; of several the mean is, unless they are the colours of a photograph, which keep their
    balance.

    Parameters
    ----------
    pixels
        (c, y, x), any boolean, integer or floating-point dtype. NaN and infinities count as 0.
    is_colour
        Whether the three channels are red, green and blue.

    Returns
    -------
    numpy.ndarray
        float32, (y, x, 3), 0 to 255.

    Raises
    ------
    PixelValueError
        If there is no pixel, or `is_colour` and there are not three channels.
    """
    if pixels.ndim != 3 or 0 in pixels.shape:
        raise PixelValueError(f"(c, y, x) with at least one pixel is expected, got shape {pixels.shape}")
    if is_colour and len(pixels) != 3:
        raise PixelValueError(f"a colour photograph has 3 channels, and these are {len(pixels)}")
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        pixels = np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0)
    if is_colour:
        stretched = normalise_channels(pixels)
    else:
        each = [np.clip(normalise_percentiles(channel), 0, 1) for channel in pixels]
        stretched = np.broadcast_to(np.mean(each, axis=0, dtype=np.float32), (3, *pixels.shape[1:]))
    return np.ascontiguousarray(np.moveaxis(np.clip(255 * stretched, 0, 255), 0, 2), np.float32)


def resized_shape(shape: tuple[int, int], side: int) -> tuple[int, int]:
    """Give the size at which an image is shown to the network.

    Parameters
    ----------
    shape
        Height and width of the image.
    side
        Of the network's picture, in pixels.

    Returns
    -------
    tuple of int
        Height and width; the longer one is `side`, the other keeps the proportions, at least 1.
    """
    scale = side / max(shape)
    return max(1, int(shape[0] * scale + 0.5)), max(1, int(shape[1] * scale + 0.5))


def scaled_to(values: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Scale a picture, smoothed where it shrinks.

    Parameters
    ----------
    values
        float32, (y, x, c).
    shape
        Height and width wanted.

    Returns
    -------
    numpy.ndarray
        float32, (y, x, c).
    """
    if values.shape[:2] == shape:
        return values
    channels = [
        np.asarray(Picture.fromarray(channel).resize(shape[::-1], Picture.Resampling.BILINEAR))
        for channel in np.ascontiguousarray(np.moveaxis(values, 2, 0))
    ]
    return np.stack(channels, axis=2)
