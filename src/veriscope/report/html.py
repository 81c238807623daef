"""One self-contained page from the report's record: no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from veriscope.report import numbers, wording
from veriscope.report.agreement_plot import agreement_plot
from veriscope.report.contrast_plot import contrast_name, contrast_plot
from veriscope.report.cost_text import format_amount, format_bytes
from veriscope.report.estimate_plot import estimate_plot
from veriscope.report.metric_plot import metric_plot
from veriscope.report.record import check_record
from veriscope.report.reliability_plot import reliability_plot
from veriscope.report.schema import GroupEstimate, Metric, Question, Reason, ReportRecord

__all__ = ["ANCHORS", "render_html"]

ANCHORS = (
    "sec-question",
    "sec-answer",
    "fig-estimate",
    "tab-estimate",
    "fig-contrasts",
    "sec-verdict",
    "tab-candidates",
    "fig-metrics",
    "fig-agreement",
    "fig-reliability",
    "fig-tiles",
    "sec-audit",
    "sec-methods",
    "sec-limits",
    "sec-cost",
    "sec-reproduce",
)
"""Places in every page that a verdict's reason may link to."""

_DOI = re.compile(
    r"\b(?:doi:\s*|https?://(?:dx\.)?doi\.org/)(10\.\d{4,9}/[^\s<>\"',;]*[^\s<>\"',;.])", re.IGNORECASE
)


def render_html(record: Mapping[str, Any]) -> str:
    """Render a report's record as one page.

    Parameters
    ----------
    record
        The record, of the schema ``veriscope/report/1``; nothing else is read.

    Returns
    -------
    str
        A complete HTML document that works offline, in print, and without scripts. Whatever is
        missing is said in words or shown as a dash.

    Raises
    ------
    InputError
        If the record does not fit its schema.
    """
    checked = check_record(record)
    template = _environment().get_template("report.html.j2")
    return template.render(
        r=checked,
        estimators=sorted({group.estimator for group in checked.estimate.groups if group.estimator}),
        style=Markup((files("veriscope.report") / "templates" / "report.css").read_text(encoding="utf-8")),
        verdict_words=wording.VERDICTS[checked.verdict.verdict],
        figures=_figures(checked),
        anchors=ANCHORS,
        metric_keys=wording.main_metrics(checked.candidates),
        sentences=_limits(checked),
    )


def _figures(record: ReportRecord) -> dict[str, Any]:
    chosen = record.chosen
    first = [item for item in record.agreement if chosen is not None and item.method == chosen.method]
    rest = [item for item in record.agreement if item not in first]
    ordered = first + rest
    plots = [
        (item, Markup(agreement_plot(item, record.question, name=f"agreement-{index}")))
        for index, item in enumerate(ordered)
    ]
    sure = [item for item in record.reliability if chosen is not None and item.method == chosen.method]
    sure += [item for item in record.reliability if item not in sure]
    return {
        "reliability": [
            (item, Markup(reliability_plot(item, name=f"reliability-{index}")))
            for index, item in enumerate(sure)
        ],
        "estimate": Markup(estimate_plot(record.estimate.groups, record.question, record.truth)),
        "contrasts": Markup(
            contrast_plot(record.estimate.contrasts, record.question, unit=record.estimate.contrast_unit)
        ),
        "metrics": Markup(metric_plot(record.ran)),
        "agreement": [(item, plot) for item, plot in plots if plot],
    }


def _limits(record: ReportRecord) -> list[str]:
    """Everything a reader must be warned of, each said once."""
    found: list[str] = list(record.study.warnings)
    if record.chosen is not None:
        found += [f"{record.chosen.method}: {line}" for line in record.chosen.warnings + record.chosen.limits]
    for group in record.estimate.groups:
        found += [f"The answer assumes: {line}" for line in group.assumptions]
    for contrast in record.estimate.contrasts:
        found += [f"The contrasts assume: {line}" for line in contrast.assumptions]
    return list(dict.fromkeys(found))


def _with_links(text: str) -> Markup:
    """Escape a text and make its DOIs links; nothing else becomes one."""
    pieces: list[Markup] = []
    place = 0
    for match in _DOI.finditer(text):
        doi = match.group(1)
        pieces.append(escape(text[place : match.start()]))
        pieces.append(
            Markup('<a href="https://doi.org/{0}" rel="noopener noreferrer">doi:{0}</a>').format(doi)
        )
        place = match.end()
    return Markup("").join([*pieces, escape(text[place:])])


def _estimate_text(value: float | None, low: float | None = None, high: float | None = None) -> str:
    shown, interval = numbers.format_estimate(value, low, high)
    return shown if interval == numbers.MISSING else f"{shown} ({interval})"


def _split_metric(metric: Metric | None) -> tuple[str, str]:
    if metric is None:
        return numbers.MISSING, ""
    value, interval = numbers.format_estimate(metric.value, metric.low, metric.high)
    if value == numbers.MISSING:
        return value, ""
    return value, "no interval" if interval == numbers.MISSING else interval


def _naive_error(group: GroupEstimate) -> str:
    error = group.naive_error
    return "" if error is None else numbers.format_percent(error, signed=True)


def _precision(group: GroupEstimate, question: Question) -> str:
    """Say how wide the interval is, beside what the question allows."""
    if group.status != "ok" or not group.estimate or group.low is None or group.high is None:
        return ""
    half = (group.high - group.low) / 2 / abs(group.estimate)
    text = f"±{numbers.format_percent(half)}"
    if not question.tolerance:
        return text
    allowed = f"±{numbers.format_percent(question.tolerance)}"
    return f"{text}, {'within' if half <= question.tolerance else 'wider than'} the {allowed} asked for"


def _covers(group: GroupEstimate, truth: float | None) -> str:
    if truth is None or group.status != "ok" or group.low is None or group.high is None:
        return ""
    return "inside the interval" if group.low <= truth <= group.high else "outside the interval"


def _figure_of(reason: Reason) -> str:
    """Give the anchor of a reason's figure, or nothing if no page has it."""
    return reason.figure if reason.figure in ANCHORS else ""


def _when(created: str) -> str:
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    zone = "UTC" if moment.utcoffset() is not None and not moment.utcoffset() else moment.strftime("%Z")
    return f"{moment.day} {moment:%B %Y, %H:%M} {zone}".rstrip()


def _plain_value(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return numbers.format_exact(value)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("veriscope.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        num=numbers.format_number,
        plain=numbers.format_plain,
        count=numbers.format_count,
        percent=numbers.format_percent,
        amount=format_amount,
        bytes=format_bytes,
        duration=numbers.format_duration,
        p=numbers.format_p,
        links=_with_links,
        when=_when,
        value=_plain_value,
        many=wording.many,
    )
    environment.globals.update(
        estimate_text=_estimate_text,
        fixed=numbers.format_fixed,
        split_estimate=numbers.format_estimate,
        split_metric=_split_metric,
        naive_error=_naive_error,
        precision=_precision,
        covers=_covers,
        contrast_name=contrast_name,
        metric_name=wording.metric_name,
        tabled_metrics=wording.tabled_metrics,
        plural=wording.plural,
        answer_unit=wording.answer_unit,
        axis_title=wording.axis_title,
        figure_of=_figure_of,
        EVIDENCE=wording.EVIDENCE,
        STATUS=wording.STATUS,
        MISSING=numbers.MISSING,
    )
    return environment
