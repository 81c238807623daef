"""Contrasts between groups: differences around 0, ratios around 1."""

from __future__ import annotations

from collections.abc import Sequence

from veriscope.report.frame import RIGHT, WIDTH, draw_bottom_axis, draw_interval, left_margin
from veriscope.report.numbers import format_estimate, format_p
from veriscope.report.scales import fit_scale
from veriscope.report.schema import Contrast, Question
from veriscope.report.svg import Drawing, shorten
from veriscope.report.wording import axis_title

__all__ = ["contrast_name", "contrast_plot"]


def contrast_plot(contrasts: Sequence[Contrast], question: Question, *, unit: str = "") -> str:
    """Draw differences between groups around 0, and ratios around 1 on a logarithmic axis.

    Parameters
    ----------
    contrasts
        What to draw, from top to bottom; differences and ratios get an axis each.
    question
        Gives the axis its title.
    unit
        What contrasts of totals refer to, such as ``"per image"``.

    Returns
    -------
    str
        SVG elements with the id prefixes ``difference`` and ``ratio``; empty if there are none.
    """
    drawings = []
    left = left_margin([contrast_name(contrast) for contrast in contrasts], most=300) if contrasts else 0.0
    for kind in ("difference", "ratio"):
        chosen = [contrast for contrast in contrasts if contrast.kind == kind]
        if chosen:
            drawings.append(_contrast_panel(chosen, kind, _title(kind, question, unit), left))
    return "\n".join(drawings)


def contrast_name(contrast: Contrast) -> str:
    """Give a contrast its name.

    Parameters
    ----------
    contrast
        A difference or a ratio: `group_b` less, or over, `group_a`.

    Returns
    -------
    str
        Such as ``"treated − control"``.
    """
    return f"{contrast.group_b} {'−' if contrast.kind == 'difference' else '/'} {contrast.group_a}"


def _title(kind: str, question: Question, unit: str) -> str:
    name = f"{axis_title(question, unit=False)} {unit}".rstrip()
    if kind == "ratio":
        return f"ratio of {name}"
    return f"difference in {name if unit else axis_title(question)}"


def _contrast_panel(contrasts: Sequence[Contrast], kind: str, title: str, left: float) -> str:
    ratio = kind == "ratio"
    neutral = 1.0 if ratio else 0.0
    names = [contrast_name(contrast) for contrast in contrasts]
    row, top = 38.0, 12.0
    bottom = top + row * len(contrasts)
    values = [v for c in contrasts if c.status == "ok" for v in (c.estimate, c.low, c.high)]
    scale = fit_scale([*values, neutral], left, WIDTH - RIGHT, log=ratio)
    drawing = Drawing(
        WIDTH,
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
