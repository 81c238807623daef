"""A small residual network that gives one class to a whole image.

After He et al., Deep residual learning for image recognition, CVPR 2016, arXiv:1512.03385. The last
average is taken over the whole image, so images of any size are taken.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Classifier"]

WIDTHS = (32, 64, 96, 128)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the resolution."""


class Classifier(nn.Module):
    """Map a normalised image to one number per class.

    Parameters
    ----------
    n_in
        Channels of the image.
    n_classes
        Number of classes, at least 2.
    widths
        Channels at each resolution; the first is at half of that of the image.
    dropout
        Share of the averaged numbers that is left out in training, 0 to 1.
    norm
        Whether to normalise batches; False for a network whose normalisation was folded.
    """

    last: ClassVar[tuple[str, ...]] = ("head",)
    """Parts that learn alone with ``tune=head``."""
    n_last: ClassVar[int] = 1
    """Layers at the end that belong to the head."""

    def __init__(
        self,
        n_in: int,
        n_classes: int,
        *,
        widths: tuple[int, ...] = WIDTHS,
        dropout: float = 0.2,
        norm: bool = True,
    ) -> None:
        super().__init__()
        self.n_in, self.n_classes, self.widths = n_in, n_classes, widths
        self.stem = _convolution(n_in, widths[0], norm=norm, stride=2)
        self.blocks = nn.ModuleList(
            _Residual(before, after, norm=norm, stride=1 if level == 0 else 2)
            for level, (before, after) in enumerate(zip((widths[0], *widths[:-1]), widths, strict=True))
        )
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * widths[-1], n_classes)

    @property
    def stride(self) -> int:
        """Pixels that height and width must have at least."""
        return int(2 ** len(self.widths))

    def features(self, image: Tensor) -> Tensor:
        """Describe images by numbers, also for other uses than classes.

        Parameters
        ----------
        image
            Float (batch, n_in, y, x), at least `stride` pixels wide and high.

        Returns
        -------
        torch.Tensor
            Float (batch, 2 * widths[-1]): mean and maximum over the image.
        """
        x = self.stem(image)
        for block in self.blocks:
            x = block(x)
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1)

    def forward(self, image: Tensor) -> Tensor:
        """Run the network.

        Parameters
        ----------
        image
            Float (batch, n_in, y, x), at least `stride` pixels wide and high.

        Returns
        -------
        torch.Tensor
            Float (batch, n_classes), logits.
        """
        out: Tensor = self.head(self.dropout(self.features(image)))
        return out


class _Residual(nn.Module):
    def __init__(self, n_in: int, n_out: int, *, norm: bool, stride: int) -> None:
        super().__init__()
        self.first = _convolution(n_in, n_out, norm=norm, stride=stride)
        self.second = _convolution(n_out, n_out, norm=norm)
        same = (n_in, stride) == (n_out, 1)
        self.past = nn.Identity() if same else _convolution(n_in, n_out, norm=norm, stride=stride, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.past(x) + self.second(functional.relu(self.first(x))))


def _convolution(n_in: int, n_out: int, *, norm: bool, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    one = nn.Conv2d(n_in, n_out, kernel, stride=stride, padding=kernel // 2, bias=not norm)
    return nn.Sequential(one, nn.BatchNorm2d(n_out)) if norm else nn.Sequential(one)
