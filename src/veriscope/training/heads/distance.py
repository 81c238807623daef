"""Borders and the distance to them, for elongated cells."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from veriscope.training.heads.base import PixelHead
from veriscope.training.heads.losses import binary_dice

__all__ = ["DistanceHead", "border_targets"]

_DEEPEST = 10.0
"""Distances to the border are learnt up to this number of pixels."""


class DistanceHead(PixelHead):
    """Foreground, rim and distance to the border, for cells of any length, also bent and branched ones.

    After Cutler et al., Omnipose, Nature Methods 2022, doi:10.1038/s41592-022-01639-4, which showed that a
    distance field suits elongated cells where a flow to the centre does not. Objects are what is left without
    the rim, grown back over it.
    """

    name: ClassVar[str] = "distance"
    n_out = 3
    channels = ("foreground", "rim", "distance")

    def crop_targets(self, moved: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give foreground, rim and distance of a crop: the rim stays as thin when an image is enlarged."""
        return border_targets(labels)

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Sum cross-entropy and Dice of foreground and rim, and the error of the distance.

        Parameters
        ----------
        output
            Float (batch, 3, y, x): two logits, and the distance over its largest value.
        targets
            Float (batch, 4, y, x); the last channel is 1 where the truth is known.

        Returns
        -------
        torch.Tensor
            Scalar.
        """
        known = targets[:, 3]
        total = output.new_zeros(())
        for channel, weight in ((0, 1.0), (1, 2.0)):
            truth = targets[:, channel]
            entropy = functional.binary_cross_entropy_with_logits(output[:, channel], truth, reduction="none")
            dice = binary_dice(torch.sigmoid(output[:, channel]) * known, truth * known)
            total = total + weight * (entropy * known).sum() / (known.sum() + 1) + 0.5 * dice
        error = (output[:, 2] - targets[:, 2] / _DEEPEST).abs() * known
        return total + error.sum() / (known.sum() + 1)

    def exported(self, output: Tensor) -> Tensor:
        """Give two probabilities, and the distance in pixels.

        Parameters
        ----------
        output
            Float (batch, 3, y, x).

        Returns
        -------
        torch.Tensor
            Same shape.
        """
        return torch.cat([torch.sigmoid(output[:, :2]), _DEEPEST * output[:, 2:].clamp(min=0)], dim=1)


def border_targets(labels: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
    """Give foreground, rim and distance to the border.

    Parameters
    ----------
    labels
        Label image (y, x), 0 = background.

    Returns
    -------
    numpy.ndarray
        float32 (3, y, x): foreground, 0 or 1; rim, 0 or 1, pixels of an object with a neighbour of another
        value; and pixels to the nearest other value, at most 10, 0 in the background. Objects go on beyond
        the image.
    """
    wide = np.pad(labels, 1, mode="edge")
    centre = wide[1:-1, 1:-1]
    rim = np.zeros(labels.shape, bool)
    for y, x in ((0, 1), (2, 1), (1, 0), (1, 2)):
        rim |= wide[y : y + labels.shape[0], x : x + labels.shape[1]] != centre
    rim &= labels > 0
    inner = (labels > 0) & ~rim
    # Every rim pixel is at distance 1, whichever object it belongs to; what is inside adds to that.
    distance = np.where(inner, ndimage.distance_transform_edt(inner) + 1, rim) if rim.any() else labels > 0
    distance = np.minimum(distance, _DEEPEST) if rim.any() else distance * _DEEPEST
    return np.stack([labels > 0, rim, distance]).astype(np.float32)
