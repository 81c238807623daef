"""Simulated nuclei, a poor prediction of them, and the tiles that a report shows."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.report.tiles import data_uri, tile_picture


def nuclei(*, seed: int = 3, size: int = 160, n: int = 22) -> tuple[NDArray[np.uint16], NDArray[np.int32]]:
    """A grey image of blurred ellipses on a sloped background, and its labels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    labels = np.zeros((size, size), dtype=np.int32)
    light = np.zeros((size, size))
    for label in range(1, n + 1):
        cy, cx = rng.uniform(8, size - 8, 2)
        a, b = rng.uniform(7, 11), rng.uniform(5, 8)
        turn = rng.uniform(0, np.pi)
        u = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        v = -(x - cx) * np.sin(turn) + (y - cy) * np.cos(turn)
        inside = (u / a) ** 2 + (v / b) ** 2 <= 1
        labels[inside & (labels == 0)] = label
        light[inside] = np.maximum(light[inside], rng.uniform(400, 1400))
    light = ndimage.gaussian_filter(light, 1.4) + 120 + 0.5 * x
    return rng.poisson(light).astype(np.uint16), labels


def poor_prediction(labels: NDArray[np.int32], *, seed: int = 0) -> NDArray[np.int32]:
    """Labels shifted by a pixel, a third of them lost, and what touches merged."""
    rng = np.random.default_rng(seed)
    kept = np.isin(labels, rng.choice(labels.max() + 1, size=2 * labels.max() // 3, replace=False)) & (
        labels > 0
    )
    return ndimage.label(np.roll(kept, (1, 1), axis=(0, 1)))[0].astype(np.int32)


@cache
def _pictures() -> list[str]:
    pictures = []
    for seed in range(6):
        pixels, labels = nuclei(seed=seed)
        prediction = poor_prediction(labels, seed=seed) if seed < 3 else np.roll(labels, (0, 1), axis=(0, 1))
        png = tile_picture(pixels, labels, prediction, box=[16, 16, 144, 144], spacing={"y": 0.5, "x": 0.5})
        pictures.append(data_uri(png))
    return pictures


def shown_tiles() -> list[dict[str, Any]]:
    """Three of the worst and three of the best tiles, as a record has them."""
    tiles = []
    for index, picture in enumerate(_pictures()):
        worst = index < 3
        tiles.append(
            {
                "unit": f"tile-{index:03d}",
                "image": f"plate1_well{index}",
                "box": [0, 128, 128, 256],
                "rank": "worst" if worst else "best",
                "f1": 0.41 + 0.07 * index if worst else 0.96,
                "n_reference": 18,
                "n_prediction": 11 if worst else 18,
                "picture": picture,
                "caption": f"plate1_well{index}, rows 0–127, columns 128–255; scale bar in µm",
            }
        )
    return tiles
