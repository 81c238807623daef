"""Metrics of probabilities: against scikit-learn and brute force, edge cases, invariants, no bias."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as peer

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.metrics.classification.calibration import (
    bin_index,
    brier_score,
    class_wise_calibration_error,
    expected_calibration_error,
    negative_log_likelihood,
    root_brier_score,
    squared_kernel_calibration_error,
    top_label,
)

FloatArray = NDArray[np.float64]


def random_cases(seed: int, n: int = 50) -> tuple[NDArray[np.int64], FloatArray]:
    """Calibrated statements on 2 to 4 classes."""
    random = np.random.default_rng(seed)
    stated = random.dirichlet(np.full(int(random.integers(2, 5)), 0.8), size=n)
    return (random.random((n, 1)) > stated.cumsum(axis=1)[:, :-1]).sum(axis=1), stated


@pytest.mark.parametrize("seed", range(30))
def test_scores_agree_with_scikit_learn(seed: int) -> None:
    reference, stated = random_cases(seed)
    k = stated.shape[1]
    assert negative_log_likelihood(reference, stated) == pytest.approx(
        peer.log_loss(reference, stated, labels=range(k))
    )
    true = reference == 1
    assert brier_score(true, stated[:, 1]) == pytest.approx(peer.brier_score_loss(true, stated[:, 1]))
    one_by_one = [peer.brier_score_loss(reference == each, stated[:, each]) for each in range(k)]
    assert brier_score(reference, stated) == pytest.approx(sum(one_by_one))
    assert root_brier_score(reference, stated) ** 2 == pytest.approx(sum(one_by_one))


@pytest.mark.parametrize("seed", range(30))
def test_calibration_errors_agree_with_brute_force(seed: int) -> None:
    reference, stated = random_cases(seed)
    right, confidence = top_label(reference, stated)
    assert np.array_equal(right, stated.argmax(axis=1) == reference)

    def slow(outcomes: NDArray[np.bool_], p: FloatArray) -> float:
        total = 0.0
        for i in range(7):
            inside = (p > i / 7) & (p <= (i + 1) / 7) | ((i == 0) & (p == 0))
            if inside.any():
                total += inside.mean() * abs(outcomes[inside].mean() - p[inside].mean())
        return total

    assert expected_calibration_error(right, confidence, n_bins=7) == pytest.approx(slow(right, confidence))
    assert class_wise_calibration_error(reference, stated, n_bins=7) == pytest.approx(
        np.mean([slow(reference == k, stated[:, k]) for k in range(stated.shape[1])])
    )


@pytest.mark.parametrize("seed", range(10))
def test_kernel_error_agrees_with_brute_force(seed: int) -> None:
    reference, stated = random_cases(seed, n=20)
    errors = np.eye(stated.shape[1])[reference] - stated
    distances = [float(np.linalg.norm(stated[i] - stated[j])) for i, j in combinations(range(20), 2)]
    for bandwidth in (0.3, None):
        width = bandwidth or np.median(distances)
        terms = [
            errors[i] @ errors[j] * math.exp(-np.linalg.norm(stated[i] - stated[j]) / width)
            for i, j in combinations(range(20), 2)
        ]
        assert squared_kernel_calibration_error(reference, stated, bandwidth=bandwidth) == pytest.approx(
            np.mean(terms)
        )


def test_kernel_error_is_the_same_in_blocks() -> None:
    reference, stated = random_cases(1, n=1300)
    errors = np.eye(stated.shape[1])[reference] - stated
    kernel = np.exp(-np.linalg.norm(stated[:, None] - stated[None], axis=2) / 0.5)
    terms = (errors @ errors.T * kernel)[np.triu_indices(1300, 1)]
    assert squared_kernel_calibration_error(reference, stated, bandwidth=0.5) == pytest.approx(terms.mean())


def test_kernel_error_has_no_bias_and_sees_overconfidence() -> None:
    calibrated, overconfident = [], []
    for seed in range(200):
        reference, stated = random_cases(seed, n=60)
        calibrated.append(squared_kernel_calibration_error(reference, stated, bandwidth=0.5))
        sharper = stated**3 / (stated**3).sum(axis=1, keepdims=True)
        overconfident.append(squared_kernel_calibration_error(reference, sharper, bandwidth=0.5))
    error = np.std(calibrated) / math.sqrt(200)
    assert abs(np.mean(calibrated)) < 3 * error
    assert np.mean(overconfident) > 0.01 > 3 * error
    assert min(calibrated) < 0


def test_certain_and_right_is_perfect() -> None:
    reference, stated = np.array([0, 2, 1]), np.eye(3)[[0, 2, 1]]
    assert brier_score(reference, stated) == 0
    assert negative_log_likelihood(reference, stated) == 0
    assert class_wise_calibration_error(reference, stated) == 0
    assert expected_calibration_error(*top_label(reference, stated)) == 0
    assert squared_kernel_calibration_error(reference, stated) == 0


def test_certain_and_wrong_is_worst() -> None:
    reference, stated = np.array([1, 1]), np.eye(2)[[0, 0]]
    assert brier_score(reference, stated) == 2
    assert brier_score(reference, stated[:, 1]) == 1
    assert root_brier_score(reference, stated) == pytest.approx(math.sqrt(2))
    assert negative_log_likelihood(reference, stated) == math.inf
    assert class_wise_calibration_error(reference, stated) == 1
    assert expected_calibration_error(*top_label(reference, stated)) == 1
    assert squared_kernel_calibration_error(reference, stated) == 2


def test_no_case_and_one_case() -> None:
    nothing = np.empty((0, 3))
    for metric in (brier_score, root_brier_score, negative_log_likelihood, class_wise_calibration_error):
        assert math.isnan(metric([], nothing))
        assert math.isnan(metric([], []))
    assert math.isnan(expected_calibration_error([], []))
    assert math.isnan(squared_kernel_calibration_error([], nothing))
    assert math.isnan(squared_kernel_calibration_error([1], [0.3]))
    assert brier_score([1], [0.3]) == pytest.approx(0.49)
    assert expected_calibration_error([1], [0.3]) == pytest.approx(0.7)
    assert expected_calibration_error([1], [0.3], binning="mass") == pytest.approx(0.7)


def test_bins_of_the_same_width_have_their_upper_border() -> None:
    p = np.array([0.0, 0.1, 0.2, 0.25, 0.3, 0.9, 1.0])
    assert bin_index(p, n_bins=10, binning="width").tolist() == [0, 0, 1, 2, 2, 8, 9]


def test_bins_of_the_same_number_of_cases_keep_ties_together() -> None:
    assert bin_index(np.array([0.4, 0.1, 0.3, 0.2]), n_bins=2, binning="mass").tolist() == [1, 0, 1, 0]
    p = np.array([0.1, 0.5, 0.5, 0.5, 0.5, 0.9])
    assert bin_index(p, n_bins=3, binning="mass").tolist() == [0, 0, 0, 0, 0, 2]
    even = np.bincount(bin_index(np.random.default_rng(0).random(103), n_bins=10, binning="mass"))
    assert even.min() == 10 and even.max() == 11


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([0, 0.1, 0.25, 0.5, 0.7, 1])), min_size=1, max_size=30),
    st.sampled_from(["width", "mass"]),
    st.integers(1, 12),
)
def test_invariants_of_the_calibration_error(
    cases: list[tuple[bool, float]], binning: str, n_bins: int
) -> None:
    true = np.array([case[0] for case in cases])
    p = np.array([case[1] for case in cases], dtype=float)
    error = expected_calibration_error(true, p, n_bins=n_bins, binning=binning)  # type: ignore[arg-type]
    backwards = expected_calibration_error(
        true[::-1],
        p[::-1],
        n_bins=n_bins,
        binning=binning,  # type: ignore[arg-type]
    )
    assert error == pytest.approx(backwards)
    # Bins can only add to the error of all cases taken together, and the root Brier score bounds it.
    assert abs(true.mean() - p.mean()) - 1e-12 <= error <= root_brier_score(true, p) + 1e-12
    two = np.stack([1 - p, p], axis=1)
    assert brier_score(true, two) == pytest.approx(2 * brier_score(true, p))
    assert negative_log_likelihood(true, two) == pytest.approx(negative_log_likelihood(true, p))
    assert 0 <= brier_score(true, p) <= 1


def refused(error: type[Exception], call: object) -> str:
    with pytest.raises(error) as caught:
        call()  # type: ignore[operator]
    return str(caught.value)


def test_what_is_refused() -> None:
    assert refused(PixelValueError, lambda: brier_score([0, 1], [0.2, math.nan])) == (
        "probabilities: 1 of 2 values are not between 0 and 1, the first is nan; "
        "turn scores into probabilities, and leave out cases without one"
    )
    assert refused(PixelValueError, lambda: negative_log_likelihood([0], [[1.5, -0.5]])) == (
        "probabilities: 2 of 2 values are not between 0 and 1, the first is 1.5; "
        "turn scores into probabilities, and leave out cases without one"
    )
    assert refused(PixelValueError, lambda: brier_score([0], [[0.5, 0.4]])) == (
        "probabilities: 1 of 1 rows do not sum to 1, the first sums to 0.9; "
        "give the probabilities of all classes"
    )
    assert refused(ShapeMismatchError, lambda: brier_score([0, 1], [[0.5, 0.5]])) == (
        "probabilities have shape (1, 2) for 2 cases; give an array of shape (cases, classes)"
    )
    assert refused(ShapeMismatchError, lambda: expected_calibration_error([1, 0], [0.5])) == (
        "probabilities have shape (1,) for 2 cases; give an array of shape (cases,)"
    )
    assert refused(InputError, lambda: brier_score([2], [[0.5, 0.5]])) == (
        "reference: 1 of 1 classes are not allowed, the first is 2; number the classes from 0 to 1"
    )
    assert refused(InputError, lambda: expected_calibration_error([1], [0.5], n_bins=0)) == (
        "n_bins 0 is not allowed; use a whole number of at least 1"
    )
    assert refused(InputError, lambda: bin_index(np.array([0.5]), n_bins=2, binning="odd")) == (  # type: ignore[arg-type]
        "binning 'odd' is not allowed; use 'width' or 'mass'"
    )
    assert refused(InputError, lambda: squared_kernel_calibration_error([1], [0.5], bandwidth=0)) == (
        "bandwidth 0 is not allowed; use a number above 0, or None"
    )
