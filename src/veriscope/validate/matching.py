"""Which predicted object stands for which reference object, at an IoU threshold.

A pair may match if its IoU is **at or above** the threshold; every object is matched at most once; of
all ways to match, one with the most pairs and, among these, the largest sum of IoU is taken. Above an
IoU of 0.5 an object has at most one candidate, so there is nothing to choose. At 0.5 and below a choice
exists: it is made by optimal assignment within each connected group of candidates, so no table of all
references by all predictions is ever made. Where several choices are equally good (two halves of one
object, both with IoU 0.5), the counts and the sum of IoU are the same for all of them; which pair is
reported is then arbitrary but repeatable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

from veriscope.errors import InputError
from veriscope.validate.contingency import Contingency

__all__ = ["Matching", "OneToOne", "best_pairs", "check_threshold", "match"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

_LARGE_GROUP = 250_000  # cells; a larger group of candidates is assigned by a sparse method


@dataclass(frozen=True, slots=True, eq=False)
class OneToOne:
    """Matched and unmatched objects of one image, each in at most one match.

    Parameters
    ----------
    pairs
        Shape (n, 2): the reference and the predicted object of each match (true positives).
    missed
        Reference objects without a match (false negatives), ascending.
    invented
        Predicted objects without a match (false positives), ascending.
    """

    pairs: IntArray
    missed: IntArray
    invented: IntArray

    @property
    def tp(self) -> int:
        """Number of matches."""
        return len(self.pairs)

    @property
    def fp(self) -> int:
        """Number of predicted objects without a match."""
        return len(self.invented)

    @property
    def fn(self) -> int:
        """Number of reference objects without a match."""
        return len(self.missed)


@dataclass(frozen=True, slots=True, eq=False)
class Matching(OneToOne):
    """The objects of a pair of label images, matched at an IoU threshold; all objects by their label.

    Parameters
    ----------
    pairs, missed, invented
        As in `OneToOne`.
    threshold
        Smallest IoU of a match, above 0, at most 1.
    ious
        Shape (n,): IoU of each match.
    """

    threshold: float
    ious: FloatArray

    @property
    def sum_iou(self) -> float:
        """Sum of the IoU of the matches."""
        return float(self.ious.sum())


def match(table: Contingency, *, threshold: float = 0.5) -> Matching:
    """Match the objects of two label images one to one.

    Parameters
    ----------
    table
        Overlaps of the two images.
    threshold
        Smallest IoU of a match, above 0, at most 1. IoU equal to the threshold is a match.

    Returns
    -------
    Matching
        Matches and unmatched objects, by label. Empty images give empty arrays.

    Raises
    ------
    InputError
        If the threshold is not above 0 and at most 1.
    """
    check_threshold(threshold)
    ious = table.ious
    candidates = np.flatnonzero(ious >= threshold)
    kept = candidates[best_pairs(table.pairs[candidates], ious[candidates])]
    rows, columns = table.pairs[kept].T
    return Matching(
        threshold=float(threshold),
        pairs=np.stack([table.reference_ids[rows], table.prediction_ids[columns]], axis=1),
        ious=ious[kept],
        missed=np.delete(table.reference_ids, rows),
        invented=np.delete(table.prediction_ids, columns),
    )


def match_counts(table: Contingency, *, thresholds: Sequence[float]) -> list[tuple[int, int, int, float]]:
    """Count the matches at several thresholds, as `match` does, without saying which objects they are.

    Parameters
    ----------
    table
        Overlaps of the two images.
    thresholds
        Smallest IoU of a match, each above 0, at most 1.

    Returns
    -------
    list of tuple
        For each threshold: matches, predicted objects without a match, reference objects without a match,
        sum of the IoU of the matches.

    Raises
    ------
    InputError
        If a threshold is not above 0 and at most 1.
    """
    ious = table.ious
    counts = []
    for threshold in thresholds:
        check_threshold(threshold)
        if threshold > 0.5:  # no object has two candidates, so there is nothing to choose
            kept = ious[ious >= threshold]
        else:
            kept = match(table, threshold=threshold).ious
        tp = len(kept)
        counts.append((tp, table.n_prediction - tp, table.n_reference - tp, float(kept.sum())))
    return counts


def check_threshold(threshold: float) -> None:
    """Refuse an IoU threshold that makes no sense.

    Parameters
    ----------
    threshold
        The threshold given.

    Raises
    ------
    InputError
        If it is not above 0 and at most 1.
    """
    if not 0 < threshold <= 1:
        raise InputError(f"IoU threshold {threshold!r} is not allowed; use a number above 0 and at most 1")


def best_pairs(pairs: IntArray, ious: FloatArray) -> NDArray[np.intp]:
    """Choose one to one: most pairs first, then the largest sum of IoU.

    Parameters
    ----------
    pairs
        Shape (n, 2): positions of the reference and of the predicted object of each candidate.
    ious
        Shape (n,): IoU of each candidate, or anything else from 0 to 1 that is better if higher.

    Returns
    -------
    numpy.ndarray
        Positions of the candidates that become matches, ascending.
    """
    if not len(pairs):
        return np.empty(0, dtype=np.intp)
    rows, columns = pairs.T
    contested = (np.bincount(rows)[rows] > 1) | (np.bincount(columns)[columns] > 1)
    chosen = [np.flatnonzero(~contested)]
    groups = _groups(pairs, np.flatnonzero(contested))
    chosen.extend(group[_assign(pairs[group], ious[group])] for group in groups)
    return np.sort(np.concatenate(chosen))


def _groups(pairs: IntArray, edges: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Give the contested candidates in groups that share no object with one another."""
    if not len(edges):
        return
    rows = np.unique(pairs[edges, 0], return_inverse=True)[1]
    columns = np.unique(pairs[edges, 1], return_inverse=True)[1] + rows.max() + 1
    n_nodes = int(columns.max()) + 1
    graph = coo_array((np.ones(len(edges), dtype=np.int8), (rows, columns)), shape=(n_nodes, n_nodes))
    group_of_edge = connected_components(graph, directed=False)[1][rows]
    order = np.argsort(group_of_edge, kind="stable")
    borders = np.flatnonzero(np.diff(group_of_edge[order])) + 1
    yield from np.split(edges[order], borders)


def _assign(pairs: IntArray, ious: FloatArray) -> NDArray[np.intp]:
    """Choose within one group: most matches first, then the largest sum of IoU."""
    row_ids, rows = np.unique(pairs[:, 0], return_inverse=True)
    column_ids, columns = np.unique(pairs[:, 1], return_inverse=True)
    shape = (len(row_ids), len(column_ids))
    # One match more outweighs any difference in the sum of IoU, which is at most min(shape).
    gains = ious + min(shape) + 1
    if shape[0] * shape[1] > _LARGE_GROUP:
        return _assign_sparse(rows, columns, gains, shape)
    table = np.zeros(shape)
    table[rows, columns] = gains
    edge = np.full(shape, -1, dtype=np.intp)
    edge[rows, columns] = np.arange(len(pairs))
    found: NDArray[np.intp] = edge[linear_sum_assignment(table, maximize=True)]
    return found[found >= 0]


def _assign_sparse(
    rows: NDArray[np.intp], columns: NDArray[np.intp], gains: FloatArray, shape: tuple[int, int]
) -> NDArray[np.intp]:
    """Assign without a dense table; every row also has a column of its own that means "no match"."""
    n_rows, n_columns = shape
    own = np.arange(n_rows)
    # A full matching always exists so; "no match" gains 1 and not 0, which a sparse table would drop.
    graph = coo_array(
        (
            np.concatenate([gains + 1, np.ones(n_rows)]),
            (np.concatenate([rows, own]), np.concatenate([columns, n_columns + own])),
        ),
        shape=(n_rows, n_columns + n_rows),
    ).tocsr()
    matched_rows, matched_columns = min_weight_full_bipartite_matching(graph, maximize=True)
    real = matched_columns < n_columns
    taken = matched_rows[real].astype(np.int64) * n_columns + matched_columns[real]
    return np.flatnonzero(np.isin(rows.astype(np.int64) * n_columns + columns, taken))
