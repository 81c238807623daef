"""Metrics of found objects: from sets of objects, many images at once, and what each cannot see."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.instance.detection import (
    AP,
    F1,
    PRECISION,
    RECALL,
    ap,
    f1,
    precision,
    recall,
)
from veriscope.validate.units import count_unit

NUMBERS = st.integers(0, 40)


def counts(tp: float, fp: float, fn: float) -> Counts:
    return Counts.from_columns(np.array([tp, fp, fn, 0, tp + fn, tp + fp]))


def of_images(reference: NDArray[Any], prediction: NDArray[Any]) -> Counts:
    return Counts.from_columns(np.array(count_unit(reference, prediction).row(0.5)))


@given(NUMBERS, NUMBERS, NUMBERS)
@settings(max_examples=150, deadline=None)
def test_they_are_those_of_two_sets_that_share_the_matches(tp: int, fp: int, fn: int) -> None:
    """Name matches alike on both sides: then these are the measures of two plain sets."""
    reference = {f"match {i}" for i in range(tp)} | {f"missed {i}" for i in range(fn)}
    predicted = {f"match {i}" for i in range(tp)} | {f"invented {i}" for i in range(fp)}
    shared = len(reference & predicted)

    def quotient(part: int, whole: int) -> float:
        return float(Fraction(part, whole)) if whole else math.nan

    found = counts(tp, fp, fn)
    for metric, expected in (
        (precision, quotient(shared, len(predicted))),
        (recall, quotient(shared, len(reference))),
        (f1, quotient(2 * shared, len(reference) + len(predicted))),
        (ap, quotient(shared, len(reference | predicted))),
    ):
        assert float(metric(found)) == pytest.approx(expected, nan_ok=True)


@given(NUMBERS, NUMBERS, NUMBERS)
@settings(max_examples=100, deadline=None)
def test_f1_and_ap_put_candidates_into_the_same_order(tp: int, fp: int, fn: int) -> None:
    found = counts(tp, fp, fn)
    score, jaccard = float(f1(found)), float(ap(found))
    assert jaccard == pytest.approx(score / (2 - score), nan_ok=True)
    if tp:
        assert score == pytest.approx(2 / (1 / float(precision(found)) + 1 / float(recall(found))))
        assert jaccard <= score <= 1


@given(label_pairs())
@settings(max_examples=80, deadline=None)
def test_swapping_images_swaps_precision_and_recall(pair: tuple[NDArray[Any], NDArray[Any]]) -> None:
    forth, back = of_images(*pair), of_images(*pair[::-1])
    for one, other in ((precision, recall), (recall, precision), (f1, f1), (ap, ap)):
        assert float(one(forth)) == pytest.approx(float(other(back)), nan_ok=True)


@given(label_pairs(), st.permutations(range(1, 5)))
@settings(max_examples=60, deadline=None)
def test_numbers_of_objects_do_not_matter(pair: tuple[NDArray[Any], NDArray[Any]], order: list[int]) -> None:
    renamed = np.array([0, *(97 * label for label in order)])[pair[1]]
    plain, other = of_images(*pair), of_images(pair[0], renamed)
    for metric in (precision, recall, f1, ap):
        assert float(metric(plain)) == pytest.approx(float(metric(other)), nan_ok=True)


def test_an_object_more_and_an_object_less_by_hand() -> None:
    """Nine disks, of which two are missed, and three are predicted where there is none."""
    reference = disks(3)
    prediction = np.where(np.isin(reference, (2, 5)), 0, reference)
    corner = np.zeros_like(reference)
    corner[0, 0], corner[0, 15], corner[15, 0] = 101, 102, 103
    found = of_images(reference, np.where(corner > 0, corner, prediction))
    assert (found.tp, found.fp, found.fn) == (7, 3, 2)
    assert (precision(found), recall(found)) == (7 / 10, 7 / 9)
    assert (f1(found), ap(found)) == (14 / 19, 7 / 12)


@pytest.mark.parametrize(
    ("given_counts", "values"),
    [
        ((0, 0, 0), (math.nan, math.nan, math.nan, math.nan)),
        ((0, 0, 4), (math.nan, 0, 0, 0)),
        ((0, 4, 0), (0, math.nan, 0, 0)),
        ((0, 2, 2), (0, 0, 0, 0)),
        ((1, 0, 0), (1, 1, 1, 1)),
    ],
    ids=["nothing", "nothing predicted", "nothing to find", "nothing matched", "one object"],
)
def test_empty_sides(given_counts: tuple[int, int, int], values: tuple[float, ...]) -> None:
    found = counts(*given_counts)
    assert [float(metric(found)) for metric in (precision, recall, f1, ap)] == pytest.approx(
        list(values), nan_ok=True
    )


def test_predicting_only_the_clearest_object_is_precise_and_predicting_everywhere_finds_all() -> None:
    few, many = counts(1, 0, 99), counts(100, 900, 0)
    assert precision(few) == recall(many) == 1
    assert f1(few) < 0.02 and f1(many) < 0.2


@pytest.mark.parametrize("metric", [PRECISION, RECALL, F1, AP], ids=lambda metric: metric.name)
def test_sizes_are_the_denominators_up_to_a_factor(metric: Any) -> None:
    """A unit without a share in the denominator has size 0, and a pooled value is the mean by size."""
    table = np.array([[6, 2, 1], [0, 0, 0], [3, 0, 5], [0, 4, 0]], dtype=float)
    found = Counts.from_columns(np.array([[*row, 0, row[0] + row[2], row[0] + row[1]] for row in table]))
    values, sizes = metric.function(found), metric.sizes(found)
    assert ((sizes == 0) == np.isnan(values)).all()
    pooled = metric.function(counts(*table.sum(axis=0)))
    known = sizes > 0
    assert float(pooled) == pytest.approx(np.average(values[known], weights=sizes[known]))
    assert (metric.low, metric.high, metric.best) == (0, 1, 1)
