"""What the loop of training and a package have to know of a head."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Head", "PixelHead"]


class Head(Protocol):
    """What the loop of training and a package have to know of a head."""

    name: ClassVar[str]
    """What a user asks for it by, and what a package calls it."""
    n_out: int
    """Channels of the network's output."""
    channels: tuple[str, ...]
    """Names of the exported channels."""

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Give the loss.

        Parameters
        ----------
        output
            Float (batch, n_out, y, x), of the network.
        targets
            Float (batch, channel, y, x), as the batches have them.

        Returns
        -------
        torch.Tensor
            Scalar.
        """

    def exported(self, output: Tensor) -> Tensor:
        """Give what the packaged network gives.

        Parameters
        ----------
        output
            Float (batch, n_out, y, x), of the network.

        Returns
        -------
        torch.Tensor
            Float (batch, channel, y, x), as `channels` names them.
        """


class PixelHead(Head, Protocol):
    """A head that says something of every pixel.

    Targets come in two ways: `targets` are made once per image and moved along with it when it is turned and
    scaled; `crop_targets` are made of the labels of every crop. A head gives one of the two, or none if the
    image is its own target. To those of a batch one channel is added, 1 where the truth is known.
    """

    vectors: tuple[int, int] | None = None
    """Channels of the targets that hold y and x of a direction, which turns with the image; None: none do."""

    def targets(self, labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give the targets of a whole label image.

        Parameters
        ----------
        labels
            int32 (y, x).

        Returns
        -------
        numpy.ndarray
            float32 (channel, y, x); no channel where a head does not say otherwise.
        """
        return np.zeros((0, *labels.shape), np.float32)

    def crop_targets(self, moved: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give the targets of a crop.

        Parameters
        ----------
        moved
            float32 (channel, y, x): the targets of the image, moved along with it.
        labels
            int32 (y, x) of the crop.

        Returns
        -------
        numpy.ndarray
            float32 (channel, y, x); `moved` where a head does not say otherwise.
        """
        return moved
