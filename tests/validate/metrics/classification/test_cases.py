"""What metrics of classification take: messages that say what is wrong, what is allowed, what to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.metrics.classification.cases import (
    by_class,
    check_classes,
    check_outcomes,
    check_probabilities,
    check_scores,
    check_units,
    checked_cases,
)


@given(
    classes=st.lists(st.integers(0, 4), max_size=20), kind=st.sampled_from([int, float, np.uint8, np.int8])
)
def test_whole_numbers_of_any_type_are_classes(classes: list[int], kind: type) -> None:
    found = check_classes(np.array(classes, dtype=kind), n_classes=5, name="reference")
    assert found.dtype == np.int64
    assert found.tolist() == classes
    outcomes = check_outcomes([value > 2 for value in classes])
    assert outcomes.dtype == np.bool_
    assert outcomes.tolist() == [value > 2 for value in classes]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (
            [0, 3, -1],
            "reference: 2 of 3 classes are not allowed, the first is 3; number the classes from 0 to 2",
        ),
        (
            [0.5, 1],
            "reference: 1 of 2 classes are not allowed, the first is 0.5; number the classes from 0 to 2",
        ),
        (
            [np.nan],
            "reference: 1 of 1 classes are not allowed, the first is nan; number the classes from 0 to 2",
        ),
        ([[0, 1]], "reference have shape (1, 2); give one value per case, shape (cases,)"),
        (1, "reference have shape (); give one value per case, shape (cases,)"),
    ],
)
def test_what_is_no_class_is_refused(classes: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        check_classes(classes, n_classes=3, name="reference")
    assert str(caught.value) == message


def test_there_is_at_least_one_class() -> None:
    with pytest.raises(InputError, match=r"^n_classes 0 is not allowed; use a whole number of at least 1$"):
        check_classes([], n_classes=0, name="reference")


@pytest.mark.parametrize(
    ("scores", "kind", "message"),
    [
        ([0.5], ShapeMismatchError, "scores: 1 values are given for 2 cases; give one for each"),
        ([0.5, np.nan], PixelValueError, "scores: 1 of 2 values are NaN; leave these cases out"),
        ([[0.5, 1]], InputError, "scores have shape (1, 2); give one value per case, shape (cases,)"),
    ],
)
def test_there_is_one_score_per_case(scores: Any, kind: type[InputError], message: str) -> None:
    with pytest.raises(kind) as caught:
        check_scores(scores, n_cases=2)
    assert str(caught.value) == message
    assert check_scores([np.inf, -np.inf], n_cases=2).tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize(
    ("given_values", "columns", "kind", "message"),
    [
        (
            [0.5, 1.5],
            False,
            PixelValueError,
            "probabilities: 1 of 2 values are not between 0 and 1, the first is 1.5; turn scores into "
            "probabilities, and leave out cases without one",
        ),
        (
            [0.5, np.nan],
            False,
            PixelValueError,
            "probabilities: 1 of 2 values are not between 0 and 1, the first is nan; turn scores into "
            "probabilities, and leave out cases without one",
        ),
        (
            [[0.5, 0.5], [0.9, 0.2]],
            True,
            PixelValueError,
            "probabilities: 1 of 2 rows do not sum to 1, the first sums to 1.1; give the probabilities of "
            "all classes",
        ),
        (
            [0.5],
            False,
            ShapeMismatchError,
            "probabilities have shape (1,) for 2 cases; give an array of shape (cases,)",
        ),
        (
            [0.5, 0.5],
            True,
            ShapeMismatchError,
            "probabilities have shape (2,) for 2 cases; give an array of shape (cases, classes)",
        ),
        (
            np.zeros((2, 0)),
            True,
            ShapeMismatchError,
            "probabilities have shape (2, 0) for 2 cases; give an array of shape (cases, classes)",
        ),
    ],
)
def test_what_is_no_probability_is_refused(
    given_values: Any, columns: bool, kind: type[InputError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        check_probabilities(given_values, n_cases=2, columns=columns)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("off", "fits"), [(0.0, True), (5e-5, True), (-5e-5, True), (2e-4, False), (-2e-4, False)]
)
def test_rows_sum_to_one_but_for_rounding(off: float, fits: bool) -> None:
    """Probabilities written with four digits, or as float16, do not sum to 1 exactly."""
    rows = np.array([[0.25, 0.75 + off]])
    if fits:
        assert check_probabilities(rows, n_cases=1, columns=True) == pytest.approx(rows)
    else:
        with pytest.raises(PixelValueError):
            check_probabilities(rows, n_cases=1, columns=True)


def test_what_was_stated_of_one_class_becomes_two_columns() -> None:
    assert by_class(np.array([0.25, 1.0])).tolist() == [[0.75, 0.25], [0.0, 1.0]]
    rows = np.array([[0.2, 0.3, 0.5]])
    assert by_class(rows) is rows
    assert by_class(np.empty(0)).shape == (0, 2)


def test_infinite_scores_are_refused_only_where_they_cannot_be_used() -> None:
    assert check_scores([1.0, np.inf]).tolist() == [1.0, np.inf]
    with pytest.raises(PixelValueError) as caught:
        check_scores([1.0, np.inf], name="losses", finite=True)
    assert str(caught.value) == "losses must be finite; leave out cases that have infinite ones"


@pytest.mark.parametrize("units", [[], ["a"], ["a", "b", "c"]])
def test_there_is_one_image_per_case(units: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        check_units(units, n_cases=2)
    assert str(caught.value) == f"{len(units)} units are given for 2 cases; give one for each"
    check_units([None, ("plate", 3)], n_cases=2)  # any name will do


def test_classes_and_probabilities_are_checked_against_each_other() -> None:
    classes, stated = checked_cases([0, 2.0, True], np.eye(3))
    assert classes.tolist() == [0, 2, 1] and stated.shape == (3, 3)
    assert checked_cases([], [])[1].shape == (0,)
    with pytest.raises(InputError, match=r"^reference: 1 of 1 classes are not allowed, the first is 2"):
        checked_cases([2], [0.5])
