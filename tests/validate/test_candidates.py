"""Candidates on the same units: what is taken, left aside, and refused."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.validate.candidates import candidates_by_counts, candidates_by_values
from veriscope.validate.units import UnitCounts, count_unit


def test_values_become_sums_of_which_the_mean_is_the_ratio() -> None:
    found = candidates_by_values({"a": [1, 2, 6], "b": [3, 3, 3]})
    assert found.function(found.rows.sum(axis=1)).tolist() == [3, 3]
    assert (found.aggregation, found.n_left_aside, found.sign()) == ("mean", 0, 1)
    assert candidates_by_values({"a": [1.0]}, better="lower").sign() == -1


def test_values_of_a_cluster_are_averaged_first() -> None:
    found = candidates_by_values({"a": [1, 3, 10]}, clusters=["x", "x", "y"])
    assert found.independent_rows.tolist() == [[[2, 1], [10, 1]]]
    assert found.function(found.independent_rows.sum(axis=1)).tolist() == [6]


def test_units_without_a_value_are_left_aside_for_all_or_get_the_worst() -> None:
    values = {"finds": [0.9, 0.8, math.nan], "silent": [0.7, math.nan, math.nan]}
    aside = candidates_by_values(values)
    assert (aside.rows.shape, aside.n_left_aside) == ((2, 1, 2), 2)
    worst = candidates_by_values(values, missing=0.0, clusters=["x", "y", "y"])
    assert worst.function(worst.rows.sum(axis=1)) == pytest.approx([0.85, 0.35])
    assert (worst.n_left_aside, worst.clusters is not None and worst.clusters.tolist()) == (1, [0, 1])
    infinite = candidates_by_values({"a": [math.inf, 1], "b": [2, 1]}, better="lower", missing=50.0)
    assert infinite.rows[0, :, 0].tolist() == [50, 1]


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ({}, {}, "there is no candidate to rank; give the values of at least one"),
        (
            {"a": [1.0, 2.0], "b": [1.0]},
            {},
            "'a' has 2 units and 'b' has 1; compare candidates on the same images",
        ),
        ({"a": [[1.0]]}, {}, "values of 'a' have shape (1, 1); give one value per unit, shape (n,)"),
        ({"a": [1.0]}, {"better": "more"}, "better 'more' is not allowed; use 'higher' or 'lower'"),
        (
            {"a": [0.5, 0.5], "b": [0.5, 1.2]},
            {"bounds": (0, 1)},
            "'b' has the value 1.2 in unit 1, which is not between 0 and 1; give the bounds of this metric",
        ),
        ({"a": ["x", "y"]}, {}, "values of 'a' are no numbers; give one number per unit, NaN for none"),
        (
            {"a": [0.5], "b": [[0.5], [0.1, 0.2]]},
            {},
            "values of 'b' are no numbers; give one number per unit, NaN for none",
        ),
        (
            {"a": [0.5, math.nan], "b": [0.5, 0.2]},
            {"bounds": (0, 1), "missing": -5.0},
            "missing -5.0 is not a number between 0 and 1; give the worst value of this metric, or None",
        ),
        (
            {"a": [0.5, math.nan], "b": [0.5, 0.2]},
            {"missing": math.inf},
            "missing inf is not a number between -inf and inf; give the worst value of this metric, or None",
        ),
        (
            {"a": [0.5, 0.5]},
            {"clusters": ["x"]},
            "1 clusters are given for 2 units; give one for each",
        ),
    ],
)
def test_wrong_input_is_refused(values: dict[str, object], options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        candidates_by_values(values, **options)  # type: ignore[arg-type]
    assert str(error.value) == message


def test_rows_are_not_shared_with_the_caller() -> None:
    values = np.array([1.0, 2.0])
    found = candidates_by_values({"a": values})
    values[0] = 9
    assert found.rows[0, 0, 0] == 1


@settings(max_examples=80, deadline=None)
@given(
    table=st.lists(
        st.tuples(*[st.sampled_from([0.0, 0.25, 0.5, 1.0, math.nan])] * 2), min_size=1, max_size=8
    ),
    worst=st.sampled_from([None, 0.0]),
    data=st.data(),
)
def test_means_are_over_units_that_all_have_or_over_replicates_of_them(
    table: list[tuple[float, float]], worst: float | None, data: st.DataObject
) -> None:
    names = data.draw(st.lists(st.sampled_from("xyz"), min_size=len(table), max_size=len(table)))
    values = {"a": [row[0] for row in table], "b": [row[1] for row in table]}
    found = candidates_by_values(values, missing=worst, clusters=names, bounds=(0, 1))
    rows = [
        [worst if worst is not None and math.isnan(value) else value for value in row]
        for row in table
        if not all(map(math.isnan, row))
    ]
    clusters = [name for name, row in zip(names, table, strict=True) if not all(map(math.isnan, row))]
    kept = [(name, row) for name, row in zip(clusters, rows, strict=True) if not any(map(math.isnan, row))]
    assert found.n_left_aside == len(table) - len(kept)
    means = found.function(found.independent_rows.sum(axis=1))
    for i in range(2):
        of_clusters = [
            np.mean([row[i] for name, row in kept if name == each])
            for each in dict.fromkeys(name for name, _ in kept)
        ]
        expected = np.mean(of_clusters) if of_clusters else math.nan
        assert means[i] == pytest.approx(expected, nan_ok=True)


def unit(name: str, tp: int, fp: int, fn: int, **options: Any) -> UnitCounts:
    return UnitCounts(name, tp + fn, tp + fp, (0.5,), (tp,), (fp,), (fn,), (0.8 * tp,), **options)


SEEN = {
    "a": [unit("x", 4, 1, 1), unit("y", 2, 0, 3), unit("z", 0, 0, 0)],
    "b": [unit("x", 5, 5, 0), unit("y", 5, 1, 0), unit("z", 0, 2, 0)],
}


OTHER_UNITS = (
    "'a' and 'b' were not compared on the same units: {}; give both the same images, references, clusters "
    "and weights, in the same order"
)


@pytest.mark.parametrize(
    ("metric", "better", "values"),
    [
        ("f1@0.5", "higher", (12 / 17, 20 / 28)),
        ("precision@0.5", "higher", (6 / 7, 10 / 18)),
        ("recall@0.5", "higher", (6 / 10, 10 / 10)),
        ("pq", "higher", (4.8 / 8.5, 8 / 14)),
    ],
)
def test_counts_are_pooled_over_units(metric: str, better: str, values: tuple[float, float]) -> None:
    found = candidates_by_counts(SEEN, metric=metric, unit="well")
    assert (found.names, found.better, found.aggregation, found.unit) == (
        ("a", "b"),
        better,
        "pooled",
        "well",
    )
    assert found.function(found.independent_rows.sum(axis=1)) == pytest.approx(values)
    assert (found.sign(), found.n_left_aside, found.bounds) == (1.0, 0, (0, 1))


def test_an_empty_image_left_empty_is_best_beside_one_with_inventions() -> None:
    """By itself it has no F1; beside an image with two inventions, whose F1 is 0, it is the better one."""
    found = candidates_by_counts(SEEN)
    of_z = found.function(found.rows[:, 2])
    assert of_z.tolist() == [1, 0]
    assert np.isnan(candidates_by_counts(SEEN, metric="recall@0.5").function(found.rows[:, 2])).all()


def test_weights_multiply_and_clusters_add_up() -> None:
    def owned(units: list[UnitCounts]) -> list[UnitCounts]:
        options = zip("pqp", (2.0, 1.0, 3.0), strict=True)
        return [replace(one, cluster=name, weight=w) for one, (name, w) in zip(units, options, strict=True)]

    found = candidates_by_counts({name: owned(units) for name, units in SEEN.items()})
    assert found.clusters is not None and found.clusters.tolist() == [0, 1, 0]
    assert found.independent_rows[:, :, :3].tolist() == [
        [[8, 2, 2], [2, 0, 3]],
        [[10, 10 + 6, 0], [5, 1, 0]],
    ]


@pytest.mark.parametrize(
    ("changed", "metric", "message"),
    [
        (None, "f1@0.5", "there is no candidate to rank; give the counts of at least one"),
        (SEEN["b"][:2], "f1@0.5", "'a' has 3 units and 'b' has 2; compare candidates on the same images"),
        (
            [unit("x", 4, 1, 0), *SEEN["b"][1:]],
            "f1@0.5",
            OTHER_UNITS.format("'x' with 5 reference objects against 'x' with 4 reference objects"),
        ),
        (
            [SEEN["b"][1], SEEN["b"][0], SEEN["b"][2]],
            "f1@0.5",
            OTHER_UNITS.format("'x' with 5 reference objects against 'y' with 5 reference objects"),
        ),
        (
            SEEN["b"],
            "count_bias",
            "candidates cannot be ranked by 'count_bias', whose best value is 0 and not at an end of its "
            "range; use a metric such as 'f1@0.5' or 'pq'",
        ),
        (
            SEEN["b"],
            "aji",
            "'aji' is known for whole images only, and 3 of 3 units are tiles, the first is 'x'; use a "
            "metric of objects, such as 'f1@0.5' or 'pq'",
        ),
    ],
    ids=["none", "fewer", "another reference", "another order", "no end", "tiles"],
)
def test_counts_that_cannot_be_compared_are_refused(
    changed: list[UnitCounts] | None, metric: str, message: str
) -> None:
    given_counts = {} if changed is None else {**SEEN, "b": changed}
    with pytest.raises(InputError) as error:
        candidates_by_counts(given_counts, metric=metric)
    assert str(error.value) == message


def test_some_units_without_a_cluster_are_refused() -> None:
    with pytest.raises(InputError) as error:
        candidates_by_counts({"a": [unit("x", 1, 0, 0, cluster="w"), unit("y", 1, 0, 0)]})
    assert str(error.value) == (
        "1 of 2 units have no cluster, the first is 'y'; give every unit a cluster, or none"
    )


def test_an_error_that_is_lower_for_better_candidates_has_its_sign() -> None:
    found = candidates_by_values({"a": [3.0], "b": [1.0]}, better="lower", bounds=(0, 9))
    assert found.sign() == -1
    whole = [count_unit(np.ones((2, 2), int), np.array([[1, 1], [2, 2]]), name="x")]
    assert candidates_by_counts({"a": whole}, metric="vi").better == "lower"
    assert candidates_by_counts({"a": whole}, metric="aji").better == "higher"
