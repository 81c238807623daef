"""Axes of plots: every tick is where it says, says another number than its neighbours, and says it right."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from veriscope.report.numbers import MINUS, THIN_SPACE
from veriscope.report.scales import Scale, fit_scale, log_ticks, nice_ticks

VALUES = st.floats(-1e12, 1e12).filter(lambda value: value == 0 or abs(value) > 1e-12)
POSITIVE = st.floats(1e-9, 1e12)


def number(text: str) -> float:
    """Read a number back that was written for people."""
    plain = text.replace(THIN_SPACE, "").replace(MINUS, "-")
    raised = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    factor, _, power = plain.partition("×10")
    return float(factor) * 10.0 ** int(power.translate(raised) or "0" if power else 0)


@given(values=st.lists(VALUES, min_size=1, max_size=5), is_vertical=st.booleans())
def test_ticks_say_where_they_are(values: list[float], is_vertical: bool) -> None:
    scale = fit_scale(values, *((300.0, 20.0) if is_vertical else (20.0, 300.0)))
    ticks = scale.ticks()
    step = min((b - a for (a, _), (b, _) in itertools.pairwise(ticks)), default=math.inf)
    for value, text in ticks:
        assert scale.low - 1e-9 * abs(scale.low) <= value <= scale.high + 1e-9 * abs(scale.high)
        assert abs(number(text) - value) < 0.1 * min(step, max(abs(value), 1e-12))
    assert len({text for _, text in ticks}) == len(ticks)
    for value in values:
        assert scale.contains(value)
        assert 19.99 <= scale(value) <= 300.01


@given(values=st.lists(POSITIVE, min_size=1, max_size=5))
def test_ticks_of_ratios_say_where_they_are(values: list[float]) -> None:
    scale = fit_scale(values, 0.0, 100.0, log=True)
    ticks = scale.ticks()
    assert len({text for _, text in ticks}) == len(ticks) >= 1
    for value, text in ticks:
        assert number(text) == pytest.approx(value, rel=0.01)
    for value in values:
        assert -0.01 <= scale(value) <= 100.01


@given(low=POSITIVE, ratio=st.floats(1.5, 1e6))
def test_equal_ratios_are_equally_far_apart(low: float, ratio: float) -> None:
    scale = Scale(low, low * ratio, 10.0, 90.0, log=True)
    middle = low * math.sqrt(ratio)
    assert scale(middle) == pytest.approx(50.0)
    assert scale(low) == pytest.approx(10.0)
    assert scale(low * ratio) == pytest.approx(90.0)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.0, 100.0], ["0", "20", "40", "60", "80", "100"]),
        ([0.0, 1.0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([-0.3, 0.1], [f"{MINUS}0.3", f"{MINUS}0.2", f"{MINUS}0.1", "0.0", "0.1"]),
        ([2_000.0, 12_000.0], [f"{n}{THIN_SPACE}000" for n in (2, 4, 6, 8, 10, 12)]),
    ],
)  # fmt: skip
def test_round_numbers(values: list[float], texts: list[str]) -> None:
    assert [text for _, text in Scale(*values, 0.0, 1.0).ticks()] == texts


def test_large_areas_that_differ_little_are_told_apart() -> None:
    # 12.34 to 12.36 mm² in µm²: three digits would say 1.23 × 10⁷ at each tick.
    ticks = fit_scale([12_340_000.0, 12_360_000.0], 0.0, 100.0).ticks()
    assert [number(text) for _, text in ticks] == pytest.approx([value for value, _ in ticks], rel=1e-9)
    assert len(ticks) >= 4


def test_a_ratio_near_one_is_told_from_one() -> None:
    ticks = dict(fit_scale([0.9995, 1.0005], 0.0, 100.0, log=True).ticks())
    assert ticks[1.0] == "1"
    assert list(ticks.values()).count("1") == 1


@pytest.mark.parametrize(
    "values",
    [
        [1.0, 1.0 + 2**-52],
        [12.3, 12.300000000000002, 12.299999999999997],
        [1e9, math.nextafter(1e9, 2e9)],
        [-5.0, math.nextafter(-5.0, 0)],
    ],
)
@pytest.mark.parametrize("log", [False, True])
def test_rounding_errors_do_not_fill_an_axis(values: list[float], log: bool) -> None:
    if log and values[0] < 0:
        return
    scale = fit_scale(values, 0.0, 100.0, log=log)
    assert scale.high - scale.low > 0.1 * abs(values[0])
    places = [scale(value) for value in values]
    assert max(places) - min(places) < 1e-6
    assert all(40 < place < 60 for place in places)


@given(values=st.lists(VALUES, min_size=1, max_size=4))
def test_counts_never_begin_below_nothing(values: list[float]) -> None:
    positive = [abs(value) for value in values]
    scale = fit_scale(positive, 0.0, 100.0, floor=0.0)
    assert 0 <= scale.low < scale.high
    assert all(value >= 0 for value, _ in scale.ticks())
    below = fit_scale([*positive, -1.0], 0.0, 100.0, floor=0.0)
    assert below.low < -1.0  # what is below is shown, not cut


@pytest.mark.parametrize("log", [False, True])
def test_without_values_there_is_an_axis(log: bool) -> None:
    empty = fit_scale([None, math.nan, math.inf, -math.inf], 0.0, 1.0, log=log)
    assert empty == fit_scale([], 0.0, 1.0, log=log)
    assert len(empty.ticks()) >= 3
    if log:
        assert fit_scale([0.0, -3.0], 0.0, 1.0, log=True) == empty


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-3, 1e6), n=st.integers(1, 12))
def test_steps_are_one_two_or_five(low: float, span: float, n: int) -> None:
    assume(span > 1e-6 * abs(low))
    ticks = nice_ticks(low, low + span, n=n)
    steps = [b - a for a, b in itertools.pairwise(ticks)]
    for step in steps:
        assert step == pytest.approx(steps[0], rel=1e-6)
        leading = step / 10 ** math.floor(math.log10(step * (1 + 1e-9)))
        assert min(abs(leading - nice) for nice in (1, 2, 5, 10)) < 1e-3
    assert 1 <= len(ticks) <= 2.5 * n + 2


def test_two_ticks_wanted_and_none_round_enough() -> None:
    assert nice_ticks(0.03, 0.45, n=2) == pytest.approx([0.2, 0.4])
    assert nice_ticks(51.0, 93.0, n=2) == [60.0, 80.0]


@given(low=POSITIVE, ratio=st.floats(1.01, 1e9))
def test_ticks_of_ratios_are_few_and_inside(low: float, ratio: float) -> None:
    ticks = log_ticks(low, low * ratio)
    assert ticks == sorted(ticks)
    assert all(low * 0.998 <= value <= low * ratio * 1.002 for value in ticks)
    assert len(ticks) <= 20


@given(value=st.floats(-1e6, 1e6), low=st.floats(-100, 100), span=st.floats(0.1, 100))
def test_what_is_beyond_the_ends_is_drawn_at_the_end(value: float, low: float, span: float) -> None:
    scale = Scale(low, low + span, 200.0, 10.0)
    place = scale.clip(value)
    assert 10.0 - 1e-6 <= place <= 200.0 + 1e-6
    if scale.contains(value):
        assert place == scale(value)
    else:
        assert place == pytest.approx(200.0 if value < low else 10.0)
