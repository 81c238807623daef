"""A small U-Net whose skip connections add instead of concatenate.

After Ronneberger et al., U-Net: convolutional networks for biomedical image segmentation, MICCAI 2015,
doi:10.1007/978-3-319-24574-4_28. Adding halves the cost of the decoder at full resolution, where nearly all
time goes. A network without normalisation has the same convolutions with the normalisation folded into
them, as exporting does: that is how a network is trained further from its ONNX file alone.

Stacks are taken the same way in three dimensions. Planes that lie further apart than pixels are neither
merged nor mixed until the pixels have become as large, after Isensee et al., nnU-Net, Nature Methods 18
(2021), doi:10.1038/s41592-020-01008-z.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from veriscope.methods.networks.network_settings import Sees
from veriscope.training.architectures.density import as_seen

__all__ = ["UNet", "pooling_steps"]

WIDTHS = (32, 64, 96, 128, 128)
"""Channels at full, 1/2, 1/4, 1/8 and 1/16 resolution; multiples of 16 suit vector units."""


def pooling_steps(spacing: tuple[float, ...], n_levels: int) -> tuple[tuple[int, ...], ...]:
    """Say by how much each axis is reduced on the way to the next level.

    Parameters
    ----------
    spacing
        Size of a pixel along each axis, in any unit.
    n_levels
        Number of resolutions.

    Returns
    -------
    tuple of tuple of int
        One step per pair of levels: 2 along the axes on which pixels are still small, 1 along the others.
    """
    size, steps = list(spacing), []
    for _ in range(n_levels - 1):
        step = tuple(2 if one < 2 * min(size) else 1 for one in size)
        size = [one * factor for one, factor in zip(size, step, strict=True)]
        steps.append(step)
    return tuple(steps)


def _kernels(spacing: tuple[float, ...], steps: tuple[tuple[int, ...], ...]) -> list[tuple[int, ...]]:
    """Give the size of the convolutions at each level: 1 across planes that are still far apart."""
    size, kernels = list(spacing), []
    for step in (*steps, (1,) * len(spacing)):
        kernels.append(tuple(3 if one < 2 * min(size) else 1 for one in size))
        size = [one * factor for one, factor in zip(size, step, strict=True)]
    return kernels


class _Block(nn.Sequential):
    """One or two convolutions, each with ReLU and, unless folded, batch normalisation."""

    def __init__(
        self, n_in: int, n_out: int, *, kernel: tuple[int, ...], depth: int = 2, norm: bool = True
    ) -> None:
        convolution, normalisation = (
            (nn.Conv2d, nn.BatchNorm2d) if len(kernel) == 2 else (nn.Conv3d, nn.BatchNorm3d)
        )
        padding = tuple(one // 2 for one in kernel)
        layers: list[nn.Module] = []
        for n in (n_in, n_out)[:depth]:
            layers.append(convolution(n, n_out, kernel, padding=padding, bias=not norm))  # type: ignore[arg-type]
            if norm:
                layers.append(normalisation(n_out))
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
    spacing
        Size of a pixel along each axis, in any unit: two numbers for images, three for stacks.
    sees
        ``light``: the image as it is; ``density``: its optical density.
    """

    last: ClassVar[tuple[str, ...]] = ("head",)
    """Parts that learn alone with ``tune=head``."""
    n_last: ClassVar[int] = 1
    """Convolutions at the end that belong to the head."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        widths: tuple[int, ...] = WIDTHS,
        norm: bool = True,
        spacing: tuple[float, ...] = (1.0, 1.0),
        sees: Sees = "light",
    ) -> None:
        super().__init__()
        self.n_in, self.n_out, self.widths, self.sees = n_in, n_out, widths, sees
        self.n_axes, self.steps = len(spacing), pooling_steps(spacing, len(widths))
        kernels = _kernels(spacing, self.steps)
        inputs = (2 * n_in, *widths[:-1])
        # The first level has one convolution: at full resolution each costs as much as a coarse level.
        self.encoder = nn.ModuleList(
            _Block(i, o, kernel=kernels[level], depth=2 if level else 1, norm=norm)
            for level, (i, o) in enumerate(zip(inputs, widths, strict=True))
        )
        one = nn.Conv2d if len(spacing) == 2 else nn.Conv3d
        self.reduce = nn.ModuleList(
            one(deep, fine, 1) for deep, fine in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        self.decoder = nn.ModuleList(
            _Block(w, w, kernel=kernel, norm=norm)
            for w, kernel in zip(widths[-2::-1], kernels[-2::-1], strict=True)
        )
        self.head = one(widths[0], n_out, 1)

    @property
    def stride(self) -> int:
        """Pixels by which height and width must be divisible."""
        return self.strides[-1]

    @property
    def strides(self) -> tuple[int, ...]:
        """Pixels by which each axis must be divisible."""
        return tuple(math.prod(step[axis] for step in self.steps) for axis in range(self.n_axes))

    def forward(self, image: Tensor) -> Tensor:
        """Run the network.

        Parameters
        ----------
        image
            Float (batch, n_in, y, x) or (batch, n_in, z, y, x), background near 0 and bright objects near 1;
            the axes are multiples of `strides`.

        Returns
        -------
        torch.Tensor
            Float (batch, n_out, y, x) or (batch, n_out, z, y, x), without activation.
        """
        image = as_seen(image, self.sees)
        x = torch.cat([image, torch.log1p(20 * torch.relu(image)) / 3], dim=1)
        skips: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            if level:
                skips.append(x)
                step = self.steps[level - 1]
                x = functional.max_pool2d(x, step) if len(step) == 2 else functional.max_pool3d(x, step)
            x = block(x)
        for reduce, block, step in zip(self.reduce, self.decoder, self.steps[::-1], strict=True):
            factors = [float(one) for one in step]
            x = functional.interpolate(reduce(x), scale_factor=factors, mode="nearest") + skips.pop()
            x = block(x)
        out: Tensor = self.head(x)
        return out
