"""A small U-Net whose skip connections add instead of concatenate.

After Ronneberger et al., U-Net: convolutional networks for biomedical image segmentation, MICCAI 2015,
doi:10.1007/978-3-319-24574-4_28. Adding halves the cost of the decoder at full resolution, where nearly all
time goes. A network without normalisation has the same convolutions with the normalisation folded into
them, as exporting does: that is how a network is trained further from its ONNX file alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["UNet"]

WIDTHS = (32, 64, 96, 128, 128)
"""Channels at full, 1/2, 1/4, 1/8 and 1/16 resolution; multiples of 16 suit vector units."""


class _Block(nn.Sequential):
    """One or two 3 × 3 convolutions, each with ReLU and, unless folded, batch normalisation."""

    def __init__(self, n_in: int, n_out: int, *, depth: int = 2, norm: bool = True) -> None:
        layers: list[nn.Module] = []
        for n in (n_in, n_out)[:depth]:
            layers.append(nn.Conv2d(n, n_out, 3, padding=1, bias=not norm))
            if norm:
                layers.append(nn.BatchNorm2d(n_out))
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class UNet(nn.Module):
    """Map a normalised image to dense outputs.

    The input is shown twice, linear and through a logarithm, so that dim objects beside bright ones
    are not lost in the first layer.

    Parameters
    ----------
    n_in
        Channels of the image.
    n_out
        Channels of the output.
    widths
        Channels at each resolution, finest first; each halves the resolution of the one before.
    norm
        Whether to normalise batches; False for a network whose normalisation was folded.
    """

    def __init__(self, n_in: int, n_out: int, *, widths: tuple[int, ...] = WIDTHS, norm: bool = True) -> None:
        super().__init__()
        self.n_in, self.n_out, self.widths = n_in, n_out, widths
        inputs = (2 * n_in, *widths[:-1])
        # The first level has one convolution: at full resolution each costs as much as a coarse level.
        self.encoder = nn.ModuleList(
            _Block(i, o, depth=2 if level else 1, norm=norm)
            for level, (i, o) in enumerate(zip(inputs, widths, strict=True))
        )
        self.reduce = nn.ModuleList(
            nn.Conv2d(deep, fine, 1) for deep, fine in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.decoder = nn.ModuleList(_Block(w, w, norm=norm) for w in widths[-2::-1])
        self.head = nn.Conv2d(widths[0], n_out, 1)

    @property
    def stride(self) -> int:
        """Pixels by which height and width must be divisible."""
        return int(2 ** (len(self.widths) - 1))

    def forward(self, image: Tensor) -> Tensor:
        """Run the network.

        Parameters
        ----------
        image
            Float (batch, n_in, y, x), background near 0 and bright objects near 1; y and x are multiples
            of `stride`.

        Returns
        -------
        torch.Tensor
            Float (batch, n_out, y, x), without activation.
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
