"""Axes of plots: from values to places on the paper, with ticks at round numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from veriscope.report.numbers import ROUNDING, decimals_for, format_fixed, format_plain

__all__ = ["Scale", "fit_scale", "nice_ticks"]


@dataclass(frozen=True, slots=True)
class Scale:
    """A map from values to places.

    Parameters
    ----------
    low, high
        Values at the two ends, low < high; positive if `log`.
    start, stop
        Places of the two ends, in units of the drawing; start > stop for a vertical axis.
    log
        Whether equal ratios, not equal differences, are equally far apart.
    """

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Give the place of a value; beyond the ends if the value is."""
        if self.log:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)

    def clip(self, value: float) -> float:
        """Give the place of a value, or of the nearest end.

        Parameters
        ----------
        value
            Any number.

        Returns
        -------
        float
            A place between the two ends.
        """
        return self(min(max(value, self.low), self.high))

    def contains(self, value: float) -> bool:
        """Tell whether a value lies within the ends.

        Parameters
        ----------
        value
            Any number.

        Returns
        -------
        bool
            True also at an end itself.
        """
        return self.low <= value <= self.high

    def ticks(self, n: int = 5) -> list[tuple[float, str]]:
        """Give round values within the ends and how to write them.

        Parameters
        ----------
        n
            About how many.

        Returns
        -------
        list of (float, str)
            Values in rising order with their text.
        """
        values = log_ticks(self.low, self.high) if self.log else nice_ticks(self.low, self.high, n=n)
        step = values[1] - values[0] if len(values) > 1 else 1.0
        top = max(map(abs, values), default=0.0)
        if self.log or top >= 1e7 or 0 < top < 1e-4:
            return list(zip(values, _told_apart(values), strict=True))
        places = decimals_for(step, digits=1)
        return [(value, format_fixed(value, places)) for value in values]


def _told_apart(values: list[float]) -> list[str]:
    """Write values with as few digits as tell them from each other, three at least."""
    texts: list[str] = []
    for digits in range(3, 17):
        texts = [format_plain(value, digits=digits) for value in values]
        if len(set(texts)) == len(texts):
            break
    return texts


def nice_ticks(low: float, high: float, *, n: int = 5) -> list[float]:
    """Give round values between two ends: steps of 1, 2 or 5 times a power of ten.

    Parameters
    ----------
    low, high
        The ends, finite, low < high.
    n
        About how many values are wanted.

    Returns
    -------
    list of float
        Rising, all within the ends.
    """
    rough = (high - low) / max(n, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    factors = (0.2, 0.5, 1, 2, 5, 10)
    at = next(i for i, factor in enumerate(factors) if factor >= 1 and power * factor >= rough * 0.999)
    for factor in (
        factors[at],
        factors[at - 1],
    ):  # the finer one where the first has no value between the ends
        step = power * factor
        ticks = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
        if ticks:
            break
    return [index * step for index in ticks]


def log_ticks(low: float, high: float) -> list[float]:
    """Give round values between two positive ends for an axis of ratios.

    Parameters
    ----------
    low, high
        The ends, 0 < low < high.

    Returns
    -------
    list of float
        Rising, all within the ends; 1, 2 and 5 times powers of ten, or finer where those are few.
    """
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    for factors in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        values = [factor * 10.0**power for power in powers for factor in factors]
        inside = [value for value in values if low * 0.999 <= value <= high * 1.001]
        if len(inside) >= 3:
            return inside
    return nice_ticks(low, high, n=4)


def fit_scale(
    values: Iterable[float | None],
    start: float,
    stop: float,
    *,
    margin: float = 0.06,
    floor: float | None = None,
    log: bool = False,
) -> Scale:
    """Make a scale that holds some values with a margin around them.

    Parameters
    ----------
    values
        What must fit; None and what is not finite is passed over, and what is not positive if `log`.
    start, stop
        Places of the two ends.
    margin
        Share of the range left free at each end.
    floor
        Value that the lower end must not pass, such as 0 for counts; None: no such value.
    log
        Whether the scale is logarithmic.

    Returns
    -------
    Scale
        From 0 to 1 (0.5 to 2 if `log`) if there are no values; around a single value if all are equal but
        for the computer's rounding.
    """
    found = [value for value in values if value is not None and math.isfinite(value)]
    if log:
        logs = [math.log(value) for value in found if value > 0]
        low, high = (min(logs), max(logs)) if logs else (math.log(0.5), math.log(2))
        pad = (high - low) * margin if high - low > ROUNDING else 0.2
        return Scale(math.exp(low - pad), math.exp(high + pad), start, stop, log=True)
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    is_range = high - low > ROUNDING * max(abs(low), abs(high))
    pad = (high - low) * margin * is_range or max(abs(high) * 0.1, 1e-12 if high else 0.5)
    bottom = low - pad
    if floor is not None and low >= floor:
        bottom = max(bottom, floor)
    return Scale(bottom, high + pad, start, stop)
