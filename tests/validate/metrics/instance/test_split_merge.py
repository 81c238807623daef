"""Splits and merges of objects that are cut, joined, or both."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate.contingency import contingency
from veriscope.validate.metrics.instance.split_merge import KINDS, Group, SplitMerge, find_splits_and_merges

Labels = NDArray[Any]


def found(reference: list[int], prediction: list[int]) -> SplitMerge:
    return find_splits_and_merges(contingency(np.array(reference), np.array(prediction)))


def counts(result: SplitMerge) -> dict[str, int]:
    return {kind: result.count(kind) for kind in KINDS if result.count(kind)}


def test_one_object_cut_into_three() -> None:
    result = found([7] * 9, [1, 1, 1, 2, 2, 2, 5, 5, 5])
    assert counts(result) == {"split": 1}
    assert result.groups("split") == (Group((7,), (1, 2, 5)),)
    assert result.count_references("split") == 1


def test_three_objects_taken_for_one() -> None:
    result = found([1, 1, 1, 2, 2, 2, 5, 5, 5], [7] * 9)
    assert counts(result) == {"merged": 1}
    assert result.groups("merged") == (Group((1, 2, 5), (7,)),)
    assert result.count_references("merged") == 3


def test_both_at_once() -> None:
    # 10 is cut into 1 and 2, and 2 also covers 20.
    result = found([10] * 8 + [20] * 2, [1] * 4 + [2] * 6)
    assert counts(result) == {"tangled": 1}
    assert result.groups("tangled") == (Group((10, 20), (1, 2)),)
    assert result.count_references("tangled") == 2


def test_one_to_one_missed_and_invented() -> None:
    result = found([1, 1, 1, 0, 2, 2, 0, 0], [4, 4, 0, 0, 0, 0, 0, 9])
    assert counts(result) == {"one-to-one": 1, "missed": 1, "invented": 1}
    assert result.groups("missed") == (Group((2,), ()),)
    assert result.groups("invented") == (Group((), (9,)),)


def test_half_is_not_enough() -> None:
    # Neither object has more than half of its pixels in the other.
    assert counts(found([1, 1, 0], [0, 4, 4])) == {"missed": 1, "invented": 1}
    assert counts(found([1, 1, 1, 0], [0, 4, 4, 4])) == {"one-to-one": 1}


def test_a_neighbour_outlined_too_large_is_no_merge() -> None:
    # The prediction of 1 reaches over 4 of the 10 pixels of 2: IoU with 2 is 4/20, above 0.1.
    result = found([1] * 10 + [2] * 10, [5] * 14 + [6] * 6)
    assert counts(result) == {"one-to-one": 2}


def test_a_fragment_inside_counts_however_small() -> None:
    assert counts(found([1] * 20, [3] * 19 + [4])) == {"split": 1}


def test_objects_without_background_and_empty_images() -> None:
    assert counts(found([1, 1, 2, 2], [1, 1, 2, 2])) == {"one-to-one": 2}
    assert counts(found([0, 0], [0, 0])) == {}
    assert counts(found([0, 0], [3, 4])) == {"invented": 2}
    assert counts(found([3, 4], [0, 0])) == {"missed": 2}
    assert found([0, 0], [0, 0]).groups("split") == ()


def test_touching_disks_joined_by_connected_components() -> None:
    touching = disks(4, spacing=12, radius=6)
    result = find_splits_and_merges(contingency(touching, (touching > 0).astype(int)))
    assert counts(result) == {"merged": 1}
    assert result.count_references("merged") == 16


def test_result_is_json() -> None:
    result = json.loads(json.dumps(found([7] * 4 + [8], [1, 1, 2, 2, 0]).to_dict()))
    assert result["split"] == [{"references": [7], "predictions": [1, 2]}]
    assert result["counts"]["missed"] == 1


@given(label_pairs())
@settings(max_examples=100, deadline=None)
def test_every_object_is_in_one_group_and_swapping_swaps_splits_and_merges(
    pair: tuple[Labels, Labels],
) -> None:
    forth = find_splits_and_merges(contingency(*pair))
    back = find_splits_and_merges(contingency(*pair[::-1]))
    names = {"split": "merged", "merged": "split", "missed": "invented", "invented": "missed"}
    assert {names.get(kind, kind): number for kind, number in counts(forth).items()} == counts(back)
    groups = [group for kind in KINDS for group in forth.groups(kind)]
    for image, field in zip(pair, ("references", "predictions"), strict=True):
        members = sorted(label for group in groups for label in getattr(group, field))
        assert members == [label for label in np.unique(image).tolist() if label]


@given(label_pairs(), st.permutations(range(1, 5)))
@settings(max_examples=100, deadline=None)
def test_relabelling_flips_and_axis_swaps_change_nothing(
    pair: tuple[Labels, Labels], order: list[int]
) -> None:
    new_labels = np.array([0, *(1_000_003 * label for label in order)])
    plain = find_splits_and_merges(contingency(*pair))
    changed = find_splits_and_merges(contingency(new_labels[pair[0]].T, pair[1].T))
    assert counts(plain) == counts(changed)
    assert counts(plain) == counts(find_splits_and_merges(contingency(pair[0][::-1], pair[1][::-1])))


@given(label_pairs(n_labels=3), st.integers(0, 200))
@settings(max_examples=100, deadline=None)
def test_adding_a_false_object_never_helps(pair: tuple[Labels, Labels], seed: int) -> None:
    reference, prediction = pair
    free = (prediction == 0) & (np.random.default_rng(seed).random(prediction.shape) < 0.5)
    before = find_splits_and_merges(contingency(reference, prediction))
    after = find_splits_and_merges(contingency(reference, np.where(free, 100, prediction)))

    def wrong(result: SplitMerge) -> int:
        return sum(result.count_references(kind) for kind in ("split", "merged", "tangled"))

    assert wrong(after) >= wrong(before)


def test_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="tuple"):
        found([1], [1]).count("broken")  # type: ignore[arg-type]
