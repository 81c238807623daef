"""Sums over the overlaps of a whole image, for the metrics that a tile by itself cannot have."""

from __future__ import annotations

from dataclasses import dataclass

from veriscope.validate.contingency import Contingency
from veriscope.validate.metrics.instance.aggregated_jaccard import aji_sums
from veriscope.validate.metrics.instance.rand import are_sums
from veriscope.validate.metrics.instance.split_merge import SplitMerge, find_splits_and_merges
from veriscope.validate.metrics.instance.variation_of_information import vi_sums

__all__ = ["OverlapSums", "overlap_sums"]


@dataclass(frozen=True, slots=True)
class OverlapSums:
    """Sums that AJI, splits and merges, VI and ARE are computed from, as in `metrics.base.Counts`.

    Parameters
    ----------
    aji_intersection, aji_union, split, merged, tangled
        Of one image, as in `metrics.base.Counts`.
    foreground, split_entropy, merge_entropy, pairs_shared, pairs_reference, pairs_prediction
        The same.
    """

    aji_intersection: float
    aji_union: float
    split: int
    merged: int
    tangled: int
    foreground: int
    split_entropy: float
    merge_entropy: float
    pairs_shared: int
    pairs_reference: int
    pairs_prediction: int


def overlap_sums(table: Contingency, *, groups: SplitMerge | None = None) -> OverlapSums:
    """Add up what the overlaps of an image say.

    Parameters
    ----------
    table
        Overlaps of the two images.
    groups
        Splits and merges, if they have been found already.

    Returns
    -------
    OverlapSums
        All zero if neither image has an object.
    """
    groups = groups or find_splits_and_merges(table)
    return OverlapSums(
        *aji_sums(table),
        groups.count_references("split"),
        groups.count_references("merged"),
        groups.count_references("tangled"),
        int(table.reference_areas.sum()),
        *vi_sums(table),
        *are_sums(table),
    )
