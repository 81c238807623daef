"""Adapted Rand error and variation of information from pairs and logarithms, and for very large objects."""

from __future__ import annotations

from itertools import combinations
from math import log2
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate.contingency import Contingency, contingency
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.instance.rand import are, are_precision, are_recall, are_sums
from veriscope.validate.metrics.instance.variation_of_information import vi, vi_merge, vi_split, vi_sums
from veriscope.validate.units import count_unit

Labels = NDArray[Any]


def counts(reference: Labels, prediction: Labels) -> Counts:
    return Counts.from_columns(np.array(count_unit(reference, prediction).all_sums(0.5)))


@settings(max_examples=60, deadline=None)
@given(label_pairs(max_dims=2, max_side=4))
def test_pairs_of_pixels_are_counted_one_by_one(pair: tuple[Labels, Labels]) -> None:
    pixels = [(int(r), int(p)) for r, p in zip(pair[0].ravel(), pair[1].ravel(), strict=True) if r]
    together = [(a[0] == b[0], a[1] == b[1]) for a, b in combinations(pixels, 2)]
    expected = (
        2 * sum(r and p for r, p in together),
        2 * sum(r for r, _ in together),
        2 * sum(p for _, p in together),
    )
    assert are_sums(contingency(*pair)) == expected


@settings(max_examples=60, deadline=None)
@given(label_pairs(max_dims=2, max_side=5))
def test_ranges_and_relations(pair: tuple[Labels, Labels]) -> None:
    found = counts(*pair)
    precision, recall, error = (float(f(found)) for f in (are_precision, are_recall, are))
    if np.isfinite([precision, recall, error]).all():
        assert 0 <= precision <= 1 and 0 <= recall <= 1 and 0 <= error <= 1
        if precision + recall > 0:
            assert error == pytest.approx(1 - 2 * precision * recall / (precision + recall))
    if pair[0].any():
        assert vi(found) == pytest.approx(float(vi_split(found)) + float(vi_merge(found)))
        most = log2((pair[0] > 0).sum())
        assert -1e-9 <= vi_split(found) <= most + 1e-9 and -1e-9 <= vi_merge(found) <= most + 1e-9


@pytest.mark.parametrize("n", [2, 4, 8])
def test_an_object_in_equal_parts_loses_a_bit_each_time_it_is_halved(n: int) -> None:
    whole, parts = np.ones(64, int), np.repeat(np.arange(1, n + 1), 64 // n)
    split, merged = counts(whole, parts), counts(parts, whole)
    assert vi_split(split) == vi_merge(merged) == pytest.approx(log2(n))
    assert vi_merge(split) == vi_split(merged) == 0
    share = (64 / n - 1) / 63
    assert are_recall(split) == are_precision(merged) == pytest.approx(share)
    assert are_precision(split) == are_recall(merged) == 1


def test_unequal_parts_by_hand() -> None:
    """6 and 2 of 8 pixels: 0.75 · log2(8/6) + 0.25 · 2 bits; 30 + 2 of 56 pairs stay together."""
    found = counts(np.ones(8, int), np.repeat([3, 4], [6, 2]))
    assert vi_split(found) == pytest.approx(0.75 * log2(8 / 6) + 0.25 * 2)
    assert are_recall(found) == pytest.approx(32 / 56)
    assert are(found) == pytest.approx(1 - 2 * 32 / (56 + 32))


def test_objects_whose_pairs_pass_64_bits_are_counted_exactly() -> None:
    """A volume of 2000³ voxels in two objects: 4 · 10⁹ squared is 1.6 · 10¹⁹, beyond 2⁶³."""
    half = 4_000_000_000
    table = Contingency(
        reference_ids=np.array([1]),
        prediction_ids=np.array([1, 2]),
        reference_areas=np.array([2 * half]),
        prediction_areas=np.array([half, half]),
        pairs=np.array([[0, 0], [0, 1]]),
        overlaps=np.array([half, half]),
        n_pixels=2 * half,
    )
    assert are_sums(table) == (2 * half * (half - 1), 2 * half * (2 * half - 1), 2 * half * (half - 1))
    assert vi_sums(table) == pytest.approx((2 * half, 0))


def test_a_prediction_one_pixel_too_small_counts_its_rim_as_one_merged_object() -> None:
    """Why both metrics are not for separate objects: all rims together are one more segment."""
    reference = disks(3)
    small = np.where(disks(3, radius=5) > 0, reference, 0)
    found = counts(reference, small)
    assert are_precision(found) < are_recall(found) < 1
    rim = (reference > 0).sum() - (small > 0).sum()
    assert vi_merge(found) * (reference > 0).sum() == pytest.approx(rim * log2(9), rel=0.01)
