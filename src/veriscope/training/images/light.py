"""What stains, optics and camera may do to an image, in the order in which an image is formed."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage
from torch.nn import functional

from veriscope.core.settings import Settings

__all__ = ["Augmentation", "change_dyes", "change_light", "smooth_field", "through_microscope"]

Style = Literal["fluorescence", "brightfield", "any"]


class Augmentation(Settings):
    """How far training images are changed; 0 switches a change off."""

    style: Style = "fluorescence"
    """``fluorescence``: bright objects, each stained anew; ``brightfield``: absorbing stains in colour;
    ``any``: as fluorescence, and half of the images inverted."""
    scale: float = Field(default=0.45, ge=0, le=1)
    """Standard deviation of the logarithm of the magnification."""
    elastic: float = Field(default=0.15, ge=0, le=0.5)
    """Share of crops that are bent."""
    stain: float = Field(default=0.35, ge=0, le=1)
    """Share of crops whose objects or dyes get another brightness."""
    optics: float = Field(default=1.0, ge=0, le=2)
    """Strength of blur and uneven light, relative to the default."""
    camera: float = Field(default=1.0, ge=0, le=2)
    """Strength of contrast, offset and noise, relative to the default."""
    empty: float = Field(default=0.04, ge=0, le=0.5)
    """Share of crops that are made up and hold no object; only for one channel."""
    diameters: tuple[float, float] = (7.0, 100.0)
    """Smallest and largest object diameter in pixels that scaling may lead to."""


def change_light(
    pixels: NDArray[np.float32], options: Augmentation, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Change the dyes of a stained image, then optics and camera.

    Parameters
    ----------
    pixels
        float32 (c, y, x), background near 1 in bright field.
    options
        How far, and the style.
    rng
        Source of chance.

    Returns
    -------
    numpy.ndarray
        float32, same shape.
    """
    if options.style == "brightfield" and rng.random() < options.stain:
        pixels = change_dyes(pixels, rng)
    return through_microscope(pixels, options, rng)


def change_dyes(pixels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Change strength and tint of what absorbs: in optical densities, which add.

    Parameters
    ----------
    pixels
        float32 (c, y, x), background near 1.
    rng
        Source of chance.

    Returns
    -------
    numpy.ndarray
        float32, same shape, 0 to 2.
    """
    density = -np.log(np.clip(pixels, 0.02, 4))
    n = len(density)
    mix = np.eye(n) * np.exp(rng.normal(0, 0.15, n)) + rng.normal(0, 0.08, (n, n))
    strength = np.exp(rng.normal(0, 0.25))
    return np.asarray(np.exp(-strength * np.einsum("ij,jyx->iyx", mix, density)).clip(0, 2), np.float32)


def through_microscope(
    pixels: NDArray[np.floating[Any]], options: Augmentation, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Blur, illumination, contrast, noise: in the order in which a microscope adds them.

    Parameters
    ----------
    pixels
        (c, y, x), square, background near 0 or 1.
    options
        How far.
    rng
        Source of chance.

    Returns
    -------
    numpy.ndarray
        float32, same shape; not clipped.
    """
    optics, camera = options.optics, options.camera
    size = pixels.shape[-1]
    if rng.random() < 0.3 * optics:
        sigma = rng.uniform(0.3, 1.8)
        pixels = ndimage.gaussian_filter(pixels, (0, sigma, sigma))
    elif rng.random() < 0.12 * optics:
        pixels = pixels + rng.uniform(0.3, 1.0) * (pixels - ndimage.gaussian_filter(pixels, (0, 1.5, 1.5)))
    if rng.random() < 0.4 * optics:
        pixels = pixels * (1 + rng.uniform(0.1, 0.6) * smooth_field(rng, size))
    if rng.random() < 0.5 * camera:
        pixels = np.sign(pixels) * np.abs(pixels) ** np.exp(rng.normal(0, 0.35))
    pixels = pixels * np.exp(rng.normal(0, 0.3 * camera))
    if rng.random() < 0.35 * optics and options.style != "brightfield":
        pixels = pixels + rng.uniform(0, 0.4) * np.abs(smooth_field(rng, size))
    pixels = pixels + rng.normal(0, 0.05 * camera)
    if rng.random() < 0.5 * camera:
        noise = rng.standard_normal(pixels.shape, dtype=np.float32)
        if rng.random() < 0.25:
            noise = ndimage.gaussian_filter(noise, (0, 0.8, 0.8)) * 2
        shot = np.sqrt(np.maximum(pixels, 0)) if rng.random() < 0.5 else 1.0
        pixels = pixels + rng.exponential(0.05) * shot * noise
    return np.asarray(pixels, np.float32)


def smooth_field(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    """Draw a smooth field between about -1 and 1.

    Parameters
    ----------
    rng
        Source of chance.
    size
        Side in pixels.

    Returns
    -------
    numpy.ndarray
        float32 (size, size).
    """
    coarse = torch.from_numpy(rng.uniform(-1, 1, (1, 1, 4, 4)).astype(np.float32))
    fine = functional.interpolate(coarse, size=(size, size), mode="bicubic")
    return np.asarray(fine[0, 0].numpy())
