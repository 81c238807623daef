"""What an interval counts: clusters of images and of tables of classes, and how wide it gets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.validate.clusters import cluster_numbers, sum_by_cluster, whole_clusters
from veriscope.validate.confusions import class_interval, class_mean_interval, confusion_interval
from veriscope.validate.means import mean_over_units, unit_means
from veriscope.validate.metrics.base import ratio
from veriscope.validate.metrics.classification.confusion import (
    accuracy,
    balanced_accuracy,
    matthews_correlation,
)
from veriscope.validate.metrics.classification.per_class import (
    Decisions,
    positive_predictive_value,
    sensitivity,
)
from veriscope.validate.scores import mean_score, pooled_score
from veriscope.validate.statistics import jackknife_interval, leave_one_out
from veriscope.validate.units import UnitCounts

NAMES = st.lists(st.sampled_from("abcd"), min_size=1, max_size=12)


def found(decisions: Decisions) -> NDArray[np.float64]:
    return decisions.tp + decisions.fn


def taken(decisions: Decisions) -> NDArray[np.float64]:
    return decisions.tp + decisions.fp


# ---- clusters by name


@given(NAMES, st.data())
@settings(max_examples=60, deadline=None)
def test_sums_by_cluster_are_those_of_each_name(names: list[str], data: st.DataObject) -> None:
    rows = np.array(data.draw(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
                                       min_size=len(names), max_size=len(names))), float)  # fmt: skip
    order = list(dict.fromkeys(names))
    expected = [rows[[name == each for each in names]].sum(axis=0).tolist() for name in order]
    assert sum_by_cluster(rows, names).tolist() == expected
    assert [order[number] for number in cluster_numbers(names, n_units=len(names))] == names


@given(NAMES, st.data())
@settings(max_examples=40, deadline=None)
def test_numbers_of_the_units_that_are_kept_have_no_gap(names: list[str], data: st.DataObject) -> None:
    kept = np.array(data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names))))
    numbers = cluster_numbers(names, n_units=len(names), kept=kept)
    assert len(numbers) == kept.sum()
    assert sorted(set(numbers.tolist())) == list(
        range(len({n for n, k in zip(names, kept, strict=True) if k}))
    )


def test_names_of_any_kind_and_of_none() -> None:
    assert sum_by_cluster(np.ones((4, 1)), [("a", 1), 3, ("a", 1), None]).tolist() == [[2], [1], [1]]
    assert sum_by_cluster(np.empty((0, 2)), []).shape == (0, 2)
    assert whole_clusters([None, None], names=["x", "y"]) is None
    assert whole_clusters(["a", "b"], names=["x", "y"]) == ["a", "b"]
    assert whole_clusters([], names=[]) is None


@pytest.mark.parametrize(("clusters", "n"), [(["a"], 2), (["a", "b"], 1), ([], 1)])
def test_there_is_one_name_per_unit(clusters: list[str], n: int) -> None:
    with pytest.raises(InputError) as caught:
        cluster_numbers(clusters, n_units=n)
    assert str(caught.value) == f"{len(clusters)} clusters are given for {n} units; give one for each"


@pytest.mark.parametrize("unit", ["image", "tile"])
def test_a_unit_without_a_cluster_among_others_is_named(unit: str) -> None:
    with pytest.raises(InputError) as caught:
        whole_clusters(["w", None, None], names=["x", "y", "z"], unit=unit)
    assert str(caught.value) == (
        f"2 of 3 {unit}s have no cluster, the first is 'y'; give every {unit} a cluster, or none"
    )


# ---- means over replicates


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1) | st.just(np.nan)), min_size=1, max_size=10)
)
@settings(max_examples=60, deadline=None)
def test_images_are_averaged_within_their_replicate_first(pairs: list[tuple[str, float]]) -> None:
    names, values = [pair[0] for pair in pairs], np.array([pair[1] for pair in pairs])
    expected = []
    for name in dict.fromkeys(names):
        own = values[[each == name for each in names]]
        expected.append(own[np.isfinite(own)].mean() if np.isfinite(own).any() else np.nan)
    assert unit_means(values, names) == pytest.approx(np.array(expected), nan_ok=True)
    whole = mean_over_units(values, names, level=0.9, bounds=(0, 1), unit="well")
    known = np.array(expected)[np.isfinite(expected)]
    assert whole.value == pytest.approx(known.mean() if len(known) else np.nan, nan_ok=True)
    assert (whole.n_units, whole.unit, whole.aggregation) == (len(known), "well", "mean")


# ---- scores of objects in clusters


def unit(tp: int, fp: int, fn: int, **options: object) -> UnitCounts:
    return UnitCounts("u", tp + fn, tp + fp, (0.5,), (tp,), (fp,), (fn,), (0.75 * tp,), **options)  # type: ignore[arg-type]


UNITS = [unit(8, 1, 2), unit(3, 4, 1), unit(9, 0, 5), unit(2, 2, 2), unit(7, 1, 0), unit(5, 5, 5)]


@pytest.mark.parametrize("key", ["f1@0.5", "pq", "recall@0.5", "count_bias"])
def test_a_cluster_is_the_unit_that_adds_its_images_up(key: str) -> None:
    clustered = [replace(each, cluster=name) for each, name in zip(UNITS, "aabbcc", strict=True)]
    sums = [
        unit(*(sum(getattr(each, name)[0] for each in UNITS[i : i + 2]) for name in ("tp", "fp", "fn")))
        for i in (0, 2, 4)
    ]
    one, other = pooled_score(clustered, key, unit="well"), pooled_score(sums, key, unit="well")
    assert one.to_dict() == pytest.approx(other.to_dict())
    assert one.value == pytest.approx(pooled_score(UNITS, key).value), "clusters change no value"


def test_images_of_a_cluster_that_are_alike_make_no_interval_narrower() -> None:
    """Each image five times over: as clusters, the interval is what it was."""
    copies = [replace(each, cluster=str(i)) for i, each in enumerate(UNITS) for _ in range(5)]
    plain, clustered = pooled_score(UNITS, "f1@0.5"), pooled_score(copies, "f1@0.5")
    assert (clustered.low, clustered.high) == pytest.approx((plain.low, plain.high))
    loose = pooled_score([replace(each, cluster=None) for each in copies], "f1@0.5")
    assert loose.low is not None and loose.high is not None
    assert plain.low is not None and plain.high is not None
    assert loose.high - loose.low < 0.6 * (plain.high - plain.low)
    assert mean_score(copies, "f1@0.5").n_units == 6


# ---- tables of classes

RNG = np.random.default_rng(2)
TABLES = RNG.integers(0, 6, (9, 3, 3)) + 8 * np.eye(3)


@pytest.mark.parametrize("metric", [accuracy, balanced_accuracy, matthews_correlation])
def test_a_metric_of_all_classes_is_that_of_the_sum_of_the_tables(metric: object) -> None:
    whole = confusion_interval(TABLES, None, metric)  # type: ignore[arg-type]
    assert whole.value == pytest.approx(float(metric(TABLES.sum(axis=0))))  # type: ignore[operator]
    names = list("aaabbbccc")
    clustered = confusion_interval(TABLES, names, metric, unit="well")  # type: ignore[arg-type]
    joined = TABLES.reshape(3, 3, 3, 3).sum(axis=1)
    assert clustered == confusion_interval(joined, None, metric, unit="well")  # type: ignore[arg-type]
    assert (clustered.value, clustered.n_units) == (pytest.approx(whole.value), 3)


@pytest.mark.parametrize("positive", [0, 1, 2])
def test_sensitivity_of_a_class_is_a_ratio_of_its_own_cases(positive: int) -> None:
    own = class_interval(TABLES, None, sensitivity, found, positive=positive)
    rows = np.stack([TABLES[:, positive, positive], TABLES[:, positive].sum(axis=1)], axis=1)
    value, left_out = leave_one_out(rows, lambda sums: ratio(sums[..., 0], sums[..., 1]))
    expected = jackknife_interval(value, left_out, rows[:, 1], bounds=(0, 1))
    assert own.to_dict() == pytest.approx(expected.to_dict())


def test_precision_counts_the_images_in_which_the_class_was_named() -> None:
    tables = np.zeros((4, 2, 2))
    tables[0, 0, 0], tables[1, 1, 1], tables[2, 0, 1], tables[3, 1, 0] = 5, 4, 2, 3
    named = class_interval(tables, None, positive_predictive_value, taken, positive=1)
    assert (named.value, named.n_units) == (pytest.approx(4 / 6), 2)
    there = class_interval(tables, None, sensitivity, found, positive=1)
    assert (there.value, there.n_units) == (pytest.approx(4 / 7), 2)


def test_a_mean_over_classes_takes_those_that_occur() -> None:
    padded = np.pad(TABLES, ((0, 0), (0, 1), (0, 1)))
    one, other = (class_mean_interval(each, None, sensitivity, found) for each in (TABLES, padded))
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))
    assert one.value == pytest.approx(float(balanced_accuracy(TABLES.sum(axis=0))))


def test_no_table_and_one_table_tell_no_interval() -> None:
    nothing = np.zeros((0, 2, 2))
    for clusters in (None, []):
        for none in (
            confusion_interval(nothing, clusters, accuracy),
            class_interval(nothing, clusters, sensitivity, found, positive=1),
            class_mean_interval(nothing, clusters, sensitivity, found),
        ):
            assert np.isnan(none.value) and none.low is None and none.n_units == 0
    one = confusion_interval(TABLES[:1], None, accuracy)
    assert one.low is None and one.value == pytest.approx(float(accuracy(TABLES[0])))


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (np.ones((2, 2)), "confusions have shape (images, K, K), not (2, 2)"),
        (np.ones((2, 2, 3)), "a confusion matrix has shape (..., K, K), not (2, 2, 3)"),
        (-np.ones((2, 2, 2)),
         "a confusion matrix has counts of 0 or more; this one has negative or missing ones"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_tables_is_refused(tables: NDArray[np.float64], message: str) -> None:
    with pytest.raises(InputError) as caught:
        confusion_interval(tables, None, accuracy)
    assert str(caught.value) == message
