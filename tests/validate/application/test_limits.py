"""Verdicts do not depend on the unit of the quantity, and errors of either sign are judged alike."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from veriscope.validate.application.bias import check_bias
from veriscope.validate.application.differential import check_differential_bias
from veriscope.validate.application.equivalence import check_equivalence
from veriscope.validate.application.limits import agreement_of, check_limits, check_proportional_bias
from veriscope.validate.application.result import Check
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable

Study = Callable[..., ApplicationTable]

CHECKS = (check_bias, check_limits, check_proportional_bias, check_equivalence, check_differential_bias)


def in_unit(table: ApplicationTable, unit: float) -> ApplicationTable:
    return replace(table, reference=table.reference * unit, prediction=table.prediction * unit)


@pytest.mark.parametrize("unit", [1e-6, 1e3, 1e9])
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("check", CHECKS)
def test_the_unit_of_the_quantity_changes_no_verdict(
    check: Callable[..., object], relative: bool, unit: float, study: Study
) -> None:
    statuses = set()
    for seed, errors in ((1, (0.0, 0.0)), (2, (6.0, 6.0)), (3, (0.0, 12.0))):
        table = study(seed, errors=errors)
        tolerance, limit = (0.08, 0.3) if relative else (5.0, 12.0)
        plain = check(
            table,
            tolerance=tolerance,
            relative=relative,
            settings=ApplicationSettings(unit_tolerance=limit),
        )
        factor = 1.0 if relative else unit
        other = check(
            in_unit(table, unit),
            tolerance=tolerance * factor,
            relative=relative,
            settings=ApplicationSettings(unit_tolerance=limit * factor),
        )
        assert other.status == plain.status  # type: ignore[attr-defined]
        one, two = plain.figure.interval, other.figure.interval  # type: ignore[attr-defined]
        assert [two.value, two.low, two.high] == pytest.approx(
            [end * factor for end in (one.value, one.low, one.high)]
        )
        statuses.add(plain.status)  # type: ignore[attr-defined]
    assert len(statuses) > 1 or check is check_proportional_bias


@pytest.mark.parametrize("check", [check_bias, check_limits, check_equivalence, check_differential_bias])
@pytest.mark.parametrize("seed", range(4))
def test_too_much_and_too_little_are_judged_alike(
    check: Callable[..., object], seed: int, study: Study
) -> None:
    table = study(seed, errors=(4.0, 7.0))
    mirrored = replace(table, prediction=2 * table.reference - table.prediction)
    settings = ApplicationSettings(unit_tolerance=12)
    one, two = (check(each, tolerance=6, relative=False, settings=settings) for each in (table, mirrored))
    assert one.status == two.status  # type: ignore[attr-defined]
    values = [each.figure.interval.value for each in (one, two)]  # type: ignore[attr-defined]
    assert values[0] == pytest.approx(-values[1])


@pytest.mark.parametrize("seed", range(3))
def test_limits_hold_nineteen_of_twenty_units_of_new_replicates(seed: int, study: Study) -> None:
    table = study(seed, replicates=40, errors=(2.0, 2.0))
    found = agreement_of(table, relative=False, settings=ApplicationSettings())
    fresh = study(seed + 100, replicates=200, errors=(2.0, 2.0))
    apart = fresh.prediction - fresh.reference
    inside = ((apart > found.lower_limit.value) & (apart < found.upper_limit.value)).mean()
    assert 0.92 < inside < 0.975
    assert np.mean(apart) == pytest.approx(found.mean_difference.value, abs=0.7)


def limits(table: ApplicationTable, bound: float | None, **options: object) -> Check:
    settings = ApplicationSettings.parse({"unit_tolerance": bound, **options}, where="options")
    return check_limits(table, tolerance=1, relative=False, settings=settings)


EVEN = [(50.0, 49.0), (60.0, 61.0), (70.0, 69.0), (80.0, 81.0), (90.0, 89.0), (100.0, 101.0)]
"""Differences of -1 and 1 in turn: standard deviation √1.2, limits ±2.147."""


@pytest.mark.parametrize(
    ("bound", "status", "end"),
    [
        (None, "not applicable", "; no tolerance is stated for single ones."),
        (6.0, "holds", ", within the 6 that are harmless."),
        (0.5, "fails", "; 0.5 would be harmless."),
        (2.5, "cannot tell", "; too few dishes to tell whether within 2.5."),
    ],
)
def test_limits_are_told_in_a_sentence(written: Study, bound: float | None, status: str, end: str) -> None:
    found = limits(written(a=EVEN), bound, replicate="dish", unit="well")
    reach = 1.959964 * math.sqrt(1.2)
    assert found.sentence == (
        f"A single well may be off by {-reach:.3g} to {reach:.3g} (95 of 100 wells lie in between){end}"
    )
    assert (found.status, found.allowed) == (status, None if bound is None else (-bound, bound))
    assert [figure.interval.value for figure in found.figures] == pytest.approx([-reach, reach], rel=1e-6)


def test_the_limit_that_is_farther_off_is_the_figure(written: Study) -> None:
    for shift, label in ((3.0, "upper limit of agreement"), (-3.0, "lower limit of agreement")):
        found = limits(written(a=[(r, p + shift) for r, p in EVEN]), 20.0)
        assert found.figure is not None
        assert found.figure.label == label


def test_as_shares_the_limits_are_of_the_mean_of_both_values(written: Study) -> None:
    table = written(a=[(r, 1.2 * r) for r, _ in EVEN])
    settings = ApplicationSettings(unit_tolerance=0.5)
    found = check_limits(table, tolerance=1, relative=True, settings=settings)
    assert found.status == "cannot tell"  # without spread nothing is said of units not seen
    assert found.sentence.startswith("A single image may be off by 18.2 % to 18.2 % (95 of 100 images lie")


@pytest.mark.parametrize(
    ("gain", "tolerance", "status", "sentence"),
    [
        (1.0, 20.0, "holds", "From small to large values the error changes by "),
        (1.5, 3.0, "fails", "The error depends on the value: from small to large it changes by "),
        (1.0, 1.0, "cannot tell", "From small to large values the error changes by "),
    ],
)
def test_a_change_of_the_error_is_told_in_a_sentence(
    written: Study, gain: float, tolerance: float, status: str, sentence: str
) -> None:
    table = written(a=[(r, gain * r + p - r) for r, p in EVEN])
    found = check_proportional_bias(
        table, tolerance=tolerance, relative=False, settings=ApplicationSettings()
    )
    assert found.status == status
    assert found.sentence.startswith(sentence)
    end = {"holds": f", less than {tolerance:g}.", "fails": f", over {tolerance:g}."}
    assert found.sentence.endswith(end.get(status, f"; {tolerance:g} would be harmless."))
    slope = stats.linregress((table.reference + table.prediction) / 2, table.prediction - table.reference)
    (figure,) = found.figures
    assert figure.interval.value == pytest.approx(slope.slope)
    reach = stats.t.ppf(0.975, len(EVEN) - 2) * slope.stderr
    assert (figure.interval.low, figure.interval.high) == pytest.approx(
        (slope.slope - reach, slope.slope + reach)
    )
