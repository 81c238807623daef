"""How a comparison is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from veriscope.cli.advice import show_pitfalls
from veriscope.cli.output import number, out, say, show_table, span
from veriscope.core.words import counted
from veriscope.workflow.comparison.advice import fits, fitting_keys

__all__ = ["show_comparison"]


def show_comparison(found: Mapping[str, Any]) -> None:
    """Show how candidates compare with the references.

    Parameters
    ----------
    found
        ``veriscope/compare/1``.
    """
    for note in found["notes"][:10]:
        say(f"note: {note}")
    if len(found["notes"]) > 10:
        say(f"note: and {len(found['notes']) - 10} more (--json shows all)")
    fitting = fitting_keys(found["advice"])
    if "candidates" in found:
        _show_side_by_side(found, fitting)
        _show_ranking(found["ranking"], found["unit"])
    else:
        _show_metrics(found, fitting)
    for name, result in found.get("candidates", {"": found}).items():
        if "biology" in result:
            _show_biology(name, result["biology"])
    if "confidence" in found:
        _show_confidence(found["confidence"], found["level"])
    show_pitfalls(found["advice"])
    _show_left_over(found)


def _show_metrics(found: Mapping[str, Any], fitting: list[str]) -> None:
    mean = found["metrics_per_image"]
    rows = []
    for key in _ordered(found, fitting):
        shown = found["metrics"].get(key, mean.get(key))
        each = number(mean[key]["value"]) if key in mean and key in found["metrics"] else ""
        kind = "pooled" if key in found["metrics"] else "mean"
        interval = span(shown["low"], shown["high"], digits=3)
        rows.append([_marked(key, fitting), number(shown["value"]), interval, kind, each])
    counted = f", {number(found['n_reference'])} reference objects" if "n_reference" in found else ""
    columns = ["metric", "value", f"{100 * found['level']:g}% interval", "over images", "mean per image"]
    title = f"{_counted(found)}{counted}; interval by {found['unit']}; * fits the problem"
    show_table(title, columns, rows)


def _show_side_by_side(found: Mapping[str, Any], fitting: list[str]) -> None:
    candidates = found["candidates"]
    first = next(iter(candidates.values()))
    rows = []
    for key in _ordered(first, fitting):
        kind = "metrics" if key in first["metrics"] else "metrics_per_image"
        values = [number(item[kind].get(key, {}).get("value")) for item in candidates.values()]
        rows.append([_marked(key, fitting), *values, "pooled" if kind == "metrics" else "mean"])
    title = f"{_counted(found)}; * fits the problem; intervals are in --json"
    show_table(title, ["metric", *candidates, "over images"], rows)


def _counted(found: Mapping[str, Any]) -> str:
    return counted(found["n_images"], "sequence" if found["task"] == "tracking" else "image")


def _ordered(found: Mapping[str, Any], fitting: list[str]) -> list[str]:
    """Give the keys of all metrics, those that fit first."""
    keys = list(dict.fromkeys([*found["metrics"], *found["metrics_per_image"]]))
    return sorted(keys, key=lambda key: not fits(key, fitting))


def _marked(key: str, fitting: list[str]) -> str:
    return f"{key} *" if fits(key, fitting) else key


def _show_ranking(ranking: Mapping[str, Any], unit: str) -> None:
    stable = {item["name"]: item for item in ranking["stability"]["candidates"]}
    rows = [
        [
            name,
            number(item["value"]),
            span(item["low"], item["high"], digits=3),
            f"{stable[name]['probability_first']:.0%}" if name in stable else "cannot tell",
        ]
        for name, item in ranking["values"].items()
    ]
    show_table(
        f"Ranked by {ranking['metric']} ({ranking['aggregation']}), {ranking['better']} is better",
        ["candidate", "value", "interval", "first in redraws"],
        rows,
    )
    for pair in ranking["pairs"]:
        step = next(
            item
            for item in ranking["to_separate"]
            if {item["first"], item["second"]} == {pair["first"], pair["second"]}
        )
        out().print(f"{pair['first']} against {pair['second']}: {pair['verdict']}", markup=False)
        if pair["better"] is None and step["n_needed"] is not None:
            high = step["n_needed_high"] or "any number"
            out().print(
                f"    about {step['n_needed']} {unit}s would separate them ({step['power']:.0%} power), "
                f"{step['n_needed_low']} to {high} given what is known",
                markup=False,
            )
        elif pair["better"] is None and step["reason"]:
            out().print(f"    {step['reason']}", markup=False)


def _show_confidence(found: Mapping[str, Any], level: float) -> None:
    bins = [
        [
            span(item["low"], item["high"], digits=3),
            number(item["n_cases"]),
            number(item["stated"], digits=3),
            number(item["observed"]["value"], digits=3),
            span(item["observed"]["low"], item["observed"]["high"], digits=3),
        ]
        for item in found["reliability"]["bins"]
    ]
    columns = ["probability", found["of"], "stated", "came true", f"{100 * level:g}% interval"]
    show_table(f"Can the probabilities of {found['of']} be believed?", columns, bins)
    error = found["calibration_error"]["error"]
    rows = {"calibration error, bias removed": error, "Brier score": found["brier_score"]}
    rows |= found.get("metrics", {})
    for name, item in rows.items():
        out().print(
            f"{name}: {number(item['value'], digits=3)} ({span(item['low'], item['high'], digits=3)})",
            markup=False,
        )
    for item in found.get("recalibration", {}).values():
        out().print(item["reason"], markup=False)


def _show_biology(name: str, report: Mapping[str, Any]) -> None:
    title = f"{name + ': ' if name else ''}does the {report['quantity']} survive the errors?"
    rows = [
        [check["name"].replace("_", " "), check["status"], check["sentence"]] for check in report["checks"]
    ]
    show_table(title, ["check", "result", "what was found"], rows, words=True)


def _show_left_over(found: Mapping[str, Any]) -> None:
    left = found["predictions_without_reference"]
    groups = left if isinstance(left, Mapping) else {"": left}
    for name, stems in groups.items():
        if stems:
            say(f"{name + ': ' if name else ''}{len(stems)} predictions without reference were left out")
    if found["references_without_prediction"]:
        say(f"{len(found['references_without_prediction'])} references without prediction were left out")
