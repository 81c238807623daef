"""The network: a small U-Net whose skip connections add instead of concatenate.

Adding halves the cost of the decoder at full resolution, where nearly all time goes. The heads are
trained together; `package.py` exports those that the post-processing uses.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["HEADS", "NucleiNetwork"]

WIDTHS = (32, 64, 96, 128, 128)
"""Channels at full, 1/2, 1/4, 1/8 and 1/16 resolution; multiples of 16 suit AVX-512 and AMX."""

HEADS = ("foreground", "distance", "contact", "flow_y", "flow_x")
"""Output channels: logit, 0–1, logit, and two components of a unit vector to the centre."""


class _Block(nn.Sequential):
    """One or two 3 × 3 convolutions with batch normalisation and ReLU."""

    def __init__(self, n_in: int, n_out: int, *, depth: int = 2) -> None:
        layers: list[nn.Module] = []
        for n in (n_in, n_out)[:depth]:
            layers += [
                nn.Conv2d(n, n_out, 3, padding=1, bias=False),
                nn.BatchNorm2d(n_out),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class NucleiNetwork(nn.Module):
    """Map a normalised image to the dense outputs `HEADS`.

    The input is shown twice, linear and through a logarithm, so that dim nuclei beside bright ones
    are not lost in the first layer.

    Parameters
    ----------
    widths
        Channels at each resolution, finest first.
    """

    stride = 16

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        inputs = (2, *widths[:-1])
        # The first level has one convolution: at full resolution each costs as much as a coarse level.
        self.encoder = nn.ModuleList(
            _Block(i, o, depth=2 if level else 1)
            for level, (i, o) in enumerate(zip(inputs, widths, strict=True))
        )
        self.reduce = nn.ModuleList(
            nn.Conv2d(deep, fine, 1) for deep, fine in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.decoder = nn.ModuleList(_Block(w, w) for w in widths[-2::-1])
        self.head = nn.Conv2d(widths[0], len(HEADS), 1)

    def forward(self, image: Tensor) -> Tensor:
        """Run the network.

        Parameters
        ----------
        image
            Float (batch, 1, y, x), background near 0 and nuclei near 1; y, x multiples of 16.

        Returns
        -------
        torch.Tensor
            Float (batch, 5, y, x): `HEADS`.
        """
        x = torch.cat([image, torch.log1p(20 * torch.relu(image)) / 3], dim=1)
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
