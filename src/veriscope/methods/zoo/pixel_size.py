"""Bring an image to the pixel size that a model was made for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.errors import MethodError
from veriscope.methods.networks.resample import resample
from veriscope.methods.zoo.description import Tensor

__all__ = ["at_spacing"]

_SAME_SIZE = 0.03
"""Relative difference of pixel sizes below which an image is not rescaled."""
_LEAST, _MOST = 0.02, 10.0
"""Factors beyond which an image is not rescaled: its pixel size, or that of the card, is wrong."""


def at_spacing(image: Image, tensor: Tensor, name: str) -> tuple[Image, dict[str, Any]]:
    """Rescale an image where its pixel size and that of the model are known and differ.

    Parameters
    ----------
    image
        As given.
    tensor
        Input of the model.
    name
        Of the method, for messages.

    Returns
    -------
    image, details
        The image as the model should see it, uncalibrated if it was rescaled; and ``rescaled``: factors by
        axis, or False.

    Raises
    ------
    MethodError
        If it would have to be scaled by less than 0.02 or more than 10: one of the two sizes is wrong.
    """
    wanted: dict[str, float] = {
        axis.name: axis.spacing for axis in tensor.spatial if axis.spacing is not None
    }
    if image.spacing is None or not wanted:
        return image, {"rescaled": False}
    factor = {axis: image.spacing[axis] / wanted[axis] for axis in image.spacing if axis in wanted}
    if all(abs(value - 1) < _SAME_SIZE for value in factor.values()):
        return image, {"rescaled": False}
    _require_near(image.name, image.spacing, wanted, factor, name)
    pixels = image.pixels.astype(np.float32)
    onto = tuple(
        max(1, round(size * factor.get(axis, 1.0)))
        for axis, size in zip(image.axes, image.shape, strict=True)
    )
    blur = [0.5 * max(0.0, 1 / factor.get(axis, 1.0) - 1) for axis in image.axes]
    if any(blur):
        pixels = ndimage.gaussian_filter(pixels, blur, mode="nearest")
    whole = tuple(slice(0, size) for size in image.shape)
    grid = tuple(slice(0, size) for size in onto)
    pixels = resample(pixels, whole, image.shape, onto=onto, part=grid)
    if (kind := np.dtype(tensor.dtype)).kind in "iu":
        limits = np.iinfo(kind)
        # In single precision the largest number of 32 or 64 bits is rounded up, out of the type.
        top = np.nextafter(float(limits.max) + 1, 0)
        pixels = np.clip(np.rint(pixels.astype(np.float64)), limits.min, top).astype(kind)
    rounded = {axis: round(value, 4) for axis, value in factor.items()}
    return Image(pixels, image.axes, None, image.channels, image.name), {"rescaled": rounded}


def _require_near(
    image: str,
    there: Mapping[str, float],
    wanted: Mapping[str, float],
    factor: Mapping[str, float],
    name: str,
) -> None:
    """Refuse a pixel size so far from that of the card that one of the two must be wrong."""
    for axis, value in factor.items():
        if not _LEAST <= value <= _MOST:
            raise MethodError(
                f"{image}: its pixels measure {there[axis]:g} µm along {axis}, and {name} was made for "
                f"{wanted[axis]:g} µm, so it would have to be scaled by {value:.3g}; correct the pixel size "
                "(--spacing), or leave images as they are with -p rescale=false"
            )
