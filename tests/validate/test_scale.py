"""The unit of a measure changes no interval, no p value and no plan: µm or nm, photons or sums of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from veriscope.validate.agreement import bland_altman
from veriscope.validate.application.bias import check_bias
from veriscope.validate.application.differential import check_differential_bias
from veriscope.validate.application.effect_size import Effect, difference_kept
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable, read_table
from veriscope.validate.application.tost import mean_error, tost
from veriscope.validate.candidates import candidates_by_values
from veriscope.validate.power import units_to_separate
from veriscope.validate.ranking import rank_values
from veriscope.validate.stability import rank_stability
from veriscope.validate.statistics import Interval, jackknife_interval, jackknife_spread, mean_interval

FloatArray = NDArray[np.float64]
UNITS = [1e-30, 1e-14, 1e-6, 1e9, 1e30]
VALUES = arrays(np.float64, st.integers(3, 12), elements=st.integers(-40, 40).map(lambda n: n / 8))
"""Eighths, so that a power of two as unit changes no digit."""


def in_unit(interval: Interval, unit: float) -> Interval:
    """The same interval as it is told in another unit."""
    ends = [None if end is None else pytest.approx(end * unit) for end in (interval.low, interval.high)]
    return replace(interval, value=pytest.approx(interval.value * unit), low=ends[0], high=ends[1])


@given(VALUES, st.integers(-300, 300))
def test_the_spread_is_that_of_the_values_in_their_unit(values: FloatArray, exponent: int) -> None:
    unit = 2.0**exponent
    plain, scaled = (jackknife_spread(v, np.ones(len(v))) for v in (values, values * unit))
    assert scaled.standard_error == pytest.approx(plain.standard_error * unit, rel=1e-12, abs=0)
    assert scaled.degrees_of_freedom == plain.degrees_of_freedom
    assert scaled.skewness == plain.skewness


@given(VALUES, st.integers(-300, 300))
def test_the_interval_of_a_mean_scales_with_its_unit(values: FloatArray, exponent: int) -> None:
    unit = 2.0**exponent
    assert mean_interval(values * unit) == in_unit(mean_interval(values), unit)
    positive = np.abs(values)
    bounded = mean_interval(positive * unit, bounds=(0.0, np.inf))
    assert bounded == in_unit(mean_interval(positive, bounds=(0.0, np.inf)), unit)


@pytest.mark.parametrize("unit", UNITS)
def test_a_difference_in_a_small_unit_is_found(unit: float) -> None:
    """Values of 1e-14 are an intensity in joules, not rounding."""
    far, near = np.array([3.0, 4, 6, 5, 4]), np.array([1.0, 2.5, 3, 3.5, 2])
    plain, scaled = (
        rank_values({"far": far * u, "near": near * u}, better="lower").pairs[0] for u in (1.0, unit)
    )
    assert plain.better == scaled.better == "near"
    assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-9)
    assert scaled.difference == in_unit(plain.difference, unit)


@pytest.mark.parametrize("unit", UNITS)
def test_rounding_alone_is_no_spread_whatever_the_unit(unit: float) -> None:
    """0.1 + 0.2 is not 0.3: equal values may differ in their last digit."""
    same = np.array([0.1 + 0.2, 0.3, 0.6 / 2, 0.9 - 0.6, 0.3]) * unit
    assert np.ptp(same) > 0
    assert mean_interval(same).method == "no spread between units: binomial bound"
    # The same difference everywhere, of values that differ: only its rounding varies.
    values = np.array([0.7, 1.1, 2.3, 0.4, 5.9, 3.3])
    pair = rank_values({"a": (values + 0.1) * unit, "b": values * unit}).pairs[0]
    assert pair.p_value == 2.0**-5
    assert rank_values({"a": values * unit + unit * 0.2 - unit * 0.2, "b": values * unit}).groups == (
        ("a", "b"),
    )


@pytest.mark.parametrize("unit", UNITS)
def test_means_far_from_zero_that_cancel_keep_their_rounding_apart(unit: float) -> None:
    """The mean of ±1000 is 0, and the difference of two such means is known to their digits only."""
    values = np.array([1000.1, -1000.3, 999.7, -999.9, 1000.2, -999.8])
    pair = rank_values({"a": (values + 0.1) * unit, "b": values * unit}).pairs[0]
    assert (pair.p_value, pair.difference.method) == (
        2.0**-5,
        "no spread between units: binomial bound",
    )


def test_a_bounded_metric_knows_its_scale() -> None:
    """Of two F1 near 0 whose difference is 1e-14 nothing is said, and of two amounts as small it is."""
    tiny = np.array([1e-14, 2e-14, 4e-14])
    bounded = jackknife_interval(0.0, tiny, np.ones(3), bounds=(-1.0, 1.0))
    assert bounded.method == "no spread between units: binomial bound"
    assert jackknife_interval(2e-14, tiny, np.ones(3)).low is not None
    assert jackknife_interval(2e-14, tiny, np.ones(3), magnitude=1.0).low is None


def test_an_undefined_value_stays_undefined() -> None:
    spread = jackknife_spread(np.array([0.5, np.nan, 0.6]), np.ones(3))
    assert np.isnan(spread.standard_error)
    assert jackknife_spread(np.zeros(4), np.ones(4)).standard_error == 0


@pytest.mark.parametrize("unit", UNITS)
def test_plans_and_stability_know_no_unit(unit: float) -> None:
    rng = np.random.default_rng(4)
    hard = rng.gamma(3, size=12)
    values = {"a": hard, "b": hard + rng.normal(0.1, 0.3, 12), "c": hard + 0.4}
    clusters = [n // 2 for n in range(12)]

    def told(factor: float) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        taken = candidates_by_values(
            {name: v * factor for name, v in values.items()}, better="lower", clusters=clusters
        )
        plans = [
            {
                key: value / factor if key == "detectable_difference" and value is not None else value
                for key, value in plan.to_dict().items()
            }
            for plan in units_to_separate(taken)
        ]
        return plans, rank_stability(taken, n_draws=50).to_dict()

    plain, scaled = told(1.0), told(unit)
    for ours, theirs in zip(plain[0], scaled[0], strict=True):
        assert {
            key: pytest.approx(value) if isinstance(value, float) else value for key, value in ours.items()
        } == theirs
    assert plain[1] == scaled[1]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("relative", [False, True])
def test_equivalence_of_replicates_knows_no_unit(unit: float, relative: bool) -> None:
    reference = np.array([50.0, 60, 55, 52, 41])
    for prediction in (reference * 1.1, reference + 3, reference + np.array([1, -2, 3, 0.5, 2])):
        tolerance = 0.2 if relative else 9.0
        plain = tost(reference, prediction, tolerance=tolerance, relative=relative)
        scaled = tost(
            reference * unit,
            prediction * unit,
            tolerance=tolerance * (1 if relative else unit),
            relative=relative,
        )
        assert scaled.verdict == plain.verdict
        assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-6)
        assert scaled.error == in_unit(plain.error, 1.0 if relative else unit)


@pytest.mark.parametrize("unit", UNITS)
def test_the_same_relative_error_in_every_replicate_has_no_spread(unit: float) -> None:
    reference = np.array([50.3, 61.7, 55.1, 52.9]) * unit
    found = mean_error([reference], [reference * 1.1], relative=True, level=0.9)
    assert (found.value, found.method) == (pytest.approx(0.1), "no spread between replicates: sign test")
    kept = difference_kept(
        Effect(reference, reference * 1.1, reference[::-1] * 2.3, reference[::-1] * 2.3 * 1.1), level=0.8
    )
    assert (kept.value, kept.method) == (pytest.approx(1.1), "no spread between replicates: sign test")


@pytest.fixture
def two_groups() -> ApplicationTable:
    """Two groups of five replicates whose predictions are 1 ppm too high, in both alike."""
    reference = np.array([50.3, 61.7, 55.1, 52.9, 48.2, 72.5, 81.9, 77.7, 69.3, 75.1])
    return read_table(
        {
            "unit": list(range(10)),
            "group": ["a"] * 5 + ["b"] * 5,
            "replicate": list(range(10)),
            "reference": reference.tolist(),
            "prediction": (reference * (1 + 1e-6)).tolist(),
        }
    )


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("check", [check_bias, check_differential_bias])
def test_a_constant_share_that_is_far_within_the_tolerance_holds(
    check: Any, unit: float, two_groups: ApplicationTable
) -> None:
    table = replace(
        two_groups, reference=two_groups.reference * unit, prediction=two_groups.prediction * unit
    )
    found = check(table, tolerance=0.01, relative=True, settings=ApplicationSettings())
    assert found.status == "holds"
    assert found.figure is not None
    assert found.figure.interval.method == "no spread between replicates: sign test"


@pytest.mark.parametrize("unit", UNITS)
def test_limits_of_agreement_know_no_unit(unit: float) -> None:
    rng = np.random.default_rng(8)
    reference = rng.gamma(4, 10, 12)
    prediction = 1.2 * reference + rng.normal(0, 2, 12)
    clusters = [n // 3 for n in range(12)]
    for nested in (None, clusters):
        plain = bland_altman(reference, prediction, clusters=nested)
        scaled = bland_altman(reference * unit, prediction * unit, clusters=nested)
        for name in ("mean_difference", "lower_limit", "upper_limit"):
            assert getattr(scaled, name) == in_unit(getattr(plain, name), unit)
        assert scaled.slope == in_unit(plain.slope, 1.0)
