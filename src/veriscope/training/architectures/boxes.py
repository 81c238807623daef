"""A network that finds the centres of objects and the size of the box around each.

After Zhou, Wang & Krähenbühl, Objects as points, 2019, arXiv:1904.07850: one heat map per class with a peak
at every centre, and beside it the size of the box and where in its cell of the grid the centre lies. The
decoder ends at a quarter of the resolution,
which is fine enough for boxes and costs a tenth.
"""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from veriscope.errors import MethodError

__all__ = ["BoxNetwork"]

WIDTHS = (24, 48, 96, 128, 128)
"""Channels at full, 1/2, 1/4, 1/8 and 1/16 resolution."""
OUT_LEVEL = 2
"""The output is at 1 / 2 ** OUT_LEVEL of the resolution."""
_RARE = 0.02
"""Chance of a peak that the untrained network believes in, so that training begins calmly."""


class BoxNetwork(nn.Module):
    """Map a normalised image to heat maps and boxes on a grid of a quarter of its size.

    Parameters
    ----------
    n_in
        Channels of the image.
    n_classes
        Kinds of objects.
    widths
        Channels at each resolution, finest first; at least three.
    norm
        Whether to normalise batches; False for a network whose normalisation was folded.

    Raises
    ------
    MethodError
        If there are too few widths.
    """

    last: ClassVar[tuple[str, ...]] = ("head",)
    """Parts that learn alone with ``tune=head``."""
    n_last: ClassVar[int] = 1
    """Convolutions at the end that belong to the head."""
    step = 2**OUT_LEVEL

    def __init__(
        self, n_in: int, n_classes: int, *, widths: tuple[int, ...] = WIDTHS, norm: bool = True
    ) -> None:
        super().__init__()
        if len(widths) <= OUT_LEVEL:
            raise MethodError(
                f"a network for boxes has {len(widths)} widths; it needs at least {OUT_LEVEL + 1}, since it "
                f"looks at 1/{self.step} of the resolution"
            )
        self.n_in, self.n_classes, self.widths = n_in, n_classes, widths
        self.encoder = nn.ModuleList(
            _convolutions(i, o, depth=2 if level else 1, norm=norm)
            for level, (i, o) in enumerate(zip((n_in, *widths[:-1]), widths, strict=True))
        )
        up = list(zip(widths[:OUT_LEVEL:-1], widths[-2 : OUT_LEVEL - 1 : -1], strict=True))
        self.reduce = nn.ModuleList(nn.Conv2d(deep, fine, 1) for deep, fine in up)
        self.decoder = nn.ModuleList(_convolutions(fine, fine, depth=2, norm=norm) for _, fine in up)
        self.head = nn.Conv2d(widths[OUT_LEVEL], n_classes + 4, 1)
        nn.init.constant_(self.head.bias[:n_classes], math.log(_RARE / (1 - _RARE)))  # type: ignore[index]

    @property
    def stride(self) -> int:
        """Pixels by which height and width must be divisible."""
        return int(2 ** (len(self.widths) - 1))

    def forward(self, image: Tensor) -> Tensor:
        """Run the network.

        Parameters
        ----------
        image
            Float (batch, n_in, y, x); y and x are multiples of `stride`.

        Returns
        -------
        torch.Tensor
            Float (batch, n_classes + 4, y / 4, x / 4): logits of the heat maps; logarithm of height and width
            of the box in pixels; and where in its cell of the grid the centre lies, y and x, 0 to 1.
        """
        x = image
        skips: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            if level:
                skips.append(x)
                x = functional.max_pool2d(x, 2)
            x = block(x)
        for reduce, block in zip(self.reduce, self.decoder, strict=True):
            x = functional.interpolate(reduce(x), scale_factor=2.0, mode="nearest") + skips.pop()
            x = block(x)
        out: Tensor = self.head(x)
        return out


def _convolutions(n_in: int, n_out: int, *, depth: int, norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n in (n_in, n_out)[:depth]:
        layers.append(nn.Conv2d(n, n_out, 3, padding=1, bias=not norm))
        if norm:
            layers.append(nn.BatchNorm2d(n_out))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)
