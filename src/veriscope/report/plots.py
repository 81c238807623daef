"""The report's plots by rows: the answer by group, contrasts, and the candidates' figures of merit."""

from __future__ import annotations

import math
from collections.abc import Sequence

from veriscope.report.frame import KeyItem, draw_bottom_axis, draw_interval, draw_key
from veriscope.report.numbers import (
    format_count,
    format_estimate,
    format_fixed,
    format_number,
    format_p,
    format_percent,
)
from veriscope.report.record import Candidate, Contrast, GroupEstimate, Metric, Question, Truth
from veriscope.report.scales import Scale, fit_scale
from veriscope.report.svg import Drawing, shorten, text_width
from veriscope.report.wording import axis_title, metric_name, plotted_metrics, plural

__all__ = ["contrast_plot", "estimate_plot", "metric_plot"]

_WIDTH = 960.0
_ROW = 74.0
_RIGHT = 262.0


def estimate_plot(groups: Sequence[GroupEstimate], question: Question, truth: Truth | None = None) -> str:
    """Draw the answer by group: corrected, the model's own word, labels only, and the truth if known.

    Parameters
    ----------
    groups
        The groups' estimates, from top to bottom.
    question
        Gives the axis its title and the tolerance band its width.
    truth
        True answers of simulated groups, or None.

    Returns
    -------
    str
        An SVG element with the id prefix ``estimate``; empty if there are no groups.
    """
    if not groups:
        return ""
    left = _left_margin([group.group for group in groups])
    top, bottom = 40.0, 40.0 + _ROW * len(groups)
    truths = truth.groups if truth else {}
    scale = _estimate_scale(groups, question, truths, left, _WIDTH - _RIGHT)
    drawing = Drawing(
        _WIDTH,
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


def _left_margin(names: Sequence[str], *, least: float = 110.0, most: float = 240.0) -> float:
    widest = max(text_width(name, 14, bold=True) for name in names)
    return min(max(widest + 24, least), most)


def _present(*values: float | None) -> list[float]:
    return [value for value in values if value is not None]


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
        core += _present(group.naive, truths.get(group.group))
        if group.status == "ok":
            band = (question.tolerance or 0.0) * abs(group.estimate or 0.0)
            core += _present(group.estimate, group.low, group.high)
            core += [value + side * band for value in _present(group.estimate) for side in (-1, 1)]
        if group.labelled_only is not None:
            wide += _present(group.labelled_only.low, group.labelled_only.high, group.labelled_only.estimate)
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
    if question.tolerance:
        items.append(KeyItem(f"±{format_percent(question.tolerance)} tolerance", "band", "band"))
    if truths:
        items.append(KeyItem("truth (simulated)", "line", "truth"))
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
    drawing.line(0, top, _WIDTH, top, role="faint", width=0.8)
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
    value, interval = format_estimate(group.estimate, group.low, group.high)
    if group.status == "ok" and group.estimate is not None:
        band = (question.tolerance or 0.0) * abs(group.estimate)
        if band:
            left, right = scale.clip(group.estimate - band), scale.clip(group.estimate + band)
            drawing.rectangle(left, top + 6, right - left, _ROW - 12, role="band", opacity=0.28)
    if truth is not None:
        hint = f"truth {format_number(truth)}"
        drawing.line(
            scale.clip(truth),
            top + 3,
            scale.clip(truth),
            top + _ROW - 3,
            role="truth",
            width=2.5,
            dash="5 2.5",
            hint=hint,
        )
    if group.status == "ok" and group.estimate is not None:
        if group.low is not None and group.high is not None:
            draw_interval(
                drawing, scale, lanes[0], group.low, group.high, role="ours", width=3.5, hint=interval
            )
        drawing.mark(scale(group.estimate), lanes[0], shape="circle", role="ours", radius=6.5, hint=value)
        drawing.text(text_x, lanes[0] + 5, f"{value}  ({interval})", size=14.5, bold=True, role="ours")
    else:
        drawing.text(text_x, lanes[0] + 5, "cannot tell", size=14.5, bold=True)
        more = _more_tiles(group)
        drawing.text(
            (scale.start + scale.stop) / 2, lanes[0] + 5, f"cannot tell{more}", size=13, anchor="middle"
        )
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
    if group.status != "ok" or not group.estimate or group.naive is None:
        return ""
    return f"  ({format_percent(group.naive / group.estimate - 1, signed=True)})"


def contrast_plot(contrasts: Sequence[Contrast], question: Question) -> str:
    """Draw differences between groups around 0, and ratios around 1 on a logarithmic axis.

    Parameters
    ----------
    contrasts
        What to draw, from top to bottom; differences and ratios get an axis each.
    question
        Gives the axis its title.

    Returns
    -------
    str
        SVG elements with the id prefixes ``difference`` and ``ratio``; empty if there are none.
    """
    drawings = []
    for kind in ("difference", "ratio"):
        chosen = [contrast for contrast in contrasts if contrast.kind == kind]
        if chosen:
            drawings.append(_contrast_panel(chosen, kind, question))
    return "\n".join(drawings)


def contrast_name(contrast: Contrast) -> str:
    """Give a contrast its name.

    Parameters
    ----------
    contrast
        A difference or a ratio: what is `group_a` less, or over, `group_b`.

    Returns
    -------
    str
        Such as ``"treated − control"``.
    """
    return f"{contrast.group_a} {'−' if contrast.kind == 'difference' else '/'} {contrast.group_b}"


def _contrast_panel(contrasts: Sequence[Contrast], kind: str, question: Question) -> str:
    ratio = kind == "ratio"
    neutral = 1.0 if ratio else 0.0
    names = [contrast_name(contrast) for contrast in contrasts]
    left = _left_margin(names, most=300)
    row, top = 38.0, 12.0
    bottom = top + row * len(contrasts)
    values = [v for c in contrasts if c.status == "ok" for v in (c.estimate, c.low, c.high)]
    scale = fit_scale([*values, neutral], left, _WIDTH - _RIGHT, log=ratio)
    title = (
        f"ratio of {axis_title(question, unit=False)}" if ratio else f"difference of {axis_title(question)}"
    )
    drawing = Drawing(
        _WIDTH,
        bottom + 50,
        name=kind,
        title=f"{kind.capitalize()}s between groups",
        description=" ".join(
            f"{name}: {_contrast_text(c)}." for name, c in zip(names, contrasts, strict=True)
        ),
    )
    draw_bottom_axis(drawing, scale, bottom, top=top, title=title)
    drawing.line(scale(neutral), top, scale(neutral), bottom, role="ink", width=1.6, dash="2 3")
    for index, (name, contrast) in enumerate(zip(names, contrasts, strict=True)):
        y = top + row * (index + 0.5)
        drawing.text(0, y + 5, shorten(name, left - 16, 14), size=14, hint=name)
        text = _contrast_text(contrast)
        if contrast.status == "ok" and contrast.estimate is not None:
            if contrast.low is not None and contrast.high is not None:
                draw_interval(drawing, scale, y, contrast.low, contrast.high, role="ours", width=3.5)
            drawing.mark(scale.clip(contrast.estimate), y, shape="circle", role="ours", radius=6.5, hint=text)
        drawing.text(
            scale.stop + 16,
            y - 1,
            text,
            size=13.5,
            bold=True,
            role="ours" if contrast.status == "ok" else "ink",
        )
        p = contrast.p_adjusted if contrast.p_adjusted is not None else contrast.p_value
        if p is not None and contrast.status == "ok":
            kind_of_p = "p (adjusted)" if contrast.p_adjusted is not None else "p"
            drawing.text(
                scale.stop + 16, y + 14, f"{kind_of_p} {_equal(format_p(p))}", size=11.5, role="soft"
            )
    return drawing.render()


def _equal(p: str) -> str:
    return p if p.startswith("<") else f"= {p}"


def _contrast_text(contrast: Contrast) -> str:
    if contrast.status != "ok":
        return "cannot tell"
    value, interval = format_estimate(contrast.estimate, contrast.low, contrast.high)
    return f"{value}  ({interval})"


def metric_plot(candidates: Sequence[Candidate]) -> str:
    """Draw the candidates' figures of merit with their intervals, one panel per metric.

    Parameters
    ----------
    candidates
        Those that ran; the chosen one has a filled mark and a bold name.

    Returns
    -------
    str
        An SVG element with the id prefix ``metrics``; empty if no candidate has metrics.
    """
    measured = [candidate for candidate in candidates if candidate.metrics]
    keys = plotted_metrics(measured)
    if not keys:
        return ""
    left = _left_margin([candidate.method for candidate in measured], most=220)
    row, top, gap = 46.0, 34.0, 34.0
    bottom = top + row * len(measured)
    panel = (_WIDTH - left - gap * (len(keys) - 1) - 12) / len(keys)
    drawing = Drawing(
        _WIDTH,
        bottom + 48,
        name="metrics",
        title="How the candidates did on the audited tiles",
        description=" ".join(_candidate_sentence(candidate, keys) for candidate in measured),
    )
    for index, candidate in enumerate(measured):
        y = top + row * (index + 0.5)
        drawing.line(0, top + row * index, _WIDTH, top + row * index, role="faint", width=0.8)
        name = shorten(candidate.method, left - 16, 14, bold=candidate.chosen)
        drawing.text(0, y + 5, name, size=14, bold=candidate.chosen, hint=candidate.method)
        if candidate.chosen:
            drawing.text(0, y + 19, "chosen", size=11, role="ours")
    for index, key in enumerate(keys):
        start = left + index * (panel + gap)
        _metric_panel(drawing, measured, key, start, start + panel, top, row)
    return drawing.render()


def _metric_panel(
    drawing: Drawing,
    candidates: Sequence[Candidate],
    key: str,
    start: float,
    stop: float,
    top: float,
    row: float,
) -> None:
    found = [
        candidate.metrics[key] for candidate in candidates if candidate.metrics and key in candidate.metrics
    ]
    least = min((v for m in found for v in _present(m.value, m.low)), default=0.0)
    scale = Scale(min(0.0, math.floor(least * 10) / 10), 1.0, start, stop)
    bottom = top + row * len(candidates)
    drawing.text((start + stop) / 2, 16, metric_name(key), size=14, bold=True, anchor="middle")
    draw_bottom_axis(drawing, scale, bottom, top=top, title="higher is better", n_ticks=4, size=11.5)
    for index, candidate in enumerate(candidates):
        metric = (candidate.metrics or {}).get(key)
        y = top + row * (index + 0.62)
        if metric is None or metric.value is None:
            drawing.text((start + stop) / 2, y + 4, "cannot tell", size=12, role="soft", anchor="middle")
            continue
        role = "ours" if candidate.chosen else "soft"
        if metric.low is not None and metric.high is not None:
            draw_interval(drawing, scale, y, metric.low, metric.high, role=role, width=2.5, cap=4)
        hint = f"{candidate.method}: {_metric_text(metric)}"
        place = scale.clip(metric.value)
        if candidate.chosen:
            drawing.mark(place, y, shape="circle", role=role, radius=6, hint=hint)
        else:
            drawing.mark(place, y, shape="square", role=role, radius=5, hollow=True, hint=hint)
        text_x = min(max(place, start + 14), stop - 14)
        drawing.text(
            text_x, y - 10, format_fixed(metric.value, 2), size=12, anchor="middle", bold=candidate.chosen
        )


def _metric_text(metric: Metric) -> str:
    value, interval = format_estimate(metric.value, metric.low, metric.high)
    return f"{value} ({interval})"


def _candidate_sentence(candidate: Candidate, keys: Sequence[str]) -> str:
    metrics = candidate.metrics or {}
    shown = [f"{metric_name(key)} {_metric_text(metrics[key])}" for key in keys if key in metrics]
    return f"{candidate.method}{' (chosen)' if candidate.chosen else ''}: {', '.join(shown)}."
