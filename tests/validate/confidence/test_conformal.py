"""Conformal promises that hold in simulation, and what is said where none can be made."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.validate.confidence.conformal import conformal_risk_control

FloatArray = NDArray[np.float64]


def missed_share(random: np.random.Generator, n: int, grid: FloatArray) -> FloatArray:
    """Share of pixels of images of unequal difficulty that a falling threshold still misses."""
    ease = random.beta(4, 2, size=(n, 1))
    scores = np.clip(random.normal(ease, 0.2, size=(n, 30)), 0.001, 1)
    return np.asarray((scores[:, :, None] < grid).mean(axis=1))


@pytest.mark.parametrize(("n", "alpha"), [(9, 0.1), (30, 0.1), (60, 0.05)])
def test_the_promise_holds_for_new_images(n: int, alpha: float) -> None:
    random = np.random.default_rng(7)
    grid = np.linspace(1, 0, 101)
    new = []
    for _ in range(600):
        losses = missed_share(random, n + 1, grid)
        found = conformal_risk_control(losses[:-1], grid, alpha=alpha)
        assert found.threshold is not None and found.reason == ""
        new.append(losses[-1, np.argmin(np.abs(grid - found.threshold))])
    assert np.mean(new) <= alpha + 2 * np.std(new) / math.sqrt(600)
    if n >= 30:
        assert np.mean(new) >= alpha - 1.5 / (n + 1) - 2 * np.std(new) / math.sqrt(600)


def test_threshold_by_hand() -> None:
    losses = np.tile([1.0, 0.2, 0.05, 0.0], (19, 1))
    found = conformal_risk_control(losses, [0.9, 0.5, 0.3, 0.1], alpha=0.1)
    assert (found.threshold, found.n_units, found.n_needed) == (0.3, 19, 9)
    assert found.calibration_loss == pytest.approx(0.05)
    assert found.to_dict()["threshold"] == 0.3


@pytest.mark.parametrize(
    ("alpha", "needed"), [(0.1, 9), (0.05, 19), (0.2, 4), (0.01, 99), (0.3, 3), (0.5, 1), (0.9, 1)]
)
def test_too_few_images_are_told(alpha: float, needed: int) -> None:
    grid = [0.5, 0.0]
    enough = conformal_risk_control(np.zeros((needed, 2)), grid, alpha=alpha)
    assert enough.threshold == 0.5 and enough.n_needed == needed
    few = conformal_risk_control(np.zeros((needed - 1, 2)), grid, alpha=alpha)
    assert few.threshold is None and few.n_needed == needed and math.isnan(few.calibration_loss)
    assert few.to_dict()["calibration_loss"] is None


def test_reasons_say_what_is_missing() -> None:
    few = conformal_risk_control(np.zeros((8, 1)), [0.5], alpha=0.1)
    assert few.reason == (
        "8 units cannot promise a mean loss of 0.1: even without any loss among them, only 0.111 can be "
        "promised; at least 9 are needed"
    )
    bold = conformal_risk_control(np.full((9, 2), 0.5), [0.5, 0.4], alpha=0.1)
    assert bold.threshold is None
    assert bold.reason == (
        "no threshold keeps the mean loss at 0.1: the most careful one promises 0.55; "
        "offer more careful thresholds, or allow a larger loss"
    )


def test_a_larger_bound_needs_more_images() -> None:
    found = conformal_risk_control(np.zeros((30, 1)), [0.5], alpha=0.1, bound=5)
    assert (found.threshold, found.n_needed) == (None, 49)


def refused(error: type[Exception], call: object) -> str:
    with pytest.raises(error) as caught:
        call()  # type: ignore[operator]
    return str(caught.value)


def test_losses_that_are_refused() -> None:
    assert refused(InputError, lambda: conformal_risk_control([[0.1, 0.2]], [1, 0], alpha=0.5)) == (
        "the loss of 1 of 1 units rises along the thresholds; sort the thresholds from the boldest to the "
        "most careful, and take a loss that care can only lower"
    )
    assert refused(InputError, lambda: conformal_risk_control([[math.nan, 0]], [1, 0], alpha=0.5)) == (
        "1 losses are not between 0 and 1, the first is nan; "
        "state the largest possible loss as bound, and leave out units without a loss"
    )
    assert refused(InputError, lambda: conformal_risk_control([0.1, 0.2], [1, 0], alpha=0.5)) == (
        "losses have shape (2,) for thresholds of shape (2,); "
        "give one row per unit and one column per threshold, at least one"
    )
    assert refused(InputError, lambda: conformal_risk_control([[0.1]], [math.nan], alpha=0.5)) == (
        "thresholds must not be NaN"
    )
    assert refused(InputError, lambda: conformal_risk_control([[0.1]], [1], alpha=1.0)) == (
        "alpha 1.0 is not allowed; use a mean loss above 0 and below 1"
    )
    assert refused(InputError, lambda: conformal_risk_control([[0.1]], [1], alpha=0.5, bound=0)) == (
        "bound 0 is not allowed; use the largest possible loss, such as 1"
    )


@settings(max_examples=150, deadline=None)
@given(
    tenths=hnp.arrays(
        np.int64, st.tuples(st.integers(1, 40), st.integers(1, 5)), elements=st.integers(0, 10)
    ),
    alpha=st.fractions(Fraction(1, 100), Fraction(99, 100), max_denominator=100),
    bound=st.sampled_from([1, 2, 50]),
)
def test_the_first_threshold_that_keeps_the_promise_is_chosen_exactly(
    tenths: NDArray[np.int64], alpha: Fraction, bound: int
) -> None:
    """In fractions: rounding must neither cost a unit nor promise more than holds."""
    losses = -np.sort(-tenths, axis=1)
    n, t = losses.shape
    wanted = alpha * bound
    found = conformal_risk_control(losses * bound / 10, np.arange(t), alpha=float(wanted), bound=bound)
    totals = [Fraction(int(losses[:, j].sum()) * bound, 10) for j in range(t)]
    kept = [j for j in range(t) if (totals[j] + bound) / (n + 1) <= wanted]
    assert found.threshold == (kept[0] if kept else None)
    assert found.n_needed == max(math.ceil(1 / alpha) - 1, 1)
    assert (found.reason == "") == bool(kept)
    if kept:
        assert found.calibration_loss == pytest.approx(float(totals[kept[0]] / n))
