"""The candidates' figures of merit with their intervals, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence

from veriscope.report.frame import WIDTH, draw_bottom_axis, draw_interval, left_margin, present
from veriscope.report.numbers import format_estimate, format_fixed
from veriscope.report.scales import Scale
from veriscope.report.schema import Candidate, Metric
from veriscope.report.svg import Drawing, shorten
from veriscope.report.wording import metric_name, plotted_metrics

__all__ = ["metric_plot"]


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
    left = left_margin([candidate.method for candidate in measured], most=220)
    row, top, gap = 46.0, 34.0, 34.0
    bottom = top + row * len(measured)
    panel = (WIDTH - left - gap * (len(keys) - 1) - 12) / len(keys)
    drawing = Drawing(
        WIDTH,
        bottom + 48,
        name="metrics",
        title="How the candidates did on the audited tiles",
        description=" ".join(_candidate_sentence(candidate, keys) for candidate in measured),
    )
    for index, candidate in enumerate(measured):
        y = top + row * (index + 0.5)
        drawing.line(0, top + row * index, WIDTH, top + row * index, role="faint", width=0.8)
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
    least = min((v for m in found for v in present(m.value, m.low)), default=0.0)
    scale = Scale(min(math.floor(least * 10 - 1e-9) / 10, 0.9), 1.0, start, stop)
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
            drawing.mark(place, y, shape="circle", role=role, radius=5.5, hint=hint)
        else:
            drawing.mark(place, y, shape="square", role=role, radius=4.5, hollow=True, hint=hint)
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
