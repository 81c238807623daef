from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from veriscope.trust import correction
from veriscope.trust.correction import (
    corrected_terms,
    exact_share,
    fitted_slope,
    mean_and_influence,
    ratio_and_influence,
)
from veriscope.trust.sampling import draw_probability

REFERENCE = np.array([3.0, 0.0, 10.0, 1.0, 6.0])


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    "prediction",
    [[2.0, 0.0, 9.0, 1.0, 4.0], [9.0, 9.0, 0.0, 0.0, 1.0], [0.0] * 5],
    ids=["good", "useless", "none"],
)
def test_a_total_is_unbiased_over_all_possible_draws_whatever_the_prediction(
    slope: float, prediction: list[float]
) -> None:
    m = np.array(prediction)
    p = draw_probability(m)
    draws = np.array(list(product(range(5), repeat=3)))
    terms = corrected_terms(REFERENCE[draws], m[draws], p[draws], m.sum(), slope=slope)
    chance = p[draws].prod(axis=1)
    assert chance.sum() == pytest.approx(1)
    assert (chance * terms.mean(axis=1)).sum() == pytest.approx(REFERENCE.sum())


@pytest.mark.parametrize("prediction", [[2.0, 0.0, 9.0, 1.0, 4.0], [9.0, 9.0, 0.0, 0.0, 1.0]])
def test_cross_fitted_slopes_leave_a_total_unbiased(
    prediction: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(correction, "CROSS_FIT_FROM", 3)
    m = np.array(prediction)
    p = draw_probability(m)
    draws = np.array(list(product(range(5), repeat=4)))
    terms = correction.calibrated_terms(REFERENCE[draws], m[draws], p[draws], m.sum())
    fixed = corrected_terms(REFERENCE[draws], m[draws], p[draws], m.sum())
    assert np.abs(terms - fixed).max() > 1
    assert (p[draws].prod(axis=1) * terms.mean(axis=1)).sum() == pytest.approx(REFERENCE.sum())


def test_the_slope_is_fitted_to_the_other_draws_and_pulled_to_one() -> None:
    rng = np.random.default_rng(3)
    m, p = rng.poisson(9, 24).astype(float), np.full(24, 0.02)
    terms = correction.calibrated_terms(0.4 * m, m, p, 450.0)
    slope = (0.4 * 23 + 5) / (23 + 5)  # every draw but one says 0.4; five say 1
    assert terms == pytest.approx(corrected_terms(0.4 * m, m, p, 450.0, slope=slope))
    few = correction.calibrated_terms(0.4 * m[:19], m[:19], p[:19], 450.0)
    assert few == pytest.approx(corrected_terms(0.4 * m[:19], m[:19], p[:19], 450.0))


def test_the_variance_estimate_is_unbiased_over_all_possible_draws() -> None:
    m = np.array([2.0, 0.0, 9.0, 1.0, 4.0])
    p = draw_probability(m)
    draws = np.array(list(product(range(5), repeat=3)))
    value, influence = mean_and_influence(corrected_terms(REFERENCE[draws], m[draws], p[draws], m.sum()))
    chance = p[draws].prod(axis=1)
    true_variance = (chance * (value - REFERENCE.sum()) ** 2).sum()
    assert (chance * (influence**2).sum(axis=1) / 2 / 3).sum() == pytest.approx(true_variance)


def test_a_perfect_prediction_leaves_nothing_to_chance() -> None:
    p = draw_probability(REFERENCE)[[0, 1, 1, 4]]
    drawn = REFERENCE[[0, 1, 1, 4]]
    assert corrected_terms(drawn, drawn, p, REFERENCE.sum()).tolist() == [20.0] * 4
    assert exact_share((drawn, drawn)) == 1


def test_a_constant_factor_cancels_in_a_ratio() -> None:
    below = np.array([[10.0, 12.0, 11.0]])
    value, influence = ratio_and_influence(3 * below, below)
    assert value.tolist() == [3.0]
    assert influence == pytest.approx(np.zeros((1, 3)), abs=1e-12)


def test_a_ratio_over_nothing_is_nan() -> None:
    value, influence = ratio_and_influence(np.ones((2, 3)), np.array([[1.0, 1, 1], [0, 0, 0]]))
    assert value[0] == 1
    assert np.isnan(value[1])
    assert np.isnan(influence[1]).all()


def test_the_fitted_slope_is_that_of_least_squares_within_zero_and_one() -> None:
    rng = np.random.default_rng(0)
    p = np.full((4, 50), 0.1)
    m = rng.poisson(9, (4, 50)).astype(float)
    y = np.array([[0.5], [1.0], [2.0], [-1.0]]) * m
    assert fitted_slope(y, m, p) == pytest.approx([0.5, 1.0, 1.0, 0.0])
    assert fitted_slope(np.ones((1, 4)), np.ones((1, 4)), p[:1, :4]).tolist() == [0.0]


def test_exact_share_needs_both_parts_of_a_ratio_to_agree() -> None:
    y, m = np.array([0.1 + 0.2, 5.0, 0.0, 1.0]), np.array([0.3, 5.0, 0.0, 2.0])
    assert exact_share((y, m)) == 0.75
    assert exact_share((y, m), (np.ones(4), np.array([1.0, 2.0, 1.0, 1.0]))) == 0.5
