"""Variation of information and adapted Rand error: by hand, against scikit-image, and their traps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.metrics import adapted_rand_error, variation_of_information

from veriscope.testing.label_images import label_pairs
from veriscope.validate.contingency import Contingency, contingency
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.instance.rand import are, are_precision, are_recall, are_sums
from veriscope.validate.metrics.instance.variation_of_information import vi, vi_merge, vi_split, vi_sums
from veriscope.validate.units import count_unit

Labels = NDArray[Any]


def sums(*pairs: tuple[Labels, Labels]) -> Counts:
    return Counts.from_columns(np.sum([count_unit(*pair).all_sums(0.5) for pair in pairs], axis=0))


def test_one_object_cut_in_halves_is_one_bit_of_split() -> None:
    halves = sums((np.ones(8, int), np.repeat([1, 2], 4)))
    assert (vi_split(halves), vi_merge(halves), vi(halves)) == (1, 0, 1)
    # 8 * 7 ordered pairs are together in the reference, 2 * 4 * 3 of them in the prediction.
    assert are_recall(halves) == pytest.approx(24 / 56)
    assert are_precision(halves) == 1
    assert are(halves) == pytest.approx(1 - 2 * 24 / (24 + 56))


def test_four_objects_taken_for_one_are_two_bits_of_merge() -> None:
    merged = sums((np.repeat([1, 2, 3, 4], 5), np.ones(20, int)))
    assert (vi_split(merged), vi_merge(merged)) == (0, 2)
    assert are_recall(merged) == 1
    assert are_precision(merged) == pytest.approx(4 * 5 * 4 / (20 * 19))


def test_what_is_predicted_outside_reference_objects_does_not_count() -> None:
    reference = np.repeat([0, 1, 2], 4)
    plain = sums((reference, reference))
    more = sums((reference, np.where(reference == 0, [7, 7, 8, 9] * 3, reference)))
    for function in (vi, are, are_precision, are_recall):
        assert function(plain) == function(more) == (0 if function in (vi, are) else 1)


def test_nothing_predicted_counts_as_all_merged() -> None:
    missed = sums((np.repeat([1, 2], 4), np.zeros(8, int)))
    assert (vi_split(missed), vi_merge(missed)) == (0, 1)
    assert are(missed) == pytest.approx(1 - 2 * 24 / (24 + 56))


@pytest.mark.parametrize("prediction", [0, 1])
def test_without_a_reference_object_they_are_undefined(prediction: int) -> None:
    nothing = sums((np.zeros(6, int), np.full(6, prediction)))
    assert all(np.isnan(metric(nothing)) for metric in (vi, vi_split, vi_merge, are, are_recall))


def test_objects_of_one_pixel_have_no_pairs() -> None:
    single = sums((np.arange(1, 5), np.arange(1, 5)))
    assert np.isnan(are(single))
    assert vi(single) == 0


@given(label_pairs(max_side=9))
@settings(max_examples=150, deadline=None)
def test_same_values_as_scikit_image(pair: tuple[Labels, Labels]) -> None:
    reference, prediction = (image.astype(np.int64) for image in pair)
    found = sums((reference, prediction))
    if not reference.any():
        return
    split, merge = variation_of_information(reference, prediction, ignore_labels=(0,))
    assert vi_split(found) == pytest.approx(split, abs=1e-9)
    assert vi_merge(found) == pytest.approx(merge, abs=1e-9)
    with np.errstate(invalid="ignore"):
        # Its second value is divided by the pairs of the reference, which its documentation calls recall.
        error, recall, precision = (float(value) for value in adapted_rand_error(reference, prediction))
    assert float(are(found)) == pytest.approx(error, nan_ok=True)
    assert float(are_recall(found)) == pytest.approx(recall, nan_ok=True)
    assert float(are_precision(found)) == pytest.approx(precision, nan_ok=True)


@given(label_pairs(max_dims=2), label_pairs(max_dims=2))
@settings(max_examples=50, deadline=None)
def test_pooled_images_are_like_one_image_side_by_side(
    first: tuple[Labels, Labels], second: tuple[Labels, Labels]
) -> None:
    joined = [
        np.concatenate([a.ravel().astype(int), np.where(b > 0, b.astype(int) + 100, 0).ravel()])
        for a, b in zip(first, second, strict=True)
    ]
    # Predicted background is one segment per image, so it may not be shared.
    if (first[1] == 0).any() and (second[1] == 0).any():
        return
    both, one = sums(first, second), sums((joined[0], joined[1]))
    for metric in (vi, are, are_precision, are_recall):
        assert np.allclose(metric(both), metric(one), equal_nan=True)


@given(label_pairs(), st.permutations(range(1, 5)))
@settings(max_examples=75, deadline=None)
def test_relabelling_and_flipping_change_nothing(pair: tuple[Labels, Labels], order: list[int]) -> None:
    new_labels = np.array([0, *(1_000_003 * label for label in order)])
    plain, changed = contingency(*pair), contingency(new_labels[pair[0]][::-1], pair[1][::-1])
    assert vi_sums(plain) == pytest.approx(vi_sums(changed))
    assert are_sums(plain) == are_sums(changed)


@given(label_pairs())
@settings(max_examples=75, deadline=None)
def test_swapping_images_without_background_swaps_split_and_merge(pair: tuple[Labels, Labels]) -> None:
    full = [image.astype(int) + 1 for image in pair]
    forth, back = sums((full[0], full[1])), sums((full[1], full[0]))
    assert vi_split(forth) == pytest.approx(vi_merge(back))
    assert np.array_equal(are_precision(forth), are_recall(back), equal_nan=True)
    assert np.array_equal(are(forth), are(back), equal_nan=True)


def test_pairs_of_huge_objects_are_counted_exactly() -> None:
    area = 4_000_000_001
    one = np.array([area])
    table = Contingency(np.array([1]), np.array([1]), one, one, np.array([[0, 0]]), one, n_pixels=area)
    assert are_sums(table) == (area * (area - 1),) * 3
