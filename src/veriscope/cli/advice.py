"""How a fingerprint and its advice are shown, and how a person is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer

from veriscope.cli.output import number, out, say, show_table

__all__ = ["ask_person", "show_fingerprint", "show_pitfalls"]

_SHOWN_PITFALLS = 6


def ask_person(question: Mapping[str, Any]) -> Any:
    """Ask for one item on the terminal.

    Parameters
    ----------
    question
        ``item``, ``question``, ``answers`` and ``assumed``.

    Returns
    -------
    object
        One of the answers; None if the person does not know.
    """
    words = ["yes" if item is True else "no" if item is False else str(item) for item in question["answers"]]
    usual = (
        "yes"
        if question["assumed"] is True
        else "no"
        if question["assumed"] is False
        else question["assumed"]
    )
    say(f"\n{question['item'].replace('_', ' ')}: {question['question']}")
    while True:
        text = typer.prompt(
            f"  {' / '.join(words)}, or Enter if you do not know (then: {usual})",
            default="",
            show_default=False,
            err=True,
        ).strip()
        if not text:
            return None
        near = [word for word in words if word == text.lower()] or [
            word for word in words if word.startswith(text.lower())
        ]
        if len(near) == 1:
            return question["answers"][words.index(near[0])]
        say(f"  {text!r} is none of {', '.join(words)}")


def show_fingerprint(found: Mapping[str, Any]) -> None:
    """Show what is known of a problem, what is open, and which metrics fit.

    Parameters
    ----------
    found
        ``veriscope/fingerprint/1``.
    """
    out().print(found["question"], style="bold", markup=False)
    out().print(f"measured on {found['measured_on']}", markup=False)
    rows = []
    for item in found["items"]:
        if item["source"] == "assumed" or item["answer"] is None:
            continue
        figure = ""
        if item.get("figure") is not None:
            figure = f"{item['measured_as']}: {number(item['figure'], digits=3)} (limit {item['limit']:g})"
        rows.append([item["item"].replace("_", " "), _word(item["answer"]), item["source"], figure])
    show_table("The problem", ["item", "answer", "from", "figure"], rows, words=True)
    _show_advice(found["advice"])
    if found["open"]:
        names = ", ".join(item["item"] for item in found["open"])
        say(f"open, and would change the advice: {names} (answer with --set ITEM=ANSWER, or --ask)")


def _show_advice(advice: Mapping[str, Any]) -> None:
    chosen = [*advice["metrics"], *advice["criteria"]]
    rows = [[item["key"], item["rule"], item["reason"]] for item in chosen]
    show_table(
        f"Category: {advice['category']} ({advice['category_reason']})",
        ["fits", "rule", "why"],
        rows,
        words=True,
    )
    for item in advice["avoided"]:
        out().print(f"not {item['key']}: {item['reason']}", markup=False)
    show_pitfalls(advice)


def show_pitfalls(advice: Mapping[str, Any]) -> None:
    """Show what may mislead, the first few.

    Parameters
    ----------
    advice
        ``advice`` of a fingerprint or comparison.
    """
    for item in advice["pitfalls"][:_SHOWN_PITFALLS]:
        out().print(f"beware ({item['group']}): {item['explanation']}", markup=False)
        out().print(f"    e.g. {item['example']}", markup=False, style="dim")
    hidden = len(advice["pitfalls"]) - _SHOWN_PITFALLS
    if hidden > 0:
        out().print(f"and {hidden} more pitfalls (--json shows all)", markup=False)


def _word(answer: Any) -> str:
    return "yes" if answer is True else "no" if answer is False else str(answer)
