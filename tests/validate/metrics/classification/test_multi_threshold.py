"""Scores over all thresholds: by hand, ties, infinite scores, and promises on both sides."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.validate.metrics.classification.multi_threshold import (
    OperatingPoint,
    auroc,
    average_precision,
    decisions_by_threshold,
    ppv_at_sensitivity,
    sensitivity_at_ppv,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
)

TRUE = [1, 1, 0, 1, 0, 0, 1, 0]
SCORES = [0.9, 0.8, 0.7, 0.6, 0.55, 0.5, 0.4, 0.1]
CASES = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=25)
POINTS = (sensitivity_at_specificity, specificity_at_sensitivity, ppv_at_sensitivity, sensitivity_at_ppv)


def test_values_by_hand() -> None:
    # Pairs of the class and the rest: 4 + 4 + 3 + 1 of 16 in the right order.
    assert auroc(TRUE, SCORES) == 12 / 16
    # A step of 1/4 at each of the class, with precisions 1, 1, 3/4, 4/7.
    assert average_precision(TRUE, SCORES) == pytest.approx((1 + 1 + 3 / 4 + 4 / 7) / 4)
    thresholds, decisions = decisions_by_threshold(TRUE, SCORES)
    assert thresholds.tolist() == [math.inf, *SCORES]
    assert decisions.tp.tolist() == [0, 1, 2, 2, 3, 3, 3, 4, 4]
    assert decisions.tn.tolist() == [4, 4, 4, 3, 3, 2, 1, 1, 0]


@pytest.mark.parametrize(
    ("function", "at_least", "point"),
    [
        (sensitivity_at_specificity, 0.75, OperatingPoint(0.75, 0.6, 0.75)),
        (sensitivity_at_specificity, 1.0, OperatingPoint(0.5, 0.8, 1.0)),
        (sensitivity_at_specificity, 0.0, OperatingPoint(1.0, 0.4, 0.25)),
        (specificity_at_sensitivity, 0.75, OperatingPoint(0.75, 0.6, 0.75)),
        (specificity_at_sensitivity, 1.0, OperatingPoint(0.25, 0.4, 1.0)),
        (specificity_at_sensitivity, 0.0, OperatingPoint(1.0, math.inf, 0.0)),
        (ppv_at_sensitivity, 0.6, OperatingPoint(0.75, 0.6, 0.75)),
        (ppv_at_sensitivity, 0.0, OperatingPoint(1.0, 0.9, 0.25)),
        (sensitivity_at_ppv, 0.7, OperatingPoint(0.75, 0.6, 0.75)),
        (sensitivity_at_ppv, 0.5, OperatingPoint(1.0, 0.4, 4 / 7)),
    ],
)
def test_promises_by_hand(function: Any, at_least: float, point: OperatingPoint) -> None:
    assert function(TRUE, SCORES, at_least=at_least) == point


@settings(max_examples=60, deadline=None)
@given(CASES, st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]))
def test_a_promise_is_kept_at_its_threshold_and_asking_less_never_costs(
    cases: list[tuple[bool, int]], at_least: float
) -> None:
    true, scores = (np.array(column) for column in zip(*cases, strict=True))
    for function in POINTS:
        point = function(true, scores, at_least=at_least)
        easier = function(true, scores, at_least=at_least / 2)
        if math.isnan(point.value):
            assert math.isnan(point.threshold) and math.isnan(point.kept)
            continue
        assert point.kept >= at_least
        assert easier.value >= point.value
        assert point.threshold == math.inf or point.threshold in scores


@settings(max_examples=60, deadline=None)
@given(CASES, st.randoms())
def test_the_order_of_cases_and_the_scale_of_scores_change_nothing(
    cases: list[tuple[bool, int]], random: Any
) -> None:
    true, scores = (np.array(column, float) for column in zip(*cases, strict=True))
    order = random.sample(range(len(cases)), len(cases))
    for function in (auroc, average_precision):
        plain = function(true, scores)
        assert function(true[order], scores[order]) == pytest.approx(plain, nan_ok=True)
        assert function(true, 2**scores - 7) == pytest.approx(plain, nan_ok=True)
    both = np.repeat(true, 3), np.repeat(scores, 3)
    assert average_precision(*both) == pytest.approx(average_precision(true, scores), nan_ok=True)


def test_scores_may_be_infinite() -> None:
    scores = [math.inf, 2.0, -math.inf, -math.inf]
    assert auroc([1, 1, 0, 0], scores) == 1
    assert auroc([1, 0, 1, 0], scores) == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    assert average_precision([1, 1, 0, 0], scores) == 1
    thresholds, decisions = decisions_by_threshold([1, 1, 0, 0], scores)
    assert thresholds.tolist() == [math.inf, math.inf, 2.0, -math.inf]
    assert decisions.tp.tolist() == [0, 1, 2, 2]  # the first takes no case, the second those at infinity


@pytest.mark.parametrize(("n_true", "n_false"), [(1, 9), (5, 5), (9, 1)])
def test_scores_that_say_nothing(n_true: int, n_false: int) -> None:
    true, same = [1] * n_true + [0] * n_false, np.full(10, 0.5)
    assert auroc(true, same) == 0.5
    assert average_precision(true, same) == n_true / 10
    point = sensitivity_at_specificity(true, same, at_least=0.5)
    assert point == OperatingPoint(0.0, math.inf, 1.0)  # all or none: only none keeps the promise


@pytest.mark.parametrize("function", POINTS)
@pytest.mark.parametrize("at_least", [-0.1, 1.5, math.nan])
def test_a_promise_is_a_share(function: Any, at_least: float) -> None:
    with pytest.raises(InputError) as caught:
        function(TRUE, SCORES, at_least=at_least)
    assert str(caught.value) == f"at_least {at_least!r} is not allowed; use a share from 0 to 1"


@pytest.mark.parametrize(
    ("true", "scores", "message"),
    [
        (
            [0, 2],
            [0.1, 0.2],
            "reference: 1 of 2 classes are not allowed, the first is 2; number the classes from 0 to 1",
        ),
        ([0, 1], [0.1], "scores: 1 values are given for 2 cases; give one for each"),
        ([0, 1], [0.1, math.nan], "scores: 1 of 2 values are NaN; leave these cases out"),
        ([[0, 1]], [0.1, 0.2], "reference have shape (1, 2); give one value per case, shape (cases,)"),
    ],
)
def test_what_is_no_list_of_cases_is_refused(true: Any, scores: Any, message: str) -> None:
    for function in (auroc, average_precision, decisions_by_threshold):
        with pytest.raises(InputError) as caught:
            function(true, scores)
        assert str(caught.value) == message
