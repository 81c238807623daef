"""Formulas, ranges and empty cases of the metrics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.validate.metrics.base import Counts, ratio
from veriscope.validate.metrics.instance.catalogue import OF_OVERLAPS, instance_metrics, metric_by_key
from veriscope.validate.metrics.instance.counts import count_bias
from veriscope.validate.metrics.instance.detection import ap, f1, precision, recall
from veriscope.validate.metrics.instance.panoptic import mean_matched_iou, pq


def counts(tp: float, fp: float, fn: float, sum_iou: float = 0.0) -> Counts:
    return Counts.from_columns(np.array([tp, fp, fn, sum_iou, tp + fn, tp + fp]))


def test_formulas() -> None:
    example = counts(6, 2, 4, 4.5)
    assert precision(example) == 6 / 8
    assert recall(example) == 6 / 10
    assert f1(example) == pytest.approx(2 / (8 / 6 + 10 / 6))
    assert ap(example) == 6 / 12
    assert mean_matched_iou(example) == 4.5 / 6
    assert pq(example) == pytest.approx(0.75 * f1(example))
    assert count_bias(example) == pytest.approx(-0.2)


def test_nothing_on_either_side_is_undefined() -> None:
    nothing = counts(0, 0, 0)
    for function in (precision, recall, f1, ap, mean_matched_iou, pq, count_bias):
        assert np.isnan(function(nothing))


def test_nothing_predicted() -> None:
    missed = counts(0, 0, 3)
    assert (recall(missed), f1(missed), ap(missed), pq(missed), count_bias(missed)) == (0, 0, 0, 0, -1)
    assert np.isnan(precision(missed))
    assert np.isnan(mean_matched_iou(missed))


def test_nothing_to_find() -> None:
    invented = counts(0, 3, 0)
    assert (precision(invented), f1(invented), ap(invented), pq(invented)) == (0, 0, 0, 0)
    assert np.isnan(recall(invented))
    assert np.isnan(count_bias(invented))


NUMBERS = st.integers(0, 1000)


@given(NUMBERS, NUMBERS, NUMBERS, st.floats(0.5, 1))
def test_ranges_and_relations(tp: int, fp: int, fn: int, iou: float) -> None:
    some, swapped = counts(tp, fp, fn, iou * tp), counts(tp, fn, fp, iou * tp)
    assert np.array_equal(precision(some), recall(swapped), equal_nan=True)
    for symmetric in (f1, ap, pq, mean_matched_iou):
        assert np.array_equal(symmetric(some), symmetric(swapped), equal_nan=True)
    if tp + fp + fn:
        assert 0 <= ap(some) <= f1(some) <= 1
        assert ap(some) == pytest.approx(f1(some) / (2 - f1(some)))
    if tp:
        assert pq(some) == pytest.approx(mean_matched_iou(some) * f1(some))
    if tp and not fp + fn:
        assert precision(some) == recall(some) == f1(some) == ap(some) == 1


def test_counts_of_many_units_at_once() -> None:
    columns = np.arange(24.0).reshape(2, 2, 6)
    assert f1(Counts.from_columns(columns)).shape == (2, 2)
    assert Counts.from_columns(columns).sum_iou.tolist() == [[3, 9], [15, 21]]


def test_ratio_does_not_warn() -> None:
    assert np.array_equal(ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0])), [0.5, np.nan], equal_nan=True)


def test_sizes_are_the_denominators() -> None:
    example = counts(6, 2, 4, 4.5)
    of_objects = [keyed for keyed in instance_metrics([0.5]) if not keyed.needs_overlap]
    sizes = {keyed.key: float(keyed.metric.sizes(example)) for keyed in of_objects}
    assert sizes == {
        "f1@0.5": 9,
        "ap@0.5": 12,
        "precision@0.5": 8,
        "recall@0.5": 10,
        "mean_matched_iou@0.5": 6,
        "pq": 9,
        "sq": 6,
        "rq": 9,
        "count_bias": 18,
    }


def test_counts_of_objects_leave_the_metrics_of_overlaps_undefined() -> None:
    example = counts(6, 2, 4, 4.5)
    assert all(np.isnan(metric.function(example)) for metric in OF_OVERLAPS)


def test_keys() -> None:
    assert metric_by_key("f1@0.75", [0.5, 0.75]).threshold == 0.75
    assert metric_by_key("pq", [0.5, 0.75]).threshold == 0.5
    assert metric_by_key("mean_matched_iou@0.75", [0.75]).bounds == (0.75, 1.0)
    with pytest.raises(InputError) as error:
        metric_by_key("f1@0.6", [0.5])
    assert str(error.value) == (
        "there is no metric 'f1@0.6'; the metrics are f1@0.5, ap@0.5, precision@0.5, recall@0.5, "
        "mean_matched_iou@0.5, pq, sq, rq, count_bias, aji, split_merge, split_rate, merge_rate, vi, "
        "vi_split, vi_merge, are, are_precision, are_recall"
    )
