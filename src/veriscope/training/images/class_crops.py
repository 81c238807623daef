"""Images with their classes, drawn anew for every batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from veriscope.methods.networks.class_network import continued
from veriscope.training.images.light import Augmentation, change_light

__all__ = ["ClassImage", "ClassSampler", "ClassesInTurn"]

_LARGEST_SCALE = 0.5
"""Of the logarithm of the magnification."""
_PLACE = 0.05
"""Standard deviation of where a small image lies, in sides of the crop."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassImage:
    """An image with its class.

    Parameters
    ----------
    pixels
        float32 (c, y, x), normalised, at the scale of the network.
    number
        Of the class.
    """

    pixels: NDArray[np.float32]
    number: int


class ClassSampler:
    """Draw changed images; batch number i is the same in every run with the same seed.

    Parameters
    ----------
    images
        Training images, drawn evenly, so that probabilities are those of the classes as they occur.
    augmentation
        How far images are changed; scale, stain, optics and camera are used.
    size
        Side of what is drawn, in pixels; what lies beyond the image continues its edges.
    seed
        Of all random choices.
    """

    def __init__(
        self, images: Sequence[ClassImage], augmentation: Augmentation, *, size: int, seed: int
    ) -> None:
        self.images, self.options, self.size, self.seed = images, augmentation, size, seed

    def batch(self, number: int, n: int) -> tuple[Tensor, Tensor]:
        """Draw a batch.

        Parameters
        ----------
        number
            Which; each has random numbers of its own.
        n
            Number of images.

        Returns
        -------
        pixels, targets
            Float (n, c, y, x), and int64 (n,), numbers of classes.
        """
        rng = np.random.default_rng((self.seed, number))
        chosen = [self.images[int(i)] for i in rng.integers(len(self.images), size=n)]
        pixels = np.stack([self._changed(image.pixels, rng) for image in chosen])
        return torch.from_numpy(pixels), torch.tensor([image.number for image in chosen])

    def _changed(self, pixels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        scale = np.exp(np.clip(rng.normal(0, self.options.scale), -_LARGEST_SCALE, _LARGEST_SCALE))
        angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.4 else np.pi / 2 * rng.integers(4)
        c, s = np.cos(angle), np.sin(angle)
        flip = -1.0 if rng.random() < 0.5 else 1.0
        inverse = np.array([[c, -s], [s, c]]) @ np.diag([flip, 1.0]) / scale
        half = 0.5 * self.size / scale
        shape = pixels.shape[1:]
        centre = [
            rng.uniform(half, length - half)
            if length > 2 * half
            else (length - 1) / 2 + rng.normal(0, _PLACE * self.size)
            for length in shape
        ]
        side = np.arange(self.size) - (self.size - 1) / 2
        y, x = np.tensordot(inverse, np.stack(np.meshgrid(side, side, indexing="ij")), 1)
        place = [(2 * (x + centre[1]) + 1) / shape[1] - 1, (2 * (y + centre[0]) + 1) / shape[0] - 1]
        out = functional.grid_sample(
            torch.from_numpy(np.ascontiguousarray(pixels))[None],
            torch.from_numpy(np.stack(place, -1).astype(np.float32))[None],
            mode="bilinear",
            padding_mode="border",
            align_corners=False,
        )
        return change_light(np.asarray(out[0].numpy()), self.options, rng)


class ClassesInTurn:
    """Give unchanged images one after the other, as prediction sees them but for the size of large ones.

    Parameters
    ----------
    images
        Validation images.
    size
        Side of what is given, in pixels: the middle of larger images.
    """

    def __init__(self, images: Sequence[ClassImage], *, size: int) -> None:
        self.images, self.size = images, size

    def batch(self, number: int, n: int) -> tuple[Tensor, Tensor]:
        """Give a batch.

        Parameters
        ----------
        number
            Which; after the last image the first one comes again.
        n
            Number of images.

        Returns
        -------
        pixels, targets
            As of `ClassSampler.batch`.
        """
        chosen = [self.images[(number * n + i) % len(self.images)] for i in range(n)]
        pixels = np.stack([self._middle(image.pixels) for image in chosen])
        return torch.from_numpy(pixels), torch.tensor([image.number for image in chosen])

    def _middle(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        whole = continued(pixels, self.size)
        y, x = ((length - self.size) // 2 for length in whole.shape[1:])
        return whole[:, y : y + self.size, x : x + self.size]
