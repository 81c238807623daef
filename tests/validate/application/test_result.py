"""Verdicts from intervals, and numbers as people read them."""

from __future__ import annotations

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.validate.application.result import (
    Check,
    Figure,
    Status,
    plural,
    shown,
    shown_interval,
    status_in_range,
    worst_status,
)
from veriscope.validate.statistics import Interval

NUMBERS = st.floats(-1e6, 1e6)


def interval(low: float | None, high: float | None, value: float = 0.0) -> Interval:
    return Interval(value, low, high, 0.95, 5)


@pytest.mark.parametrize(
    ("low", "high", "status"),
    [
        (-0.5, 0.5, "holds"),
        (-2.0, 0.5, "cannot tell"),
        (-2.0, 2.0, "cannot tell"),
        (1.5, 2.0, "fails"),
        (-3.0, -1.5, "fails"),
        (-1.0, 0.5, "cannot tell"),  # an end on the border is not inside
        (1.0, 2.0, "cannot tell"),  # nor outside
        (None, None, "cannot tell"),
        (None, 0.5, "cannot tell"),
    ],
)
def test_a_value_is_inside_only_if_its_whole_interval_is(
    low: float | None, high: float | None, status: Status
) -> None:
    assert status_in_range(interval(low, high), (-1.0, 1.0)) == status


@given(ends=st.tuples(NUMBERS, NUMBERS), allowed=st.tuples(NUMBERS, NUMBERS))
def test_mirroring_changes_no_verdict_and_more_evidence_takes_none_back(
    ends: tuple[float, float], allowed: tuple[float, float]
) -> None:
    (low, high), (least, most) = sorted(ends), sorted(allowed)
    found = status_in_range(interval(low, high), (least, most))
    assert status_in_range(interval(-high, -low), (-most, -least)) == found
    narrower = status_in_range(interval((low + high) / 2, (low + high) / 2), (least, most))
    if found != "cannot tell":
        assert narrower == found


@pytest.mark.parametrize(
    ("statuses", "worst"),
    [
        (["holds", "fails", "cannot tell"], "fails"),
        (["holds", "cannot tell", "not applicable"], "cannot tell"),
        (["not applicable", "holds"], "holds"),
        (["not applicable", "not applicable"], "not applicable"),
        ([], "not applicable"),
    ],
)
def test_the_worst_verdict_counts_in_any_order(statuses: list[Status], worst: Status) -> None:
    for order in permutations(statuses):
        assert worst_status(list(order)) == worst


@pytest.mark.parametrize(
    ("value", "relative", "text"),
    [
        (0.0, False, "0"),
        (1.23456, False, "1.23"),
        (-0.000123456, False, "-0.000123"),
        (99.949, False, "99.9"),
        (100.4, False, "100"),
        (123456.7, False, "123,457"),
        (-1234.5, False, "-1,234"),
        (0.1234, True, "12.3 %"),
        (-2.5, True, "-250 %"),
        (math.nan, False, "unknown"),
        (math.inf, True, "unknown"),
    ],
)
def test_numbers_are_shown_with_three_figures_or_whole(value: float, relative: bool, text: str) -> None:
    assert shown(value, relative=relative) == text


@given(value=st.floats(-1e9, 1e9))
def test_what_is_shown_is_the_value_to_three_figures(value: float) -> None:
    read = float(shown(value).replace(",", ""))
    assert read == pytest.approx(value, rel=0.006, abs=0)


def test_intervals_are_shown_with_their_level() -> None:
    assert shown_interval(interval(-1.5, 2.25, 0.5)) == "0.5 (95 % interval -1.5 to 2.25)"
    assert shown_interval(interval(0.1, 0.2, 0.15), relative=True) == "15 % (95 % interval 10 % to 20 %)"
    assert shown_interval(interval(None, None, 0.5)) == "0.5 (interval unknown)"
    assert shown_interval(interval(None, None, math.nan)) == "unknown (interval unknown)"


@pytest.mark.parametrize(
    ("word", "more"),
    [
        ("dish", "dishes"),
        ("replicate", "replicates"),
        ("batch", "batches"),
        ("box", "boxes"),
        ("lens", "lenses"),
    ],
)
def test_replicates_have_a_plural(word: str, more: str) -> None:
    assert plural(word) == more


def test_a_check_is_plain() -> None:
    figure = Figure("error", interval(None, None, math.nan), p_value=None)
    plain = Check("bias", "cannot tell", "So.", figure, (-1.0, 1.0), (figure,), 3, "dish").to_dict()
    assert plain["figure"] == plain["figures"][0]
    assert plain["figure"]["value"] is plain["figure"]["low"] is plain["figure"]["p_value"] is None
    assert (plain["allowed"], plain["n"], plain["unit"]) == ([-1.0, 1.0], 3, "dish")
    assert Check("limits", "not applicable", "No.").to_dict()["allowed"] is None
