"""Simulated stacks of crowded, textured nuclei, for what two real stacks cannot show: training on stacks.

Ellipsoids lie side by side, some touching; light is blurred more along z than across it, planes lie three
pixels apart, and the camera counts photons. The shapes are simpler than those of real nuclei, so figures on
these stacks compare networks with one another and say nothing of real ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["APART", "draw_stack", "write_stacks"]

APART = 3
"""Distance of planes in pixels."""
_PIXEL_UM = 0.3


@dataclass(frozen=True)
class Stack:
    """A simulated stack, uint16 (z, y, x), and the label of each voxel."""

    pixels: NDArray[np.uint16]
    labels: NDArray[np.uint16]


def draw_stack(seed: tuple[int, ...], *, side: int = 128, planes: int = 24, wanted: int = 70) -> Stack:
    """Draw a stack; equal seeds give equal stacks.

    Parameters
    ----------
    seed
        Of all that is random: shapes, places, brightness, texture and noise.
    side, planes
        Pixels along y and x, and planes.
    wanted
        Number of nuclei that are placed where there is room.

    Returns
    -------
    Stack
        With planes `APART` pixels apart.
    """
    rng = np.random.default_rng((2026, *seed))
    shape = (planes * APART, side, side)
    labels = np.zeros(shape, np.uint16)
    light = np.zeros(shape)
    for number in range(1, wanted + 1):
        _place(rng, labels, light, number)
    texture = ndimage.gaussian_filter(rng.standard_normal(shape), 1.5)
    light *= np.exp(0.5 * texture / texture.std())
    haze = 0.04 + 0.03 * rng.random()
    seen = ndimage.gaussian_filter(light, (3.5, 1.2, 1.2)) + haze * ndimage.gaussian_filter(light, 12)
    photons = rng.poisson(8 + 90 * seen[APART // 2 :: APART])
    pixels = 100 + 2.2 * photons + rng.normal(0, 3, photons.shape)
    return Stack(pixels.clip(0, 65535).astype(np.uint16), labels[APART // 2 :: APART])


def _place(rng: np.random.Generator, labels: NDArray[Any], light: NDArray[Any], number: int) -> None:
    """Put one ellipsoid where at most a tenth of it lies in another, which keeps what it has."""
    for _ in range(40):
        axes = rng.uniform(7, 13) * np.array([1.0, rng.uniform(0.55, 1), rng.uniform(0.5, 0.9)])
        turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        centre = rng.uniform(0, labels.shape)
        reach = int(axes.max()) + 1
        low = np.maximum(centre.astype(int) - reach, 0)
        high = np.minimum(centre.astype(int) + reach + 1, labels.shape)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        grid = np.stack(
            np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij")
        )
        own = np.einsum("ij,jzyx->izyx", turn, grid - centre[:, None, None, None])
        inside = ((own / axes[:, None, None, None]) ** 2).sum(0) <= 1
        taken = labels[box] > 0
        if inside.sum() < 200 or (inside & taken).sum() > 0.1 * inside.sum():
            continue
        free = inside & ~taken
        labels[box][free] = number
        light[box][free] = rng.uniform(0.35, 1.0)
        return


def write_stacks(folder: Path, n: int, *, seed: int = 0, **size: int) -> None:
    """Write stacks and labels as files.

    Parameters
    ----------
    folder
        Gets ``images`` and ``labels``.
    n
        How many.
    seed
        Of all stacks; other seeds give other stacks.
    **size
        As for `draw_stack`.
    """
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(n):
        stack = draw_stack((seed, number), **size)
        facts = {"axes": "ZYX", "spacing": APART * _PIXEL_UM, "unit": "um"}
        for name, values in (("images", stack.pixels), ("labels", stack.labels)):
            path = folder / name / f"stack{number:02}.tif"
            tifffile.imwrite(path, values, imagej=True, metadata=facts, resolution=(1 / _PIXEL_UM,) * 2)
