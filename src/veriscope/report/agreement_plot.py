"""Reference against prediction, tile by tile: the scatter, and the differences after Bland and Altman."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from veriscope.report.frame import draw_bottom_axis, draw_left_axis, left_axis_room
from veriscope.report.numbers import format_estimate, format_number
from veriscope.report.scales import Scale, fit_scale
from veriscope.report.schema import Agreement, Question
from veriscope.report.svg import Drawing
from veriscope.report.wording import axis_title

__all__ = ["agreement_plot"]

_WIDTH = 960.0
_TOP = 34.0
_SIDE = 340.0
_BOTTOM = _TOP + _SIDE
_LEFT, _GAP = 76.0, 104.0
"""Room at the left of each panel; more where ticks need it, and then less for the panels."""

Point = tuple[float, float]


def agreement_plot(agreement: Agreement, question: Question, *, name: str = "agreement") -> str:
    """Draw what a method said of each audited unit against the reference.

    Parameters
    ----------
    agreement
        Points of (reference, prediction) and the summary of their differences, which are
        prediction − reference.
    question
        Gives the axes their titles.
    name
        Id prefix, unique in the page.

    Returns
    -------
    str
        An SVG element of two panels; empty if there are no points.
    """
    if not agreement.points:
        return ""
    drawing = Drawing(
        _WIDTH,
        _BOTTOM + 50,
        name=name,
        title=f"Agreement of {agreement.method} with the reference, by {agreement.unit}",
        description=_sentence(agreement),
    )
    values, differences = _value_scale(agreement), _difference_scale(agreement)
    more = [max(0.0, left_axis_room(scale) - _LEFT) for scale in (values, differences)]
    side = _SIDE - sum(more) / 2
    left = _LEFT + more[0]
    _scatter(drawing, agreement, question, values, left, left + side)
    left += side + _GAP + more[1]
    _bland_altman(drawing, agreement, question, differences, left, left + side)
    return drawing.render()


def _value_scale(agreement: Agreement) -> Scale:
    values = [value for point in agreement.points for value in point]
    return fit_scale(values, _BOTTOM, _TOP, floor=0.0)


def _difference_scale(agreement: Agreement) -> Scale:
    differences = [prediction - reference for reference, prediction in agreement.points]
    stated = [0.0, agreement.mean_difference, *(agreement.limits or ())]
    return fit_scale([*differences, *stated], _BOTTOM, _TOP, margin=0.1)


def _sentence(agreement: Agreement) -> str:
    value, interval = format_estimate(agreement.mean_difference, agreement.low, agreement.high)
    text = f"{len(agreement.points)} {agreement.unit}s; prediction minus reference is {value} on average"
    if agreement.low is not None:
        text += f" (interval {interval})"
    if agreement.limits and None not in agreement.limits:
        low, high = map(format_number, agreement.limits)
        text += f"; limits of agreement {low} to {high}"
    return text + "."


def _marks(drawing: Drawing, points: Sequence[Point], horizontal: Scale, vertical: Scale) -> None:
    """Draw points; those that coincide as one larger mark, its area in proportion."""
    for (x, y), times in sorted(Counter(points).items(), key=lambda item: -item[1]):
        hint = f"({format_number(x)}, {format_number(y)})" + (f", {times} times" if times > 1 else "")
        drawing.mark(
            horizontal(x),
            vertical(y),
            shape="circle",
            role="ours",
            radius=min(4.5 * times**0.5, 14),
            opacity=0.55,
            hint=hint,
        )


def _scatter(
    drawing: Drawing, agreement: Agreement, question: Question, vertical: Scale, left: float, right: float
) -> None:
    horizontal = Scale(vertical.low, vertical.high, left, right)
    quantity = axis_title(question, short=True)
    drawing.text(left, 16, "Prediction against reference", size=14, bold=True)
    draw_bottom_axis(
        drawing, horizontal, _BOTTOM, top=_TOP, title=f"reference: {quantity} per {agreement.unit}", n_ticks=5
    )
    draw_left_axis(drawing, vertical, left, right=right, title=f"prediction: {quantity} per {agreement.unit}")
    drawing.line(left, _BOTTOM, right, _TOP, role="ink", width=1.4, dash="6 4")
    drawing.text(right - 26, _TOP + 14, "prediction = reference", size=12, anchor="end", role="soft")
    _marks(drawing, agreement.points, horizontal, vertical)


def _bland_altman(
    drawing: Drawing, agreement: Agreement, question: Question, vertical: Scale, left: float, right: float
) -> None:
    pairs = [
        ((reference + prediction) / 2, prediction - reference) for reference, prediction in agreement.points
    ]
    horizontal = fit_scale([x for x, _ in pairs], left, right, floor=0.0)
    quantity = axis_title(question, short=True)
    drawing.text(left, 16, "Difference against mean (Bland–Altman)", size=14, bold=True)
    draw_bottom_axis(
        drawing,
        horizontal,
        _BOTTOM,
        top=_TOP,
        title=f"mean of both: {quantity} per {agreement.unit}",
        n_ticks=5,
    )
    draw_left_axis(drawing, vertical, left, right=right, title="prediction − reference")
    if agreement.low is not None and agreement.high is not None:
        upper, lower = vertical.clip(agreement.high), vertical.clip(agreement.low)
        drawing.rectangle(left, upper, right - left, lower - upper, role="band", opacity=0.28)
    drawing.line(left, vertical(0.0), right, vertical(0.0), role="ink", width=1.4, dash="6 4")
    _marks(drawing, pairs, horizontal, vertical)
    _level_lines(drawing, agreement, vertical, left, right)


def _level_lines(drawing: Drawing, agreement: Agreement, vertical: Scale, left: float, right: float) -> None:
    """Draw mean and limits with their numbers at the right edge, moved apart where they would touch."""
    low, high = agreement.limits or (None, None)
    lines = [
        (value, name, role, dash)
        for value, name, role, dash in (
            (high, "upper limit", "naive", "3 3"),
            (agreement.mean_difference, "mean", "ours", ""),
            (low, "lower limit", "naive", "3 3"),
        )
        if value is not None
    ]
    last = -1e9
    for value, name, role, dash in lines:
        y = vertical(value)
        drawing.line(left, y, right, y, role=role, width=2, dash=dash)
        place = max(y, last + 32)
        drawing.text(right + 8, place - 2, name, size=11.5, role=role)
        drawing.text(right + 8, place + 13, format_number(value), size=13, role=role, bold=True)
        last = place
