"""Tiles: the units of an audit, and the rule that gives every object to exactly one of them.

An object belongs to the tile that holds its centroid, the *associated point* rule of stereology [1]_:
each object has one centroid, and each point lies in one tile, so sums over tiles are sums over
objects. Counting what touches a tile, or what lies wholly inside, is biased: large objects touch
more tiles, and fit into fewer [2]_.

The rule needs the whole object. A person who annotates a tile must therefore see, and may draw
over, a margin of at least one object diameter around it; objects with their centroid in the margin
are not counted.

References
----------
.. [1] Miles, On the elimination of edge effects in planar sampling, in: Harding & Kendall (eds.),
   Stochastic Geometry, Wiley (1974), 228-247.
.. [2] Gundersen, Notes on the estimation of the numerical density of arbitrary profiles: the edge
   effect, Journal of Microscopy 111 (1977), 219-223. doi:10.1111/j.1365-2818.1977.tb00062.x
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import InputError, ShapeMismatchError

__all__ = ["DEFAULT_SIZE", "Tile", "split_into_tiles", "sum_per_tile", "tile_owner"]

DEFAULT_SIZE = 256


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of an image: rows ``y0 <= y < y1``, columns ``x0 <= x < x1``, all planes z.

    Parameters
    ----------
    index
        Number of the tile in its image, from 0, row by row.
    y0, x0
        First row and column, in pixels.
    y1, x1
        One past the last row and column, in pixels.
    """

    index: int
    y0: int
    x0: int
    y1: int
    x1: int

    @property
    def area(self) -> int:
        """Pixels in one plane of the tile."""
        return (self.y1 - self.y0) * (self.x1 - self.x0)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Slices along y and x."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)


def split_into_tiles(shape: Sequence[int], *, size: int = DEFAULT_SIZE) -> tuple[Tile, ...]:
    """Split an image into tiles of nearly equal size that cover every pixel once.

    Each axis is cut into the fewest parts no longer than `size`, equal to within one pixel, so
    that there are no slivers at the far border.

    Parameters
    ----------
    shape
        Spatial shape, (y, x) or (z, y, x), in pixels. Tiles cover all z.
    size
        Largest side of a tile, in pixels.

    Returns
    -------
    tuple of Tile
        Row by row; one tile if the image is no larger than `size`.

    Raises
    ------
    InputError
        If the shape has not 2 or 3 positive lengths, or the size is below 1.
    """
    if len(shape) not in (2, 3) or any(length < 1 for length in shape):
        raise InputError(f"shape {tuple(shape)} cannot be tiled; give (y, x) or (z, y, x), each at least 1")
    if size < 1:
        raise InputError(f"tile size {size} is not possible; give at least 1 pixel")
    rows, columns = (_edges(int(length), size) for length in shape[-2:])
    corners = [(y0, x0, y1, x1) for y0, y1 in pairwise(rows) for x0, x1 in pairwise(columns)]
    return tuple(Tile(index, *corner) for index, corner in enumerate(corners))


def tile_owner(centroids: NDArray[Any], tiles: Sequence[Tile]) -> NDArray[np.int64]:
    """Give each object the tile that holds its centroid.

    Parameters
    ----------
    centroids
        Array (n, 2) of y, x or (n, 3) of z, y, x in pixels, where whole numbers are pixel centres
        (the convention of `skimage.measure.regionprops`). A centroid on the border between two
        tiles belongs to the later one.
    tiles
        All tiles of the image, from `split_into_tiles`.

    Returns
    -------
    numpy.ndarray
        int64 (n,): `Tile.index` of each object's tile; empty if there are no objects.

    Raises
    ------
    ShapeMismatchError
        If the array is not of the shape above, or a centroid lies outside the image.
    """
    points = np.asarray(centroids, dtype=np.float64)
    if points.size == 0:
        return np.zeros(0, dtype=np.int64)
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise ShapeMismatchError(f"centroids have shape {points.shape}; give (n, 2) y, x or (n, 3) z, y, x")
    rows = np.array(sorted({tile.y0 for tile in tiles}))
    columns = np.array(sorted({tile.x0 for tile in tiles}))
    height, width = max(tile.y1 for tile in tiles), max(tile.x1 for tile in tiles)
    pixel = np.floor(points[:, -2:] + 0.5)
    outside = ~((pixel >= 0) & (pixel < (height, width))).all(axis=1)
    if outside.any():
        y, x = points[outside][0, -2:]
        raise ShapeMismatchError(
            f"{int(outside.sum())} of {len(points)} centroids lie outside the image of {height} × {width} "
            f"pixels, the first at y={y:g}, x={x:g}; are they in µm, or in x, y order?"
        )
    row = np.searchsorted(rows, pixel[:, 0], side="right") - 1
    column = np.searchsorted(columns, pixel[:, 1], side="right") - 1
    return np.asarray(row * len(columns) + column, dtype=np.int64)


def sum_per_tile(
    owner: NDArray[Any], values: NDArray[Any] | None = None, *, n_tiles: int
) -> NDArray[np.float64]:
    """Add up a quantity of the objects of each tile.

    Parameters
    ----------
    owner
        Tile of each object (n,), from `tile_owner`.
    values
        Quantity of each object (n,), such as its area; None counts the objects.
    n_tiles
        Number of tiles.

    Returns
    -------
    numpy.ndarray
        float64 (n_tiles,); 0 for a tile without objects.
    """
    index = np.asarray(owner, dtype=np.int64)
    weights = None if values is None else np.asarray(values, dtype=np.float64)
    return np.bincount(index, weights=weights, minlength=n_tiles).astype(np.float64)


def _edges(length: int, size: int) -> list[int]:
    parts = -(-length // size)
    return [length * part // parts for part in range(parts + 1)]
