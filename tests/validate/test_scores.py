"""Metrics of units, pooled or averaged: from the sums by hand, with weights and clusters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.testing.label_images import disks
from veriscope.validate.metrics.instance.catalogue import instance_metrics, metric_by_key
from veriscope.validate.scores import (
    common_thresholds,
    mean_score,
    pooled_score,
    unit_rows,
    unit_values,
)
from veriscope.validate.units import UnitCounts, count_unit

COUNTS = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))


def unit(tp: int, fp: int, fn: int, name: str = "image", **options: object) -> UnitCounts:
    return UnitCounts(name, tp + fn, tp + fp, (0.5,), (tp,), (fp,), (fn,), (0.75 * tp,), **options)  # type: ignore[arg-type]


def f1(tp: float, fp: float, fn: float) -> float:
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else float("nan")


@settings(max_examples=80, deadline=None)
@given(counts=st.lists(COUNTS, min_size=1, max_size=7), data=st.data())
def test_pooled_and_mean_f1_by_hand(counts: list[tuple[int, int, int]], data: st.DataObject) -> None:
    weights = data.draw(
        st.lists(st.sampled_from([1.0, 2.0, 0.5]), min_size=len(counts), max_size=len(counts))
    )
    units = [unit(*row, weight=weight) for row, weight in zip(counts, weights, strict=True)]
    sums = np.array(weights) @ np.array(counts, float)
    assert pooled_score(units, "f1@0.5").value == pytest.approx(f1(*sums), nan_ok=True)
    values = np.array([f1(*row) for row in counts])
    known = values[np.isfinite(values)]
    expected = known.mean() if len(known) else np.nan
    assert mean_score(units, "f1@0.5").value == pytest.approx(expected, nan_ok=True)
    keyed = metric_by_key("f1@0.5", (0.5,))
    assert unit_values(units, keyed) == pytest.approx(values, nan_ok=True)


@settings(max_examples=50, deadline=None)
@given(counts=st.lists(COUNTS, min_size=2, max_size=7), factor=st.sampled_from([0.25, 3.0, 128.0]))
def test_a_weight_of_all_units_changes_nothing(counts: list[tuple[int, int, int]], factor: float) -> None:
    plain, heavy = [unit(*row) for row in counts], [unit(*row, weight=factor) for row in counts]
    for key in ("f1@0.5", "precision@0.5", "recall@0.5", "pq", "count_bias"):
        one, two = pooled_score(plain, key), pooled_score(heavy, key)
        for name in ("value", "low", "high"):
            first, second = getattr(one, name), getattr(two, name)
            assert (first is None) == (second is None)
            assert first is None or second == pytest.approx(first, nan_ok=True)
        assert one.n_units == two.n_units


def test_units_of_a_cluster_are_one_unit_of_the_interval() -> None:
    rows = [(5, 1, 0), (2, 0, 3), (7, 2, 2), (4, 4, 1)]
    names = ["a", "b", "a", "b"]
    units = [unit(*row, cluster=name) for row, name in zip(rows, names, strict=True)]
    joined = [unit(12, 3, 2), unit(6, 4, 4)]
    one, two = pooled_score(units, "f1@0.5", unit="well"), pooled_score(joined, "f1@0.5", unit="well")
    assert (one.value, one.low, one.high, one.n_units) == pytest.approx((two.value, two.low, two.high, 2))
    keyed = metric_by_key("f1@0.5", (0.5,))
    assert unit_rows(units, keyed)[:, :3].tolist() == [[12, 3, 2], [6, 4, 4]]
    means = [(f1(5, 1, 0) + f1(7, 2, 2)) / 2, (f1(2, 0, 3) + f1(4, 4, 1)) / 2]
    assert mean_score(units, "f1@0.5").value == pytest.approx(np.mean(means))


@pytest.mark.parametrize("function", [pooled_score, unit_rows, mean_score])
def test_clusters_are_given_to_all_units_or_none(function: object) -> None:
    units = [unit(1, 0, 0, "x", cluster="a"), unit(1, 0, 0, "y")]
    keyed = metric_by_key("f1@0.5", (0.5,))
    with pytest.raises(InputError) as caught:
        function(units, keyed)  # type: ignore[operator]
    assert str(caught.value) == (
        "1 of 2 units have no cluster, the first is 'y'; give every unit a cluster, or none"
    )


def test_metrics_of_whole_images_are_not_told_for_tiles() -> None:
    labels = disks(2)
    whole = count_unit(labels, labels, name="whole")
    tile = count_unit(labels, labels, owner_box=(0, 0, 16, 16), name="tile")
    assert pooled_score([whole], "aji").value == 1
    for key in ("aji", "vi", "are", "split_merge"):
        with pytest.raises(InputError) as caught:
            pooled_score([whole, tile], key)
        assert str(caught.value) == (
            f"{key!r} is known for whole images only, and 1 of 2 units are tiles, the first is 'tile'; use a "
            "metric of objects, such as 'f1@0.5' or 'pq'"
        )
    assert pooled_score([whole, tile], "pq").value == 1


def test_units_are_counted_at_the_same_thresholds() -> None:
    one, other = unit(1, 0, 0), replace(unit(1, 0, 0), thresholds=(0.75,))
    assert common_thresholds([one, one]) == (0.5,)
    assert common_thresholds([]) == (0.5, 0.7, 0.9)
    assert common_thresholds([], [0.8, 0.6]) == (0.5, 0.6, 0.8)
    with pytest.raises(InputError) as caught:
        common_thresholds([one, other])
    assert str(caught.value) == (
        "units were counted at different thresholds: [0.5]; [0.75]; count them all at the same"
    )
    with pytest.raises(InputError, match=r"^there is no metric 'f1@0.9'; the metrics are f1@0.5, "):
        pooled_score([one], "f1@0.9")


def test_every_metric_of_perfect_objects_is_at_its_best_and_within_its_interval() -> None:
    units = [count_unit(disks(n), disks(n), name=str(n)) for n in (1, 2, 3)]
    for keyed in instance_metrics(units[0].thresholds):
        for found in (pooled_score(units, keyed), mean_score(units, keyed)):
            assert found.value == pytest.approx(keyed.metric.best), keyed.key
            low, high = keyed.bounds
            assert found.low is None or low <= found.low <= found.value + 1e-12
            assert found.high is None or found.value - 1e-12 <= found.high <= high
