"""Light that objects absorb, turned into brightness, so that stained nuclei look like shining ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from veriscope.methods.networks.network_settings import Sees

__all__ = ["as_seen", "optical_density"]

_DARKEST = 0.2
"""Light added to every pixel; the less it is, the farther the darkest pixels are spread out."""


def as_seen(image: Tensor, sees: Sees) -> Tensor:
    """Give what the layers of a network see of a normalised image.

    Parameters
    ----------
    image
        Float (batch, c, y, x) or (batch, c, z, y, x), dark near 0 and bright near 1.
    sees
        ``light``: the image; ``density``: its optical density.

    Returns
    -------
    torch.Tensor
        Same shape.
    """
    return optical_density(image) if sees == "density" else image


def optical_density(image: Tensor) -> Tensor:
    """Turn light into the density that absorbs it, of each channel on its own.

    Dyes add up in density, after Beer and Lambert, as fluorescent ones do in light. Stray light and the
    offset of the camera are unknown, so the density is bounded.

    Parameters
    ----------
    image
        Float of any shape, dark near 0 and bright near 1.

    Returns
    -------
    torch.Tensor
        Same shape: 1 where the image is 0 or below, 0 where it is 1.
    """
    dark = torch.relu(image) + _DARKEST
    return (math.log(1 + _DARKEST) - torch.log(dark)) / math.log((1 + _DARKEST) / _DARKEST)
