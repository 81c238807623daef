"""Small label images and slow, obvious computations that the fast ones are compared with."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

Labels = NDArray[Any]

DTYPES = st.sampled_from([np.uint8, np.int8, np.uint16, np.int32, np.uint32, np.int64, np.uint64])


@st.composite
def label_pairs(draw: st.DrawFn) -> tuple[Labels, Labels]:
    """Two label images of the same shape, 1D to 3D, with few labels so that they overlap often."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=7))
    labels = st.integers(0, 4)
    return (
        draw(hnp.arrays(draw(DTYPES), shape, elements=labels)),
        draw(hnp.arrays(draw(DTYPES), shape, elements=labels)),
    )


def count_slowly(reference: Labels, prediction: Labels) -> dict[tuple[int, int], int]:
    """Pixels shared by each pair of objects, one pixel at a time."""
    found: dict[tuple[int, int], int] = {}
    for pair in zip(reference.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if all(pair):
            found[pair] = found.get(pair, 0) + 1
    return found


def best_slowly(ious: NDArray[np.float64], threshold: float) -> tuple[int, float]:
    """Most matches, then largest sum of IoU, of all one-to-one choices from a small table of IoU."""
    if ious.shape[0] > ious.shape[1]:
        ious = ious.T
    best = (0, 0.0)
    for columns in permutations(range(ious.shape[1]), ious.shape[0]):
        values = [ious[row, column] for row, column in enumerate(columns)]
        kept = [value for value in values if value >= threshold]
        best = max(best, (len(kept), sum(kept)))
    return best


def all_label_images(length: int, n_labels: int) -> list[Labels]:
    """Every label image of one row."""
    return [np.array(row, dtype=np.uint8) for row in product(range(n_labels + 1), repeat=length)]


def disks(n_side: int, spacing: int = 16, radius: int = 6, shift: int = 0) -> Labels:
    """A square grid of `n_side` x `n_side` round objects, numbered row by row from 1."""
    size = n_side * spacing
    y, x = np.mgrid[:size, :size]
    inside = ((y - shift) % spacing - spacing // 2) ** 2 + ((x - shift) % spacing - spacing // 2) ** 2
    cells = ((y - shift) // spacing % n_side) * n_side + (x - shift) // spacing % n_side + 1
    return np.where(inside <= radius**2, cells, 0).astype(np.int32)
