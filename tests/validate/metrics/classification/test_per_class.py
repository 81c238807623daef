"""Decisions for one class, counted case by case in fractions; what each number does and does not see."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.validate.metrics.classification.confusion import confusion_matrix
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

CASES = st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30)
"""Whether each case is of the class, and whether it was taken for it."""


def decided(cases: list[tuple[bool, bool]]) -> Decisions:
    true, taken = [pair[0] for pair in cases], [pair[1] for pair in cases]
    return one_versus_rest(confusion_matrix(true, taken, n_classes=2))


def counts(tp: float, fp: float, fn: float, tn: float) -> Decisions:
    return Decisions(*(np.array(number, dtype=np.float64) for number in (tp, fp, fn, tn)))


def share(cases: list[bool]) -> float:
    """Share of cases that are true, exactly; NaN where there is none."""
    return float(Fraction(sum(cases), len(cases))) if cases else math.nan


@given(CASES)
@settings(max_examples=150, deadline=None)
def test_shares_are_those_of_the_cases_one_by_one(cases: list[tuple[bool, bool]]) -> None:
    found = decided(cases)
    wanted = {
        sensitivity: share([taken for true, taken in cases if true]),
        specificity: share([not taken for true, taken in cases if not true]),
        positive_predictive_value: share([true for true, taken in cases if taken]),
        negative_predictive_value: share([not true for true, taken in cases if not taken]),
    }
    for metric, expected in wanted.items():
        assert float(metric(found)) == pytest.approx(expected, nan_ok=True, abs=1e-15)  # type: ignore[operator]
    assert found.total == len(cases)


@given(CASES, st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0]))
@settings(max_examples=150, deadline=None)
def test_f_is_the_weighted_harmonic_mean_of_both(cases: list[tuple[bool, bool]], beta: float) -> None:
    found = decided(cases)
    value = float(f_beta(found, beta=beta))
    recall, precision = float(sensitivity(found)), float(positive_predictive_value(found))
    if found.tp == 0:
        assert math.isnan(value) if found.fp + found.fn == 0 else value == 0
        return
    assert value == pytest.approx((1 + beta**2) / (1 / precision + beta**2 / recall))
    assert min(recall, precision) - 1e-12 <= value <= max(recall, precision) + 1e-12


@given(CASES)
@settings(max_examples=100, deadline=None)
def test_turning_the_question_around_swaps_the_metrics(cases: list[tuple[bool, bool]]) -> None:
    of_class = decided(cases)
    of_rest = decided([(not true, not taken) for true, taken in cases])
    swapped = decided([(taken, true) for true, taken in cases])
    for one, other in (
        (sensitivity(of_class), specificity(of_rest)),
        (positive_predictive_value(of_class), negative_predictive_value(of_rest)),
        (sensitivity(of_class), positive_predictive_value(swapped)),
        (specificity(of_class), negative_predictive_value(swapped)),
        (f_beta(of_class), f_beta(swapped)),
        (f_beta(of_class, beta=2.0), f_beta(swapped, beta=0.5)),
    ):
        assert float(one) == pytest.approx(float(other), nan_ok=True)


# ---- the class is rarer, or more frequent, where decisions will be made


@pytest.mark.parametrize(("n_class", "n_rest"), [(30, 70), (7, 993), (1, 1)])
def test_at_the_prevalence_of_the_data_nothing_changes(n_class: int, n_rest: int) -> None:
    found = counts(0.8 * n_class, 0.1 * n_rest, 0.2 * n_class, 0.9 * n_rest)
    own = n_class / (n_class + n_rest)
    for metric in (positive_predictive_value, negative_predictive_value):
        assert metric(found, prevalence=own) == pytest.approx(float(metric(found)))


def test_a_rare_class_makes_most_alarms_false() -> None:
    """A test of 99 % both ways, for one case in a thousand: nine alarms of ten are false."""
    found = counts(99, 1, 1, 99)
    assert positive_predictive_value(found) == 0.99
    assert positive_predictive_value(found, prevalence=0.001) == pytest.approx(0.0902, abs=1e-4)
    assert negative_predictive_value(found, prevalence=0.001) == pytest.approx(1, abs=1e-4)


@given(
    st.tuples(*[st.integers(1, 40)] * 4),
    st.tuples(st.floats(0.01, 0.99), st.floats(0.01, 0.99)).map(sorted),
)
@settings(max_examples=80, deadline=None)
def test_the_more_frequent_the_class_the_truer_its_alarms(
    numbers: tuple[int, int, int, int], shares: list[float]
) -> None:
    found = counts(*numbers)
    low, high = (float(positive_predictive_value(found, prevalence=each)) for each in shares)
    assert low <= high + 1e-12
    low, high = (float(negative_predictive_value(found, prevalence=each)) for each in shares)
    assert low >= high - 1e-12


@pytest.mark.parametrize(
    ("found", "ppv", "npv"),
    [
        (counts(0, 0, 5, 5), math.nan, 0.7),
        (counts(5, 5, 0, 0), 0.3, math.nan),
        (counts(0, 4, 0, 6), math.nan, math.nan),
        (counts(4, 0, 6, 0), math.nan, math.nan),
        (counts(0, 0, 0, 0), math.nan, math.nan),
    ],
    ids=["nothing taken", "all taken", "no case of the class", "only cases of the class", "no case"],
)
def test_predictive_values_where_a_side_is_empty(found: Decisions, ppv: float, npv: float) -> None:
    values = (
        float(positive_predictive_value(found, prevalence=0.3)),
        float(negative_predictive_value(found, prevalence=0.3)),
    )
    assert values == pytest.approx((ppv, npv), nan_ok=True)


# ---- likelihood ratio and net benefit


@pytest.mark.parametrize(
    ("found", "value"),
    [
        (counts(8, 1, 2, 9), 8.0),
        (counts(5, 5, 5, 5), 1.0),
        (counts(1, 0, 9, 10), math.inf),
        (counts(0, 3, 10, 7), 0.0),
        (counts(0, 0, 10, 10), math.nan),
        (counts(0, 3, 0, 7), math.nan),
        (counts(3, 0, 7, 0), math.nan),
    ],
    ids=["better than guessing", "guessing", "no false alarm", "only false alarms", "nothing taken",
         "no case of the class", "no case of the rest"],
)  # fmt: skip
def test_likelihood_ratio(found: Decisions, value: float) -> None:
    assert float(positive_likelihood_ratio(found)) == pytest.approx(value, nan_ok=True)


@given(st.tuples(*[st.integers(1, 60)] * 4), st.floats(0.02, 0.98))
@settings(max_examples=80, deadline=None)
def test_it_turns_odds_before_into_odds_after(numbers: tuple[int, int, int, int], prevalence: float) -> None:
    found = counts(*numbers)
    after = float(positive_predictive_value(found, prevalence=prevalence))
    odds = prevalence / (1 - prevalence) * float(positive_likelihood_ratio(found))
    assert after == pytest.approx(odds / (1 + odds))


@given(st.tuples(*[st.integers(0, 60)] * 4).filter(any), st.floats(0.02, 0.98))
@settings(max_examples=80, deadline=None)
def test_net_benefit_lies_between_that_of_no_right_and_of_no_wrong_action(
    numbers: tuple[int, int, int, int], threshold: float
) -> None:
    tp, fp, fn, tn = numbers
    value = float(net_benefit(counts(*numbers), risk_threshold=threshold))
    total, odds = tp + fp + fn + tn, threshold / (1 - threshold)
    assert value == pytest.approx((tp - fp * odds) / total)
    assert -(fp + tn) / total * odds - 1e-12 <= value <= (tp + fn) / total + 1e-12


def test_acting_on_all_breaks_even_at_the_prevalence() -> None:
    everyone = counts(20, 80, 0, 0)
    assert net_benefit(everyone, risk_threshold=0.2) == pytest.approx(0)
    assert net_benefit(everyone, risk_threshold=0.1) > 0 > net_benefit(everyone, risk_threshold=0.3)
    assert math.isnan(float(net_benefit(counts(0, 0, 0, 0), risk_threshold=0.2)))


# ---- many tables at once, and what is refused

METRICS: dict[str, Callable[[Decisions], NDArray[np.float64]]] = {
    "sensitivity": sensitivity,
    "specificity": specificity,
    "ppv": positive_predictive_value,
    "npv": negative_predictive_value,
    "ppv at 0.2": lambda found: positive_predictive_value(found, prevalence=0.2),
    "npv at 0.2": lambda found: negative_predictive_value(found, prevalence=0.2),
    "f2": lambda found: f_beta(found, beta=2.0),
    "lr": positive_likelihood_ratio,
    "net benefit": lambda found: net_benefit(found, risk_threshold=0.2),
}


@pytest.mark.parametrize("name", METRICS)
def test_tables_side_by_side_are_judged_one_by_one(name: str) -> None:
    tables = np.random.default_rng(1).integers(0, 4, (5, 3, 4, 4)).astype(float)
    together = METRICS[name](one_versus_rest(tables, positive=2))
    assert together.shape == (5, 3)
    for place in np.ndindex(5, 3):
        alone = METRICS[name](one_versus_rest(tables[place], positive=2))
        np.testing.assert_array_equal(together[place], alone)


@pytest.mark.parametrize("positive", [-1, 3, 99])
def test_a_class_that_is_not_there_is_refused(positive: int) -> None:
    with pytest.raises(InputError) as caught:
        one_versus_rest(np.ones((3, 3)), positive=positive)
    assert str(caught.value) == f"class {positive} is not allowed; the classes are 0 to 2"


@pytest.mark.parametrize("metric", [positive_predictive_value, negative_predictive_value])
@pytest.mark.parametrize("prevalence", [-0.1, 1.1, 30, math.nan])
def test_a_prevalence_is_a_share(metric: Any, prevalence: float) -> None:
    with pytest.raises(InputError) as caught:
        metric(counts(1, 1, 1, 1), prevalence=prevalence)
    assert str(caught.value) == f"prevalence {prevalence!r} is not allowed; use a share from 0 to 1"


@pytest.mark.parametrize("beta", [0, -1.0, math.nan, math.inf])
def test_a_beta_is_a_number_above_0(beta: float) -> None:
    with pytest.raises(InputError) as caught:
        f_beta(counts(1, 1, 1, 1), beta=beta)
    assert str(caught.value) == f"beta {beta!r} is not allowed; use a number above 0, such as 1"


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.2, 20, math.nan])
def test_a_risk_lies_between_0_and_1(threshold: float) -> None:
    with pytest.raises(InputError) as caught:
        net_benefit(counts(1, 1, 1, 1), risk_threshold=threshold)
    assert str(caught.value) == (f"risk threshold {threshold!r} is not allowed; use a share between 0 and 1")
