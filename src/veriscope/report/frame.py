"""What all plots share: the axis with its ticks, rows, intervals, and the key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from veriscope.report.scales import Scale
from veriscope.report.svg import Drawing, Shape, text_width

__all__ = [
    "RIGHT",
    "WIDTH",
    "KeyItem",
    "draw_bottom_axis",
    "draw_interval",
    "draw_key",
    "draw_left_axis",
    "left_axis_room",
    "left_margin",
    "present",
]

WIDTH = 960.0
"""Width of every plot."""
RIGHT = 262.0
"""Room for the numbers at the right of a plot by rows."""


@dataclass(frozen=True, slots=True)
class KeyItem:
    """One entry of a plot's key.

    Parameters
    ----------
    text
        What the sign stands for.
    sign
        A marker's shape, ``"band"`` for a shaded range, or ``"line"`` for a broken line.
    role
        A key of `veriscope.report.svg.COLOURS`.
    hollow
        Whether the marker is an outline.
    whisker
        Line width of an interval through the marker; 0: none.
    """

    text: str
    sign: Shape | Literal["band", "line"]
    role: str
    hollow: bool = False
    whisker: float = 0.0


def draw_key(drawing: Drawing, x: float, y: float, items: Sequence[KeyItem]) -> None:
    """Draw the key in one row.

    Parameters
    ----------
    drawing
        Is added to.
    x, y
        Left end, and the base line of the text.
    items
        What to show, from left to right.
    """
    for item in items:
        middle = y - 4.5
        if item.sign == "band":
            drawing.rectangle(x, y - 11, 26, 13, role=item.role, opacity=0.28)
        elif item.sign == "line":
            drawing.line(x + 13, y - 13, x + 13, y + 4, role=item.role, width=2.5, dash="5 2.5")
        else:
            if item.whisker:
                drawing.line(x, middle, x + 26, middle, role=item.role, width=item.whisker)
            drawing.mark(x + 13, middle, shape=item.sign, role=item.role, hollow=item.hollow, radius=5)
        drawing.text(x + 32, y, item.text, role="soft", size=12)
        x += 32 + text_width(item.text, 12) + 20


def draw_bottom_axis(
    drawing: Drawing, scale: Scale, y: float, *, top: float, title: str, n_ticks: int = 6, size: float = 12.0
) -> None:
    """Draw a horizontal axis with ticks, faint lines upwards, and its title.

    Parameters
    ----------
    drawing
        Is added to.
    scale
        From values to x.
    y
        Place of the axis.
    top
        Where the faint lines end.
    title
        Quantity and unit.
    n_ticks
        About how many ticks.
    size
        Font size of the ticks.
    """
    for value, text in scale.ticks(n_ticks):
        x = scale(value)
        drawing.line(x, top, x, y, role="faint", width=0.8)
        drawing.line(x, y, x, y + 5)
        drawing.text(x, y + 18, text, size=size, anchor="middle", role="soft")
    drawing.line(scale.start, y, scale.stop, y)
    drawing.text((scale.start + scale.stop) / 2, y + 37, title, size=size + 1, anchor="middle")


def draw_left_axis(
    drawing: Drawing, scale: Scale, x: float, *, right: float, title: str, n_ticks: int = 5
) -> None:
    """Draw a vertical axis with ticks, faint lines to the right, and its title.

    Parameters
    ----------
    drawing
        Is added to.
    scale
        From values to y.
    x
        Place of the axis.
    right
        Where the faint lines end.
    title
        Quantity and unit.
    n_ticks
        About how many ticks.
    """
    for value, text in scale.ticks(n_ticks):
        y = scale(value)
        drawing.line(x, y, right, y, role="faint", width=0.8)
        drawing.line(x - 5, y, x, y)
        drawing.text(x - 8, y + 4, text, size=12, anchor="end", role="soft")
    drawing.line(x, scale.start, x, scale.stop)
    place = x - 18 - _widest_tick(scale, n_ticks)
    drawing.text(place, (scale.start + scale.stop) / 2, title, size=13, anchor="middle", turned=True)


def left_axis_room(scale: Scale, *, n_ticks: int = 5) -> float:
    """Give the room that a vertical axis needs at its left.

    Parameters
    ----------
    scale
        From values to y.
    n_ticks
        About how many ticks.

    Returns
    -------
    float
        Width of ticks, their text and the title.
    """
    return 30 + _widest_tick(scale, n_ticks)


def _widest_tick(scale: Scale, n_ticks: int) -> float:
    return max((text_width(text, 12) for _, text in scale.ticks(n_ticks)), default=0.0)


def draw_interval(
    drawing: Drawing,
    scale: Scale,
    y: float,
    low: float,
    high: float,
    *,
    role: str,
    width: float,
    cap: float = 5.0,
    hint: str = "",
) -> None:
    """Draw an interval as a line with caps; where it leaves the axis, with an arrow head instead.

    Parameters
    ----------
    drawing
        Is added to.
    scale
        From values to x.
    y
        Height of the line.
    low, high
        Ends of the interval.
    role
        A key of `veriscope.report.svg.COLOURS`.
    width
        Thickness.
    cap
        Half the length of a cap.
    hint
        Shown when the pointer rests on it.
    """
    left, right = scale.clip(low), scale.clip(high)
    drawing.line(left, y, right, y, role=role, width=width, hint=hint)
    for end, place, inwards in ((low, left, 1), (high, right, -1)):
        if scale.contains(end):
            drawing.line(place, y - cap, place, y + cap, role=role, width=min(width, 2))
        else:
            for side in (-1, 1):
                drawing.line(
                    place, y, place + inwards * 6, y + side * 4.5, role=role, width=max(width * 0.6, 1.4)
                )


def left_margin(names: Sequence[str], *, least: float = 110.0, most: float = 240.0) -> float:
    """Choose the room for the names of rows.

    Parameters
    ----------
    names
        Names of the rows, at least one.
    least, most
        Limits of the room.

    Returns
    -------
    float
        Enough for the longest name if that is within the limits.
    """
    widest = max(text_width(name, 14, bold=True) for name in names)
    return min(max(widest + 24, least), most)


def present(*values: float | None) -> list[float]:
    """Give the values that are there.

    Parameters
    ----------
    *values
        Numbers, or None for what is missing.

    Returns
    -------
    list of float
        The numbers, in order.
    """
    return [value for value in values if value is not None]
