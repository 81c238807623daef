"""Aggregated Jaccard index, by hand and against the algorithm of the paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate.contingency import contingency
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.instance.aggregated_jaccard import aji, aji_sums
from veriscope.validate.units import count_unit

Labels = NDArray[Any]


def kumar(reference: Labels, prediction: Labels) -> tuple[float, float, bool]:
    """Algorithm 1 of the paper, object by object; says too whether a choice was arbitrary."""
    used, shared, union, tie = set(), 0, 0, False
    predicted = [label for label in np.unique(prediction) if label]
    for label in np.unique(reference):
        if not label:
            continue
        mask = reference == label
        jaccards = [(mask & (prediction == k)).sum() / (mask | (prediction == k)).sum() for k in predicted]
        if not jaccards or max(jaccards) == 0:
            union += mask.sum()
            continue
        tie |= jaccards.count(max(jaccards)) > 1
        best = predicted[int(np.argmax(jaccards))]
        used.add(best)
        shared += (mask & (prediction == best)).sum()
        union += (mask | (prediction == best)).sum()
    union += sum((prediction == k).sum() for k in predicted if k not in used)
    return float(shared), float(union), tie


@given(label_pairs(max_side=8))
@settings(max_examples=150, deadline=None)
def test_agrees_with_the_algorithm_of_the_paper(pair: tuple[Labels, Labels]) -> None:
    shared, union, tie = kumar(*pair)
    if not tie:
        assert aji_sums(contingency(*pair)) == pytest.approx((shared, union))


def test_a_prediction_taken_twice_counts_twice() -> None:
    reference = np.repeat([1, 2, 0], [6, 4, 2])
    prediction = np.repeat([5, 0, 7], [10, 1, 1])
    # Both take 5: 6 + 4 shared of 10 + 10; 7 is taken by nobody.
    assert aji_sums(contingency(reference, prediction)) == (10, 21)


def test_a_missed_object_and_an_invented_one_count_with_their_area() -> None:
    assert aji_sums(contingency(np.array([1, 1, 1, 0, 0]), np.array([0, 0, 0, 4, 4]))) == (0, 5)


def test_equally_good_predictions_are_taken_by_lot() -> None:
    halves = contingency(np.array([1, 1, 1, 1]), np.array([3, 3, 8, 8]))
    assert aji_sums(halves) == (2, 4 + 2)
    # 3 and 8 both have IoU 2/5 with object 1, and object 2 takes 3 anyway: 8 is left over half of the time.
    reference = np.array([1, 1, 1, 1, 2, 2, 0])
    for prediction in ([3, 3, 8, 8, 3, 0, 8], [8, 8, 3, 3, 8, 0, 3]):
        table = contingency(reference, np.array(prediction))
        assert aji_sums(table) == pytest.approx((2 + 1, 5 + 4 + 3 / 2))


@pytest.mark.parametrize(("sides", "value"), [((0, 0), np.nan), ((0, 1), 0.0), ((1, 0), 0.0), ((1, 1), 1.0)])
def test_empty_sides(sides: tuple[int, int], value: float) -> None:
    unit = count_unit(*(np.full((3, 3), side) for side in sides))
    found = float(aji(Counts.from_columns(np.array(unit.all_sums(0.5)))))
    assert found == pytest.approx(value, nan_ok=True)


@given(st.integers(0, 3), st.integers(1, 6))
@settings(max_examples=20, deadline=None)
def test_an_object_invented_in_the_background_lowers_it(shift: int, size: int) -> None:
    reference, prediction = np.pad(disks(3), 8), np.pad(disks(3, shift=shift), 8)
    before = aji_sums(contingency(reference, prediction))
    prediction[0, :size] = 99
    after = aji_sums(contingency(reference, prediction))
    assert after == (before[0], before[1] + size)
