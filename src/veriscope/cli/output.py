"""What the command line prints: one JSON object, or text for people."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from veriscope.core.progress import Progress

__all__ = ["emit_json", "number", "out", "progress_bar", "say", "show_table", "span", "tell_notes"]

_MOST_NOTES, _NAMED = 10, 3
"""Notes that are said, and images that are named in each."""


def out() -> Console:
    """Give the console for results, on stdout.

    Returns
    -------
    rich.console.Console
        Made anew, so that a redirected stdout is respected.
    """
    return Console(file=sys.stdout, highlight=False, soft_wrap=True, emoji=False)


def say(message: str, *, style: str = "") -> None:
    """Print a line on stderr, where it does not mix with results.

    Parameters
    ----------
    message
        Plain text; markup in it is not interpreted.
    style
        Rich style, such as ``bold red``.
    """
    console = Console(file=sys.stderr, highlight=False, soft_wrap=True, emoji=False)
    console.print(message, style=style, markup=False)


def tell_notes(rows: Iterable[Mapping[str, Any]]) -> None:
    """Say on stderr what a user should know of how files were understood; once what is true of several.

    Parameters
    ----------
    rows
        With ``image``, its name, and ``notes``, if there are any.
    """
    concerned: dict[str, list[str]] = {}
    for row in rows:
        for note in row.get("notes", ()):
            concerned.setdefault(note, []).append(row["image"])
    for note, images in list(concerned.items())[:_MOST_NOTES]:
        more = f" and {len(images) - _NAMED} more" if len(images) > _NAMED else ""
        say(f"note: {', '.join(images[:_NAMED])}{more}: {note}")
    if len(concerned) > _MOST_NOTES:
        say(f"note: and {len(concerned) - _MOST_NOTES} more (--json shows all)")


def emit_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout.

    Parameters
    ----------
    value
        Plain values; NaN and infinities become null.
    """
    # The escapes of other encodings are not those of JSON.
    has_letters = (sys.stdout.encoding or "utf-8").lower().replace("_", "-") in ("utf-8", "utf8")
    sys.stdout.write(json.dumps(_plain(value), ensure_ascii=not has_letters, indent=2) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def number(value: float | None, *, digits: int = 4) -> str:
    """Write a number for people.

    Parameters
    ----------
    value
        The number; None or NaN is a dash.
    digits
        Significant digits of numbers that round to less than 100; larger ones are rounded to integers.

    Returns
    -------
    str
        Such as ``0.8123``, ``1 204`` or ``—``.
    """
    if value is None or not math.isfinite(value):
        return "—"
    if float(f"{abs(value):.{digits}g}") >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value or 0:.{digits}g}"


def span(low: float | None, high: float | None, *, digits: int = 4) -> str:
    """Write an interval for people.

    Parameters
    ----------
    low, high
        Its ends; None where there is none.
    digits
        Significant digits.

    Returns
    -------
    str
        Such as ``0.71 to 0.82``, or ``cannot tell``.
    """
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return "cannot tell"
    return f"{number(low, digits=digits)} to {number(high, digits=digits)}"


def show_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, words: bool = False
) -> None:
    """Print a table on stdout.

    Parameters
    ----------
    title
        Line above it.
    columns
        Heads of the columns.
    rows
        Cells as text; the first column is left-aligned, the others right-aligned. It is not broken, unless it
        would take more than half of the width.
    words
        Left-align the other columns too, because they are no numbers.
    """
    # As texts, in which brackets of names and questions are no markup.
    table = Table(
        title=Text(title, style="bold"), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    longest, half = max((len(row[0]) for row in rows), default=0), out().width // 2
    for index, column in enumerate(columns):
        first = index == 0
        table.add_column(
            Text(column),
            justify="left" if first or words else "right",
            overflow="fold",
            no_wrap=first and longest <= half,
            width=half if first and longest > half else None,
        )
    for row in rows:
        table.add_row(*map(Text, row))
    out().print(table)


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """Show progress with the time left on stderr.

    Parameters
    ----------
    quiet
        Show nothing.

    Yields
    ------
    Progress
        To be handed to the work.
    """
    if quiet:
        yield lambda stage, done, total: None
        return
    bar = Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
    )
    tasks: dict[str, Any] = {}

    def report(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=total)
        bar.update(tasks[stage], completed=done, total=total)

    with bar:
        yield report
