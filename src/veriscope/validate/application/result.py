"""What a check says: holds, fails or cannot tell, with the figure behind it and a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from veriscope.core.plain import PlainRecord
from veriscope.validate.statistics import Interval

__all__ = [
    "Check",
    "Figure",
    "Status",
    "plural",
    "shown",
    "shown_interval",
    "status_in_range",
    "worst_status",
]

Status = Literal["holds", "fails", "cannot tell", "not applicable"]


@dataclass(frozen=True, slots=True)
class Figure(PlainRecord):
    """A number that stands behind a check.

    Parameters
    ----------
    label
        What it is, in words.
    interval
        The number with its interval; without ends where the data cannot tell.
    p_value
        Chance of data at least as extreme if the hypothesis named in the check were true; None: none
        was tested, or cannot tell.
    """

    label: str
    interval: Interval
    p_value: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            ``label``, the fields of the interval, and ``p_value``.
        """
        return {"label": self.label, **self.interval.to_dict(), "p_value": self.p_value}


@dataclass(frozen=True, slots=True)
class Check(PlainRecord):
    """The result of one check.

    Parameters
    ----------
    name
        Which check, such as ``"equivalence"``.
    status
        ``"holds"``, ``"fails"``, ``"cannot tell"`` (too few data for either), or ``"not applicable"``.
    sentence
        The result in words, for people who know the biology and not the statistics.
    figure
        The number that decides; None where there is none.
    allowed
        Smallest and largest value of the figure that are harmless; None: nothing is judged.
    figures
        Further numbers, such as the same for each group.
    n
        Number of units of evidence.
    unit
        What they are.
    """

    name: str
    status: Status
    sentence: str
    figure: Figure | None = None
    allowed: tuple[float, float] | None = None
    figures: tuple[Figure, ...] = ()
    n: int = 0
    unit: str = "replicate"


def status_in_range(interval: Interval, allowed: tuple[float, float]) -> Status:
    """Say whether a value lies in a range, given what is known of it.

    Parameters
    ----------
    interval
        The value with its interval.
    allowed
        Ends of the range.

    Returns
    -------
    str
        ``"holds"`` if the interval lies inside, ``"fails"`` if it lies outside, else ``"cannot tell"``.
    """
    if interval.low is None or interval.high is None:
        return "cannot tell"
    if allowed[0] < interval.low and interval.high < allowed[1]:
        return "holds"
    if interval.high < allowed[0] or interval.low > allowed[1]:
        return "fails"
    return "cannot tell"


def worst_status(statuses: list[Status]) -> Status:
    """Join what several checks say.

    Parameters
    ----------
    statuses
        One status per check.

    Returns
    -------
    str
        ``"fails"`` if any fails, else ``"cannot tell"`` if any cannot tell, else ``"holds"``; checks
        that are not applicable are passed over, and ``"not applicable"`` is said if there is no other.
    """
    for status in ("fails", "cannot tell", "holds"):
        if status in statuses:
            return status
    return "not applicable"


def shown(value: float, *, relative: bool = False) -> str:
    """Write a number as people read it.

    Parameters
    ----------
    value
        The number.
    relative
        Write a share as percent.

    Returns
    -------
    str
        Three figures, or all before the point; ``"unknown"`` for NaN.
    """
    if not np.isfinite(value):
        return "unknown"
    value, sign = (100 * value, " %") if relative else (value, "")
    return f"{value:,.0f}{sign}" if abs(value) >= 100 else f"{value:.3g}{sign}"


def shown_interval(interval: Interval, *, relative: bool = False) -> str:
    """Write a number with its interval as people read it.

    Parameters
    ----------
    interval
        The number.
    relative
        Write shares as percent.

    Returns
    -------
    str
        Number, level, and ends.
    """
    text = shown(interval.value, relative=relative)
    if interval.low is None or interval.high is None:
        return f"{text} (interval unknown)"
    ends = f"{shown(interval.low, relative=relative)} to {shown(interval.high, relative=relative)}"
    return f"{text} ({100 * interval.level:.3g} % interval {ends})"


def plural(word: str) -> str:
    """Give the plural of what a unit or replicate is called.

    Parameters
    ----------
    word
        An English noun, such as "dish".

    Returns
    -------
    str
        The word with "s", or "es" after a hiss.
    """
    return word + ("es" if word.endswith(("s", "sh", "ch", "x", "z")) else "s")
