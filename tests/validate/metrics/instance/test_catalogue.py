"""Metrics by their key: which there are, their bounds, and values in their range on random images."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.instance.catalogue import (
    AT_EACH_THRESHOLD,
    AT_HALF,
    DESCRIPTIONS,
    OF_OVERLAPS,
    KeyedMetric,
    instance_metrics,
    metric_by_key,
)
from veriscope.validate.units import count_unit

THRESHOLDS = (0.5, 0.75)
KEYED = instance_metrics(THRESHOLDS)


def value_of(keyed: KeyedMetric, reference: NDArray[Any], prediction: NDArray[Any]) -> float:
    unit = count_unit(reference, prediction, thresholds=THRESHOLDS)
    return float(keyed.metric.function(Counts.from_columns(np.array(unit.all_sums(keyed.threshold)))))


def test_keys_name_the_threshold_only_where_there_is_a_choice() -> None:
    keys = [keyed.key for keyed in KEYED]
    assert keys[:5] == ["f1@0.5", "ap@0.5", "precision@0.5", "recall@0.5", "mean_matched_iou@0.5"]
    assert keys[5:10] == [key.replace("0.5", "0.75") for key in keys[:5]]
    assert keys[10:] == [metric.name for metric in (*AT_HALF, *OF_OVERLAPS)]
    assert len(set(keys)) == len(keys)
    assert all(keyed.threshold == 0.5 for keyed in KEYED[10:])


@pytest.mark.parametrize("thresholds", [(), (0.5,), (0.9, 0.5, 0.7)])
def test_there_are_five_for_each_threshold_and_those_that_have_none(thresholds: tuple[float, ...]) -> None:
    n = len(AT_EACH_THRESHOLD) * len(thresholds) + len(AT_HALF) + len(OF_OVERLAPS)
    assert len(instance_metrics(thresholds)) == n


@pytest.mark.parametrize("keyed", KEYED, ids=lambda keyed: keyed.key)
def test_a_key_leads_to_its_metric(keyed: KeyedMetric) -> None:
    assert metric_by_key(keyed.key, THRESHOLDS) == keyed
    assert keyed.needs_overlap == (keyed.metric in OF_OVERLAPS)


@pytest.mark.parametrize("key", ["f1", "f1@0.6", "F1@0.5", "pq@0.5", "", "accuracy"])
def test_another_key_is_refused_with_those_that_there_are(key: str) -> None:
    with pytest.raises(InputError) as caught:
        metric_by_key(key, THRESHOLDS)
    listed = ", ".join(keyed.key for keyed in KEYED)
    assert str(caught.value) == f"there is no metric {key!r}; the metrics are {listed}"


@given(pair=label_pairs(max_side=6))
@settings(max_examples=40, deadline=None)
def test_values_lie_within_the_bounds(pair: tuple[NDArray[Any], NDArray[Any]]) -> None:
    unit = count_unit(*pair, thresholds=THRESHOLDS)
    for keyed in KEYED:
        value = float(keyed.metric.function(Counts.from_columns(np.array(unit.all_sums(keyed.threshold)))))
        low, high = keyed.bounds
        assert np.isnan(value) or low - 1e-12 <= value <= high + 1e-12, keyed.key


@pytest.mark.parametrize("keyed", KEYED, ids=lambda keyed: keyed.key)
def test_the_reference_itself_has_the_best_value(keyed: KeyedMetric) -> None:
    labels = disks(3)
    assert value_of(keyed, labels, labels) == pytest.approx(keyed.metric.best, abs=1e-12)


@pytest.mark.parametrize("keyed", KEYED, ids=lambda keyed: keyed.key)
def test_images_without_an_object_are_undefined_and_say_so(keyed: KeyedMetric) -> None:
    nothing = np.zeros((4, 4), int)
    assert np.isnan(value_of(keyed, nothing, nothing))
    assert "undefined" in keyed.metric.empty


def test_the_iou_of_a_match_is_not_below_its_threshold() -> None:
    bounds = {keyed.key: keyed.bounds for keyed in KEYED}
    assert bounds["mean_matched_iou@0.75"] == (0.75, 1)
    assert bounds["mean_matched_iou@0.5"] == bounds["sq"] == (0.5, 1)
    assert bounds["f1@0.75"] == (0, 1)
    assert bounds["count_bias"] == (-1, np.inf)


def test_the_two_factors_of_panoptic_quality_say_what_they_are() -> None:
    metrics = {keyed.key: keyed.metric for keyed in KEYED}
    assert metrics["rq"].function is metrics["f1@0.5"].function
    assert metrics["sq"].function is metrics["mean_matched_iou@0.5"].function
    assert metrics["rq"].formula != metrics["f1@0.5"].formula
    assert "IoU 0.5" in metrics["rq"].formula and "IoU 0.5" in metrics["sq"].formula


@pytest.mark.parametrize("each", DESCRIPTIONS, ids=lambda each: each.key)
def test_what_is_told_of_a_metric_is_json_and_fits_the_metric(each: Any) -> None:
    told = json.loads(json.dumps(each.to_dict(), allow_nan=False))
    metric = metric_by_key(each.key.replace("@T", "@0.5"), (0.5,)).metric
    assert (told["formula"], told["empty"], told["best"]) == (metric.formula, metric.empty, metric.best)
    assert told["high"] == (None if np.isinf(metric.high) else metric.high)
    assert "instance" in told["tasks"]
    wanted = {metric.high: "higher is better", metric.low: "lower is better"}
    assert told["direction"] == wanted.get(metric.best, "closer to 0 is better")
