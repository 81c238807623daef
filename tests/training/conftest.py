"""Small images with labels, for trainings of seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra train")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Compute in one thread: networks are tiny, and threads that wait for each other cost more."""
    torch.set_num_threads(1)


def draw_discs(seed: int, *, side: int = 96, n: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Bright discs that do not touch, with camera noise, and their labels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    labels = np.zeros((side, side), np.uint16)
    for number in range(1, n + 1):
        for _ in range(50):
            centre, radius = rng.uniform(10, side - 10, 2), rng.uniform(5, 8)
            near = np.hypot(y - centre[0], x - centre[1])
            if not labels[near < radius + 3].any():
                labels[near < radius] = number
                break
    pixels = 300 + 900.0 * (labels > 0)
    return rng.poisson(pixels).astype(np.uint16), labels


def write_pairs(folder: Path, n: int, *, side: int = 96) -> Path:
    """Write n pairs into folder/images and folder/labels."""
    import tifffile

    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(n):
        pixels, labels = draw_discs(number, side=side)
        tifffile.imwrite(folder / "images" / f"field{number}.tif", pixels)
        tifffile.imwrite(folder / "labels" / f"field{number}.tif", labels)
    return folder


@pytest.fixture(scope="session")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pairs of images and labels; not to be changed."""
    return write_pairs(tmp_path_factory.mktemp("discs"), 8)
