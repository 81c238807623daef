"""Stated probabilities: what proper scores reward, how they bound one another, and how bins are made."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.validate.metrics.classification.calibration import (
    bin_index,
    brier_by_case,
    brier_score,
    class_wise_calibration_error,
    expected_calibration_error,
    negative_log_likelihood,
    root_brier_score,
    squared_kernel_calibration_error,
    top_label,
)
from veriscope.validate.metrics.classification.cases import by_class

FloatArray = NDArray[np.float64]


def several(seed: int, *, k: int = 3, n: int = 40) -> tuple[NDArray[np.int64], FloatArray]:
    random = np.random.default_rng(seed)
    return random.integers(0, k, n), random.dirichlet(np.full(k, 0.8), n)


SEEDS = st.integers(0, 10_000)


# ---- scores


@pytest.mark.parametrize("truth", [(0.2, 0.5, 0.3), (0.9, 0.1, 0.0), (1 / 3, 1 / 3, 1 / 3)])
@given(stated=st.tuples(*[st.floats(0.01, 1)] * 3))
@settings(max_examples=30, deadline=None)
def test_nothing_beats_stating_the_truth(truth: tuple[float, ...], stated: tuple[float, ...]) -> None:
    """In the mean over what may happen, both scores are least where what is stated is the truth."""
    p = np.array(truth)
    q = np.array(stated) / sum(stated)
    for score in (brier_score, negative_log_likelihood):
        honest = sum(p[k] * score([k], [p]) for k in range(3) if p[k])
        other = sum(p[k] * score([k], [q]) for k in range(3) if p[k])
        assert honest <= other + 1e-12


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_scores_of_two_columns_and_of_one(seed: int) -> None:
    classes, stated = several(seed, k=2)
    one = stated[:, 1]
    assert brier_score(classes, stated) == pytest.approx(2 * brier_score(classes, one))
    for score in (negative_log_likelihood, class_wise_calibration_error, squared_kernel_calibration_error):
        assert score(classes, stated) == pytest.approx(score(classes, one))
    for both, alone in zip(top_label(classes, stated), top_label(classes, one), strict=True):
        np.testing.assert_allclose(both, alone)
    np.testing.assert_allclose(by_class(one), stated)


@given(SEEDS, st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_the_root_of_the_brier_score_bounds_the_errors_of_calibration(seed: int, k: int) -> None:
    classes, stated = several(seed, k=k)
    root = root_brier_score(classes, stated)
    assert root == pytest.approx(math.sqrt(brier_score(classes, stated)))
    right, sure = top_label(classes, stated)
    assert expected_calibration_error(right, sure) <= root + 1e-12
    assert class_wise_calibration_error(classes, stated) <= root + 1e-12
    assert squared_kernel_calibration_error(classes, stated) <= 2


@given(SEEDS, st.permutations(range(4)))
@settings(max_examples=40, deadline=None)
def test_numbers_of_classes_and_order_of_cases_do_not_matter(seed: int, order: list[int]) -> None:
    classes, stated = several(seed, k=4)
    renamed = np.argsort(order)[classes], stated[:, order]
    turned = np.random.default_rng(seed).permutation(len(classes))
    for score in (brier_score, negative_log_likelihood, class_wise_calibration_error):
        plain = score(classes, stated)
        assert score(*renamed) == pytest.approx(plain)
        assert score(classes[turned], stated[turned]) == pytest.approx(plain)


@pytest.mark.parametrize("k", [2, 3, 10])
def test_stating_nothing_costs_the_logarithm_of_the_number_of_classes(k: int) -> None:
    classes, even = np.arange(50) % k, np.full((50, k), 1 / k)
    assert negative_log_likelihood(classes, even) == pytest.approx(math.log(k))
    assert brier_score(classes, even) == pytest.approx(1 - 1 / k)
    assert brier_by_case(classes, even) == pytest.approx(np.full(50, 1 - 1 / k))
    assert class_wise_calibration_error(classes, even) == pytest.approx(0, abs=0.03)


def test_one_impossible_case_makes_the_likelihood_endless_and_the_brier_score_finite() -> None:
    classes, stated = [0, 1, 1], [[0.5, 0.5], [0.1, 0.9], [1.0, 0.0]]
    assert negative_log_likelihood(classes, stated) == math.inf
    assert brier_score(classes, stated) == pytest.approx((0.5 + 0.02 + 2) / 3)


def test_the_kernel_error_counts_pairs_by_hand() -> None:
    """Two cases of one statement, both wrong in the same direction: (0.7, -0.7) twice over."""
    classes, stated = [1, 1], [[0.7, 0.3], [0.7, 0.3]]
    assert squared_kernel_calibration_error(classes, stated) == pytest.approx(2 * 0.49)
    # Wrong in opposite directions: one was of class 0.
    assert squared_kernel_calibration_error([1, 0], stated) == pytest.approx(-2 * 0.7 * 0.3)
    far = [[0.9, 0.1], [0.1, 0.9]]
    distance = math.sqrt(2 * 0.8**2)
    expected = -2 * 0.9 * 0.9 * math.exp(-distance / 0.5)
    assert squared_kernel_calibration_error([1, 0], far, bandwidth=0.5) == pytest.approx(expected)


# ---- bins


@given(st.lists(st.floats(0, 1), max_size=40), st.integers(1, 15))
@settings(max_examples=80, deadline=None)
def test_bins_go_up_with_the_probability(values: list[float], n_bins: int) -> None:
    stated = np.array(values)
    order = np.argsort(stated, kind="stable")
    for binning in ("width", "mass"):
        index = bin_index(stated, n_bins=n_bins, binning=binning)  # type: ignore[arg-type]
        assert (np.diff(index[order]) >= 0).all()
        assert not len(values) or (index.min() >= 0 and index.max() < n_bins)
    width = bin_index(stated, n_bins=n_bins, binning="width")
    assert all(value <= (i + 1) / n_bins + 1e-12 for value, i in zip(values, width, strict=True))
    assert all(value > i / n_bins - 1e-12 for value, i in zip(values, width, strict=True) if i)


@pytest.mark.parametrize("n", [12, 60, 61])
@pytest.mark.parametrize("n_bins", [1, 4, 12])
def test_bins_of_mass_hold_as_many_cases_to_within_one(n: int, n_bins: int) -> None:
    stated = np.random.default_rng(n).permutation(np.linspace(0.01, 0.99, n))
    sizes = np.bincount(bin_index(stated, n_bins=n_bins, binning="mass"), minlength=n_bins)
    assert sizes.sum() == n and np.ptp(sizes) <= 1


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_joining_bins_never_raises_the_error(seed: int) -> None:
    """Halving the number of bins joins them two by two; gaps of opposite sign then cancel."""
    random = np.random.default_rng(seed)
    true, stated = random.integers(0, 2, 50), random.random(50)
    errors = [expected_calibration_error(true, stated, n_bins=n) for n in (16, 8, 4, 2, 1)]
    assert all(fine >= coarse - 1e-12 for fine, coarse in pairwise(errors))
    assert errors[-1] == pytest.approx(abs(true.mean() - stated.mean()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_bins": 0, "binning": "width"}, "n_bins 0 is not allowed; use a whole number of at least 1"),
        ({"n_bins": 5, "binning": "log"}, "binning 'log' is not allowed; use 'width' or 'mass'"),
    ],
)
def test_bins_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    for call in (
        lambda: bin_index(np.array([0.5]), **options),
        lambda: expected_calibration_error([1], [0.5], **options),
        lambda: class_wise_calibration_error([1], [[0.5, 0.5]], **options),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value) == message


@pytest.mark.parametrize("bandwidth", [0, -1.0, math.nan, math.inf])
def test_a_bandwidth_is_a_number_above_0(bandwidth: float) -> None:
    with pytest.raises(InputError) as caught:
        squared_kernel_calibration_error([0, 1], [0.2, 0.7], bandwidth=bandwidth)
    assert str(caught.value) == f"bandwidth {bandwidth!r} is not allowed; use a number above 0, or None"
