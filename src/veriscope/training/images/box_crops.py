"""Crops of images with the boxes in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from veriscope.training.heads.boxes import box_targets
from veriscope.training.images.light import Augmentation, change_light

__all__ = ["BoxImage", "BoxSampler"]


@dataclass(frozen=True, slots=True, eq=False)
class BoxImage:
    """An image with its boxes.

    Parameters
    ----------
    pixels
        float32 (c, y, x), normalised.
    boxes
        float64 (n, 4): y0, x0, y1, x1 in pixels, edges.
    classes
        int (n,), 0 and up.
    weight
        Relative chance to be drawn.
    """

    pixels: NDArray[np.float32]
    boxes: NDArray[np.float64]
    classes: NDArray[np.int64]
    weight: float = 1.0


class BoxSampler:
    """Draw augmented crops with their targets; batch number i is the same in every run with the same seed.

    Parameters
    ----------
    images
        Training images.
    n_classes
        Kinds of objects.
    augmentation
        How far images are changed; scale, stain, optics and camera are used.
    size
        Side of a crop in pixels of the network.
    zoom
        Pixels of the network per pixel of the images, before augmentation.
    seed
        Seed of all random choices.
    """

    def __init__(
        self,
        images: list[BoxImage],
        n_classes: int,
        augmentation: Augmentation,
        *,
        size: int,
        zoom: float,
        seed: int,
    ) -> None:
        self.images, self.n_classes, self.options = images, n_classes, augmentation
        self.size, self.zoom, self.seed = size, zoom, seed
        weights = np.array([image.weight for image in images])
        self.weights = weights / weights.sum()

    def batch(self, number: int, n: int) -> tuple[Tensor, Tensor]:
        """Draw a batch.

        Parameters
        ----------
        number
            Which; each has random numbers of its own.
        n
            Number of crops.

        Returns
        -------
        pixels, targets
            Float (n, c, y, x) and float (n, n_classes + 5, y / 4, x / 4), as `box_targets` gives them.
        """
        rng = np.random.default_rng((self.seed, number))
        pairs = [self._crop(rng) for _ in range(n)]
        pixels, targets = (np.stack(part) for part in zip(*pairs, strict=True))
        return torch.from_numpy(pixels), torch.from_numpy(targets)

    def _crop(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        image = self.images[rng.choice(len(self.images), p=self.weights)]
        scale = self.zoom * np.exp(np.clip(rng.normal(0, self.options.scale), -0.9, 0.9))
        aspect = np.exp(rng.normal(0, 0.05, 2))
        pixels, boxes = image.pixels, image.boxes
        if rng.random() < 0.5:
            pixels, boxes = _transposed(pixels, boxes)
        per_pixel = scale * aspect
        here = np.array(pixels.shape[1:])
        reach = self.size / per_pixel
        corner = rng.uniform(np.minimum(0, here - reach), np.maximum(0, here - reach))
        edges = (corner[0], corner[1], corner[0] + reach[0], corner[1] + reach[1])
        crop = _cut(pixels, edges, self.size)
        moved = (boxes - np.tile(corner, 2)) * np.tile(per_pixel, 2)
        for axis in (0, 1):
            if rng.random() < 0.5:
                crop = np.flip(crop, 1 + axis)
                moved[:, [axis, axis + 2]] = self.size - moved[:, [axis + 2, axis]]
        crop = change_light(np.ascontiguousarray(crop), self.options, rng)
        return crop, box_targets(moved, image.classes, self.n_classes, self.size)


def _transposed(
    pixels: NDArray[np.float32], boxes: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    return pixels.swapaxes(1, 2), boxes[:, [1, 0, 3, 2]]


def _cut(pixels: NDArray[np.float32], edges: tuple[float, ...], size: int) -> NDArray[np.float32]:
    """Resample the part between edges, in pixels, to a square; outside is the nearest pixel."""
    height, width = pixels.shape[1:]
    y0, x0, y1, x1 = edges
    # Averaging first, where the image shrinks, keeps fine detail from turning into noise.
    tensor = torch.from_numpy(np.ascontiguousarray(pixels))[None]
    shrink = max(int((y1 - y0) / size), 1)
    if shrink > 1:
        tensor = functional.avg_pool2d(tensor, shrink, ceil_mode=True)
        height, width = tensor.shape[2] * shrink, tensor.shape[3] * shrink
    steps = (np.arange(size) + 0.5) / size
    y = 2 * (y0 + steps * (y1 - y0)) / height - 1
    x = 2 * (x0 + steps * (x1 - x0)) / width - 1
    grid = np.stack(np.meshgrid(y, x, indexing="ij")[::-1], -1).astype(np.float32)[None]
    out = functional.grid_sample(
        tensor, torch.from_numpy(grid), mode="bilinear", padding_mode="border", align_corners=False
    )
    return np.asarray(out[0].numpy())
