"""Journals under failures: nothing that was confirmed is lost, and nothing is there twice."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.workflow.journal import (
    SERVER,
    SHOWN,
    JournalGap,
    Journals,
    journal_annotators,
    journal_path,
    proposals_shown,
    read_journal,
)
from veriscope.workflow.layout import StudyFolder

UNIT, WHO = "a_tile000", "anna"
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abü\n", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def entries(*numbers: int, **data: Any) -> list[dict[str, Any]]:
    return [{"seq": n, "time": "t", "kind": "stroke", "data": data or {"n": n}} for n in numbers]


@pytest.fixture(autouse=True)
def no_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path)


def numbers(folder: StudyFolder) -> list[tuple[int, int]]:
    return [(entry["n"], entry["seq"]) for entry in read_journal(folder, UNIT, WHO)]


@settings(max_examples=40)
@given(st.dictionaries(st.text("abcü ", max_size=4), PLAIN, max_size=4))
def test_whatever_was_drawn_comes_back(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]
) -> None:
    folder = StudyFolder(tmp_path_factory.mktemp("study"))
    Journals().append(folder, UNIT, WHO, "tab", [{"seq": 1, "time": "t", "kind": "x", "data": data}])
    (entry,) = read_journal(folder, UNIT, WHO)
    assert entry["data"] == data and (entry["n"], entry["client"], entry["seq"]) == (1, "tab", 1)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 6), st.integers(0, 3)), max_size=12))
def test_batches_in_any_order_leave_each_stroke_once(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[str, int, int]]
) -> None:
    """A window that loses its line sends again what it does not know to be there."""
    folder, journals = StudyFolder(tmp_path_factory.mktemp("study")), Journals()
    last = {"a": 0, "b": 0}
    for client, first, more in batches:
        sent = entries(*range(first, first + more + 1))
        if first > last[client] + 1:
            with pytest.raises(JournalGap) as caught:
                journals.append(folder, UNIT, WHO, client, sent)
            assert caught.value.last_seq == last[client]
            continue
        last[client] = max(last[client], first + more)
        assert journals.append(folder, UNIT, WHO, client, sent) == last[client]
    found = read_journal(folder, UNIT, WHO)
    assert [entry["n"] for entry in found] == list(range(1, len(found) + 1))
    for client, top in last.items():
        assert [e["seq"] for e in found if e["client"] == client] == list(range(1, top + 1))
    assert Journals().clients(folder, UNIT, WHO) == {name: top for name, top in last.items() if top}


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_journal_cut_anywhere_in_its_last_line_goes_on(folder: StudyFolder, cut: int) -> None:
    journals = Journals()
    journals.append(folder, UNIT, WHO, "tab", entries(1, 2))
    path = journal_path(folder, UNIT, WHO)
    path.write_bytes(path.read_bytes()[:-cut])
    # Where the end of the line alone is lost, the entry is whole.
    assert numbers(folder) == [(1, 1), (2, 2)][: 2 if cut == 1 else 1]
    assert journals.append(folder, UNIT, WHO, "tab", entries(1, 2, 3)) == 3
    assert numbers(folder) == [(1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize(
    "line",
    [
        b"\n", b"null\n", b"[]\n", b"5\n", b"{}\n", b'{"n": 1}\n', b"\xff\xfe\n",
        b'{"n": 1, "client": "x"}\n', b"\0" * 40 + b"\n", b"<<<<<<< conflict\n",
    ],
)  # fmt: skip
def test_lines_that_are_no_entries_are_passed_over(folder: StudyFolder, line: bytes) -> None:
    journals = Journals()
    journals.append(folder, UNIT, WHO, "tab", entries(1))
    path = journal_path(folder, UNIT, WHO)
    path.write_bytes(line + path.read_bytes() + line)
    assert numbers(folder) == [(1, 1)]
    assert journals.append(folder, UNIT, WHO, "tab", entries(2)) == 2
    assert numbers(folder) == [(1, 1), (2, 2)]


def test_a_disk_that_takes_half_a_line_keeps_nothing_of_it(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    journals = Journals()
    journals.append(folder, UNIT, WHO, "tab", entries(1))
    path = journal_path(folder, UNIT, WHO)
    before = path.read_bytes()
    plain_open = Path.open

    class Full:
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self._stream.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

        def write(self, content: bytes) -> int:
            return int(self._stream.write(content[: len(content) // 2]))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", lambda self, *given, **more: Full(plain_open(self, *given, **more)))
        with pytest.raises(OSError, match="No space left") as caught:
            journals.append(folder, UNIT, WHO, "tab", entries(2, 3))
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == before
    assert journals.append(folder, UNIT, WHO, "tab", entries(2, 3)) == 3
    assert numbers(folder) == [(1, 1), (2, 2), (3, 3)]


def test_what_could_not_be_flushed_is_not_confirmed_and_may_be_sent_again(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    journals = Journals()

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output error"):
            journals.append(folder, UNIT, WHO, "tab", entries(1, 2))
    assert journals.append(folder, UNIT, WHO, "tab", entries(1, 2)) == 2
    assert numbers(folder) == [(1, 1), (2, 2)]


def test_a_journal_that_was_removed_begins_anew(folder: StudyFolder) -> None:
    journals = Journals()
    journals.append(folder, UNIT, WHO, "tab", entries(1, 2))
    journal_path(folder, UNIT, WHO).unlink()
    assert journals.clients(folder, UNIT, WHO) == {}
    with pytest.raises(JournalGap):
        journals.append(folder, UNIT, WHO, "tab", entries(3))
    assert journals.append(folder, UNIT, WHO, "tab", entries(1)) == 1


def test_what_was_seen_is_told_from_what_was_drawn(folder: StudyFolder) -> None:
    journals = Journals()
    journals.append(folder, UNIT, WHO, "tab", entries(1))
    journals.note(folder, UNIT, WHO, SHOWN, {"candidate": "log-spots"})
    journals.note(folder, UNIT, WHO, "time", {"seconds": 3})
    journals.note(folder, UNIT, "ben", SHOWN, {"candidate": "other"})
    assert [entry["data"] for entry in proposals_shown(folder, UNIT, WHO)] == [{"candidate": "log-spots"}]
    assert journals.clients(folder, UNIT, WHO) == {"tab": 1, SERVER: 2}
    assert journal_annotators(folder, UNIT) == ["anna", "ben"]
    assert proposals_shown(folder, "nothing", WHO) == [] and journal_annotators(folder, "nothing") == []


def test_a_journal_is_given_part_by_part(folder: StudyFolder) -> None:
    Journals().append(folder, UNIT, WHO, "tab", entries(*range(1, 31)))
    found, after = [], 0
    while part := read_journal(folder, UNIT, WHO, after=after, most=7):
        found += [entry["seq"] for entry in part]
        after = part[-1]["n"]
    assert found == list(range(1, 31))
    assert read_journal(folder, UNIT, WHO, most=0) == []


def test_each_entry_is_a_line_of_json_for_other_programs(folder: StudyFolder) -> None:
    Journals().append(folder, UNIT, WHO, "tab", entries(1, text="Zelle „ü“\n漢"))
    (line,) = journal_path(folder, UNIT, WHO).read_text(encoding="utf-8").splitlines()
    assert "漢" in line and json.loads(line)["data"]["text"] == "Zelle „ü“\n漢"
