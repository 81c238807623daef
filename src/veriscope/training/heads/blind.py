"""An image as the answer: what hidden pixels were."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from veriscope.training.heads.base import PixelHead
from veriscope.training.settings import SelfTask

__all__ = ["BlindHead"]


class BlindHead(PixelHead):
    """Gives an image of the channels that the network sees.

    Parameters
    ----------
    n_channels
        Number of channels.
    task
        ``n2v`` or ``masked``.
    """

    name: ClassVar[str] = "image"

    def __init__(self, n_channels: int, task: SelfTask) -> None:
        self.n_out, self.task = n_channels, task
        word = "denoised" if task == "n2v" else "restored"
        self.channels = tuple(word if n_channels == 1 else f"{word}_{n}" for n in range(n_channels))

    def loss(self, output: Tensor, targets: Tensor) -> Tensor:
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
