"""Metrics of decisions and scores: against scikit-learn, by hand in edge cases, and invariants."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as peer

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.metrics.classification.confusion import (
    accuracy,
    balanced_accuracy,
    confusion_matrix,
    expected_cost,
    matthews_correlation,
    weighted_kappa,
)
from veriscope.validate.metrics.classification.multi_threshold import (
    auroc,
    average_precision,
    decisions_by_threshold,
    ppv_at_sensitivity,
    sensitivity_at_ppv,
    sensitivity_at_specificity,
    specificity_at_sensitivity,
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

RANDOM = list(range(60))


def random_classes(seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Cases of 2 to 5 classes, each found, missed and invented at least once, as unbalanced as it comes."""
    random = np.random.default_rng(seed)
    k = int(random.integers(2, 6))
    shares = random.dirichlet(np.full(k, 0.7))
    reference, guessed = random.choice(k, size=(2, 80), p=shares)
    prediction = np.where(random.random(80) < 0.6, reference, guessed)
    each = np.arange(k)
    return np.concatenate([each, each, reference]), np.concatenate([each, np.roll(each, 1), prediction]), k


def random_scores(seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Scores with and without ties."""
    random = np.random.default_rng(seed)
    reference = np.concatenate([[0, 1], random.integers(0, 2, size=60)])
    scores = random.normal(size=62) + reference * random.random() * 2
    return reference, np.round(scores, seed % 3)


@pytest.mark.parametrize("seed", RANDOM)
def test_all_classes_agree_with_scikit_learn(seed: int) -> None:
    reference, prediction, k = random_classes(seed)
    counts = confusion_matrix(reference, prediction, n_classes=k)
    assert np.array_equal(counts, peer.confusion_matrix(reference, prediction, labels=range(k)))
    assert accuracy(counts) == pytest.approx(peer.accuracy_score(reference, prediction))
    assert balanced_accuracy(counts) == pytest.approx(peer.balanced_accuracy_score(reference, prediction))
    assert matthews_correlation(counts) == pytest.approx(peer.matthews_corrcoef(reference, prediction))
    for weights in ("none", "linear", "quadratic"):
        wanted = peer.cohen_kappa_score(
            reference, prediction, weights=None if weights == "none" else weights, labels=range(k)
        )
        assert weighted_kappa(counts, weights=weights) == pytest.approx(wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", RANDOM)
def test_each_class_agrees_with_scikit_learn(seed: int) -> None:
    reference, prediction, k = random_classes(seed)
    counts = confusion_matrix(reference, prediction, n_classes=k)
    for positive in range(k):
        decisions = one_versus_rest(counts, positive=positive)
        true, found = reference == positive, prediction == positive
        assert sensitivity(decisions) == pytest.approx(peer.recall_score(true, found))
        assert specificity(decisions) == pytest.approx(peer.recall_score(~true, ~found))
        assert positive_predictive_value(decisions) == pytest.approx(peer.precision_score(true, found))
        assert negative_predictive_value(decisions) == pytest.approx(peer.precision_score(~true, ~found))
        for beta in (0.5, 1.0, 2.0):
            assert f_beta(decisions, beta=beta) == pytest.approx(peer.fbeta_score(true, found, beta=beta))
        wanted, _ = peer.class_likelihood_ratios(true, found)
        assert positive_likelihood_ratio(decisions) == pytest.approx(wanted)


@pytest.mark.parametrize("seed", RANDOM)
def test_scores_agree_with_scikit_learn_and_brute_force(seed: int) -> None:
    reference, scores = random_scores(seed)
    assert auroc(reference, scores) == pytest.approx(peer.roc_auc_score(reference, scores))
    assert average_precision(reference, scores) == pytest.approx(
        peer.average_precision_score(reference, scores)
    )
    differences = scores[reference == 1][:, None] - scores[reference == 0][None, :]
    assert auroc(reference, scores) == pytest.approx(((np.sign(differences) + 1) / 2).mean())

    def shares(threshold: float) -> tuple[float, float, float]:
        taken, true = scores >= threshold, reference == 1
        ppv = (taken & true).sum() / taken.sum() if taken.any() else math.nan
        return (taken & true).sum() / true.sum(), (~taken & ~true).sum() / (~true).sum(), ppv

    points = [shares(t) for t in [math.inf, *scores]]
    for at_least in (0.5, 0.8, 0.95):
        best = max(sens for sens, spec, _ in points if spec >= at_least)
        point = sensitivity_at_specificity(reference, scores, at_least=at_least)
        assert (point.value, point.kept) == (best, shares(point.threshold)[1])
        assert specificity_at_sensitivity(reference, scores, at_least=at_least).value == max(
            spec for sens, spec, _ in points if sens >= at_least
        )
        assert ppv_at_sensitivity(reference, scores, at_least=at_least).value == max(
            ppv for sens, _, ppv in points if sens >= at_least
        )
        reached = [sens for sens, _, ppv in points if ppv >= at_least]
        got = sensitivity_at_ppv(reference, scores, at_least=at_least).value
        assert got == max(reached) if reached else math.isnan(got)


def test_a_class_missing_from_the_reference() -> None:
    counts = confusion_matrix([0, 0, 0, 1], [0, 0, 2, 1], n_classes=3)
    assert balanced_accuracy(counts) == pytest.approx((2 / 3 + 1) / 2)
    missing = one_versus_rest(counts, positive=2)
    assert math.isnan(sensitivity(missing))
    assert positive_predictive_value(missing) == 0
    assert f_beta(missing) == 0
    assert math.isnan(positive_likelihood_ratio(missing))


def test_one_class_on_both_sides() -> None:
    counts = confusion_matrix([1, 1], [1, 1], n_classes=2)
    assert accuracy(counts) == balanced_accuracy(counts) == 1
    assert math.isnan(matthews_correlation(counts))
    assert math.isnan(weighted_kappa(counts))
    assert math.isnan(positive_likelihood_ratio(one_versus_rest(counts)))
    assert math.isnan(negative_predictive_value(one_versus_rest(counts)))
    assert math.isnan(f_beta(one_versus_rest(counts, positive=0)))


def test_guessing_one_class_has_no_correlation() -> None:
    assert math.isnan(matthews_correlation(confusion_matrix([0, 1, 1], [1, 1, 1], n_classes=2)))
    assert weighted_kappa(confusion_matrix([0, 1, 1], [1, 1, 1], n_classes=2)) == 0


def test_no_case_is_undefined() -> None:
    counts = confusion_matrix([], [], n_classes=3)
    assert np.array_equal(counts, np.zeros((3, 3)))
    decisions = one_versus_rest(counts)
    values = [accuracy(counts), balanced_accuracy(counts), matthews_correlation(counts)]
    values += [weighted_kappa(counts), expected_cost(counts, 1 - np.eye(3)), f_beta(decisions)]
    values += [sensitivity(decisions), specificity(decisions), net_benefit(decisions, risk_threshold=0.2)]
    values += [np.float64(auroc([], [])), np.float64(average_precision([], []))]
    values += [np.float64(sensitivity_at_specificity([], [], at_least=0.5).value)]
    assert np.isnan(values).all()


def test_single_case() -> None:
    assert accuracy(confusion_matrix([0], [0], n_classes=1)) == 1
    assert math.isnan(auroc([1], [0.3])) and math.isnan(auroc([0], [0.3]))
    assert average_precision([1], [0.3]) == 1
    assert math.isnan(average_precision([0], [0.3]))


def test_sums_give_the_metric_of_all_images_and_of_each() -> None:
    random = np.random.default_rng(3)
    images = random.integers(0, 9, size=(5, 4, 4))
    decisions = one_versus_rest(images, positive=2)
    assert decisions.tp.shape == (5,)
    for k in range(5):
        single = one_versus_rest(images[k], positive=2)
        assert specificity(decisions)[k] == specificity(single)
        for metric in (accuracy, balanced_accuracy, matthews_correlation, weighted_kappa):
            assert metric(images)[k] == pytest.approx(metric(images[k]))
    assert expected_cost(images, 1 - np.eye(4)) == pytest.approx(1 - accuracy(images))


def test_expected_cost_by_hand() -> None:
    counts = np.array([[8, 2], [1, 4]])
    costs = [[0, 1], [10, 0]]
    assert expected_cost(counts, costs) == pytest.approx((2 * 1 + 1 * 10) / 15)
    assert expected_cost(counts, costs, priors=[0.9, 0.1]) == pytest.approx(0.9 * 0.2 + 0.1 * 10 * 0.2)
    # Never looking: class 1 always (costs 0.9) is better than class 0 always (costs 1).
    assert expected_cost(counts, costs, priors=[0.9, 0.1], normalised=True) == pytest.approx(0.38 / 0.9)
    alone = np.array([[3, 1], [0, 0]])
    assert expected_cost(alone, costs) == pytest.approx(0.25)
    assert math.isnan(expected_cost(alone, costs, priors=[0.5, 0.5]))
    assert expected_cost(alone, costs, priors=[1, 0]) == pytest.approx(0.25)
    assert math.isnan(expected_cost(alone, costs, normalised=True))


def test_expected_cost_with_equal_priors_is_one_minus_balanced_accuracy() -> None:
    counts = np.array([[8, 2, 1], [1, 4, 0], [5, 5, 9]])
    assert expected_cost(counts, 1 - np.eye(3), priors=np.full(3, 1 / 3)) == pytest.approx(
        1 - balanced_accuracy(counts)
    )


def test_likelihood_ratio_and_net_benefit_by_hand() -> None:
    decisions = one_versus_rest([[80, 20], [5, 15]])
    assert positive_likelihood_ratio(decisions) == pytest.approx(0.75 / 0.2)
    assert net_benefit(decisions, risk_threshold=0.2) == pytest.approx((15 - 20 * 0.25) / 120)
    assert positive_likelihood_ratio(one_versus_rest([[5, 0], [1, 1]])) == math.inf
    assert math.isnan(positive_likelihood_ratio(one_versus_rest([[5, 0], [2, 0]])))


def test_predictive_values_at_another_prevalence() -> None:
    decisions = one_versus_rest([[90, 10], [10, 90]])
    assert positive_predictive_value(decisions) == pytest.approx(0.9)
    assert positive_predictive_value(decisions, prevalence=0.01) == pytest.approx(0.009 / 0.108)
    assert negative_predictive_value(decisions, prevalence=0.01) == pytest.approx(0.891 / 0.892)
    own = one_versus_rest([[30, 10], [3, 17]])
    assert positive_predictive_value(own, prevalence=20 / 60) == pytest.approx(positive_predictive_value(own))
    assert negative_predictive_value(own, prevalence=20 / 60) == pytest.approx(negative_predictive_value(own))


def test_ties_go_together_whatever_the_order() -> None:
    thresholds, decisions = decisions_by_threshold([1, 0, 1, 0], [0.5, 0.5, 0.9, 0.1])
    assert thresholds.tolist() == [math.inf, 0.9, 0.5, 0.1]
    assert decisions.tp.tolist() == [0, 1, 2, 2]
    assert decisions.fp.tolist() == [0, 0, 1, 2]
    assert auroc([1, 0], [0.5, 0.5]) == 0.5
    assert average_precision([1, 0, 0, 0], np.full(4, 0.5)) == 0.25


def test_promises_that_cannot_be_kept() -> None:
    assert math.isnan(sensitivity_at_ppv([0, 1], [0.9, 0.1], at_least=0.9).value)
    nothing = sensitivity_at_specificity([0, 1], [0.9, 0.1], at_least=1.0)
    assert (nothing.value, nothing.threshold, nothing.kept) == (0, math.inf, 1)
    assert math.isnan(sensitivity_at_specificity([1, 1], [0.9, 0.1], at_least=0.5).value)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), k=st.integers(2, 5))
def test_numbering_of_classes_does_not_matter(data: st.DataObject, k: int) -> None:
    cases = st.lists(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1)), min_size=1, max_size=40)
    pairs = np.array(data.draw(cases))
    order = np.array(data.draw(st.permutations(range(k))))
    counts = confusion_matrix(pairs[:, 0], pairs[:, 1], n_classes=k)
    renamed = confusion_matrix(order[pairs[:, 0]], order[pairs[:, 1]], n_classes=k)
    for metric in (accuracy, balanced_accuracy, matthews_correlation):
        assert metric(counts) == pytest.approx(metric(renamed), nan_ok=True)
    for weights in ("none", "linear", "quadratic"):
        value = weighted_kappa(counts, weights=weights)  # type: ignore[arg-type]
        assert math.isnan(value) or -1 - 1e-12 <= value <= 1
        swapped = weighted_kappa(counts.T, weights=weights)  # type: ignore[arg-type]
        assert value == pytest.approx(swapped, nan_ok=True)
    assert 0 <= accuracy(counts) <= 1 and 0 <= balanced_accuracy(counts) <= 1
    assert math.isnan(matthews_correlation(counts)) or abs(matthews_correlation(counts)) <= 1 + 1e-12


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(-4, 4)), min_size=1, max_size=30))
def test_only_the_order_of_scores_matters(cases: list[tuple[bool, int]]) -> None:
    reference = np.array([case[0] for case in cases])
    scores = np.array([case[1] for case in cases], dtype=float)
    assert auroc(reference, scores) == pytest.approx(auroc(reference, np.exp(scores)), nan_ok=True)
    assert auroc(reference, scores) == pytest.approx(1 - auroc(reference, -scores), nan_ok=True)
    assert auroc(reference, scores) == pytest.approx(auroc(~reference, -scores), nan_ok=True)
    assert average_precision(reference, scores) == average_precision(reference[::-1], scores[::-1]) or (
        not reference.any()
    )
    thresholds, decisions = decisions_by_threshold(reference, scores)
    assert all(low > high for low, high in pairwise(thresholds))
    assert np.array_equal(decisions.total, np.full(len(thresholds), len(cases)))


def test_swapping_the_arguments_swaps_false_positives_and_negatives() -> None:
    reference, prediction, k = random_classes(5)
    one = one_versus_rest(confusion_matrix(reference, prediction, n_classes=k))
    other = one_versus_rest(confusion_matrix(prediction, reference, n_classes=k))
    assert (one.fp, one.fn, one.tp) == (other.fn, other.fp, other.tp)
    assert sensitivity(one) == positive_predictive_value(other)
    assert f_beta(one, beta=2) == pytest.approx(f_beta(other, beta=0.5))


def refused(error: type[Exception], call: object) -> str:
    with pytest.raises(error) as caught:
        call()  # type: ignore[operator]
    return str(caught.value)


def test_what_is_refused() -> None:
    assert refused(InputError, lambda: confusion_matrix([0, 3, 1], [0, 1, 1], n_classes=3)) == (
        "reference: 1 of 3 classes are not allowed, the first is 3; number the classes from 0 to 2"
    )
    assert refused(InputError, lambda: confusion_matrix([0.0], [math.nan], n_classes=2)) == (
        "prediction: 1 of 1 classes are not allowed, the first is nan; number the classes from 0 to 1"
    )
    assert refused(ShapeMismatchError, lambda: confusion_matrix([0, 1], [0], n_classes=2)) == (
        "2 cases have a reference and 1 a prediction; give both for each case"
    )
    assert refused(PixelValueError, lambda: auroc([0, 1], [0.5, math.nan])) == (
        "scores: 1 of 2 values are NaN; leave these cases out"
    )
    assert refused(ShapeMismatchError, lambda: auroc([0, 1], [0.5])) == (
        "scores: 1 values are given for 2 cases; give one for each"
    )
    assert refused(InputError, lambda: auroc([[0, 1]], [0.5, 1])) == (
        "reference have shape (1, 2); give one value per case, shape (cases,)"
    )
    assert refused(InputError, lambda: expected_cost(np.eye(2), [[0, -1], [1, 0]])) == (
        "costs must be 2 x 2 numbers of 0 or more, one per confusion"
    )
    assert refused(InputError, lambda: expected_cost(np.eye(2), np.eye(2), priors=[0.5, 0.6])) == (
        "priors must be 2 numbers of 0 or more that sum to 1, one per class"
    )
    assert refused(InputError, lambda: accuracy([[1, -1], [0, 1]])) == (
        "a confusion matrix has counts of 0 or more; this one has negative or missing ones"
    )
    assert refused(InputError, lambda: accuracy(np.ones((2, 3)))) == (
        "a confusion matrix has shape (..., K, K), not (2, 3)"
    )


def test_options_that_are_refused() -> None:
    decisions = Decisions(*np.ones((4, 1)))
    assert refused(InputError, lambda: f_beta(decisions, beta=0)) == (
        "beta 0 is not allowed; use a number above 0, such as 1"
    )
    assert refused(InputError, lambda: net_benefit(decisions, risk_threshold=1)) == (
        "risk threshold 1 is not allowed; use a share between 0 and 1"
    )
    assert refused(InputError, lambda: positive_predictive_value(decisions, prevalence=1.2)) == (
        "prevalence 1.2 is not allowed; use a share from 0 to 1"
    )
    assert refused(InputError, lambda: one_versus_rest(np.eye(2), positive=2)) == (
        "class 2 is not allowed; the classes are 0 to 1"
    )
    assert refused(InputError, lambda: weighted_kappa(np.eye(2), weights="cubic")) == (  # type: ignore[arg-type]
        "weights 'cubic' are not allowed; use one of none, linear, quadratic"
    )
    assert refused(InputError, lambda: sensitivity_at_ppv([0, 1], [0, 1], at_least=95)) == (
        "at_least 95 is not allowed; use a share from 0 to 1"
    )
    assert refused(InputError, lambda: confusion_matrix([], [], n_classes=0)) == (
        "n_classes 0 is not allowed; use a whole number of at least 1"
    )


@settings(max_examples=60, deadline=None)
@given(
    weights=st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.7, 1 / 3, 1e-9, 1e9]), min_size=3, max_size=3),
    side=st.sampled_from(["reference", "prediction"]),
)
def test_weights_do_not_make_one_class_two(weights: list[float], side: str) -> None:
    """0.1 + 0.2 squared less (0.1 + 0.2) squared is no spread, whatever is left of it by rounding."""
    counts = np.zeros((3, 3))
    counts[1] = weights
    assert np.isnan(matthews_correlation(counts if side == "reference" else counts.T))


@pytest.mark.parametrize("factor", [1e-6, 0.3, 7.0])
def test_a_weight_of_all_cases_changes_nothing(factor: float) -> None:
    counts = np.random.default_rng(0).integers(0, 9, (4, 3, 3)).astype(float)
    for function in (accuracy, balanced_accuracy, matthews_correlation, weighted_kappa):
        np.testing.assert_allclose(function(counts * factor), function(counts), rtol=1e-9)


@settings(max_examples=80, deadline=None)
@given(
    cells=st.lists(st.sampled_from(["0", "0", "1/10", "1/5", "7/10", "1/3", "3"]), min_size=9, max_size=9),
    positive=st.integers(0, 2),
)
def test_weights_leave_no_cases_where_there_are_none(cells: list[str], positive: int) -> None:
    exact = np.array([Fraction(cell) for cell in cells], dtype=object).reshape(3, 3)
    counts = one_versus_rest(exact.astype(float), positive=positive)
    rest = [k for k in range(3) if k != positive]
    expected = {
        "tp": exact[positive, positive],
        "fn": sum(exact[positive, k] for k in rest),
        "fp": sum(exact[k, positive] for k in rest),
        "tn": sum(exact[i, k] for i in rest for k in rest),
    }
    for name, value in expected.items():
        assert float(getattr(counts, name)) == pytest.approx(float(value))
        assert (getattr(counts, name) == 0) == (value == 0)
    assert np.isnan(specificity(counts)) == (expected["tn"] + expected["fp"] == 0)
    assert np.isnan(sensitivity(counts)) == (expected["tp"] + expected["fn"] == 0)
    assert np.isnan(positive_predictive_value(counts)) == (expected["tp"] + expected["fp"] == 0)
    assert np.isnan(negative_predictive_value(counts)) == (expected["tn"] + expected["fn"] == 0)
