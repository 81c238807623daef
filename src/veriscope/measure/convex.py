"""Convex hull of each object, all objects at once, in whole numbers.

Each pixel counts with the middles of its four edges, as in `skimage.morphology.convex_hull_image`
with offset coordinates, and a pixel belongs to the hull if its centre lies in it or on its edge.
Coordinates are doubled, so that everything is an integer and no tolerance is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from veriscope.measure.runs import Runs

__all__ = ["measure_hull_areas"]

_EXTENTS_AT_ONCE = 1 << 15
_ROWS_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class _Chains:
    """Points of many polylines, ordered by chain, then by row."""

    chain: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]

    def take(self, kept: NDArray[np.bool_]) -> _Chains:
        return _Chains(self.chain[kept], self.row[kept], self.column[kept])


def measure_hull_areas(runs: Runs) -> NDArray[np.int64]:
    """Count the pixels of the convex hull of each object of a 2D label image.

    Parameters
    ----------
    runs
        Runs of the label image, 2D.

    Returns
    -------
    numpy.ndarray
        int64, shape (n,); never below the object's own number of pixels.
    """
    n = runs.n_objects
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    index, row, left, right = _row_extents(runs)
    starts = np.flatnonzero(np.diff(index, prepend=-1))  # one per object
    stops = np.append(starts[1:], len(index))
    area: NDArray[np.int64] = row[stops - 1] - row[starts] + 1
    low = 0
    while low < n:  # in portions of whole objects that fit the processor's cache
        high = max(int(np.searchsorted(stops, starts[low] + _EXTENTS_AT_ONCE, side="right")), low + 1)
        part, size = slice(starts[low], stops[high - 1]), high - low
        chain, rows = index[part] - low, row[part]
        # The right side, mirrored, is a left side too: chains size … 2·size−1.
        sides = _Chains(
            np.append(chain, chain + size), np.append(rows, rows), np.append(left[part], -right[part])
        )
        # The hull of pixels with their edge middles is the hull of the centres plus a diamond (Minkowski
        # sum), so that only corners of the hull of the centres can have corners of the whole beside them.
        hull = _lower_hull(_edge_middles(_lower_hull(sides)))
        bounds = _sum_of_bounds(hull, n_chains=2 * size)
        area[low:high] -= bounds[:size] + bounds[size:]
        low = high
    return area


def _row_extents(
    runs: Runs,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """First and last column of each object in each of its rows, ordered by object, then row."""
    # Runs come in raster order, so that a stable sort by object leaves rows and columns in order;
    # for 16-bit keys it is a radix sort.
    key = runs.index.astype(np.uint16) if runs.n_objects <= 1 << 16 else runs.index
    order = np.argsort(key, kind="stable")
    index, row = runs.index[order], runs.row[order]
    new = np.empty(len(order), dtype=bool)
    new[:1] = True
    new[1:] = (index[1:] != index[:-1]) | (row[1:] != row[:-1])
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(order)) - 1
    left = runs.start[order[first]]
    right = runs.start[order[last]] + runs.length[order[last]] - 1
    return index[first], row[first], left, right


def _edge_middles(pixels: _Chains) -> _Chains:
    """Give the middles of the upper, left and lower edge of each pixel, in doubled coordinates."""
    chain, row, left = pixels.chain, pixels.row, pixels.column
    columns = np.stack([2 * left, 2 * left - 1, 2 * left], axis=1)
    rows = np.stack([2 * row - 1, 2 * row, 2 * row + 1], axis=1)
    # The middle below one row and the one above the next coincide in height: keep the outer one.
    joined = (chain[1:] == chain[:-1]) & (row[1:] == row[:-1] + 1)
    outer = np.minimum(columns[1:, 0], columns[:-1, 2])
    columns[1:, 0] = np.where(joined, outer, columns[1:, 0])
    kept = np.ones(columns.shape, dtype=bool)
    kept[:-1, 2] = ~joined
    return _Chains(np.repeat(chain, 3)[kept.reshape(-1)], rows[kept], columns[kept])


def _lower_hull(points: _Chains) -> _Chains:
    """Drop points until every chain is convex towards small columns.

    A point on or right of the line between two other points of its chain is no corner of the hull,
    whichever two they are. So all such points can go at once, and what is left when none goes is
    the hull. Chains in which nothing was dropped are finished and set aside.
    """
    done: list[_Chains] = []
    while len(points.chain):
        drop = _is_no_corner(points)
        if not drop.any():
            done.append(points)
            break
        changing = np.zeros(int(points.chain[-1]) + 1, dtype=bool)
        changing[points.chain[drop]] = True
        active = changing[points.chain]
        done.append(points.take(~active))
        points = points.take(active & ~drop)
    chain = np.concatenate([part.chain for part in done])
    order = np.argsort(chain, kind="stable")
    return _Chains(
        chain[order],
        np.concatenate([part.row for part in done])[order],
        np.concatenate([part.column for part in done])[order],
    )


def _is_no_corner(points: _Chains) -> NDArray[np.bool_]:
    """Whether a point lies on or right of the line between its two neighbours in the chain."""
    chain, row, column = points.chain, points.row, points.column
    drop = np.zeros(len(chain), dtype=bool)
    row_step, column_step = np.diff(row), np.diff(column)
    turn = column_step[1:] * row_step[:-1] - column_step[:-1] * row_step[1:]
    drop[1:-1] = (turn <= 0) & (chain[2:] == chain[:-2])
    return drop


def _sum_of_bounds(hull: _Chains, *, n_chains: int) -> NDArray[np.int64]:
    """Sum, over the pixel rows of each chain, of the first column whose centre is inside."""
    same = hull.chain[1:] == hull.chain[:-1]
    edge = np.flatnonzero(same)
    chain, row, column = hull.chain[edge], hull.row[edge], hull.column[edge]
    row_step = hull.row[edge + 1] - row
    column_step = hull.column[edge + 1] - column
    first = row + row % 2  # pixel rows are the even ones
    count = np.maximum((row + row_step - first + 1) // 2, 0)
    total = np.zeros(n_chains, dtype=np.int64)
    ends = np.cumsum(count)
    low = 0
    while low < len(edge):  # in portions, as objects scattered over the image have very many rows
        done = ends[low - 1] if low else 0
        high = max(int(np.searchsorted(ends, done + _ROWS_AT_ONCE, side="right")), low + 1)
        part = slice(low, high)
        many = count[part]
        nth = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        advance = np.repeat(first[part] - row[part], many) + 2 * nth
        run = np.repeat(row_step[part], many)
        numerator = np.repeat(column[part], many) * run + np.repeat(column_step[part], many) * advance
        bound = -(-numerator // (2 * run))
        # whole numbers far below 2⁵³, so that the float sums of bincount are exact
        sums = np.bincount(np.repeat(chain[part], many), weights=bound, minlength=n_chains)
        total += np.rint(sums).astype(np.int64)
        low = high
    return total
