"""Random training crops: as many other microscopes as 150 images can be made to look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

__all__ = ["Sampler", "TrainingImage"]


@dataclass(frozen=True, slots=True)
class TrainingImage:
    """One normalised image with its labels and targets."""

    pixels: NDArray[np.float32]
    labels: NDArray[np.int32]
    targets: NDArray[np.float32]
    diameter: float
    weight: float


class Sampler:
    """Draw augmented crops.

    Parameters
    ----------
    images
        Training images; drawn in proportion to their weight.
    size
        Side of a crop in pixels.
    seed
        Seed of all random choices.
    """

    def __init__(self, images: list[TrainingImage], *, size: int, seed: int) -> None:
        self.images = images
        self.size = size
        self.rng = np.random.default_rng(seed)
        weights = np.array([image.weight for image in images])
        self.weights = weights / weights.sum()

    def batch(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw a batch.

        Parameters
        ----------
        n
            Number of crops.

        Returns
        -------
        pixels, targets
            Float (n, 1, y, x), and float (n, 6, y, x): the five targets and 1 where they are known.
        """
        pairs = [self._negative() if self.rng.random() < 0.04 else self._crop() for _ in range(n)]
        pixels, targets = (np.stack(part) for part in zip(*pairs, strict=True))
        return torch.from_numpy(pixels[:, None]), torch.from_numpy(targets)

    def _crop(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        image = self.images[self.rng.choice(len(self.images), p=self.weights)]
        inverse, centre = self._geometry(image)
        side = np.arange(self.size) - (self.size - 1) / 2
        grid_y, grid_x = np.meshgrid(side, side, indexing="ij")
        y = inverse[0, 0] * grid_y + inverse[0, 1] * grid_x + centre[0]
        x = inverse[1, 0] * grid_y + inverse[1, 1] * grid_x + centre[1]
        h, w = image.pixels.shape
        known = (y > -0.5) & (y < h - 0.5) & (x > -0.5) & (x < w - 0.5)
        grid = np.stack([(2 * x + 1) / w - 1, (2 * y + 1) / h - 1], -1).astype(np.float32)[None]
        shrink = np.sqrt(abs(np.linalg.det(inverse)))
        source = image.pixels if shrink < 1.3 else ndimage.gaussian_filter(image.pixels, 0.4 * shrink)
        pixels = _resample(source[None], grid, "bilinear")[0]
        stack = np.concatenate([image.targets, image.labels[None].astype(np.float32)])
        warped = _resample(stack, grid, "nearest")
        targets, labels = warped[:5], warped[5].astype(np.int64)
        forward = np.linalg.inv(inverse)
        flow = np.einsum("ij,jyx->iyx", forward, targets[3:5])
        targets[3:5] = flow / np.maximum(np.hypot(*flow), 1e-6)
        pixels = self._restain(pixels, labels)
        return self._microscope(pixels), np.concatenate([targets, known[None]]).astype(np.float32)

    def _geometry(self, image: TrainingImage) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        rng = self.rng
        scale = np.exp(np.clip(rng.normal(0, 0.45), -1.2, 1.2))
        scale = np.clip(scale, min(1.0, 7 / image.diameter), max(1.0, 100 / image.diameter))
        angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.4 else np.pi / 2 * rng.integers(4)
        c, s = np.cos(angle), np.sin(angle)
        stretch = np.exp(rng.normal(0, 0.06))
        flip = -1.0 if rng.random() < 0.5 else 1.0
        inverse = np.array([[c, -s], [s, c]]) @ np.diag([stretch * flip, 1 / stretch]) / scale
        h, w = image.pixels.shape
        half = 0.5 * self.size / scale
        centre = np.array([_centre(rng, h, half), _centre(rng, w, half)])
        if rng.random() < 0.5 and image.labels.any():
            y, x = np.nonzero(image.labels)
            pick = rng.integers(len(y))
            centre = np.array([y[pick], x[pick]]) + rng.normal(0, 0.3 * half, 2)
        return inverse, np.clip(centre, 0, [h - 1, w - 1])

    def _restain(self, pixels: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float32]:
        """Give every nucleus a brightness of its own."""
        if self.rng.random() < 0.65:
            return pixels
        factor = np.exp(self.rng.normal(0, 0.5, labels.max() + 1)).clip(0.3, 2.5)
        factor[0] = 1
        smooth = ndimage.gaussian_filter(factor[labels].astype(np.float32), 0.7)
        floor = np.percentile(pixels, 5)
        return floor + (pixels - floor) * smooth

    def _microscope(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Blur, illumination, contrast, noise: in the order in which a microscope adds them."""
        rng = self.rng
        if rng.random() < 0.3:
            pixels = ndimage.gaussian_filter(pixels, rng.uniform(0.3, 1.8))
        elif rng.random() < 0.12:
            pixels = pixels + rng.uniform(0.3, 1.0) * (pixels - ndimage.gaussian_filter(pixels, 1.5))
        if rng.random() < 0.4:
            pixels = pixels * (1 + rng.uniform(0.1, 0.6) * self._field())
        if rng.random() < 0.5:
            pixels = np.sign(pixels) * np.abs(pixels) ** np.exp(rng.normal(0, 0.35))
        pixels = pixels * np.exp(rng.normal(0, 0.3))
        if rng.random() < 0.35:
            pixels = pixels + rng.uniform(0, 0.4) * np.abs(self._field())
        pixels = pixels + rng.normal(0, 0.05)
        if rng.random() < 0.5:
            noise = rng.standard_normal(pixels.shape, dtype=np.float32)
            if rng.random() < 0.25:
                noise = ndimage.gaussian_filter(noise, 0.8) * 2
            shot = np.sqrt(np.maximum(pixels, 0)) if rng.random() < 0.5 else 1.0
            pixels = pixels + rng.exponential(0.05) * shot * noise
        return np.asarray(pixels, np.float32)

    def _field(self) -> NDArray[np.float32]:
        """Draw a smooth field between about -1 and 1."""
        coarse = torch.from_numpy(self.rng.uniform(-1, 1, (1, 1, 4, 4)).astype(np.float32))
        fine = functional.interpolate(coarse, size=(self.size, self.size), mode="bicubic")
        return np.asarray(fine[0, 0].numpy())

    def _negative(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Draw what an image without nuclei looks like after normalisation."""
        rng = self.rng
        pixels = rng.standard_normal((self.size, self.size), dtype=np.float32)
        if rng.random() < 0.5:
            pixels = ndimage.gaussian_filter(pixels, rng.uniform(0.5, 3))
            pixels /= pixels.std()
        pixels = pixels * rng.uniform(0.01, 0.2) + rng.uniform(0, 0.6)
        if rng.random() < 0.6:
            pixels += rng.uniform(0.1, 0.8) * self._field()
        hot = rng.random(pixels.shape) < rng.choice([0, 0, 1e-4, 2e-3])
        pixels[hot] += rng.exponential(1.0)
        targets = np.zeros((6, self.size, self.size), np.float32)
        targets[5] = 1
        return pixels.astype(np.float32), targets


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
