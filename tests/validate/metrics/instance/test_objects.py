"""What became of each object, against its definition object by object."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate.contingency import contingency
from veriscope.validate.matching import match
from veriscope.validate.metrics.instance.objects import STATUSES, ObjectTable, object_tables
from veriscope.validate.metrics.instance.split_merge import find_splits_and_merges

Image = NDArray[Any]


def tables(reference: Image, prediction: Image, *, threshold: float = 0.5) -> tuple[ObjectTable, ObjectTable]:
    table = contingency(reference, prediction)
    return object_tables(table, match(table, threshold=threshold), find_splits_and_merges(table))


def labels_of(image: Image) -> list[int]:
    return [int(label) for label in np.unique(image) if label]


def lies_in(one: Image, a: int, other: Image, b: int) -> bool:
    """Whether more than half of an object's pixels lie in another."""
    mask = one == a
    return 2 * int((mask & (other == b)).sum()) > int(mask.sum())


def groups(reference: Image, prediction: Image) -> dict[tuple[str, int], tuple[int, int]]:
    """For each object of either side, how many of each side its group holds."""
    nodes = [("r", a) for a in labels_of(reference)] + [("p", b) for b in labels_of(prediction)]
    joined = {node: {node} for node in nodes}
    for a in labels_of(reference):
        for b in labels_of(prediction):
            if lies_in(reference, a, prediction, b) or lies_in(prediction, b, reference, a):
                whole = joined["r", a] | joined["p", b]
                for node in whole:
                    joined[node] = whole
    return {
        node: (sum(side == "r" for side, _ in held), sum(side == "p" for side, _ in held))
        for node, held in joined.items()
    }


@settings(max_examples=100, deadline=None)
@given(pair=label_pairs(max_dims=2, max_side=6), threshold=st.sampled_from([0.1, 0.5, 0.8]))
def test_each_object_is_described_as_defined(pair: tuple[Image, Image], threshold: float) -> None:
    found = tables(*pair, threshold=threshold)
    matching = match(contingency(*pair), threshold=threshold)
    partner_of = (dict(matching.pairs.tolist()), {b: a for a, b in matching.pairs.tolist()})
    sizes = groups(*pair)
    for table, (own, other), key, partners in zip(found, (pair, pair[::-1]), "rp", partner_of, strict=True):
        assert table.labels.tolist() == labels_of(own)
        assert len(table) == len(labels_of(own)) == len(table.rows())
        for row in table.rows():
            mask = own == row["label"]
            assert row["size"] == mask.sum()
            assert row["match"] == partners.get(row["label"])
            overlaps = {b: int((mask & (other == b)).sum()) for b in labels_of(other)}
            ious = {b: n / int((mask | (other == b)).sum()) for b, n in overlaps.items() if n}
            best = row["match"] or (max(ious, key=lambda b: (ious[b], -b)) if ious else None)
            assert row["partner"] == best
            if best is None:
                assert (row["iou"], row["dice"], row["overlap"]) == (0, 0, 0)
            else:
                assert row["iou"] == pytest.approx(ious[best])
                assert row["dice"] == pytest.approx(2 * ious[best] / (1 + ious[best]))
                assert row["overlap"] == pytest.approx(overlaps[best] / mask.sum())
            n_own, n_other = sizes[key, row["label"]] if key == "r" else sizes[key, row["label"]][::-1]
            split, merged = n_other > 1, n_own > 1
            if split and merged:
                expected = "tangled"
            elif split or merged:
                in_reference = split if key == "r" else merged
                expected = "split" if in_reference else "merged"
            elif row["match"]:
                expected = "matched"
            else:
                expected = "missed" if key == "r" else "invented"
            assert row["status"] == expected


@settings(max_examples=40, deadline=None)
@given(pair=label_pairs(max_dims=3, max_side=5))
def test_the_two_tables_agree_on_matches(pair: tuple[Image, Image]) -> None:
    reference, prediction = tables(*pair)
    there = {(row["label"], row["match"]) for row in reference.rows() if row["match"]}
    back = {(row["match"], row["label"]) for row in prediction.rows() if row["match"]}
    assert there == back
    known = set(range(len(STATUSES)))
    assert set(reference.statuses.tolist()) <= known and set(prediction.statuses.tolist()) <= known


def test_perfect_objects_are_matched_with_themselves() -> None:
    for table in tables(disks(3), disks(3)):
        assert set(table.status_names()) == {"matched"}
        assert (table.matches == table.labels).all() and (table.partners == table.labels).all()
        assert (table.ious == 1).all() and (table.dices == 1).all() and (table.overlaps == 1).all()


def test_no_object_on_either_side_gives_empty_tables() -> None:
    nothing = np.zeros((4, 5), int)
    for table in tables(nothing, nothing):
        assert (len(table), table.rows(), table.status_names()) == (0, [], [])
    reference, prediction = tables(disks(2), np.zeros_like(disks(2)))
    assert set(reference.status_names()) == {"missed"}
    assert len(prediction) == 0
    assert all(row["match"] is row["partner"] is None for row in reference.rows())
