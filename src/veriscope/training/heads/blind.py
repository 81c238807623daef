"""An image as the answer: what hidden pixels were."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from veriscope.training.settings import SelfTask

__all__ = ["BlindHead", "hidden_loss"]


class BlindHead:
    """Gives an image of the channels that the network sees.

    Parameters
    ----------
    n_channels
        Number of channels.
    task
        ``n2v`` or ``masked``.
    """

    vectors = None
    name: ClassVar[str] = "image"

    def __init__(self, n_channels: int, task: SelfTask) -> None:
        self.n_out, self.task = n_channels, task
        word = "denoised" if task == "n2v" else "restored"
        self.channels = tuple(word if n_channels == 1 else f"{word}_{n}" for n in range(n_channels))

    def targets(self, labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give no targets: the image is its own.

        Parameters
        ----------
        labels
            Not used but for the shape (y, x).

        Returns
        -------
        numpy.ndarray
            float32 (0, y, x).
        """
        return np.zeros((0, *labels.shape), np.float32)

    def crop_targets(self, moved: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give what was moved.

        Parameters
        ----------
        moved
            float32 (0, y, x).
        labels
            Not used.

        Returns
        -------
        numpy.ndarray
            `moved`.
        """
        return moved

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
        """Give the error at hidden pixels.

        Parameters
        ----------
        output
            Float (batch, channel, y, x).
        targets
            Float (batch, channel + 1, y, x): the image, and 1 where it was hidden.

        Returns
        -------
        torch.Tensor
            Scalar, mean square.
        """
        return hidden_loss(output, targets)

    def exported(self, output: Tensor) -> Tensor:
        """Give the image.

        Parameters
        ----------
        output
            Float (batch, channel, y, x).

        Returns
        -------
        torch.Tensor
            The same.
        """
        return output


def hidden_loss(output: Tensor, targets: Tensor) -> Tensor:
    """Give the mean square error at hidden pixels.

    Parameters
    ----------
    output
        Float (batch, channel, y, x).
    targets
        Float (batch, channel + 1, y, x): the image, and 1 where it was hidden.

    Returns
    -------
    torch.Tensor
        Scalar; 0 if nothing was hidden.
    """
    hidden = targets[:, -1:]
    square = (output - targets[:, :-1]).square() * hidden
    return square.sum() / (hidden.sum() * output.shape[1]).clamp(min=1)
