"""Decisions between classes by hand: rare and absent classes, weights of cases, and costs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.validate.metrics.classification.confusion import (
    accuracy,
    balanced_accuracy,
    check_confusion,
    confusion_matrix,
    expected_cost,
    matthews_correlation,
    weighted_kappa,
)
from veriscope.validate.metrics.classification.per_class import (
    Decisions,
    f_beta,
    negative_predictive_value,
    net_benefit,
    one_versus_rest,
    positive_likelihood_ratio,
    positive_predictive_value,
    sensitivity,
    specificity,
)

TABLE = np.array([[50, 3, 2], [4, 20, 6], [0, 5, 10]])
"""100 cases: 55, 30 and 15 of each class; 80 right."""
ALL = (accuracy, balanced_accuracy, matthews_correlation, weighted_kappa)
TABLES = hnp.arrays(
    np.float64, st.integers(2, 4).map(lambda k: (k, k)), elements=st.integers(0, 9).map(float)
)


def test_values_by_hand() -> None:
    assert accuracy(TABLE) == 0.8
    assert balanced_accuracy(TABLE) == pytest.approx((50 / 55 + 20 / 30 + 10 / 15) / 3)
    columns = (54, 28, 18)
    covariance = 80 * 100 - (55 * 54 + 30 * 28 + 15 * 18)
    spreads = (100**2 - 55**2 - 30**2 - 15**2), (100**2 - sum(n**2 for n in columns))
    assert matthews_correlation(TABLE) == pytest.approx(covariance / math.sqrt(spreads[0] * spreads[1]))
    by_chance = (55 * 54 + 30 * 28 + 15 * 18) / 100**2
    assert weighted_kappa(TABLE, weights="none") == pytest.approx((0.8 - by_chance) / (1 - by_chance))


def test_a_confusion_further_apart_costs_more_where_classes_have_an_order() -> None:
    near, far = np.diag([5.0, 5, 5]), np.diag([5.0, 5, 5])
    near[0, 1], far[0, 2] = 2, 2
    for weights in ("linear", "quadratic"):
        assert weighted_kappa(near, weights=weights) > weighted_kappa(far, weights=weights)  # type: ignore[arg-type]
    apart = np.abs(np.subtract.outer(range(3), range(3)))
    by_chance = (apart * np.outer((55, 30, 15), (54, 28, 18))).sum() / 100
    assert weighted_kappa(TABLE, weights="linear") == pytest.approx(1 - (18 + 2 * 2) / by_chance)


@pytest.mark.parametrize("metric", ALL)
@given(TABLES, st.floats(1e-6, 1e6))
@settings(max_examples=30, deadline=None)
def test_weights_of_all_cases_change_nothing(metric: Any, table: NDArray[np.float64], weight: float) -> None:
    assert metric(weight * table) == pytest.approx(float(metric(table)), nan_ok=True, abs=1e-9)


@pytest.mark.parametrize("metric", ALL)
@given(TABLES)
@settings(max_examples=30, deadline=None)
def test_a_class_that_nobody_has_or_names_changes_nothing(metric: Any, table: NDArray[np.float64]) -> None:
    assert metric(np.pad(table, (0, 1))) == pytest.approx(float(metric(table)), nan_ok=True, abs=1e-9)


@given(TABLES)
@settings(max_examples=40, deadline=None)
def test_the_rest_is_the_sum_of_the_others(table: NDArray[np.float64]) -> None:
    for k in range(len(table)):
        one = one_versus_rest(table, positive=k)
        assert (one.tp, one.tp + one.fn, one.tp + one.fp) == (table[k, k], table[k].sum(), table[:, k].sum())
        assert one.total == table.sum()
        rest = Decisions(tp=one.tn, fp=one.fn, fn=one.fp, tn=one.tp)
        assert specificity(one) == pytest.approx(float(sensitivity(rest)), nan_ok=True)
        assert negative_predictive_value(one) == pytest.approx(
            float(positive_predictive_value(rest)), nan_ok=True
        )


def test_metrics_of_one_class_by_hand() -> None:
    middle = one_versus_rest(TABLE, positive=1)
    assert (middle.tp, middle.fp, middle.fn, middle.tn) == (20, 8, 10, 62)
    assert sensitivity(middle) == pytest.approx(20 / 30)
    assert specificity(middle) == pytest.approx(62 / 70)
    assert positive_predictive_value(middle) == pytest.approx(20 / 28)
    assert negative_predictive_value(middle) == pytest.approx(62 / 72)
    assert f_beta(middle, beta=2) == pytest.approx(5 * 20 / (5 * 20 + 4 * 10 + 8))
    assert positive_likelihood_ratio(middle) == pytest.approx((20 / 30) / (8 / 70))
    assert net_benefit(middle, risk_threshold=0.25) == pytest.approx((20 - 8 / 3) / 100)


@given(st.floats(0.01, 0.99))
@settings(max_examples=30, deadline=None)
def test_predictive_values_follow_bayes(prevalence: float) -> None:
    middle = one_versus_rest(TABLE, positive=1)
    ppv = float(positive_predictive_value(middle, prevalence=prevalence))
    odds = prevalence / (1 - prevalence) * float(positive_likelihood_ratio(middle))
    assert ppv / (1 - ppv) == pytest.approx(odds)


@pytest.mark.parametrize(("prevalence", "ppv", "npv"), [(0.0, 0.0, 1.0), (1.0, 1.0, 0.0)])
def test_where_the_class_is_nowhere_or_everywhere(prevalence: float, ppv: float, npv: float) -> None:
    middle = one_versus_rest(TABLE, positive=1)
    assert positive_predictive_value(middle, prevalence=prevalence) == ppv
    assert negative_predictive_value(middle, prevalence=prevalence) == npv


def test_never_acting_has_no_benefit_and_acting_on_all_has_that_of_the_prevalence() -> None:
    nobody = Decisions(*(np.array(float(n)) for n in (0, 0, 30, 70)))
    everybody = Decisions(*(np.array(float(n)) for n in (30, 70, 0, 0)))
    for risk in (0.1, 0.3, 0.5):
        assert net_benefit(nobody, risk_threshold=risk) == 0
        assert net_benefit(everybody, risk_threshold=risk) == pytest.approx(0.3 - 0.7 * risk / (1 - risk))
    assert net_benefit(everybody, risk_threshold=0.3) == pytest.approx(0)


@given(TABLES)
@settings(max_examples=30, deadline=None)
def test_costs_are_linear_and_one_for_every_confusion_is_one_less_accuracy(
    table: NDArray[np.float64],
) -> None:
    k = len(table)
    costs = np.random.default_rng(k).integers(0, 9, (k, k)).astype(float)
    plain = float(expected_cost(table, costs))
    assert expected_cost(table, 3 * costs) == pytest.approx(3 * plain, nan_ok=True)
    assert expected_cost(table, 1 - np.eye(k)) == pytest.approx(1 - float(accuracy(table)), nan_ok=True)
    uniform = expected_cost(table, np.full((k, k), 7.0))
    assert math.isnan(uniform) == (table.sum() == 0)
    if table.sum():
        assert uniform == pytest.approx(7)
        assert expected_cost(table, costs, normalised=True) == pytest.approx(
            plain / (table.sum(axis=1) / table.sum() @ costs).min()
            if (table.sum(axis=1) @ costs).min() > 0
            else math.nan,
            nan_ok=True,
        )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: check_confusion(np.zeros((2, 3))), "a confusion matrix has shape (..., K, K), not (2, 3)"),
        (lambda: check_confusion(np.zeros((0, 0))), "a confusion matrix has shape (..., K, K), not (0, 0)"),
        (lambda: check_confusion(5), "a confusion matrix has shape (..., K, K), not ()"),
        (
            lambda: accuracy([[1, -1], [0, 1]]),
            "a confusion matrix has counts of 0 or more; this one has negative or missing ones",
        ),
        (
            lambda: accuracy([[1, np.nan], [0, 1]]),
            "a confusion matrix has counts of 0 or more; this one has negative or missing ones",
        ),
        (
            lambda: expected_cost(TABLE, np.ones((2, 2))),
            "costs must be 3 x 3 numbers of 0 or more, one per confusion",
        ),
        (
            lambda: expected_cost(TABLE, np.eye(3), priors=[0.5, 0.6, -0.1]),
            "priors must be 3 numbers of 0 or more that sum to 1, one per class",
        ),
        (
            lambda: expected_cost(TABLE, np.eye(3), priors=[0.5, 0.4, 0.2]),
            "priors must be 3 numbers of 0 or more that sum to 1, one per class",
        ),
        (
            lambda: weighted_kappa(TABLE, weights="cubic"),  # type: ignore[arg-type]
            "weights 'cubic' are not allowed; use one of none, linear, quadratic",
        ),
        (lambda: one_versus_rest(TABLE, positive=3), "class 3 is not allowed; the classes are 0 to 2"),
        (lambda: one_versus_rest(TABLE, positive=-1), "class -1 is not allowed; the classes are 0 to 2"),
        (
            lambda: f_beta(one_versus_rest(TABLE), beta=0),
            "beta 0 is not allowed; use a number above 0, such as 1",
        ),
        (
            lambda: positive_predictive_value(one_versus_rest(TABLE), prevalence=1.2),
            "prevalence 1.2 is not allowed; use a share from 0 to 1",
        ),
        (
            lambda: net_benefit(one_versus_rest(TABLE), risk_threshold=1),
            "risk threshold 1 is not allowed; use a share between 0 and 1",
        ),
        (
            lambda: confusion_matrix([0], [0], n_classes=0),
            "n_classes 0 is not allowed; use a whole number of at least 1",
        ),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == message
