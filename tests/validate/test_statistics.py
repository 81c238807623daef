"""Intervals by unit: exact small cases, invariants, and coverage by simulation."""

from __future__ import annotations

import math
import runpy
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from veriscope.errors import InputError
from veriscope.validate.metrics.base import ratio
from veriscope.validate.statistics import (
    Interval,
    cautious_p_value,
    jackknife_interval,
    jackknife_spread,
    leave_one_out,
    mean_interval,
)

FloatArray = NDArray[np.float64]


def share(sums: FloatArray) -> FloatArray:
    return ratio(sums[..., 0], sums[..., 1])


def interval_of_share(rows: FloatArray, level: float = 0.95) -> Interval:
    value, left_out = leave_one_out(rows, share)
    return jackknife_interval(value, left_out, rows[:, 1], level=level, bounds=(0, 1))


def test_mean_of_even_values_has_the_textbook_t_interval() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    interval = mean_interval(values)
    reach = stats.t.ppf(0.975, 4) * values.std(ddof=1) / math.sqrt(5)
    assert interval.value == 3
    assert (interval.low, interval.high) == (pytest.approx(3 - reach), pytest.approx(3 + reach))
    assert (interval.n_units, interval.aggregation) == (5, "mean")
    assert interval.method == "jackknife-t, half corrected for skewness"


def test_units_left_out_are_really_left_out() -> None:
    rows = np.array([[1.0, 2.0], [3.0, 3.0], [0.0, 5.0]])
    value, left_out = leave_one_out(rows, share)
    assert value == 4 / 10
    assert left_out.tolist() == [3 / 8, 1 / 7, 4 / 5]


def test_standard_error_is_that_of_the_jackknife() -> None:
    left_out = np.array([0.5, 0.6, 0.9, 0.7])
    spread = jackknife_spread(left_out, np.ones(4))
    assert spread.standard_error == pytest.approx(
        math.sqrt(3 / 4 * sum((value - left_out.mean()) ** 2 for value in left_out))
    )


def test_one_large_unit_costs_degrees_of_freedom() -> None:
    left_out = np.array([0.5, 0.6, 0.55, 0.52, 0.61, 0.58])
    even = jackknife_spread(left_out, np.ones(6))
    uneven = jackknife_spread(left_out, np.array([100.0, 1, 1, 1, 1, 1]))
    assert even.degrees_of_freedom == 5
    assert uneven.degrees_of_freedom == 1


def test_spread_from_one_unit_costs_degrees_of_freedom() -> None:
    left_out = np.full(30, 0.9)
    left_out[3] = 1.0
    assert jackknife_spread(left_out, np.ones(30)).degrees_of_freedom < 3


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_few_units_have_no_more_degrees_of_freedom_than_units_less_one(k: int) -> None:
    """Also where the spread is even, and where all of it comes from one unit."""
    for left_out in (np.arange(k, dtype=float), np.eye(k)[0]):
        assert jackknife_spread(left_out, np.ones(k)).degrees_of_freedom == k - 1


def test_skewness_is_that_of_the_mean() -> None:
    values = np.array([1.0, 1.5, 2.0, 2.0, 9.0])
    left_out = (values.sum() - values) / 4
    spread = jackknife_spread(left_out, np.ones(5))
    assert spread.skewness == pytest.approx(stats.skew(values) / math.sqrt(5))


def test_ends_lie_halfway_between_students_and_halls() -> None:
    """Hall 1992: g(x) = x + a x² + a² x³ / 3 + s / 6 with a = s / 3 is free of the skewness s."""
    values = np.array([1.0, 1.5, 2.0, 2.0, 9.0, 3.0])
    error = values.std(ddof=1) / math.sqrt(6)
    spread = jackknife_spread((values.sum() - values) / 5, np.ones(6))
    t = stats.t.ppf(0.975, spread.degrees_of_freedom)
    interval = mean_interval(values)
    assert interval.low is not None and interval.high is not None
    below = 2 * (interval.value - interval.low) / error - t
    above = 2 * (interval.high - interval.value) / error - t
    a = spread.skewness / 3
    for x, expected in ((below, t), (-above, -t)):
        assert x + a * x**2 + a**2 * x**3 / 3 + spread.skewness / 6 == pytest.approx(expected)
    assert above > t > below


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=9).filter(lambda v: np.ptp(v) > 0.01))
@settings(max_examples=100, deadline=None)
def test_intervals_of_means_move_and_turn_with_the_values(values: list[float]) -> None:
    interval, turned = mean_interval(np.array(values)), mean_interval(10 - 2 * np.array(values))
    assert interval.low is not None and interval.high is not None
    assert turned.low == pytest.approx(10 - 2 * interval.high, rel=1e-6, abs=1e-6)
    assert turned.high == pytest.approx(10 - 2 * interval.low, rel=1e-6, abs=1e-6)
    assert interval.low <= interval.value <= interval.high


@given(
    st.lists(st.integers(-5, 5), min_size=3, max_size=9).filter(lambda v: max(v) > min(v)),
    st.sampled_from([0.8, 0.95, 0.99]),
)
@settings(max_examples=200, deadline=None)
def test_cautious_interval_leaves_zero_out_just_where_its_test_says_so(
    values: list[int], level: float
) -> None:
    array = np.array(values, dtype=float)
    k = len(array)
    left_out = (array.sum() - array) / (k - 1)
    spread = jackknife_spread(left_out, np.ones(k))
    p_value = cautious_p_value(array.mean(), spread)
    plain = float(2 * stats.t.sf(abs(array.mean()) / spread.standard_error, spread.degrees_of_freedom))
    assert plain - 1e-12 <= p_value <= 1
    if abs(stats.skew(array)) < 1e-9:
        assert p_value == pytest.approx(plain)
    interval = jackknife_interval(array.mean(), left_out, np.ones(k), level=level, scale="cautious")
    assert interval.low is not None and interval.high is not None
    if abs(p_value - (1 - level)) > 1e-6:
        assert (interval.low > 0 or interval.high < 0) == (p_value < 1 - level)


def test_intervals_of_shares_stay_within_bounds_and_are_wider_towards_the_middle() -> None:
    rows = np.array([[10.0, 10.0], [9.0, 10.0], [10.0, 10.0], [10.0, 10.0]])
    interval = interval_of_share(rows)
    assert interval.low is not None and interval.high is not None
    assert 0 < interval.low < interval.value < interval.high < 1
    assert interval.value - interval.low > interval.high - interval.value
    assert interval.method == "jackknife-t on the logit scale"


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=0, max_size=12),
    st.sampled_from([0.5, 0.9, 0.95, 0.99]),
)
@settings(max_examples=200, deadline=None)
def test_any_share_has_a_value_within_an_interval_within_bounds(
    parts: list[tuple[int, int]], level: float
) -> None:
    rows = np.array([(good, good + bad) for good, bad in parts], dtype=float).reshape(-1, 2)
    interval = interval_of_share(rows, level)
    assert interval.n_units == int((rows[:, 1] > 0).sum())
    if interval.n_units < 2:
        assert (interval.low, interval.high) == (None, None)
    else:
        assert interval.low is not None and interval.high is not None
        assert 0 <= interval.low <= interval.value + 1e-9
        assert interval.value - 1e-9 <= interval.high <= 1
        assert interval.high > interval.low


@pytest.mark.parametrize("k", [2, 8, 50])
def test_all_perfect_is_bounded_by_the_number_of_units_not_of_objects(k: int) -> None:
    interval = interval_of_share(np.full((k, 2), 1000.0))
    assert interval.low == pytest.approx(stats.beta.ppf(0.025, k, 1))  # Clopper-Pearson for k of k
    assert (interval.value, interval.high) == (1, 1)
    assert interval.method == "no spread between units: binomial bound"
    none = interval_of_share(np.array([[0.0, 1000.0]] * k))
    assert (none.low, none.high) == (0, pytest.approx(1 - interval.low))


def test_equal_units_that_are_not_perfect_are_bounded_on_both_sides() -> None:
    interval = interval_of_share(np.array([[9.0, 10.0]] * 10))
    unseen = 1 - 0.025 ** (1 / 10)
    assert interval.low == pytest.approx(0.9 * (1 - unseen))
    assert interval.high == pytest.approx(0.9 + 0.1 * unseen)


def test_no_spread_without_bounds_cannot_tell() -> None:
    interval = mean_interval(np.array([2.0, 2.0, 2.0]))
    assert (interval.value, interval.low, interval.high) == (2, None, None)


def test_units_that_say_nothing_do_not_count() -> None:
    rows = np.array([[3.0, 4.0], [5.0, 5.0], [2.0, 4.0]])
    padded = np.concatenate([rows, np.zeros((20, 2))])
    assert interval_of_share(padded) == interval_of_share(rows)


def test_scaling_all_weights_changes_nothing() -> None:
    rows = np.array([[3.0, 4.0], [5.0, 5.0], [2.0, 4.0]])
    plain, scaled = interval_of_share(rows), interval_of_share(1000 * rows)
    assert scaled.low == pytest.approx(plain.low)
    assert scaled.high == pytest.approx(plain.high)


def test_too_few_units_cannot_tell() -> None:
    one = interval_of_share(np.array([[3.0, 4.0]]))
    assert (one.value, one.low, one.high, one.n_units) == (0.75, None, None, 1)
    assert one.method == "cannot tell: 1 image"
    empty = mean_interval(np.array([np.nan]))
    assert math.isnan(empty.value)
    assert empty.to_dict() == {
        "value": None,
        "low": None,
        "high": None,
        "level": 0.95,
        "aggregation": "mean",
        "unit": "image",
        "n_units": 0,
        "method": "cannot tell: 0 images",
    }


def test_undefined_without_one_unit_cannot_tell() -> None:
    interval = jackknife_interval(0.5, np.array([0.4, np.nan, 0.6]), np.ones(3))
    assert (interval.value, interval.low, interval.high) == (0.5, None, None)


@pytest.mark.parametrize("level", [0, 1, 95, -0.1, float("nan")])
def test_senseless_levels_are_refused(level: float) -> None:
    with pytest.raises(InputError) as error:
        mean_interval(np.array([1.0, 2.0]), level=level)
    assert str(error.value) == (f"level {level!r} is not allowed; use a share between 0 and 1, such as 0.95")


def simulate(
    rng: np.random.Generator, k: int, *, share_found: float, correlation: float, size_cv: float
) -> FloatArray:
    """Images with unequal numbers of objects, of which shares are found that vary from image to image."""
    sigma2 = math.log(1 + size_cv**2)
    sizes = np.maximum(1, rng.poisson(rng.lognormal(math.log(30) - sigma2 / 2, math.sqrt(sigma2), k)))
    strength = (1 - correlation) / correlation
    shares = rng.beta(share_found * strength, (1 - share_found) * strength, k)
    return np.stack([rng.binomial(sizes, shares), sizes], axis=1).astype(float)


@pytest.mark.parametrize("size_cv", [0.4, 1.0])
@pytest.mark.parametrize(
    ("share_found", "correlation"), [(0.7, 0.15), (0.9, 0.02), (0.9, 0.15), (0.97, 0.02)]
)
@pytest.mark.parametrize("k", [8, 20, 50])
def test_coverage_is_nominal(k: int, share_found: float, correlation: float, size_cv: float) -> None:
    """Over 16,000 runs each these cells lie between 0.937 and 0.982 (docs/reference/metrics.md)."""
    rng = np.random.default_rng(7)
    runs = 400
    covered = by_object = 0
    for _ in range(runs):
        rows = simulate(rng, k, share_found=share_found, correlation=correlation, size_cv=size_cv)
        interval = interval_of_share(rows)
        assert interval.low is not None and interval.high is not None
        covered += interval.low <= share_found <= interval.high
        found, total = rows.sum(axis=0)
        error = 1.96 * math.sqrt(max(interval.value * (1 - interval.value), 1e-9) / total)
        by_object += abs(found / total - share_found) <= error
    assert covered / runs > 0.92
    if correlation == 0.15:
        assert by_object / runs < 0.85  # what intervals by object would have covered


BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "science" / "interval_coverage.py"))
RUNS = 400
TOLERANCE = 3 * math.sqrt(0.95 * 0.05 / RUNS)  # three binomial standard errors


def coverages(population: object, key: str, k: int) -> dict[str, float]:
    row = BENCHMARK["run"](population, key, k, runs=RUNS, seed=3)
    return {method: row[method]["coverage"] for method in BENCHMARK["METHODS"] if method in row}


@pytest.mark.parametrize("k", [8, 20, 50])
@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        (stats.beta(11.7, 1.3), (0.0, 1.0)),
        (stats.gamma(2), (0.0, math.inf)),
        (stats.norm(), (-math.inf, math.inf)),
        (stats.t(3), (-math.inf, math.inf)),
    ],
    ids=["bounded", "distance", "error", "error with outliers"],
)
def test_coverage_of_means_of_values_is_nominal(
    k: int, values: stats.rv_continuous, bounds: tuple[float, float]
) -> None:
    drawn = values.rvs(20_000, random_state=np.random.default_rng(1))
    found = coverages(BENCHMARK["value_population"]("", drawn, bounds), "mean", k)
    assert 0.93 - TOLERANCE / 2 < found["ours"] < 0.97 + TOLERANCE / 2


@pytest.mark.parametrize("k", [5, 8, 20])
def test_replicates_are_the_units_and_images_of_them_are_not(k: int) -> None:
    """Images of a replicate have half of their variance in common."""
    rng = np.random.default_rng(2)
    latent = np.sqrt(0.5) * (rng.normal(size=(20_000, 1)) + rng.normal(size=(20_000, 5)))
    shares = stats.beta.ppf(stats.norm.cdf(latent), 8, 2)
    rows = BENCHMARK["objects"](rng, shares, shares, 0.4)
    found = coverages(BENCHMARK["Population"]("replicates", "", (), rows), "f1@0.5", k)
    assert abs(found["ours"] - 0.95) < TOLERANCE
    assert found["by image"] < 0.86
    assert found["by object"] < 0.6


def test_rare_failures_that_were_not_seen_cannot_be_known() -> None:
    """Every tenth image fails: eight images show none in two of five runs. More images are the only help."""
    rng = np.random.default_rng(4)
    values = np.where(rng.random(20_000) < 0.1, rng.beta(2, 2, 20_000), rng.beta(40, 2, 20_000))
    population = BENCHMARK["value_population"]("", values, (0.0, 1.0))
    assert coverages(population, "mean", 8)["ours"] < 0.8
    assert coverages(population, "mean", 50)["ours"] > 0.93


BOUNDS = [(0.0, 1.0), (0.0, math.inf), (-math.inf, math.inf)]


@pytest.mark.parametrize("bounds", BOUNDS)
@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.sampled_from([0.0, 0.0, 0.2, 0.5, 0.9, 1.0, 1.0]), min_size=2, max_size=9))
def test_surer_intervals_hold_those_that_are_less_sure(
    bounds: tuple[float, float], values: list[float]
) -> None:
    levels = (0.5, 0.8, 0.95, 0.999)
    found = [mean_interval(np.array(values), level=level, bounds=bounds) for level in levels]
    for one, surer in pairwise(found):
        assert (one.low is None) == (surer.low is None)
        if one.low is None or one.high is None or surer.low is None or surer.high is None:
            continue
        assert bounds[0] <= surer.low <= one.low + 1e-12
        assert one.low <= one.value + 1e-12 and one.value <= one.high + 1e-12
        assert one.high <= surer.high + 1e-12 and surer.high <= bounds[1]


@settings(max_examples=80, deadline=None)
@given(
    values=st.lists(st.integers(0, 20).map(lambda n: n / 20), min_size=2, max_size=9),
    data=st.data(),
)
def test_the_order_of_units_and_the_end_that_is_called_good_change_nothing(
    values: list[float], data: st.DataObject
) -> None:
    plain = mean_interval(np.array(values), bounds=(0, 1))
    order = data.draw(st.permutations(values))
    turned = mean_interval(np.array(order), bounds=(0, 1))
    mirrored = mean_interval(1 - np.array(values), bounds=(0, 1))
    if plain.low is None or plain.high is None:
        assert turned.low is mirrored.low is None
        return
    assert (turned.low, turned.high) == pytest.approx((plain.low, plain.high), abs=1e-9)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - plain.high, 1 - plain.low), abs=1e-9)
