"""What became of each object: its counterpart, how much the two overlap, and whether it was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from veriscope.validate.contingency import Contingency
from veriscope.validate.matching import Matching
from veriscope.validate.metrics.instance.split_merge import KINDS, SplitMerge

__all__ = ["STATUSES", "ObjectTable", "object_tables"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

STATUSES = ("matched", "unmatched", "split", "merged", "tangled")
"""What an object can be; an unmatched one is called missed in the reference, invented in the prediction."""

_UNMATCHED = STATUSES.index("unmatched")
_STATUS_OF_KIND = np.array([STATUSES.index(kind) if kind in STATUSES else _UNMATCHED for kind in KINDS])


@dataclass(frozen=True, slots=True, eq=False)
class ObjectTable:
    """The objects of one of two label images, one entry per object, in the order of their labels.

    Parameters
    ----------
    side
        ``"reference"`` or ``"prediction"``: the image whose objects these are.
    labels
        Label of each object, ascending.
    sizes
        Number of its pixels.
    statuses
        Position in `STATUSES`: split, merged or tangled if it is in such a group, else matched or not. An
        object that is split may have a match too, its largest piece.
    matches
        Label of the object of the other image that it is matched with; 0 if there is none.
    partners
        Label of its match, else of the object of the other image with the largest IoU (of several the one
        with the smallest label); 0 if none touches it.
    ious, dices
        IoU and Dice coefficient with the partner, 0 to 1; 0 without a partner.
    overlaps
        Share of its own pixels that the partner covers, 0 to 1.
    """

    side: str
    labels: IntArray
    sizes: IntArray
    statuses: IntArray
    matches: IntArray
    partners: IntArray
    ious: FloatArray
    dices: FloatArray
    overlaps: FloatArray

    def __len__(self) -> int:
        return len(self.labels)

    def status_names(self) -> list[str]:
        """Give the status of each object in words.

        Returns
        -------
        list of str
            ``"matched"``, ``"split"``, ``"merged"``, ``"tangled"``, and ``"missed"`` in the reference or
            ``"invented"`` in the prediction.
        """
        unmatched = "missed" if self.side == "reference" else "invented"
        names = [unmatched if name == "unmatched" else name for name in STATUSES]
        return [names[status] for status in self.statuses]

    def rows(self) -> list[dict[str, Any]]:
        """Give one row per object, for a table or JSON.

        Returns
        -------
        list of dict
            ``label``, ``size``, ``status``, ``match``, ``partner`` (None instead of 0), ``iou``, ``dice``,
            ``overlap``.
        """
        columns = {
            "label": self.labels.tolist(),
            "size": self.sizes.tolist(),
            "status": self.status_names(),
            "match": [label or None for label in self.matches.tolist()],
            "partner": [label or None for label in self.partners.tolist()],
            "iou": self.ious.tolist(),
            "dice": self.dices.tolist(),
            "overlap": self.overlaps.tolist(),
        }
        return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def object_tables(
    table: Contingency, matching: Matching, groups: SplitMerge
) -> tuple[ObjectTable, ObjectTable]:
    """Say for each object of both images what became of it.

    Parameters
    ----------
    table
        Overlaps of the two images.
    matching
        Its matches, at any threshold.
    groups
        Its splits and merges.

    Returns
    -------
    tuple
        The objects of the reference, and those of the prediction.
    """
    places = (
        np.searchsorted(table.reference_ids, matching.pairs[:, 0]),
        np.searchsorted(table.prediction_ids, matching.pairs[:, 1]),
    )
    keys = table.pairs[:, 0] * table.n_prediction + table.pairs[:, 1]
    matches = np.searchsorted(keys, places[0] * table.n_prediction + places[1])
    reference = _Side("reference", 0, table.reference_ids, table.reference_areas)
    prediction = _Side("prediction", 1, table.prediction_ids, table.prediction_areas)
    return (
        _table(table, reference, prediction, matches, groups.kinds[groups.reference_groups]),
        _table(table, prediction, reference, matches, groups.kinds[groups.prediction_groups]),
    )


class _Side(NamedTuple):
    """One of the two images: its name, its column in the pairs, labels and sizes of its objects."""

    name: str
    column: int
    ids: IntArray
    areas: IntArray


def _table(
    table: Contingency, this: _Side, other: _Side, matches: NDArray[np.intp], kinds: IntArray
) -> ObjectTable:
    """Describe the objects of one image; `matches` are positions of pairs."""
    own, others = table.pairs[:, this.column], table.pairs[:, other.column]
    ious = table.ious
    matched = np.zeros(len(this.ids), dtype=np.int64)
    matched[own[matches]] = other.ids[others[matches]]
    chosen = _largest(own, others, ious, len(this.ids))
    chosen[own[matches]] = matches
    touched = chosen >= 0
    pairs = chosen[touched]
    shared = table.overlaps[pairs]
    statuses = _STATUS_OF_KIND[kinds]
    statuses[(statuses == _UNMATCHED) & (matched > 0)] = STATUSES.index("matched")
    return ObjectTable(
        side=this.name,
        labels=this.ids,
        sizes=this.areas,
        statuses=statuses,
        matches=matched,
        partners=_spread(other.ids[others[pairs]], touched),
        ious=_spread(ious[pairs], touched),
        dices=_spread(2 * shared / (this.areas[touched] + other.areas[others[pairs]]), touched),
        overlaps=_spread(shared / this.areas[touched], touched),
    )


def _largest(own: IntArray, others: IntArray, ious: FloatArray, n_objects: int) -> IntArray:
    """Give for each object the position of its pair of the largest IoU; -1 if it has none."""
    order = np.lexsort((-others, ious, own))
    chosen = np.full(n_objects, -1, dtype=np.int64)
    chosen[own[order]] = order  # the last one written stays
    return chosen


def _spread(values: NDArray[Any], where: NDArray[np.bool_]) -> Any:
    """Put values where they belong, 0 elsewhere."""
    column = np.zeros(len(where), dtype=values.dtype)
    column[where] = values
    return column
