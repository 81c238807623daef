"""Label images for tests: a hypothesis strategy and named cases. Needs the package hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

__all__ = ["LABEL_DTYPES", "disks", "label_pairs"]

LABEL_DTYPES = (np.uint8, np.int8, np.uint16, np.int32, np.uint32, np.int64, np.uint64)


@st.composite
def label_pairs(
    draw: st.DrawFn, *, max_dims: int = 3, max_side: int = 7, n_labels: int = 4
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Draw two label images of the same shape, with so few labels that their objects overlap often.

    Parameters
    ----------
    max_dims
        Largest number of dimensions, from 1.
    max_side
        Largest length of an axis.
    n_labels
        Largest label.

    Returns
    -------
    tuple
        Reference and prediction; their integer types may differ.
    """
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=max_dims, min_side=1, max_side=max_side))
    images = [
        draw(hnp.arrays(draw(st.sampled_from(LABEL_DTYPES)), shape, elements=st.integers(0, n_labels)))
        for _ in range(2)
    ]
    return images[0], images[1]


def disks(n_side: int, *, spacing: int = 16, radius: int = 6, shift: int = 0) -> NDArray[np.int32]:
    """Make a square grid of round objects, numbered row by row from 1.

    Parameters
    ----------
    n_side
        Objects per row and per column.
    spacing
        Distance of neighbouring centres, in pixels.
    radius
        Radius of each object, in pixels.
    shift
        How far all objects are moved along both axes, in pixels; they re-enter on the other side.

    Returns
    -------
    numpy.ndarray
        int32 label image of `n_side` times `spacing` pixels along each side.
    """
    size = n_side * spacing
    y, x = np.mgrid[:size, :size] - shift
    inside = (y % spacing - spacing // 2) ** 2 + (x % spacing - spacing // 2) ** 2 <= radius**2
    labels = (y // spacing % n_side) * n_side + x // spacing % n_side + 1
    return np.where(inside, labels, 0).astype(np.int32)
