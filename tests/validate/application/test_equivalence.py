"""Equivalence in every group: what decides, at which level, and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from veriscope.validate.application.equivalence import check_equivalence
from veriscope.validate.application.result import Check
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable
from veriscope.validate.application.tost import tost

Written = Callable[..., ApplicationTable]
Pairs = list[tuple[float, float]]

SPREAD = (-1.0, 0.0, 1.0, 0.0, 0.5, -0.5)


def off_by(error: float, *, level: float = 50.0, n: int = 6) -> Pairs:
    """Replicates whose errors spread a little around a mean."""
    return [(level + i, level + i + error + spread) for i, spread in enumerate(SPREAD[:n])]


def check(table: ApplicationTable, tolerance: float, *, relative: bool = False, **options: Any) -> Check:
    settings = ApplicationSettings(**options)
    return check_equivalence(table, tolerance=tolerance, relative=relative, settings=settings)


def sides(pairs: Pairs) -> tuple[list[float], list[float]]:
    return [r for r, _ in pairs], [p for _, p in pairs]


def test_all_groups_are_equivalent_at_the_level_of_one_test(written: Written) -> None:
    a, b = off_by(0.2), off_by(-0.6)
    found = check(written(a=a, b=b), 3)
    assert (found.status, found.allowed, found.n) == ("holds", (-3, 3), 12)
    for figure, pairs, group in zip(found.figures, (a, b), "ab", strict=True):
        expected = tost(*sides(pairs), tolerance=3)
        assert figure.label == f"mean error in group {group}"
        assert figure.interval == expected.error
        assert figure.p_value == expected.p_value
        assert figure.interval.level == pytest.approx(0.9)
    assert found.figure is found.figures[1]
    assert found.sentence == (
        "In every group the mean error is smaller than 3; largest: -0.6 (90 % interval -1.18 to -0.0183) in "
        "group b."
    )


def test_a_failure_is_tested_at_the_level_of_all_groups_together(written: Written) -> None:
    """The interval that is told is the one that decided: 1 - 2 alpha / number of groups."""
    good, bad = off_by(0.1), off_by(5.0)
    found = check(written(a=good, b=bad, c=good, d=good), 3)
    assert found.status == "fails"
    expected = tost(*sides(bad), tolerance=3, alpha=0.05 / 4)
    assert found.figure is not None
    assert found.figure.interval == expected.error
    assert [figure.interval.level for figure in found.figures] == [pytest.approx(0.975)] * 4
    assert found.sentence.startswith("The mean error is larger than 3: 5 (97.5 % interval ")
    assert found.sentence.endswith(" in group b.")


def test_more_groups_ask_for_more_evidence_of_a_failure(written: Written) -> None:
    """Alone it fails; among eight groups as many chances to fail by accident are paid for."""
    bad = off_by(3.9)
    assert check(written(a=bad), 3).status == "fails"
    others = {name: off_by(0.1) for name in "bcdefgh"}
    assert check(written(a=bad, **others), 3).status == "cannot tell"


def test_of_groups_that_fail_the_largest_error_is_told_also_if_another_is_larger(written: Written) -> None:
    """Group c has the largest error, but its replicates disagree, so that nothing can be said of it."""
    found = check(written(a=off_by(5.0), b=off_by(-8.0), c=[(50.0, 80.0), (50.0, 20.0), (50.0, 100.0)]), 3)
    assert found.status == "fails"
    assert found.figure is not None
    assert found.figure.label == "mean error in group b"
    assert found.figure.interval.value == pytest.approx(-8)


def test_opposite_errors_do_not_hide_each_other(written: Written) -> None:
    assert check(written(a=off_by(5.0), b=off_by(-5.0)), 3).status == "fails"


def test_one_open_group_leaves_all_open(written: Written) -> None:
    found = check(written(a=off_by(0.0), b=off_by(0.4, n=1)), 3, replicate="dish")
    assert found.status == "cannot tell"
    assert found.sentence == (
        "With so few dishes the mean error may be above 3 or not: -0.6 (interval unknown) in group b."
    )


def test_shares_are_told_in_percent(written: Written) -> None:
    found = check(written(a=off_by(0.2), b=off_by(0.1)), 0.1, relative=True)
    assert found.status == "holds"
    assert found.sentence.startswith("In every group the mean error is smaller than 10 %; largest: 0.381 % (")


@pytest.mark.parametrize("tolerance", [0.4, 1.0, 2.0, 4.0, 8.0])
def test_a_wider_tolerance_never_turns_holding_into_failing(written: Written, tolerance: float) -> None:
    order = ["fails", "cannot tell", "holds"]
    table = written(a=off_by(1.5), b=off_by(-2.5))
    narrow, wide = (check(table, factor * tolerance).status for factor in (1, 2))
    assert order.index(narrow) <= order.index(wide)


def test_holds_just_where_every_p_value_is_below_alpha(written: Written) -> None:
    table = written(a=off_by(0.8), b=off_by(0.0))
    for tolerance in (0.9, 1.1, 1.2, 1.3, 1.5, 2.0):
        found = check(table, tolerance)
        p_values = [tost(*table.replicate_means(group), tolerance=tolerance).p_value for group in "ab"]
        assert (found.status == "holds") == all(p is not None and p < 0.05 for p in p_values)
