"""Share of objects that were right against the probability that was stated, and what it says in words."""

from __future__ import annotations

from veriscope.report.frame import WIDTH, draw_bottom_axis, draw_left_axis
from veriscope.report.numbers import format_estimate, format_fixed
from veriscope.report.scales import Scale
from veriscope.report.schema import Reliability, ReliabilityBin
from veriscope.report.svg import Drawing
from veriscope.report.wording import plural

__all__ = ["reliability_plot", "reliability_sentence"]

_SIDE = 340.0
_LEFT, _TOP = 76.0, 16.0
_CAP = 4.0
_TABLE = (_LEFT + _SIDE + 70.0, _LEFT + _SIDE + 190.0, _LEFT + _SIDE + 300.0)
_ROW = 30.0


def reliability_sentence(found: Reliability) -> str:
    """Say whether stated probabilities hold, and how strong the evidence is.

    Parameters
    ----------
    found
        Of a candidate.

    Returns
    -------
    str
        A sentence or two.
    """
    excess = found.excess
    is_off = excess.low is not None and excess.high is not None and not excess.low <= 0 <= excess.high
    if found.shown or is_off:
        sure = "too sure" if (excess.value or 0) < 0 else "not sure enough"
        if not is_off:
            return (
                "The stated probabilities do not hold, though they are right on average: do not read them as "
                "chances."
            )
        return f"The method is {sure} of its objects: do not read its probabilities as chances."
    if excess.low is None or excess.high is None:
        return "Whether the stated probabilities hold cannot be told from these tiles."
    return (
        "The tiles do not show that the stated probabilities are wrong. With few tiles that is weak evidence."
    )


def reliability_plot(found: Reliability, *, name: str = "reliability") -> str:
    """Draw the share of objects that were right, by the probability that was stated, and say it beside.

    Parameters
    ----------
    found
        Bins with intervals.
    name
        Id prefix, unique in the page.

    Returns
    -------
    str
        An SVG element; empty if there are no bins.
    """
    if not found.bins:
        return ""
    drawing = Drawing(
        WIDTH,
        _TOP + max(_SIDE, _ROW * (len(found.bins) + 1)) + 50,
        name=name,
        title=f"Do the probabilities of {found.method} hold?",
        description=" ".join(map(_bin_sentence, found.bins)),
    )
    bottom = _TOP + _SIDE
    across = Scale(0.0, 1.0, _LEFT, _LEFT + _SIDE)
    up = Scale(0.0, 1.0, bottom, _TOP)
    draw_bottom_axis(drawing, across, bottom, top=_TOP, title="stated probability", n_ticks=5)
    draw_left_axis(drawing, up, _LEFT, right=_LEFT + _SIDE, title="share that was right")
    drawing.line(_LEFT, bottom, _LEFT + _SIDE, _TOP, role="ink", width=1.4, dash="6 4")
    most = max(item.n_cases for item in found.bins)
    for item in found.bins:
        if item.stated is None or item.observed.value is None:
            continue
        x = across.clip(item.stated)
        _whisker(drawing, item, x, up)
        radius = 2.5 + 3.5 * (item.n_cases / most) ** 0.5
        y = up.clip(item.observed.value)
        drawing.mark(x, y, shape="circle", role="ours", radius=radius, opacity=0.6, hint=_bin_sentence(item))
    _table(drawing, found)
    return drawing.render()


def _table(drawing: Drawing, found: Reliability) -> None:
    """Write the bins beside the plot, since methods that are sure crowd them into one corner."""
    for x, text in zip(_TABLE, ("objects", "stated", "right (interval)"), strict=True):
        drawing.text(x, _TOP + 14, text, size=13, role="soft")
    for number, item in enumerate(found.bins, 1):
        y = _TOP + 14 + _ROW * number
        right, interval = format_estimate(item.observed.value, item.observed.low, item.observed.high)
        stated = "unknown" if item.stated is None else format_fixed(item.stated, 2)
        drawing.text(_TABLE[0], y, str(item.n_cases), size=14)
        drawing.text(_TABLE[1], y, stated, size=14)
        drawing.text(_TABLE[2], y, f"{right} ({interval})", size=14, bold=True)


def _whisker(drawing: Drawing, item: ReliabilityBin, x: float, up: Scale) -> None:
    low, high = item.observed.low, item.observed.high
    if low is None or high is None:
        return
    bottom, top = up.clip(low), up.clip(high)
    drawing.line(x, bottom, x, top, role="ours", width=2.2)
    for y in (bottom, top):
        drawing.line(x - _CAP, y, x + _CAP, y, role="ours", width=1.6)


def _bin_sentence(item: ReliabilityBin) -> str:
    right, interval = format_estimate(item.observed.value, item.observed.low, item.observed.high)
    stated = "unknown" if item.stated is None else format_fixed(item.stated, 2)
    return f"{plural(item.n_cases, 'object')}: stated {stated}, right {right} ({interval})."
