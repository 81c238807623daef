"""Random training crops: as many other microscopes as the images given can be made to look like.

The specimen is turned, scaled, bent and stained anew; what light and camera make of it is in `light`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

from veriscope.training.heads.base import PixelHead
from veriscope.training.images.light import Augmentation, change_dyes, smooth_field, through_microscope

__all__ = ["Sampler", "TrainingImage"]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingImage:
    """One normalised image with its labels and targets.

    Parameters
    ----------
    pixels
        float32 (c, y, x), background near 0, bright near 1.
    labels
        int32 (y, x); negative: not known.
    targets
        float32 (channel, y, x), of the head.
    diameter
        Median object diameter in pixels; 30 where there is no object.
    weight
        Relative chance to be drawn.
    """

    pixels: NDArray[np.float32]
    labels: NDArray[np.int32]
    targets: NDArray[np.float32]
    diameter: float
    weight: float = 1.0


class Sampler:
    """Draw augmented crops; batch number i is the same in every run with the same seed.

    Parameters
    ----------
    images
        Training images; drawn in proportion to their weight.
    head
        Says what is learned.
    augmentation
        How far images are changed.
    size
        Side of a crop in pixels.
    seed
        Seed of all random choices.
    """

    def __init__(
        self,
        images: list[TrainingImage],
        head: PixelHead,
        augmentation: Augmentation,
        *,
        size: int,
        seed: int,
    ) -> None:
        self.images, self.head, self.options = images, head, augmentation
        self.size, self.seed = size, seed
        self.rng = np.random.default_rng(seed)
        weights = np.array([image.weight for image in images])
        self.weights = weights / weights.sum()

    def batch(self, number: int, n: int) -> tuple[torch.Tensor, torch.Tensor]:
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
            Float (n, c, y, x), and float (n, channel + 1, y, x): those of the head, and 1 where known.
        """
        self.rng = np.random.default_rng((self.seed, number))
        one_channel = self.images[0].pixels.shape[0] == 1
        pairs = [
            self._negative() if one_channel and self.rng.random() < self.options.empty else self._crop()
            for _ in range(n)
        ]
        pixels, targets = (np.stack(part) for part in zip(*pairs, strict=True))
        return torch.from_numpy(pixels), torch.from_numpy(targets)

    def _crop(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        image = self.images[self.rng.choice(len(self.images), p=self.weights)]
        inverse, centre = self._geometry(image)
        side = np.arange(self.size) - (self.size - 1) / 2
        grid_y, grid_x = np.meshgrid(side, side, indexing="ij")
        if self.rng.random() < self.options.elastic:
            strength = self.rng.uniform(1, 5)
            grid_y, grid_x = (
                grid_y + strength * smooth_field(self.rng, self.size),
                grid_x + strength * smooth_field(self.rng, self.size),
            )
        y = inverse[0, 0] * grid_y + inverse[0, 1] * grid_x + centre[0]
        x = inverse[1, 0] * grid_y + inverse[1, 1] * grid_x + centre[1]
        h, w = image.labels.shape
        inside = (y > -0.5) & (y < h - 0.5) & (x > -0.5) & (x < w - 0.5)
        grid = np.stack([(2 * x + 1) / w - 1, (2 * y + 1) / h - 1], -1).astype(np.float32)[None]
        shrink = np.sqrt(abs(np.linalg.det(inverse)))
        blur = (0, 0.4 * shrink, 0.4 * shrink)
        source = image.pixels if shrink < 1.3 else ndimage.gaussian_filter(image.pixels, blur)
        pixels = _resample(source, grid, "bilinear")
        stack = np.concatenate([image.targets, image.labels[None].astype(np.float32)])
        warped = _resample(stack, grid, "nearest")
        targets, labels = warped[:-1], warped[-1].astype(np.int32)
        if self.head.vectors is not None:
            parts = list(self.head.vectors)
            flow = np.einsum("ij,jyx->iyx", np.linalg.inv(inverse), targets[parts])
            targets[parts] = flow / np.maximum(np.hypot(*flow), 1e-6)
        known = inside & (labels >= 0)
        labels = np.maximum(labels, 0)
        targets = self.head.crop_targets(targets, labels)
        pixels = through_microscope(self._stain(pixels, labels), self.options, self.rng)
        return pixels, np.concatenate([targets, known[None]]).astype(np.float32)

    def _geometry(self, image: TrainingImage) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        rng = self.rng
        scale = np.exp(np.clip(rng.normal(0, self.options.scale), -1.2, 1.2))
        low, high = self.options.diameters
        scale = np.clip(scale, min(1.0, low / image.diameter), max(1.0, high / image.diameter))
        angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.4 else np.pi / 2 * rng.integers(4)
        c, s = np.cos(angle), np.sin(angle)
        stretch = np.exp(rng.normal(0, 0.06))
        flip = -1.0 if rng.random() < 0.5 else 1.0
        inverse = np.array([[c, -s], [s, c]]) @ np.diag([stretch * flip, 1 / stretch]) / scale
        h, w = image.labels.shape
        half = 0.5 * self.size / scale
        centre = np.array([_centre(rng, h, half), _centre(rng, w, half)])
        near = image.labels > 0 if rng.random() < 0.5 else image.labels >= 0
        if near.any() and not near.all():
            y, x = np.nonzero(near)
            pick = rng.integers(len(y))
            centre = np.array([y[pick], x[pick]]) + rng.normal(0, 0.3 * half, 2)
        return inverse, np.clip(centre, 0, [h - 1, w - 1])

    def _stain(self, pixels: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Give every object a brightness of its own, or every dye another strength and tint."""
        style = self.options.style
        if self.rng.random() < self.options.stain:
            if style == "brightfield":
                pixels = change_dyes(pixels, self.rng)
            elif labels.max() < 2**16:
                factor = np.exp(self.rng.normal(0, 0.5, int(labels.max()) + 1)).clip(0.3, 2.5)
                factor[0] = 1
                smooth = ndimage.gaussian_filter(factor[labels].astype(np.float32), 0.7)
                floor = np.percentile(pixels, 5)
                pixels = floor + (pixels - floor) * smooth
        if style == "any" and self.rng.random() < 0.5:
            pixels = 1 - pixels
        return np.asarray(pixels, np.float32)

    def _negative(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Draw what an image without objects looks like after normalisation."""
        rng = self.rng
        pixels: NDArray[np.floating[Any]] = rng.standard_normal((self.size, self.size), dtype=np.float32)
        if rng.random() < 0.5:
            pixels = ndimage.gaussian_filter(pixels, rng.uniform(0.5, 3))
            pixels /= pixels.std()
        pixels = pixels * rng.uniform(0.01, 0.2) + rng.uniform(0, 0.6)
        if rng.random() < 0.6:
            pixels += rng.uniform(0.1, 0.8) * smooth_field(self.rng, self.size)
        hot = rng.random(pixels.shape) < rng.choice([0, 0, 1e-4, 2e-3])
        pixels[hot] += rng.exponential(1.0)
        none = np.zeros(pixels.shape, np.int32)
        targets = self.head.crop_targets(self.head.targets(none), none)
        known = np.ones((1, *pixels.shape), np.float32)
        return pixels[None].astype(np.float32), np.concatenate([targets, known]).astype(np.float32)


def _centre(rng: np.random.Generator, length: int, half: float) -> float:
    """Draw a centre for which the crop stays inside, or the middle where it cannot."""
    return float(rng.uniform(half, length - half)) if length > 2 * half else (length - 1) / 2


def _resample(stack: NDArray[np.float32], grid: NDArray[np.float32], mode: str) -> NDArray[np.float32]:
    out = functional.grid_sample(
        torch.from_numpy(stack[None]),
        torch.from_numpy(grid),
        mode=mode,
        padding_mode="reflection",
        align_corners=False,
    )
    return np.asarray(out[0].numpy())
