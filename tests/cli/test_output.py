"""What is printed: numbers, tables with any text in them, JSON for any pipe, progress on stderr."""

from __future__ import annotations

import io
import json
import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.cli.output import emit_json, number, progress_bar, say, show_table, span

STRANGE = ["[bold]", "[/y]", "x [/red] y", "[0, 5)", "a\\", "a\\[b", "5 mg/kg [low]", ":smile:"]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (None, 4, "—"),
        (math.nan, 4, "—"),
        (-math.inf, 4, "—"),
        (0.0, 4, "0"),
        (-0.0, 4, "0"),
        (0.81234, 4, "0.8123"),
        (12.0, 4, "12"),
        (99.4, 2, "99"),
        (99.6, 2, "100"),
        (-99.6, 2, "-100"),
        (99.96, 3, "100"),
        (100.4, 2, "100"),
        (1204.4, 4, "1 204"),
        (9_932_000, 4, "9 932 000"),
        (-1204, 4, "-1 204"),
    ],
)
def test_numbers_for_people(value: float | None, digits: int, text: str) -> None:
    assert number(value, digits=digits) == text


@given(st.floats(min_value=1e-3, max_value=1e9), st.integers(2, 6))
def test_a_number_is_never_off_by_more_than_its_last_digit_and_has_no_exponent(
    value: float, digits: int
) -> None:
    text = number(value, digits=digits)
    assert "e" not in text
    assert float(text.replace(" ", "")) == pytest.approx(value, rel=0.51 * 10 ** (1 - min(digits, 3)))


def test_an_interval_without_an_end_cannot_be_told() -> None:
    assert span(0.711, 0.8249, digits=2) == "0.71 to 0.82"
    for low, high in ((None, 1.0), (0.0, None), (math.nan, 1.0), (0.0, math.inf)):
        assert span(low, high) == "cannot tell"


@pytest.mark.parametrize("text", STRANGE)
def test_brackets_of_names_are_no_markup(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """A group or object named so used to vanish from titles and heads, or to end in a traceback."""
    show_table(f"How many {text}?", [text, "n"], [[text, "1"], ["b", text]])
    shown = capsys.readouterr().out
    assert shown.count(text) == 4
    assert shown.splitlines()[0].rstrip() == f"How many {text}?"


@pytest.mark.parametrize(("length", "whole"), [(40, True), (41, False)])
def test_a_long_first_column_leaves_room_for_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, length: int, whole: bool
) -> None:
    """The name of one network used to squeeze what all models are into a letter or two a line."""
    monkeypatch.setenv("COLUMNS", "80")
    words = "finds nuclei in tissue that was stained with hematoxylin and eosin"
    show_table("models", ["model", "what it is"], [["a" * length, words], ["b", words]], words=True)
    shown = capsys.readouterr().out
    assert ("a" * length in shown) is whole and shown.count("a" * 20) >= 1
    assert "finds nuclei in tissue" in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("text", STRANGE)
def test_messages_and_stages_are_printed_as_they_are(capsys: pytest.CaptureFixture[str], text: str) -> None:
    say(text, style="bold red")
    with progress_bar(quiet=False) as progress:
        progress(f"predict {text}", 0, 2)
        progress(f"predict {text}", 2, 2)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[0] == text
    assert f"predict {text}" in shown.err
    assert "2/2" in shown.err


def test_progress_follows_a_total_that_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """Of several files, one after the other: the second used to be shown as 9 of 3."""
    with progress_bar(quiet=False) as progress:
        progress("download, kB", 3, 3)
        progress("download, kB", 9, 12)
    shown = capsys.readouterr().err
    assert "9/12" in shown and "9/3" not in shown


def test_quiet_progress_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar(quiet=True) as progress:
        progress("predict", 1, 2)
    assert capsys.readouterr() == ("", "")


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@given(
    st.dictionaries(st.text(), PLAIN, max_size=4), st.sampled_from(["utf-8", "ascii", "cp1252", "latin-1"])
)
def test_json_can_be_read_from_a_pipe_of_any_encoding(value: dict[str, Any], encoding: str) -> None:
    pipe = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace", newline="")
    kept, sys.stdout = sys.stdout, pipe
    try:
        emit_json(value)
    finally:
        sys.stdout = kept
    pipe.flush()
    written = pipe.buffer.getvalue().decode(encoding)
    assert json.loads(written) == _without_nan(value)
    assert written.endswith("}\n")
