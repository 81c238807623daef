"""Which objects of two label images overlap, and by how many pixels, in one pass.

The images are read in blocks. In a block, pixels are grouped into runs in which neither image changes
(a row through an object is a few runs instead of dozens of pixels), runs are added up by their pair of
labels, and blocks are merged. So the cost is that of comparing neighbouring pixels, and the memory that
of a block plus the pairs found, never that of a table of all references by all predictions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.labels import check_labels, check_same_shape
from veriscope.errors import PixelValueError

__all__ = ["Contingency", "contingency"]

IntArray = NDArray[np.int64]

_BLOCK = 1 << 17  # pixels per block: its temporaries (a few MB) stay in the processor's cache
_LOOKUP = 1 << 20  # labels below this are renumbered through a table (4 MB), larger ones by sorting
_DENSE = 1 << 19  # largest table of local labels by local labels that is counted without sorting
_PENDING = 1 << 18  # pairs of blocks kept before they are merged


@dataclass(frozen=True, slots=True, eq=False)
class Contingency:
    """Overlaps of the objects of two label images, as a sparse table.

    Parameters
    ----------
    reference_ids, prediction_ids
        Labels of the objects of each image, ascending, without 0.
    reference_areas, prediction_areas
        Number of pixels of each object, in the order of the labels.
    pairs
        Shape (n, 2): positions in `reference_ids` and `prediction_ids` of the objects that share at
        least one pixel, sorted.
    overlaps
        Shape (n,): number of pixels that each pair shares.
    n_pixels
        Number of pixels of each image.
    """

    reference_ids: IntArray
    prediction_ids: IntArray
    reference_areas: IntArray
    prediction_areas: IntArray
    pairs: IntArray
    overlaps: IntArray
    n_pixels: int

    @property
    def n_reference(self) -> int:
        """Number of objects of the reference."""
        return len(self.reference_ids)

    @property
    def n_prediction(self) -> int:
        """Number of objects of the prediction."""
        return len(self.prediction_ids)

    @property
    def ious(self) -> NDArray[np.float64]:
        """Intersection over union of each pair, above 0 and up to 1, shape (n,)."""
        areas = self.reference_areas[self.pairs[:, 0]] + self.prediction_areas[self.pairs[:, 1]]
        quotient: NDArray[np.float64] = self.overlaps / (areas - self.overlaps)
        return quotient


def contingency(reference: NDArray[Any], prediction: NDArray[Any], *, where: str = "") -> Contingency:
    """Count the pixels that each object of the reference shares with each object of the prediction.

    Parameters
    ----------
    reference, prediction
        Label images of the same shape, of any number of dimensions and any memory layout; integer
        types may differ, labels may have gaps and go up to 2**63 - 1. They are not changed.
    where
        Names the pair, for messages.

    Returns
    -------
    Contingency
        The sparse table; without objects its arrays are empty.

    Raises
    ------
    ShapeMismatchError
        If the shapes differ.
    PixelValueError
        If an image is a mask or has negative, fractional or non-finite values.

    Notes
    -----
    Memory beyond the two images is bounded by the block size and the number of pairs (below 50 MB for
    50,000 objects); see ``benchmarks/speed/matching.py``.
    """
    check_same_shape(reference, prediction, where=where)
    prefix = f"{where}: " if where else ""
    blocks = _Blocks(f"{prefix}the reference", f"{prefix}the prediction")
    for reference_block, prediction_block in _split(reference, prediction):
        blocks.add(reference_block, prediction_block)
    return _table(*blocks.merged(), n_pixels=reference.size)


def _split(reference: NDArray[Any], prediction: NDArray[Any]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Cut both images into the same flat pieces of about `_BLOCK` pixels, copying no more than a piece."""
    if reference.flags.c_contiguous and prediction.flags.c_contiguous:
        reference, prediction = reference.reshape(-1), prediction.reshape(-1)
    elif reference.flags.f_contiguous and prediction.flags.f_contiguous:
        reference, prediction = reference.T.reshape(-1), prediction.T.reshape(-1)
    if reference.size == 0:
        return
    if reference.ndim == 0:
        yield reference.reshape(1), prediction.reshape(1)
        return
    per_row = prod(reference.shape[1:])
    if per_row > _BLOCK:
        for reference_row, prediction_row in zip(reference, prediction, strict=True):
            yield from _split(reference_row, prediction_row)
        return
    step = max(1, _BLOCK // per_row)
    for start in range(0, len(reference), step):
        yield reference[start : start + step].reshape(-1), prediction[start : start + step].reshape(-1)


class _Ranks:
    """Renumbers the labels of a block 0, 1, … in time proportional to the number of runs."""

    def __init__(self) -> None:
        self._lookup = np.empty(0, dtype=np.int32)

    def __call__(self, labels: IntArray) -> tuple[IntArray, NDArray[Any]]:
        """Give the labels that occur and, for each run, the position of its label among them."""
        top = int(labels.max())
        if top >= _LOOKUP:
            ids, ranks = np.unique(labels, return_inverse=True)
            return ids, ranks
        if top >= len(self._lookup):
            self._lookup = np.empty(min(_LOOKUP, max(1024, 2 * (top + 1))), dtype=np.int32)
        positions = np.arange(len(labels), dtype=np.int32)
        self._lookup[labels] = positions
        ids = labels[self._lookup[labels] == positions]  # one run speaks for each label
        self._lookup[ids] = np.arange(len(ids), dtype=np.int32)
        return ids, self._lookup[labels]


class _Blocks:
    """Adds up the pairs of labels of one block after another; label 0 counts as an object here."""

    def __init__(self, reference_name: str, prediction_name: str) -> None:
        self._names = (reference_name, prediction_name)
        self._ranks = (_Ranks(), _Ranks())
        self._parts: list[tuple[IntArray, IntArray, IntArray]] = []
        self._pending = 0
        self._limit = _PENDING

    def add(self, reference: NDArray[Any], prediction: NDArray[Any]) -> None:
        """Count one block; both arrays are flat and of the same length, above 0."""
        reference = _checked(reference, self._names[0])
        prediction = _checked(prediction, self._names[1])
        changes = reference[1:] != reference[:-1]
        changes |= prediction[1:] != prediction[:-1]
        starts = np.flatnonzero(changes)
        starts += 1
        starts = np.concatenate(([0], starts))
        lengths = np.diff(starts, append=len(reference))
        ids, ranks = zip(
            *(
                rank(_run_labels(image, starts, name))
                for image, rank, name in zip((reference, prediction), self._ranks, self._names, strict=True)
            ),
            strict=True,
        )
        part = _add_up(ids, ranks, lengths)
        self._parts.append(part)
        self._pending += len(part[2])
        if self._pending > self._limit:
            self._parts = [self.merged()]
            self._pending = len(self._parts[0][2])
            self._limit = max(_PENDING, 2 * self._pending)

    def merged(self) -> tuple[IntArray, IntArray, IntArray]:
        """Give label of the reference, of the prediction, and number of pixels of each pair, sorted."""
        if not self._parts:
            empty = np.empty(0, dtype=np.int64)
            return empty, empty, empty
        reference, prediction, pixels = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        order = np.lexsort((prediction, reference))
        reference, prediction, pixels = reference[order], prediction[order], pixels[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (reference[1:] != reference[:-1]) | (prediction[1:] != prediction[:-1])
        starts = np.flatnonzero(first)
        return reference[starts], prediction[starts], np.add.reduceat(pixels, starts)


def _checked(block: NDArray[Any], name: str) -> NDArray[Any]:
    """Give integers; the sign is looked at later, on the runs."""
    return block if block.dtype.kind in "iu" else check_labels(block, where=name)


def _run_labels(image: NDArray[Any], starts: NDArray[np.intp], name: str) -> IntArray:
    labels = image[starts].astype(np.int64)
    if image.dtype.kind == "i" or image.dtype.itemsize == 8:
        if labels.min() >= 0:
            return labels
        check_labels(image, where=name)
        raise PixelValueError(f"{name}: has labels above {np.iinfo(np.int64).max}; renumber the objects")
    return labels


def _add_up(
    ids: tuple[IntArray, ...], ranks: tuple[NDArray[Any], ...], lengths: NDArray[np.intp]
) -> tuple[IntArray, IntArray, IntArray]:
    """Sum the lengths of the runs of each pair of labels of a block."""
    n_columns = len(ids[1])
    keys = ranks[0].astype(np.int64)
    keys *= n_columns
    keys += ranks[1]
    if len(ids[0]) * n_columns <= _DENSE:
        table = np.bincount(keys, weights=lengths)  # float64 holds whole numbers exactly up to 2**53
        found = np.flatnonzero(table)
        pixels = table[found].astype(np.int64)
    else:
        order = np.argsort(keys)
        keys, lengths = keys[order], lengths[order]
        starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
        found, pixels = keys[starts], np.add.reduceat(lengths, starts).astype(np.int64)
    rows, columns = np.divmod(found, n_columns)
    return ids[0][rows], ids[1][columns], pixels


def _table(reference: IntArray, prediction: IntArray, pixels: IntArray, *, n_pixels: int) -> Contingency:
    """Split the pairs, background included, into objects, their areas, and their overlaps."""
    reference_ids, rows = np.unique(reference, return_inverse=True)
    prediction_ids, columns = np.unique(prediction, return_inverse=True)
    reference_areas = np.bincount(rows, weights=pixels, minlength=len(reference_ids)).astype(np.int64)
    prediction_areas = np.bincount(columns, weights=pixels, minlength=len(prediction_ids)).astype(np.int64)
    skip_reference = int(len(reference_ids) > 0 and reference_ids[0] == 0)
    skip_prediction = int(len(prediction_ids) > 0 and prediction_ids[0] == 0)
    objects = (reference > 0) & (prediction > 0)
    pairs = np.stack([rows[objects] - skip_reference, columns[objects] - skip_prediction], axis=1)
    return Contingency(
        reference_ids=reference_ids[skip_reference:],
        prediction_ids=prediction_ids[skip_prediction:],
        reference_areas=reference_areas[skip_reference:],
        prediction_areas=prediction_areas[skip_prediction:],
        pairs=pairs.astype(np.int64),
        overlaps=pixels[objects],
        n_pixels=n_pixels,
    )
