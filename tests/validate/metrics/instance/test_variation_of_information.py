"""Variation of information from the entropies of probability theory, and what it says of whole images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import entropy

from veriscope.testing.label_images import label_pairs
from veriscope.validate.contingency import contingency
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.instance.variation_of_information import (
    VI,
    VI_MERGE,
    VI_SPLIT,
    vi,
    vi_merge,
    vi_split,
    vi_sums,
)
from veriscope.validate.units import count_unit

Labels = NDArray[Any]
PARTITIONS = st.lists(st.integers(1, 4), min_size=8, max_size=8).map(np.array)
"""Eight pixels, each in one of four objects, without background."""


def sums(reference: Labels, prediction: Labels) -> Counts:
    return Counts.from_columns(np.array(count_unit(reference, prediction).all_sums(0.5)))


def bits(*labels: Labels) -> float:
    """Joint entropy of the labels of a pixel, drawn evenly."""
    _, numbers = np.unique(np.stack([one.ravel() for one in labels]), axis=1, return_counts=True)
    return float(entropy(numbers, base=2))


@given(label_pairs(max_side=8))
@settings(max_examples=100, deadline=None)
def test_the_parts_are_conditional_entropies_over_the_foreground(pair: tuple[Labels, Labels]) -> None:
    """H(a given b) = H(a, b) - H(b); a predicted background is one segment more."""
    found = sums(*pair)
    inside = pair[0] > 0
    if not inside.any():
        assert all(np.isnan(metric(found)) for metric in (vi, vi_split, vi_merge))
        return
    reference, prediction = (image[inside].astype(np.int64) for image in pair)
    joint = bits(reference, prediction)
    assert vi_split(found) == pytest.approx(joint - bits(reference), abs=1e-9)
    assert vi_merge(found) == pytest.approx(joint - bits(prediction), abs=1e-9)
    assert vi(found) == pytest.approx(float(vi_split(found)) + float(vi_merge(found)))


@given(PARTITIONS, PARTITIONS, PARTITIONS)
@settings(max_examples=80, deadline=None)
def test_it_is_a_distance_of_partitions(one: Labels, two: Labels, three: Labels) -> None:
    def distance(first: Labels, second: Labels) -> float:
        return float(vi(sums(first, second)))

    assert distance(one, one) == 0
    assert distance(one, two) == pytest.approx(distance(two, one))
    assert distance(one, three) <= distance(one, two) + distance(two, three) + 1e-9
    assert 0 <= distance(one, two) <= np.log2(8) + 1e-9
    same = np.array_equal(one[:, None] == one, two[:, None] == two)
    assert (distance(one, two) < 1e-9) == same


@pytest.mark.parametrize("n", [1, 2, 4, 8])
def test_an_object_in_equal_parts_costs_the_logarithm_of_their_number(n: int) -> None:
    whole, parts = np.ones(16, int), np.repeat(np.arange(1, n + 1), 16 // n)
    assert (vi_split(sums(whole, parts)), vi_merge(sums(whole, parts))) == (np.log2(n), 0)
    assert (vi_split(sums(parts, whole)), vi_merge(sums(parts, whole))) == (0, np.log2(n))


def test_uneven_parts_cost_less_than_even_ones() -> None:
    whole, even = np.ones(8, int), np.repeat([1, 2], 4)
    uneven = np.repeat([1, 2], [7, 1])
    assert vi_split(sums(whole, even)) == 1
    assert vi_split(sums(whole, uneven)) == pytest.approx(-7 / 8 * np.log2(7 / 8) - 1 / 8 * np.log2(1 / 8))


def test_objects_weigh_by_their_pixels() -> None:
    """Halving one object of 12 pixels costs three times as much as halving one of 4."""
    reference = np.repeat([1, 2], [12, 4])
    large, small = np.repeat([1, 2, 3], [6, 6, 4]), np.repeat([1, 2, 3], [12, 2, 2])
    assert vi_split(sums(reference, large)) == pytest.approx(12 / 16)
    assert vi_split(sums(reference, small)) == pytest.approx(4 / 16)


def test_nothing_predicted_costs_the_entropy_of_the_reference() -> None:
    reference = np.repeat([0, 1, 2, 3], [5, 4, 2, 2])
    found = sums(reference, np.zeros_like(reference))
    assert vi_split(found) == 0
    assert vi_merge(found) == pytest.approx(bits(reference[reference > 0])) == 1.5


def test_sums_of_images_are_averaged_over_all_pixels() -> None:
    halved, kept = (np.ones(4, int), np.repeat([1, 2], 2)), (np.ones(12, int), np.ones(12, int))
    both = np.sum([count_unit(*pair).all_sums(0.5) for pair in (halved, kept)], axis=0)
    assert vi(Counts.from_columns(both)) == pytest.approx(1 * 4 / 16)
    assert vi_sums(contingency(*halved)) == (4.0, 0.0)
    assert vi_sums(contingency(*kept)) == (0.0, 0.0)


def test_the_three_differ_in_what_they_say_and_share_their_range() -> None:
    for metric in (VI, VI_SPLIT, VI_MERGE):
        assert (metric.low, metric.high, metric.best) == (0, np.inf, 0)
        assert metric.sizes(sums(np.repeat([0, 1], [3, 5]), np.zeros(8, int))) == 5
        assert metric.empty.startswith("no reference object: undefined")
    assert len({metric.formula for metric in (VI, VI_SPLIT, VI_MERGE)}) == 3
