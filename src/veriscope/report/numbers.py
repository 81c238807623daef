"""Numbers for people: sensible digits, value and interval rounded alike, never "nan".

Thousands are parted by a narrow space that does not break, minus is a minus sign, and what is
missing is a dash.
"""

from __future__ import annotations

import math
from decimal import Decimal

__all__ = [
    "MISSING",
    "decimals_for",
    "format_count",
    "format_duration",
    "format_estimate",
    "format_exact",
    "format_fixed",
    "format_number",
    "format_p",
    "format_percent",
    "format_plain",
    "format_range",
]

MISSING = "—"
THIN_SPACE = "\u202f"
MINUS = "\u2212"
ROUNDING = 1e-12
"""Share of a value below which differences are those of the computer's arithmetic."""
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LARGEST_PLAIN = 1e7
_SMALLEST_PLAIN = 1e-4
_LEAST_POWER = -307  # below, powers of ten lose digits and end at 0


def _is_missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def decimals_for(spread: float, *, digits: int = 2) -> int:
    """Give the decimal places that show a spread to some significant digits.

    Parameters
    ----------
    spread
        Half-width of an interval, step between ticks, or the like; its sign is ignored.
    digits
        Significant digits wanted.

    Returns
    -------
    int
        0 or more; 0 for a spread of 0 or one that is not finite.
    """
    if not spread or not math.isfinite(spread):
        return 0
    return max(0, digits - 1 - math.floor(math.log10(abs(spread))))


def format_fixed(value: float | None, decimals: int) -> str:
    """Write a number with a fixed number of decimals.

    Parameters
    ----------
    value
        Any number; None, NaN and infinities are written as a dash.
    decimals
        Decimal places, 0 or more.

    Returns
    -------
    str
        Such as ``"9 932"`` or ``"−0.25"``; zero has no sign.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{abs(value):,.{decimals}f}".replace(",", THIN_SPACE)
    negative = value < 0 and any(digit in text for digit in "123456789")
    return (MINUS if negative else "") + text


def _exponent(largest: float) -> int | None:
    """Power of ten to factor out, or None where plain digits read better."""
    if largest == 0 or _SMALLEST_PLAIN <= largest < _LARGEST_PLAIN:
        return None
    return max(math.floor(math.log10(largest)), _LEAST_POWER)


def _times_ten(exponent: int) -> str:
    return f"{THIN_SPACE}×{THIN_SPACE}10{str(exponent).translate(_SUPERSCRIPT)}"


def format_number(value: float | None, *, digits: int = 3) -> str:
    """Write a number without an interval to some significant digits.

    Parameters
    ----------
    value
        Any number; None, NaN and infinities are written as a dash.
    digits
        Significant digits; digits before the point are never dropped.

    Returns
    -------
    str
        Such as ``"0.728"``, ``"9 932"``, ``"1.20 × 10⁻⁵"``; whole numbers have no decimals.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    exponent = _exponent(abs(value))
    if exponent is not None:
        exponent = _exponent(abs(float(f"{value:.{digits - 1}e}")))  # 9.999 is written as 10.0
    if exponent is not None:
        return format_fixed(value / 10.0**exponent, digits - 1) + _times_ten(exponent)
    if float(value).is_integer():
        return format_fixed(value, 0)
    rounded = float(f"{value:.{digits - 1}e}")  # 99.96 is written as 100
    return format_fixed(value, decimals_for(rounded, digits=digits))


def format_plain(value: float | None, *, digits: int = 3) -> str:
    """Write a number that was chosen, not measured: a threshold, a parameter, a tick.

    Parameters
    ----------
    value
        Any number; None, NaN and infinities are written as a dash.
    digits
        Significant digits at most.

    Returns
    -------
    str
        As `format_number` without zeros at the end: ``"0.5"``, ``"14"``.
    """
    text = format_number(value, digits=digits)
    return text.rstrip("0").rstrip(".") if "." in text and "×" not in text else text


def format_exact(value: float | None) -> str:
    """Write a number that others must repeat, such as a parameter, with all its digits.

    Parameters
    ----------
    value
        Any number; None, NaN and infinities are written as a dash.

    Returns
    -------
    str
        Such as ``"0.42357"``, ``"1 234.5"``, ``"14"``, ``"2.5 × 10⁻⁵"``: what stands there is the number.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    digits = len(Decimal(repr(float(value))).normalize().as_tuple().digits)
    return format_plain(value, digits=digits)


def format_count(value: float | None) -> str:
    """Write a number of things.

    Parameters
    ----------
    value
        A whole number, or None.

    Returns
    -------
    str
        Such as ``"9 932"``; a dash for None.
    """
    return format_fixed(value, 0)


def _interval_decimals(low: float, high: float, largest: float) -> int:
    half = (high - low) / 2
    is_width = half > ROUNDING * largest  # less comes from the computer's arithmetic
    return decimals_for(half) if is_width else decimals_for(largest, digits=3)


def format_range(low: float | None, high: float | None, *, decimals: int | None = None) -> str:
    """Write an interval.

    Parameters
    ----------
    low, high
        Ends of the interval.
    decimals
        Decimal places; None: two significant digits of the half-width.

    Returns
    -------
    str
        Such as ``"760–864"``, or ``"−3.2 to 1.1"`` where a minus would be read as a dash; a
        single dash if an end is missing.
    """
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return MISSING
    largest = max(abs(low), abs(high))
    exponent = _exponent(largest) if decimals is None else None
    scale = 10.0 ** (exponent or 0)
    low, high = low / scale, high / scale
    places = _interval_decimals(low, high, largest / scale) if decimals is None else decimals
    joint = " to " if low < 0 else "–"
    text = format_fixed(low, places) + joint + format_fixed(high, places)
    return f"({text}){_times_ten(exponent)}" if exponent is not None else text


def format_estimate(
    value: float | None, low: float | None = None, high: float | None = None
) -> tuple[str, str]:
    """Write a value and its interval with the same decimals.

    Parameters
    ----------
    value
        The estimate.
    low, high
        Ends of its interval; None if there is none.

    Returns
    -------
    tuple of str
        The value and the interval, such as ``("0.728", "0.671–0.785")``. Each is a dash where it
        is missing. The half-width decides: it keeps two significant digits.
    """
    if low is None or high is None or _is_missing(low) or _is_missing(high):
        return format_number(value), MISSING
    if value is None or not math.isfinite(value):
        return MISSING, format_range(low, high)
    largest = max(abs(value), abs(low), abs(high))
    exponent = _exponent(largest)
    if exponent is None:
        places = _interval_decimals(low, high, largest)
        return format_fixed(value, places), format_range(low, high, decimals=places)
    scale = 10.0**exponent
    places = _interval_decimals(low / scale, high / scale, largest / scale)
    power = _times_ten(exponent)
    inner = format_range(low / scale, high / scale, decimals=places)
    return format_fixed(value / scale, places) + power, f"({inner}){power}"


def format_percent(share: float | None, *, signed: bool = False) -> str:
    """Write a share as per cent.

    Parameters
    ----------
    share
        1 is 100 %.
    signed
        Whether to write a plus before what is above zero, for changes.

    Returns
    -------
    str
        Such as ``"90 %"``, ``"−8.7 %"``; a dash where it is missing.
    """
    if share is None or not math.isfinite(share):
        return MISSING
    percent = 100 * share
    whole = abs(percent - round(percent)) < 1e-9 or (abs(percent) >= 10 and signed)
    text = format_fixed(percent, 0 if whole else 1)
    plus = "+" if signed and percent > 0 and text.strip("0.") else ""
    return f"{plus}{text}{THIN_SPACE}%"


def format_p(p: float | None) -> str:
    """Write a p-value.

    Parameters
    ----------
    p
        0 to 1, or None.

    Returns
    -------
    str
        Such as ``"0.032"`` or ``"< 0.001"``; a dash where it is missing.
    """
    if p is None or not math.isfinite(p):
        return MISSING
    if p < 0.001:
        return f"<{THIN_SPACE}0.001"
    return format_fixed(p, 3 if p < 0.0995 else 2)


def format_duration(seconds: float | None) -> str:
    """Write a duration.

    Parameters
    ----------
    seconds
        0 or more, or None.

    Returns
    -------
    str
        Such as ``"0.4 s"``, ``"8 s"``, ``"2 min 44 s"``, ``"1 h 5 min"``; a dash where it is missing.
    """
    if seconds is None or not math.isfinite(seconds):
        return MISSING
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
