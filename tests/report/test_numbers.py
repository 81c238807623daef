"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.report.numbers import (
    MINUS,
    MISSING,
    format_duration,
    format_estimate,
    format_exact,
    format_fixed,
    format_number,
    format_p,
    format_percent,
    format_plain,
    format_range,
)


def spaced(text: str) -> str:
    """Narrow spaces as underscores, so that they can be seen here."""
    return text.replace("\u202f", "_")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9932, "9_932"),
        (9932.4, "9_932"),
        (1234567.0, "1_234_567"),
        (0.7283, "0.728"),
        (-0.25, "−0.250"),
        (0, "0"),
        (-0.0, "0"),
        (1.2e-5, "1.20_×_10⁻⁵"),
        (3.21e9, "3.21_×_10⁹"),
        (9.999e-6, "1.00_×_10⁻⁵"),
        (-9.9996e11, "−1.00_×_10¹²"),
        (None, "—"),
        (math.nan, "—"),
        (-math.inf, "—"),
    ],
)
def test_single_numbers(value: float | None, text: str) -> None:
    assert spaced(format_number(value)) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((812.34, 761.2, 864.9), ("812", "761–865")),
        ((0.72834, 0.6713, 0.7852), ("0.728", "0.671–0.785")),
        ((54.21, 53.8, 54.6), ("54.21", "53.80–54.60")),
        ((-1.6, -3.26, 1.1), ("−1.6", "−3.3 to 1.1")),
        ((9932.4, 9122.0, 10742.8), ("9_932", "9_122–10_743")),
        ((1.5e-5, 1.2e-5, 1.8e-5), ("1.50_×_10⁻⁵", "(1.20–1.80)_×_10⁻⁵")),
        ((5.0, 5.0, 5.0), ("5.00", "5.00–5.00")),
        ((5.25, None, 6.0), ("5.25", "—")),
        ((None, 1.0, 2.0), ("—", "1.00–2.00")),
        ((None, None, None), ("—", "—")),
        ((math.nan, math.nan, math.nan), ("—", "—")),
    ],
)
def test_value_and_interval_are_rounded_alike(
    values: tuple[float | None, float | None, float | None], text: tuple[str, str]
) -> None:
    value, interval = format_estimate(*values)
    assert (spaced(value), spaced(interval)) == text


@pytest.mark.parametrize(
    ("share", "signed", "text"),
    [
        (0.9, False, "90_%"),
        (0.05, False, "5_%"),
        (0.0825, False, "8.2_%"),
        (-0.0866, True, "−8.7_%"),
        (0.0866, True, "+8.7_%"),
        (0.2134, True, "+21_%"),
        (0.0, True, "0_%"),
        (0.00001, True, "0.0_%"),
        (None, True, "—"),
    ],
)
def test_per_cent(share: float | None, signed: bool, text: str) -> None:
    assert spaced(format_percent(share, signed=signed)) == text


def test_p_values() -> None:
    shown = [format_p(p) for p in (0.0004, 0.001, 0.0321, 0.0995, 0.25, 1.0, None, math.nan)]
    assert [spaced(text) for text in shown] == ["<_0.001", "0.001", "0.032", "0.10", "0.25", "1.00", "—", "—"]


def test_durations() -> None:
    shown = [format_duration(seconds) for seconds in (0.04, 8.42, 9.99, 59.6, 164.2, 3900, None)]
    assert shown == ["0.0 s", "8.4 s", "10 s", "1 min 0 s", "2 min 44 s", "1 h 5 min", "—"]


def test_chosen_numbers_have_no_zeros_at_the_end() -> None:
    assert [format_plain(v) for v in (0.5, 14.0, 100.0, 0.05, 0.712)] == ["0.5", "14", "100", "0.05", "0.712"]


finite = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6)


@given(st.lists(finite, min_size=3, max_size=3))
def test_value_and_ends_have_the_same_decimals_and_stay_in_order(values: list[float]) -> None:
    low, value, high = sorted(values)
    if max(abs(low), abs(high)) < 1e-4:
        return
    texts = [format_estimate(value, low, high)[0]]
    texts += format_estimate(value, low, high)[1].split(" to " if low < 0 else "–")
    numbers = [float(text.replace("\u202f", "").replace("−", "-")) for text in texts]

    assert len({len(text.partition(".")[2]) for text in texts}) == 1
    assert numbers[1] <= numbers[0] <= numbers[2]


@given(st.none() | st.floats(), st.integers(0, 6))
def test_no_text_says_nan_and_zero_has_no_sign(value: float | None, decimals: int) -> None:
    text = format_fixed(value, decimals)

    assert "n" not in text and "e" not in text
    assert (text == MISSING) == (value is None or not math.isfinite(value))
    assert not (text.startswith("−") and not text.strip("−0."))


def test_a_range_with_a_missing_end_is_missing() -> None:
    assert format_range(None, 2.0) == format_range(1.0, math.nan) == MISSING


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (99.96, "100"),
        (9.996, "10.0"),
        (0.9996, "1.00"),
        (0.09996, "0.100"),
        (999.4, "999"),
        (-99.96, f"{MINUS}100"),
    ],
)
def test_rounding_up_adds_no_digit(value: float, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize("value", [12.3, 0.1 + 0.2, 1e6 / 3, 1e9 / 7])
def test_an_interval_of_rounding_errors_is_no_width(value: float) -> None:
    low, high = math.nextafter(value, 0), math.nextafter(value, 1e99)
    assert format_estimate(value, low, high) == format_estimate(value, value, value)
    assert format_range(low, high) == format_range(value, value)
    assert len(format_range(low, high)) < 30


@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_an_exact_number_is_the_number(value: float) -> None:
    text = format_exact(value).replace("\u202f", "").replace(MINUS, "-")
    power = text.partition("×10")[2].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
    assert float(text.partition("×")[0] + (f"e{power}" if power else "")) == pytest.approx(value, rel=1e-15)
    if 1e-4 <= abs(value) < 1e7:
        assert float(text) == value


@given(
    st.tuples(*[st.floats(-1e6, 1e6)] * 3).map(sorted).filter(lambda v: v[2] - v[0] > 1e-3),
)
def test_what_is_read_is_what_was_found(values: list[float]) -> None:
    """Value and interval, read back from the text, differ by less than a digit of the half-width."""
    low, value, high = values
    shown, interval = format_estimate(value, low, high)
    joint = " to " if " to " in interval else "–"
    read = [float(part.replace("\u202f", "").replace(MINUS, "-")) for part in (shown, *interval.split(joint))]
    within = max((high - low) / 2 * 0.06, 0.5 if (high - low) / 2 >= 10 else 0.0)
    assert read == pytest.approx([value, low, high], abs=within)
    assert read[1] <= read[0] <= read[2], "the estimate does not leave its interval by rounding"


@pytest.mark.parametrize("value", [5e-324, 1e-310, 2.5e-308, -5e-324, 1.7e308, -1.7e308])
def test_the_smallest_and_largest_numbers_there_are_can_be_written(value: float) -> None:
    """10 to the power of -324 is 0: nothing may be divided by it."""
    for text in (
        format_number(value),
        *format_estimate(value, min(value, value / 1.5), max(value, value / 1.5)),
        format_range(min(value, 0.0), max(value, 0.0)),
    ):
        assert "×" in text and "nan" not in text and "inf" not in text
