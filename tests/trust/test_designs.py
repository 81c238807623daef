"""Drawing tiles and correcting totals by their definitions: every draw counted out, or simulated."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from veriscope.errors import InputError, PixelValueError
from veriscope.trust.correction import (
    CROSS_FIT_FROM,
    calibrated_terms,
    corrected_terms,
    exact_share,
    fitted_slope,
    ratio_and_influence,
)
from veriscope.trust.estimate import estimate, labelled_only
from veriscope.trust.interval import mean_interval, ratio_interval
from veriscope.trust.sampling import allocate, draw, draw_probability, mean_share
from veriscope.trust.units import DrawnUnits

Floats = NDArray[np.float64]
SIZES = arrays(float, st.integers(1, 12), elements=st.just(0.0) | st.floats(1e-3, 1e4))


# ---- probabilities and draws


@given(SIZES, st.sampled_from([0.1, 0.5, 1.0]))
@settings(max_examples=80, deadline=None)
def test_a_probability_is_an_even_share_and_one_by_size(sizes: Floats, even: float) -> None:
    found = draw_probability(sizes, even_share=even)
    n, total = len(sizes), sizes.sum()
    expected = even / n + (1 - even) * sizes / total if sizes.max() > 0 else np.full(n, 1 / n)
    assert found == pytest.approx(expected)
    assert found.min() >= even / n - 1e-12
    order = np.argsort(sizes, kind="stable")
    assert (np.diff(found[order]) >= -1e-15).all(), "a larger tile is never less likely"


@given(SIZES, st.floats(1e-3, 1e3))
@settings(max_examples=40, deadline=None)
def test_the_unit_of_the_measure_changes_no_probability(sizes: Floats, unit: float) -> None:
    assert draw_probability(sizes * unit) == pytest.approx(draw_probability(sizes), abs=1e-9)
    assert mean_share([sizes * unit]) == pytest.approx(mean_share([sizes]), abs=1e-9)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=6), st.integers(0, 60), st.integers(0, 12))
@settings(max_examples=80, deadline=None)
def test_shares_of_draws_are_right_to_within_one(weights: list[float], n: int, minimum: int) -> None:
    counts = allocate(np.array(weights), n=n, minimum=minimum)
    floor = min(minimum, n // len(weights))
    roots = np.sqrt(weights)
    share = roots / roots.sum() if roots.sum() > 0 else np.full(len(weights), 1 / len(weights))
    assert (np.abs(counts - floor - share * (n - floor * len(weights))) < 1 + 1e-9).all()
    assert counts.sum() == n


@pytest.mark.parametrize("n", [1, 5, 50])
def test_a_later_draw_does_not_depend_on_how_many_were_made_at_once(n: int) -> None:
    p = draw_probability(np.random.default_rng(0).gamma(1, 5, 30))
    one_by_one = [int(draw(p, n=1, seed=4, start=i, group="g")[0]) for i in range(n)]
    assert draw(p, n=n, seed=4, group="g").tolist() == one_by_one
    assert draw(p, n=0, seed=4).shape == (0,)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: allocate(np.empty(0), n=5), InputError,
         "an array of shape (0,) was given; give one value per tile, at least one"),
        (lambda: allocate(np.ones(2), n=-1), InputError, "n=-1, minimum=10: none of them can be negative"),
        (lambda: allocate(np.array([1.0, np.inf]), n=5), PixelValueError,
         "1 of 2 values are negative, NaN or infinite; predicted measures must be 0 or more"),
        (lambda: draw(np.full(4, 0.3), n=1, seed=0), InputError,
         "draw probabilities must be above 0 and sum to 1; the smallest is 0.3 and the sum 1.2; make them "
         "with draw_probability"),
        (lambda: draw(np.ones(1), n=1, seed=-3), InputError,
         "n=1, start=0, seed=-3: none of them can be negative"),
        (lambda: draw_probability(np.ones(3), even_share=1.5), InputError,
         "even_share 1.5 is not above 0 and at most 1; 0.5 is a good choice"),
        (lambda: mean_share([]), InputError,
         "sizes of the tiles have shapes []; give one value per tile for each candidate"),
    ],
)  # fmt: skip
def test_designs_that_cannot_be_drawn_are_refused(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message


# ---- corrected totals


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=4), st.floats(-1, 2))
@settings(max_examples=30, deadline=None)
def test_over_all_draws_the_mean_is_the_truth_at_any_slope(
    tiles: list[tuple[int, int]], slope: float
) -> None:
    reference, prediction = (np.array(column, float) for column in zip(*tiles, strict=True))
    p = draw_probability(prediction)
    draws = np.array(list(product(range(len(tiles)), repeat=3)))
    terms = corrected_terms(reference[draws], prediction[draws], p[draws], prediction.sum(), slope=slope)
    chance = p[draws].prod(axis=1)
    assert (chance * terms.mean(axis=1)).sum() == pytest.approx(reference.sum())


def test_a_prediction_that_is_a_share_of_the_truth_is_mended_by_its_slope() -> None:
    """Terms do not vary at all once the slope is right."""
    rng = np.random.default_rng(1)
    truth = rng.poisson(8, 40) + 1.0
    p = draw_probability(truth)
    rows = draw(p, n=25, seed=3)
    half = 0.5 * truth
    assert fitted_slope(0.6 * half[rows], half[rows], p[rows]) == pytest.approx(0.6)
    terms = corrected_terms(0.6 * half[rows], half[rows], p[rows], float(half.sum()), slope=0.6)
    assert np.ptp(terms) < 1e-9 and terms[0] == pytest.approx(0.3 * truth.sum())


@pytest.mark.parametrize("n", [CROSS_FIT_FROM - 1, CROSS_FIT_FROM, 40])
def test_many_audits_at_once_are_those_one_by_one(n: int) -> None:
    rng = np.random.default_rng(n)
    y, m = rng.poisson(5, (6, n)).astype(float), rng.poisson(5, (6, n)).astype(float)
    p = rng.uniform(0.01, 0.1, (6, n))
    together = calibrated_terms(y, m, p, 300.0)
    alone = np.stack([calibrated_terms(*rows, 300.0) for rows in zip(y, m, p, strict=True)])
    np.testing.assert_allclose(together, alone)
    one, many = mean_interval(together[2], level=0.9), mean_interval(together, level=0.9)
    assert (many.low[2], many.high[2]) == pytest.approx((float(one.low), float(one.high)))
    assert exact_share((y, m)).shape == (6,)
    assert exact_share((y, m))[1] == (y[1] == m[1]).mean()


@given(st.floats(0.1, 10), st.floats(0.1, 10))
@settings(max_examples=40, deadline=None)
def test_a_ratio_scales_with_both_of_its_units(above: float, below: float) -> None:
    rng = np.random.default_rng(2)
    numerator, denominator = rng.normal(50, 5, 12), rng.normal(20, 2, 12)
    plain = ratio_interval(numerator, denominator, level=0.9)
    scaled = ratio_interval(above * numerator, below * denominator, level=0.9)
    for name in ("value", "low", "high", "standard_error"):
        assert getattr(scaled, name) == pytest.approx(getattr(plain, name) * above / below)
    value, influence = ratio_and_influence(numerator, denominator)
    assert influence.mean() == pytest.approx(0, abs=1e-12)
    assert value == pytest.approx(numerator.sum() / denominator.sum())


def test_a_denominator_that_may_be_nothing_has_no_finite_interval() -> None:
    rng = np.random.default_rng(0)
    found = ratio_interval(rng.normal(5, 1, 10), rng.normal(0.1, 2, 10), level=0.9)
    assert (found.low, found.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_a_level_is_what_is_covered_where_the_model_errs_by_chance(level: float) -> None:
    """400 audits of 15 draws; the share covered is within four standard errors of the level, or above."""
    rng = np.random.default_rng(9)
    truth = rng.poisson(rng.gamma(2, 6, 300)).astype(float)
    seen = rng.binomial(truth.astype(int), 0.8).astype(float)
    p = draw_probability(seen)
    covered, widths = [], []
    for seed in range(400):
        rows = draw(p, n=15, seed=seed)
        units = DrawnUnits(p[rows], truth[rows], seen[rows], float(seen.sum()))
        found = estimate(units, level=level)
        covered.append(found.low <= truth.sum() <= found.high)
        widths.append((found.half_width, labelled_only(units, level=level).half_width))
    assert np.mean(covered) >= level - 4 * math.sqrt(level * (1 - level) / 400)
    ours, alone = np.mean(widths, axis=0)
    assert ours < 0.8 * alone
