"""Sums over the overlaps of an image, from loops over its pixels."""

from __future__ import annotations

from collections import Counter
from math import log2
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate.contingency import contingency
from veriscope.validate.metrics.instance.split_merge import find_splits_and_merges
from veriscope.validate.overlap_sums import OverlapSums, overlap_sums

Image = NDArray[Any]


def segments(reference: Image, prediction: Image) -> list[tuple[int, int]]:
    """Both labels of each foreground pixel; the prediction's background is one more segment."""
    return [(int(r), int(p)) for r, p in zip(reference.ravel(), prediction.ravel(), strict=True) if r]


@settings(max_examples=120, deadline=None)
@given(pair=label_pairs(max_side=5))
def test_entropies_and_pairs_are_those_of_the_pixels(pair: tuple[Image, Image]) -> None:
    found = overlap_sums(contingency(*pair))
    both = Counter(segments(*pair))
    true, stated = Counter(r for r, _ in both.elements()), Counter(p for _, p in both.elements())
    assert found.foreground == both.total()
    assert found.split_entropy == pytest.approx(
        sum(n * log2(true[r] / n) for (r, _), n in both.items()), abs=1e-9
    )
    merges = sum(n * log2(stated[p] / n) for (_, p), n in both.items())
    assert found.merge_entropy == pytest.approx(merges, abs=1e-9)
    for value, counts in (
        (found.pairs_shared, both),
        (found.pairs_reference, true),
        (found.pairs_prediction, stated),
    ):
        assert value == sum(n * (n - 1) for n in counts.values())


@settings(max_examples=60, deadline=None)
@given(pair=label_pairs(max_side=5))
def test_ranges_and_relations(pair: tuple[Image, Image]) -> None:
    found = overlap_sums(contingency(*pair))
    assert 0 <= found.aji_intersection <= found.aji_union
    assert found.pairs_shared <= min(found.pairs_reference, found.pairs_prediction)
    assert found.split_entropy >= -1e-9 and found.merge_entropy >= -1e-9
    assert found.split + found.merged + found.tangled <= len(np.unique(pair[0][pair[0] > 0]))
    assert found == overlap_sums(contingency(*pair), groups=find_splits_and_merges(contingency(*pair)))


def test_identical_images_have_no_entropy_and_all_pairs() -> None:
    labels = disks(3)
    found = overlap_sums(contingency(labels, labels))
    assert (found.split_entropy, found.merge_entropy) == (0, 0)
    assert found.pairs_shared == found.pairs_reference == found.pairs_prediction > 0
    assert found.aji_intersection == found.aji_union == found.foreground == (labels > 0).sum()
    assert (found.split, found.merged, found.tangled) == (0, 0, 0)


def test_no_object_adds_nothing() -> None:
    nothing = np.zeros((3, 4), int)
    assert overlap_sums(contingency(nothing, nothing)) == OverlapSums(0.0, 0.0, 0, 0, 0, 0, 0.0, 0.0, 0, 0, 0)


@settings(max_examples=30, deadline=None)
@given(pair=label_pairs(max_dims=2, max_side=5))
def test_sums_of_images_side_by_side_are_the_sum_of_their_sums(pair: tuple[Image, Image]) -> None:
    """But for predictions that reach over, and the background, which both images share."""
    reference, prediction = (np.atleast_2d(image).astype(np.int64) for image in pair)
    prediction[prediction == 0] = 9  # no background, so that no segment is shared
    joined = [
        np.concatenate([image, np.where(image > 0, image + 20, 0)]) for image in (reference, prediction)
    ]
    one, two = overlap_sums(contingency(reference, prediction)), overlap_sums(contingency(*joined))
    for name in OverlapSums.__dataclass_fields__:
        assert getattr(two, name) == pytest.approx(2 * getattr(one, name), abs=1e-9), name
