"""A small vision transformer with a light decoder, and masked autoencoding to train it without labels.

After Dosovitskiy et al., An image is worth 16 x 16 words, ICLR 2021, arXiv:2010.11929, and He et al., Masked
autoencoders are scalable vision learners, CVPR 2022, arXiv:2111.06377. Every token sees the whole image, so
that, unlike a convolutional network, parts of an image give other outputs than the whole.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["MaskedAutoencoder", "VisionTransformer"]


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
    """

    def __init__(
        self, n_in: int, n_out: int, *, patch: int = 8, width: int = 160, depth: int = 5, n_heads: int = 5
    ) -> None:
        super().__init__()
        self.n_in, self.n_out, self.patch, self.width, self.n_heads = n_in, n_out, patch, width, n_heads
        self.embed = nn.Conv2d(n_in, width, patch, stride=patch)
        self.layers = nn.ModuleList(_Layer(width, n_heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.decoder = _Decoder(n_in, width, n_out, patch)

    @property
    def stride(self) -> int:
        """Pixels by which height and width must be divisible."""
        return self.patch

    def tokens(self, image: Tensor) -> Tensor:
        """Cut an image into tokens that know their place.

        Parameters
        ----------
        image
            Float (batch, n_in, y, x); y and x are multiples of `stride`.

        Returns
        -------
        torch.Tensor
            Float (batch, token, width), in reading order.
        """
        grid: Tensor = self.embed(image)
        return (grid + _places(grid)).flatten(2).transpose(1, 2)

    def encode(self, tokens: Tensor) -> Tensor:
        """Let tokens look at each other.

        Parameters
        ----------
        tokens
            Float (batch, token, width), all of an image or some.

        Returns
        -------
        torch.Tensor
            The same shape.
        """
        for layer in self.layers:
            tokens = layer(tokens)
        out: Tensor = self.norm(tokens)
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
        deep = self.encode(self.tokens(image)).transpose(1, 2)
        rows, columns = image.shape[2] // self.patch, image.shape[3] // self.patch
        out: Tensor = self.decoder(image, deep.reshape(image.shape[0], self.width, rows, columns))
        return out


class MaskedAutoencoder(nn.Module):
    """Train the encoder to guess hidden patches from those that are left.

    Parameters
    ----------
    network
        The encoder to train; its decoder is not used.
    hidden
        Share of the tokens that is hidden, 0 to 1.
    depth
        Layers of attention that guess.
    """

    def __init__(self, network: VisionTransformer, *, hidden: float = 0.75, depth: int = 2) -> None:
        super().__init__()
        self.network, self.hidden = network, hidden
        self.blank = nn.Parameter(torch.zeros(1, 1, network.width))
        self.layers = nn.ModuleList(_Layer(network.width, network.n_heads) for _ in range(depth))
        self.norm = nn.LayerNorm(network.width)
        self.guess = nn.Linear(network.width, network.n_in * network.patch**2)

    def forward(self, image: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Hide some tokens and give the loss of guessing them.

        Parameters
        ----------
        image
            Float (batch, n_in, y, x); y and x are multiples of the network's stride.
        generator
            Draws which tokens are hidden; on the CPU.

        Returns
        -------
        torch.Tensor
            Scalar: mean squared error of the hidden patches, each normalised to mean 0 and variance 1.
        """
        tokens = self.network.tokens(image)
        batch, n_tokens, width = tokens.shape
        n_seen = max(round(n_tokens * (1 - self.hidden)), 1)
        order = torch.rand(batch, n_tokens, generator=generator).argsort(1).to(image.device)
        seen, unseen = order[:, :n_seen], order[:, n_seen:]
        known = self.network.encode(tokens.gather(1, seen[..., None].expand(-1, -1, width)))
        filled = self.blank.expand(batch, n_tokens, width).clone()
        filled = filled.scatter(1, seen[..., None].expand(-1, -1, width), known)
        grid = image.new_zeros(1, width, *(side // self.network.patch for side in image.shape[2:]))
        filled = filled + _places(grid).flatten(2).transpose(1, 2)
        for layer in self.layers:
            filled = layer(filled)
        guessed: Tensor = self.guess(self.norm(filled))
        patches = functional.unfold(image, self.network.patch, stride=self.network.patch).transpose(1, 2)
        mean, variance = patches.mean(2, keepdim=True), patches.var(2, keepdim=True)
        error = (guessed - (patches - mean) / (variance + 1e-6).sqrt()).square().mean(2)
        return error.gather(1, unseen).mean()


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

    def __init__(self, n_in: int, width: int, n_out: int, patch: int) -> None:
        super().__init__()
        widths = [max(width >> step, 24) for step in range(int(math.log2(patch)) + 1)]
        self.grow = nn.ModuleList(_convolution(before, after) for before, after in pairwise(widths))
        self.detail = nn.Sequential(_convolution(n_in, widths[-1]), _convolution(widths[-1], widths[-1]))
        self.last = _convolution(2 * widths[-1], widths[-1])
        self.head = nn.Conv2d(widths[-1], n_out, 1)

    def forward(self, image: Tensor, deep: Tensor) -> Tensor:
        for convolution in self.grow:
            deep = convolution(functional.interpolate(deep, scale_factor=2.0, mode="nearest"))
        out: Tensor = self.head(self.last(torch.cat([deep, self.detail(image)], dim=1)))
        return out


def _convolution(n_in: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)
    )


def _places(grid: Tensor) -> Tensor:
    """Code rows and columns by sines and cosines, (1, width, rows, columns), for a grid of any size."""
    width = grid.shape[1]
    quarter = width // 4
    rate = torch.exp(torch.arange(quarter, device=grid.device) * (-math.log(1000.0) / quarter))
    # Running sums instead of a range, so that an exported network takes any size.
    ones = torch.ones_like(grid[:1, :1])
    codes = []
    for axis in (2, 3):
        angle = (ones.cumsum(axis) - 1) * rate[None, :, None, None]
        codes += [angle.sin(), angle.cos()]
    return torch.cat(codes, dim=1)
