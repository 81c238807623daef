"""A small vision transformer that looks through windows, with a light decoder.

After Dosovitskiy et al., An image is worth 16 x 16 words, ICLR 2021, arXiv:2010.11929. Tokens attend to all
tokens of their window (Li et al., Exploring plain vision transformer backbones for object detection, ECCV
2022, arXiv:2203.16527), and the decoder joins windows by convolutions. Windows lie on a fixed grid, so that a
part of an image that begins on it gives what the whole gives.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from veriscope.methods.networks.network_settings import Sees
from veriscope.training.architectures.density import as_seen

__all__ = ["VisionTransformer"]

WIDTHS = (160, 160, 160, 160, 160)
"""Numbers per token in each layer."""


class VisionTransformer(nn.Module):
    """Map a normalised image to dense outputs.

    Parameters
    ----------
    n_in
        Channels of the image.
    n_out
        Channels of the output.
    patch
        Side of the square of pixels that becomes one token; a power of 2.
    width
        Numbers per token; a multiple of 4 and of `n_heads`.
    depth
        Number of layers of attention.
    n_heads
        Heads of each attention.
    window
        Side of a window in tokens.
    norm
        Whether the decoder normalises batches; False for a network whose normalisation was folded.
    sees
        ``light``: the image as it is; ``density``: its optical density.
    """

    last: ClassVar[tuple[str, ...]] = ("decoder",)
    """Parts that learn alone with ``tune=head``."""
    n_last: ClassVar[int] = 1
    """Convolutions at the end that belong to the head."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        patch: int = 8,
        width: int = 160,
        depth: int = 5,
        n_heads: int = 5,
        window: int = 12,
        norm: bool = True,
        sees: Sees = "light",
    ) -> None:
        super().__init__()
        self.n_in, self.n_out, self.patch, self.width, self.window = n_in, n_out, patch, width, window
        self.sees = sees
        self.widths = (width,) * depth
        self.embed = nn.Conv2d(n_in, width, patch, stride=patch)
        self.layers = nn.ModuleList(_Layer(width, n_heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.decoder = _Decoder(n_in, width, n_out, patch, norm=norm)
        self.places: Tensor
        self.register_buffer("places", _places(width, window), persistent=False)

    @property
    def stride(self) -> int:
        """Pixels by which height and width must be divisible: the side of a window."""
        return self.patch * self.window

    def encode(self, image: Tensor) -> Tensor:
        """Describe an image by tokens that know their window.

        Parameters
        ----------
        image
            Float (batch, n_in, y, x); y and x are multiples of `stride`.

        Returns
        -------
        torch.Tensor
            Float (batch, width, y / patch, x / patch).
        """
        grid: Tensor = self.embed(image)
        batch, width, side = grid.shape[0], self.width, self.window
        rows, columns = grid.shape[2] // side, grid.shape[3] // side
        cut = grid.reshape(batch, width, rows, side, columns, side).permute(0, 2, 4, 3, 5, 1)
        tokens = cut.reshape(batch * rows * columns, side * side, width) + self.places
        for layer in self.layers:
            tokens = layer(tokens)
        parts = self.norm(tokens).reshape(batch, rows, columns, side, side, width)
        out: Tensor = parts.permute(0, 5, 1, 3, 2, 4).reshape(batch, width, rows * side, columns * side)
        return out

    def forward(self, image: Tensor) -> Tensor:
        """Run the network.

        Parameters
        ----------
        image
            Float (batch, n_in, y, x); y and x are multiples of `stride`.

        Returns
        -------
        torch.Tensor
            Float (batch, n_out, y, x), without activation.
        """
        image = as_seen(image, self.sees)
        out: Tensor = self.decoder(image, self.encode(image))
        return out


class _Layer(nn.Module):
    """Attention and a small network for each token, both added to what is there."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm_attention, self.norm_mix = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.join = nn.Linear(width, width)
        self.mix = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))

    def forward(self, tokens: Tensor) -> Tensor:
        batch, n, width = tokens.shape
        three = self.query_key_value(self.norm_attention(tokens))
        three = three.reshape(batch, n, 3, self.n_heads, width // self.n_heads).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(three[0], three[1], three[2])
        tokens = tokens + self.join(seen.transpose(1, 2).reshape(batch, n, width))
        out: Tensor = tokens + self.mix(self.norm_mix(tokens))
        return out


class _Decoder(nn.Module):
    """Enlarge the tokens step by step, and add the image's own detail at the end."""

    def __init__(self, n_in: int, width: int, n_out: int, patch: int, *, norm: bool) -> None:
        super().__init__()
        widths = [width, *(max(width >> step, 24) for step in range(1, int(math.log2(patch)) + 1))]
        last = widths[-1]
        self.grow = nn.ModuleList(_convolution(before, after, norm) for before, after in pairwise(widths))
        self.detail = nn.Sequential(_convolution(n_in, last, norm), _convolution(last, last, norm))
        self.last = _convolution(2 * last, last, norm)
        self.head = nn.Conv2d(last, n_out, 1)

    def forward(self, image: Tensor, deep: Tensor) -> Tensor:
        for convolution in self.grow:
            deep = convolution(functional.interpolate(deep, scale_factor=2.0, mode="nearest"))
        out: Tensor = self.head(self.last(torch.cat([deep, self.detail(image)], dim=1)))
        return out


def _convolution(n_in: int, n_out: int, norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(n_in, n_out, 3, padding=1, bias=not norm)]
    if norm:
        layers.append(nn.BatchNorm2d(n_out))
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


def _places(width: int, side: int) -> Tensor:
    """Code rows and columns of a window by sines and cosines, (side * side, width), in reading order."""
    quarter = width // 4
    rate = torch.exp(torch.arange(quarter) * (-math.log(1000.0) / quarter))
    angle = torch.arange(side)[:, None] * rate
    line = torch.cat([angle.sin(), angle.cos()], dim=1)
    rows = line[:, None].expand(side, side, 2 * quarter)
    columns = line[None].expand(side, side, 2 * quarter)
    return torch.cat([rows, columns], dim=2).reshape(side * side, 4 * quarter)
