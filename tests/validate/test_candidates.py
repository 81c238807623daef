"""Candidates on the same units: what is taken, left aside, and refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from veriscope.errors import InputError
from veriscope.validate.candidates import candidates_by_values


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
