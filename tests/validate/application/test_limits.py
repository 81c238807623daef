"""Verdicts do not depend on the unit of the quantity, and errors of either sign are judged alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from veriscope.validate.application.bias import check_bias
from veriscope.validate.application.differential import check_differential_bias
from veriscope.validate.application.equivalence import check_equivalence
from veriscope.validate.application.limits import agreement_of, check_limits, check_proportional_bias
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
