"""Panoptic quality, its factors, and metrics of finding, counted from small images by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate.instance_report import instance_report
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.instance.catalogue import DESCRIPTIONS, instance_metrics
from veriscope.validate.metrics.instance.detection import ap, f1, precision, recall
from veriscope.validate.metrics.instance.panoptic import MEAN_MATCHED_IOU, PQ, RQ, SQ, mean_matched_iou, pq
from veriscope.validate.units import count_unit

Labels = NDArray[Any]


def counts(*pairs: tuple[Labels, Labels], threshold: float = 0.5) -> Counts:
    rows = [count_unit(*pair, thresholds=(threshold,)).all_sums(threshold) for pair in pairs]
    return Counts.from_columns(np.sum(rows, axis=0))


REFERENCE = np.repeat([1, 2, 3, 0, 4], [10, 10, 10, 6, 4])[None]
PREDICTION = np.repeat([5, 0, 6, 7, 8, 0], [9, 1, 6, 14, 6, 4])[None]
"""5 has 9/10 of 1, 6 has 6/10 of 2, 7 all of 3 and 4 of 2 (IoU 10/14), 8 is invented, 4 is missed."""


def test_values_by_hand() -> None:
    found = counts((REFERENCE, PREDICTION))
    total = 0.9 + 0.6 + 10 / 14
    assert (found.tp, found.fp, found.fn) == (3, 1, 1)
    assert pq(found) == pytest.approx(total / (3 + 0.5 + 0.5))
    assert mean_matched_iou(found) == pytest.approx(total / 3)
    assert precision(found) == recall(found) == f1(found) == 3 / 4
    assert ap(found) == 3 / 5
    strict = counts((REFERENCE, PREDICTION), threshold=0.8)
    assert (strict.tp, strict.fp, strict.fn) == (1, 3, 3)
    assert mean_matched_iou(strict) == pytest.approx(0.9)


@settings(max_examples=60, deadline=None)
@given(label_pairs(max_dims=2), label_pairs(max_dims=2))
def test_quality_is_the_product_of_its_factors_also_over_several_images(
    one: tuple[Labels, Labels], other: tuple[Labels, Labels]
) -> None:
    found = counts(one, other)
    factors = [float(metric.function(found)) for metric in (SQ, RQ)]
    if np.isfinite(factors).all():
        assert PQ.function(found) == pytest.approx(factors[0] * factors[1])
        assert 0.5 <= factors[0] <= 1
    assert np.array_equal(MEAN_MATCHED_IOU.function(found), factors[0], equal_nan=True)
    swapped = counts(one[::-1], other[::-1])
    assert pq(swapped) == pytest.approx(float(pq(found)), nan_ok=True)
    assert precision(swapped) == pytest.approx(float(recall(found)), nan_ok=True)


@given(st.integers(1, 8), st.integers(0, 8))
@settings(max_examples=25, deadline=None)
def test_an_invented_object_costs_as_much_as_a_missed_one(n: int, wrong: int) -> None:
    def made(tp: float, fp: float, fn: float) -> Counts:
        return Counts.from_columns(np.array([tp, fp, fn, 0.8 * tp, tp + fn, tp + fp]))

    for function in (pq, f1, ap):
        assert function(made(n, wrong, 0)) == pytest.approx(float(function(made(n, 0, wrong))))
        assert function(made(n, wrong + 1, 0)) < function(made(n, wrong, 0))
    assert precision(made(n, 0, wrong)) == recall(made(n, wrong, 0)) == 1


def test_a_higher_threshold_never_finds_more() -> None:
    reference, prediction = disks(4), disks(4, shift=2, radius=5)
    report = instance_report(reference, prediction, thresholds=(0.2, 0.4, 0.6, 0.8, 1.0)).metrics
    values = [report[f"f1@{threshold:g}"] for threshold in (0.2, 0.4, 0.5, 0.6, 0.8, 1.0)]
    assert values == sorted(values, reverse=True)
    assert values[0] == 1 and values[-1] == 0
    assert np.isnan(report["mean_matched_iou@1"])


def test_an_iou_of_one_half_is_a_match_and_the_least_quality() -> None:
    found = counts((np.ones((1, 4), int), np.repeat([[1, 0]], 2, axis=1)))
    assert (found.tp, mean_matched_iou(found), pq(found)) == (1, 0.5, 0.5)


@pytest.mark.parametrize("each", DESCRIPTIONS, ids=lambda each: each.key)
def test_the_empty_cases_are_those_that_are_told(each: Any) -> None:
    keyed = {k.key: k for k in instance_metrics([0.5])}[each.key.replace("@T", "@0.5")]
    nothing, something = np.zeros((3, 3), int), np.ones((3, 3), int)

    def value(reference: Labels, prediction: Labels) -> float:
        return float(keyed.metric.function(counts((reference, prediction))))

    assert np.isnan(value(nothing, nothing))
    words = each.empty
    if "no predicted object" in words or "no match: undefined" in words:
        assert np.isnan(value(something, nothing))
    if "no reference object" in words or "no match: undefined" in words:
        assert np.isnan(value(nothing, something))
    if "on one side only: 0" in words or "no match: 0" in words:
        assert value(something, nothing) == value(nothing, something) == 0
