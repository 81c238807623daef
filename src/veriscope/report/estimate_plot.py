"""The answer by group: corrected, the model's own word, labels only, and the truth where it is known."""

from __future__ import annotations

from collections.abc import Sequence

from veriscope.report.frame import (
    RIGHT,
    WIDTH,
    KeyItem,
    draw_bottom_axis,
    draw_interval,
    draw_key,
    left_margin,
    present,
)
from veriscope.report.numbers import format_count, format_estimate, format_number, format_percent
from veriscope.report.scales import Scale, fit_scale
from veriscope.report.schema import GroupEstimate, Question, Truth
from veriscope.report.svg import Drawing, shorten
from veriscope.report.wording import axis_title, plural

__all__ = ["estimate_plot"]

_ROW = 74.0


def estimate_plot(groups: Sequence[GroupEstimate], question: Question, truth: Truth | None = None) -> str:
    """Draw the answer by group: corrected, the model's own word, labels only, and the truth if known.

    Parameters
    ----------
    groups
        The groups' estimates, from top to bottom.
    question
        Gives the axis its title and the tolerance band its width.
    truth
        True answers where they are known, or None.

    Returns
    -------
    str
        An SVG element with the id prefix ``estimate``; empty if there are no groups.
    """
    if not groups:
        return ""
    left = left_margin([group.group for group in groups])
    top, bottom = 40.0, 40.0 + _ROW * len(groups)
    truths = truth.groups if truth else {}
    scale = _estimate_scale(groups, question, truths, left, WIDTH - RIGHT)
    drawing = Drawing(
        WIDTH,
        bottom + 50,
        name="estimate",
        title="The answer by group",
        description=" ".join(_group_sentence(group, question, truths.get(group.group)) for group in groups),
    )
    draw_key(drawing, 4, 18, _estimate_key(groups, question, truths))
    draw_bottom_axis(drawing, scale, bottom, top=top, title=axis_title(question))
    for index, group in enumerate(groups):
        _estimate_row(drawing, scale, top + index * _ROW, group, question, truths.get(group.group))
    return drawing.render()


def _estimate_scale(
    groups: Sequence[GroupEstimate],
    question: Question,
    truths: dict[str, float | None],
    left: float,
    right: float,
) -> Scale:
    """Hold everything, but let intervals from labels only run out where they would squeeze the rest."""
    core: list[float] = []
    wide: list[float] = []
    for group in groups:
        core += present(group.naive, truths.get(group.group))
        if group.status == "ok":
            band = (question.tolerance or 0.0) * abs(group.estimate or 0.0)
            core += present(group.estimate, group.low, group.high)
            core += [value + side * band for value in present(group.estimate) for side in (-1, 1)]
        if group.labelled_only is not None:
            wide += present(group.labelled_only.low, group.labelled_only.high, group.labelled_only.estimate)
    core = core or wide
    if core and wide:
        room = 0.35 * (max(core) - min(core)) or 0.2 * abs(core[0])
        core = [*core, max(min(wide), min(core) - room), min(max(wide), max(core) + room)]
    return fit_scale(core, left, right, floor=0.0)


def _estimate_key(
    groups: Sequence[GroupEstimate], question: Question, truths: dict[str, float | None]
) -> list[KeyItem]:
    level = format_percent(groups[0].level)
    items = []
    if any(group.status == "ok" for group in groups):
        items.append(KeyItem(f"corrected, {level} interval", "circle", "ours", whisker=3.5))
    items.append(KeyItem("model alone", "diamond", "naive", hollow=True))
    if any(group.labelled_only is not None for group in groups):
        items.append(KeyItem("labels alone", "square", "labelled", hollow=True, whisker=1.3))
    if question.tolerance and any(group.status == "ok" for group in groups):
        items.append(KeyItem(f"±{format_percent(question.tolerance)} tolerance", "band", "band"))
    if truths:
        items.append(KeyItem("truth", "line", "truth"))
    return items


def _group_sentence(group: GroupEstimate, question: Question, truth: float | None) -> str:
    value, interval = format_estimate(group.estimate, group.low, group.high)
    if group.status == "ok":
        said = f"corrected {value} ({format_percent(group.level)} interval {interval})"
    else:
        said = "cannot tell"
    parts = [f"{group.group}: {said}", f"model alone {format_number(group.naive)}"]
    if truth is not None:
        parts.append(f"truth {format_number(truth)}")
    return ", ".join(parts) + f" {question.unit}".rstrip() + "."


def _estimate_row(
    drawing: Drawing, scale: Scale, top: float, group: GroupEstimate, question: Question, truth: float | None
) -> None:
    lanes = (top + 20, top + 39, top + 57)
    text_x = scale.stop + 16
    drawing.line(0, top, WIDTH, top, role="faint", width=0.8)
    drawing.text(
        0,
        top + 25,
        shorten(group.group, scale.start - 20, 14, bold=True),
        size=14,
        bold=True,
        hint=group.group,
    )
    for place, text in zip((lanes[1] + 3, lanes[2] + 2), _sizes(group), strict=False):
        drawing.text(0, place, text, size=11.5, role="soft")
    _tolerance_band(drawing, scale, top, group, question)
    if truth is not None:
        place, hint = scale.clip(truth), f"truth {format_number(truth)}"
        ends = (place, top + 3, place, top + _ROW - 3)
        drawing.line(*ends, role="truth", width=2.5, dash="5 2.5", hint=hint)
    _corrected_lane(drawing, scale, lanes[0], group)
    if group.naive is not None:
        text = format_number(group.naive)
        drawing.mark(
            scale.clip(group.naive),
            lanes[1],
            shape="diamond",
            role="naive",
            hollow=True,
            radius=5.5,
            hint=text,
        )
        drawing.text(text_x, lanes[1] + 4, f"model alone {text}{_bias(group)}", size=12, role="naive")
    _labelled_lane(drawing, scale, lanes[2], group)


def _tolerance_band(
    drawing: Drawing, scale: Scale, top: float, group: GroupEstimate, question: Question
) -> None:
    if group.status != "ok" or group.estimate is None or not question.tolerance:
        return
    band = question.tolerance * abs(group.estimate)
    left, right = scale.clip(group.estimate - band), scale.clip(group.estimate + band)
    if band:
        drawing.rectangle(left, top + 6, right - left, _ROW - 12, role="band", opacity=0.28)


def _corrected_lane(drawing: Drawing, scale: Scale, y: float, group: GroupEstimate) -> None:
    text_x = scale.stop + 16
    if group.status != "ok" or group.estimate is None:
        drawing.text(text_x, y + 5, "cannot tell", size=14.5, bold=True)
        more = f"cannot tell{_more_tiles(group)}"
        drawing.text((scale.start + scale.stop) / 2, y + 5, more, size=13, anchor="middle")
        return
    value, interval = format_estimate(group.estimate, group.low, group.high)
    if group.low is not None and group.high is not None:
        draw_interval(drawing, scale, y, group.low, group.high, role="ours", width=3.5, hint=interval)
    drawing.mark(scale(group.estimate), y, shape="circle", role="ours", radius=6.5, hint=value)
    drawing.text(text_x, y + 5, f"{value}  ({interval})", size=14.5, bold=True, role="ours")


def _labelled_lane(drawing: Drawing, scale: Scale, y: float, group: GroupEstimate) -> None:
    labelled = group.labelled_only
    if labelled is None or labelled.estimate is None:
        return
    value, interval = format_estimate(labelled.estimate, labelled.low, labelled.high)
    if labelled.low is not None and labelled.high is not None:
        draw_interval(
            drawing, scale, y, labelled.low, labelled.high, role="labelled", width=1.3, cap=4, hint=interval
        )
        value = f"{value} ({interval})"
    if scale.contains(labelled.estimate):
        drawing.mark(
            scale(labelled.estimate), y, shape="square", role="labelled", hollow=True, radius=4.5, hint=value
        )
    drawing.text(scale.stop + 16, y + 4, f"labels alone {value}", size=12, role="labelled")


def _sizes(group: GroupEstimate) -> list[str]:
    lines = []
    if group.n_tiles_audited is not None:
        lines.append(f"{plural(group.n_tiles_audited, 'tile')} audited")
    if group.n_images is not None:
        line = plural(group.n_images, "image")
        if group.n_replicates is not None:
            line += f", {group.n_replicates} repl."
        lines.append(line)
    return lines


def _more_tiles(group: GroupEstimate) -> str:
    if group.extra_tiles_needed is None:
        return ""
    return f": about {format_count(group.extra_tiles_needed)} more tiles needed"


def _bias(group: GroupEstimate) -> str:
    error = group.naive_error
    return "" if error is None else f"  ({format_percent(error, signed=True)})"
