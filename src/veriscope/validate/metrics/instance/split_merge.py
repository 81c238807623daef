"""Which objects were split, which were merged.

An object **lies in** an object of the other image if more than half of its pixels do. So it lies in one
object at most, and no threshold is to be chosen. Objects that lie in one another, in either direction, form
groups; every object is in exactly one of them:

==============  ==========  ==========  ==========================================================
kind            references  predicted   meaning
==============  ==========  ==========  ==========================================================
``one-to-one``  1           1           found
``split``       1           2 or more   one object was cut into several
``merged``      2 or more   1           several objects were taken for one
``tangled``     2 or more   2 or more   both at once
``missed``      1           0           no object found here
``invented``    0           1           no object to find here
==============  ==========  ==========  ==========================================================

More than half is the criterion of detection of the Cell Tracking Challenge [1]_; it is used in both
directions here, so that swapping the images swaps splits and merges. Others let every pair with an IoU above
0.1 count [2]_, which calls two neighbours merged when one of them is outlined too large. A fragment counts
however small it is, if it lies in the object.

References
----------
.. [1] Matula P, Maška M, Sorokin DV, Matula P, Ortiz-de-Solórzano C, Kozubek M. Cell tracking accuracy
   measurement based on comparison of acyclic oriented graphs. PLoS ONE 10 (2015).
.. [2] Caicedo JC et al. Evaluation of deep learning strategies for nucleus segmentation in fluorescence
   images. Cytometry A 95 (2019), and the code that goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from veriscope.validate.contingency import Contingency
from veriscope.validate.metrics.base import Counts, FloatArray, Metric, ratio

__all__ = [
    "KINDS",
    "MERGE_RATE",
    "SPLIT_MERGE",
    "SPLIT_RATE",
    "Group",
    "Kind",
    "SplitMerge",
    "find_splits_and_merges",
    "merge_rate",
    "split_merge",
    "split_rate",
]

IntArray = NDArray[np.int64]
Kind = Literal["one-to-one", "split", "merged", "tangled", "missed", "invented"]
KINDS: tuple[Kind, ...] = ("one-to-one", "split", "merged", "tangled", "missed", "invented")
"""What a group of objects can be."""


@dataclass(frozen=True, slots=True)
class Group:
    """Objects of two images that lie in one another.

    Parameters
    ----------
    references, predictions
        Labels, ascending.
    """

    references: tuple[int, ...]
    predictions: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SplitMerge:
    """Splits and merges of one pair of label images.

    Parameters
    ----------
    reference_ids, prediction_ids
        Labels of the objects of each image, ascending.
    reference_groups, prediction_groups
        Number of the group of each object, in the order of the labels.
    kinds
        For each group, the position of its kind in `KINDS`.
    """

    reference_ids: IntArray
    prediction_ids: IntArray
    reference_groups: IntArray
    prediction_groups: IntArray
    kinds: IntArray

    def count(self, kind: Kind) -> int:
        """Give the number of groups of a kind.

        Parameters
        ----------
        kind
            One of `KINDS`; ``"split"`` counts the objects that were split, ``"merged"`` the predicted
            objects that merge.

        Returns
        -------
        int
            Number of groups.
        """
        return int(np.count_nonzero(self.kinds == KINDS.index(kind)))

    def count_references(self, kind: Kind) -> int:
        """Give the number of reference objects in groups of a kind.

        Parameters
        ----------
        kind
            One of `KINDS`.

        Returns
        -------
        int
            Number of reference objects.
        """
        return int(np.count_nonzero(self.kinds[self.reference_groups] == KINDS.index(kind)))

    def groups(self, kind: Kind) -> tuple[Group, ...]:
        """List the groups of a kind, so that a viewer can show them.

        Parameters
        ----------
        kind
            One of `KINDS`.

        Returns
        -------
        tuple of Group
            Labels of the objects of each group.
        """
        wanted = np.flatnonzero(self.kinds == KINDS.index(kind))
        references = _labels_of(wanted, self.reference_groups, self.reference_ids)
        predictions = _labels_of(wanted, self.prediction_groups, self.prediction_ids)
        return tuple(Group(*labels) for labels in zip(references, predictions, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            ``counts``: number of groups of each kind; ``split``, ``merged``, ``tangled``: their labels.
        """
        shown: tuple[Kind, ...] = ("split", "merged", "tangled")
        return {"counts": {kind: self.count(kind) for kind in KINDS}} | {
            kind: [
                {"references": list(group.references), "predictions": list(group.predictions)}
                for group in self.groups(kind)
            ]
            for kind in shown
        }


def _labels_of(wanted: NDArray[np.intp], groups: IntArray, ids: IntArray) -> Iterator[tuple[int, ...]]:
    """Give the labels of the objects of each wanted group."""
    members = np.flatnonzero(np.isin(groups, wanted))
    order = members[np.argsort(groups[members], kind="stable")]
    borders = np.searchsorted(groups[order], wanted[1:])
    parts = np.split(ids[order], borders) if len(wanted) else []
    return (tuple(part.tolist()) for part in parts)


def find_splits_and_merges(table: Contingency) -> SplitMerge:
    """Group the objects of two images that lie in one another.

    Parameters
    ----------
    table
        Overlaps of the two images.

    Returns
    -------
    SplitMerge
        Every object in exactly one group; empty images give no group.
    """
    rows, columns = table.pairs.T
    twice = 2 * table.overlaps
    inside = (twice > table.reference_areas[rows]) | (twice > table.prediction_areas[columns])
    n_reference, n_objects = table.n_reference, table.n_reference + table.n_prediction
    edges = (rows[inside], columns[inside] + n_reference)
    graph = coo_array((np.ones(len(edges[0]), dtype=np.int8), edges), shape=(n_objects, n_objects))
    n_groups, groups = connected_components(graph, directed=False) if n_objects else (0, np.empty(0))
    group_of: IntArray = np.asarray(groups, dtype=np.int64)
    of_reference, of_prediction = group_of[:n_reference], group_of[n_reference:]
    return SplitMerge(
        reference_ids=table.reference_ids,
        prediction_ids=table.prediction_ids,
        reference_groups=of_reference,
        prediction_groups=of_prediction,
        kinds=_kinds(
            np.bincount(of_reference, minlength=n_groups), np.bincount(of_prediction, minlength=n_groups)
        ),
    )


def _kinds(references: NDArray[np.intp], predictions: NDArray[np.intp]) -> IntArray:
    """Name groups by how many objects of each image they hold."""
    kinds = np.full(len(references), KINDS.index("one-to-one"), dtype=np.int64)
    kinds[predictions > 1] = KINDS.index("split")
    kinds[references > 1] = KINDS.index("merged")
    kinds[(references > 1) & (predictions > 1)] = KINDS.index("tangled")
    kinds[predictions == 0] = KINDS.index("missed")
    kinds[references == 0] = KINDS.index("invented")
    return kinds


def split_rate(counts: Counts) -> FloatArray:
    """Share of the reference objects that were split into several.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        0 to 1, lower is better. NaN if the reference has no object. Objects that are split and merged at
        once are in `split_merge` only.
    """
    return ratio(counts.split, counts.n_reference)


def merge_rate(counts: Counts) -> FloatArray:
    """Share of the reference objects that were merged with others.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        0 to 1, lower is better. NaN if the reference has no object. Objects that are split and merged at
        once are in `split_merge` only.
    """
    return ratio(counts.merged, counts.n_reference)


def split_merge(counts: Counts) -> FloatArray:
    """Share of the reference objects that were split, merged, or both.

    Parameters
    ----------
    counts
        Sums over one or more images.

    Returns
    -------
    numpy.ndarray
        0 to 1, lower is better. NaN if the reference has no object. A missed object is neither split nor
        merged, so read it beside `recall`.
    """
    return ratio(counts.split + counts.merged + counts.tangled, counts.n_reference)


SPLIT_MERGE = Metric(
    "split_merge",
    "reference objects split, merged or both / reference objects",
    split_merge,
    sizes=lambda counts: counts.n_reference,
    best=0.0,
    empty="no reference object: undefined",
)
SPLIT_RATE = replace(
    SPLIT_MERGE,
    name="split_rate",
    formula="reference objects split / reference objects",
    function=split_rate,
)
MERGE_RATE = replace(
    SPLIT_MERGE,
    name="merge_rate",
    formula="reference objects merged / reference objects",
    function=merge_rate,
)
