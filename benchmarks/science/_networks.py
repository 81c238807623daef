"""Simulated mitochondria-like networks with known truth: long tubules with thin links, or short fragments.

In *fused* cells a tubule is long and is drawn thin and dim every 20 pixels or so, as where it is pulled thin
or wrapped; in *fragmented* cells tubules are short and have no such links. The camera sees them through a
Gaussian blur, with shot noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FUSED, FRAGMENTED = "fused", "fragmented"

Mask = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

_SIZE = 256
_MARGIN = 8
_STAMP = 4
_GAP = 7


@dataclass(frozen=True)
class Network:
    """One field: what is there, and what the camera sees."""

    mask: Mask
    pixels: FloatArray


@dataclass(frozen=True)
class Condition:
    """Mean number of tubules in a field, their lengths (pixels), and whether they have thin links."""

    tubules: float
    lengths: tuple[float, float]
    links: bool


CONDITIONS = {
    FUSED: Condition(tubules=14, lengths=(50, 110), links=True),
    FRAGMENTED: Condition(tubules=28, lengths=(14, 34), links=False),
}


def simulate_network(
    condition: str, rng: np.random.Generator, *, abundance: float = 1.0, brightness: float = 1.0
) -> Network:
    """Draw one field of 256 x 256 pixels.

    `abundance` and `brightness` are factors on the number of tubules and on their light, such as for a dish.
    """
    settings = CONDITIONS[condition]
    light = np.zeros((_SIZE, _SIZE))
    occupied = np.zeros((_SIZE, _SIZE), dtype=bool)
    mask = occupied.copy()
    left = int(rng.poisson(settings.tubules * abundance))
    for _ in range(4000):
        if left == 0:
            break
        path = _path(rng, rng.uniform(*settings.lengths))
        y, x = np.round(path).astype(int).T
        if path.min() < _MARGIN or path.max() > _SIZE - 1 - _MARGIN or occupied[y, x].any():
            continue
        drawn = _draw(light, path, _links(rng, len(path)) if settings.links else np.ones(len(path)))
        mask |= drawn
        for cy, cx in zip(y, x, strict=True):
            occupied[max(cy - _GAP, 0) : cy + _GAP + 1, max(cx - _GAP, 0) : cx + _GAP + 1] = True
        left -= 1
    expected = 8 + 60 * brightness * ndimage.gaussian_filter(light, 1.2)
    return Network(mask, rng.poisson(expected).astype(float))


def _path(rng: np.random.Generator, length: float) -> FloatArray:
    """Walk with slowly changing direction, one pixel per step, shape (n, 2)."""
    n = int(length)
    curvature = np.zeros(n)
    bend = rng.normal(0, 0.06)
    for i in range(n):
        bend = 0.9 * bend + rng.normal(0, 0.02)
        curvature[i] = bend
    angle = rng.uniform(0, 2 * np.pi) + np.cumsum(curvature)
    steps = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    return rng.uniform(_MARGIN, _SIZE - _MARGIN, 2) + np.cumsum(steps, axis=0)


def _links(rng: np.random.Generator, n: int) -> FloatArray:
    """Brightness along a tubule: 1, and less at the thin links."""
    along = np.arange(n)
    period = rng.uniform(18, 26)
    number, place = np.divmod(along + rng.uniform(0, period), period)
    thin = (np.abs(place - period / 2) < 3.8) & (along > 6) & (along < n - 6)
    dim = rng.uniform(0.45, 0.75, int(number.max()) + 1)[number.astype(int)]
    return np.where(thin, dim, 1.0)


def _draw(light: FloatArray, path: FloatArray, brightness: FloatArray) -> Mask:
    """Paint a tubule of radius 2.6 pixels, 1 at the links; give the pixels that it covers."""
    mask = np.zeros(light.shape, dtype=bool)
    yy, xx = np.mgrid[-_STAMP : _STAMP + 1, -_STAMP : _STAMP + 1]
    for (y, x), bright in zip(path, brightness, strict=True):
        cy, cx = round(y), round(x)
        window = np.s_[cy - _STAMP : cy + _STAMP + 1, cx - _STAMP : cx + _STAMP + 1]
        disk = (yy + cy - y) ** 2 + (xx + cx - x) ** 2 <= (2.6 if bright == 1 else 1.0) ** 2
        mask[window] |= disk
        light[window] = np.maximum(light[window], disk * bright)
    return mask
