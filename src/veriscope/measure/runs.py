"""Label image → horizontal runs: the compact form that all geometry is computed from.

A run is a stretch of equal labels in one image row. An object of 35 pixels across has about 35 runs
and 1,000 pixels, so that sums over runs, in closed form, are far cheaper than sums over pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK_PIXELS", "Runs", "find_runs", "flat_rows", "object_index", "row_blocks"]

BLOCK_PIXELS = 1 << 19
"""Pixels worked on at once: small enough for the processor's cache, large enough to hide Python."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of a label image in raster order.

    Parameters
    ----------
    ids
        Labels present, ascending, int64, shape (n,).
    index
        Position in `ids` of each run's label, shape (r,).
    row, start, length
        Row (rows of all planes counted through), first column and number of pixels of each run, int64.
    shape
        Shape of the label image, (y, x) or (z, y, x).
    """

    ids: NDArray[np.int64]
    index: NDArray[np.int64]
    row: NDArray[np.int64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    shape: tuple[int, ...]

    @property
    def n_objects(self) -> int:
        """Number of objects."""
        return len(self.ids)

    def total(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Sum values over the runs of each object.

        Parameters
        ----------
        values
            One number per run.

        Returns
        -------
        numpy.ndarray
            float64, shape (n,); exact for whole numbers below 2⁵³.
        """
        sums = np.bincount(self.index, weights=values, minlength=self.n_objects)
        return np.asarray(sums, dtype=np.float64)

    def along(self, axis: int) -> NDArray[np.int64]:
        """Give the coordinate of each run along an axis other than the last.

        Parameters
        ----------
        axis
            Position of the axis: 0, or in 3D 0 or 1.

        Returns
        -------
        numpy.ndarray
            int64, one per run.
        """
        if len(self.shape) == 2:
            return self.row
        return self.row // self.shape[1] if axis == 0 else self.row % self.shape[1]


def flat_rows(array: NDArray[Any]) -> NDArray[Any]:
    """Give an image as a list of rows, (rows, x); planes follow each other.

    Parameters
    ----------
    array
        (y, x) or (z, y, x).

    Returns
    -------
    numpy.ndarray
        A view where the memory layout allows it.
    """
    return array if array.ndim == 2 else array.reshape(-1, array.shape[-1])


def row_blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    """Cut an image into blocks of whole rows of about `BLOCK_PIXELS` pixels.

    Parameters
    ----------
    n_rows, n_columns
        Shape of the list of rows.

    Yields
    ------
    slice
        Rows of one block, in order; none for an image without rows.
    """
    step = max(1, BLOCK_PIXELS // max(n_columns, 1))
    for first in range(0, n_rows, step):
        yield slice(first, min(first + step, n_rows))


def find_runs(labels: NDArray[Any]) -> Runs:
    """Find the runs of all objects.

    Parameters
    ----------
    labels
        Checked label image, (y, x) or (z, y, x).

    Returns
    -------
    Runs
        In raster order; empty if there is no object.
    """
    if not labels.size:
        none = np.zeros(0, dtype=np.int64)
        return Runs(none, none, none, none, none, labels.shape)
    rows = flat_rows(labels)
    width = rows.shape[1]
    parts = [_block_runs(rows[block], block.start * width) for block in row_blocks(*rows.shape)]
    values, begin, length = (np.concatenate(column) for column in zip(*parts, strict=True))
    ids = _present(values)
    row, start = np.divmod(begin, width)
    return Runs(ids, object_index(ids, values), row, start, length, labels.shape)


def _block_runs(
    block: NDArray[Any], offset: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Label, flat position and length of each run of objects in a block of rows."""
    new = np.empty(block.shape, dtype=bool)
    new[:, :1] = True
    np.not_equal(block[:, 1:], block[:, :-1], out=new[:, 1:])
    begin = np.flatnonzero(new)
    values = block.reshape(-1)[begin]
    length = np.diff(begin, append=block.size)
    kept = values != 0
    return values[kept].astype(np.int64), begin[kept] + offset, length[kept]


def _present(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Distinct values, ascending; by a table where the labels are not far beyond the number of runs."""
    top = int(values.max()) if values.size else 0
    if top > max(8 * values.size, 1 << 20):
        return np.unique(values)
    seen = np.zeros(top + 1, dtype=bool)
    seen[values] = True
    return np.flatnonzero(seen)


def object_index(ids: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the position in `ids` of each value.

    Parameters
    ----------
    ids
        Labels present, ascending.
    values
        Labels, each one of `ids`.

    Returns
    -------
    numpy.ndarray
        int64, shape of `values`.
    """
    if not ids.size:
        return np.zeros(values.shape, dtype=np.int64)
    top = int(ids[-1])
    if top > max(8 * values.size, 1 << 20):
        return np.searchsorted(ids, values)
    lookup = np.zeros(top + 1, dtype=np.int64)
    lookup[ids] = np.arange(len(ids))
    return lookup[values]
