"""Where to look in an image that is too large to be looked at as a whole, and how far a filter looks."""

from __future__ import annotations

import math
from collections.abc import Iterator

from veriscope.core.source import Region, grid

__all__ = ["gaussian_reach", "sample_windows"]

_WHOLE = 1 << 22
_GOLDEN = 0.6180339887498949


def sample_windows(shape: tuple[int, ...], *, side: int = 512, planes: int | None = None) -> Iterator[Region]:
    """Give windows of an image in an order that spreads them evenly over it.

    The order is fixed by the shape, so that whoever stops after some windows has always seen the same.

    Parameters
    ----------
    shape
        Of the image.
    side
        Length of the windows along y and x, in pixels.
    planes
        Of a window of a stack; None: all.

    Yields
    ------
    tuple of slice
        The whole image if it has at most 4 × 1024² pixels; else windows, every pixel in one of them.
    """
    if math.prod(shape) <= _WHOLE:
        yield tuple(slice(0, size) for size in shape)
        return
    windows = list(grid(shape, (*(planes or size for size in shape[:-2]), side, side)))
    step = max(round(_GOLDEN * len(windows)), 1)
    while math.gcd(step, len(windows)) > 1:
        step += 1
    for index in range(len(windows)):
        yield windows[(index * step + len(windows) // 2) % len(windows)]


def gaussian_reach(sigma: float) -> int:
    """Say how far SciPy's Gaussian filter looks.

    Parameters
    ----------
    sigma
        Standard deviation in pixels.

    Returns
    -------
    int
        Radius of its kernel in pixels.
    """
    return int(4.0 * sigma + 0.5)
