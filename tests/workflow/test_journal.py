"""Journals of strokes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from veriscope.workflow.journal import JournalGap, Journals, journal_annotators, journal_path, read_journal
from veriscope.workflow.layout import StudyFolder


def entries(*numbers: int) -> list[dict[str, Any]]:
    return [{"seq": n, "time": "t", "kind": "stroke", "data": {"n": n}} for n in numbers]


def test_entries_keep_their_order_and_are_there_once(tmp_path: Path) -> None:
    folder, journals = StudyFolder(tmp_path), Journals()
    assert journals.append(folder, "u", "anna", "tab", entries(2, 1)) == 2
    assert journals.append(folder, "u", "anna", "tab", entries(1, 2, 3)) == 3
    assert journals.append(folder, "u", "anna", "tab", []) == 3
    found = read_journal(folder, "u", "anna")
    assert [(item["n"], item["seq"], item["data"]["n"]) for item in found] == [
        (1, 1, 1),
        (2, 2, 2),
        (3, 3, 3),
    ]
    assert read_journal(folder, "u", "anna", after=1, most=1)[0]["n"] == 2
    assert (read_journal(folder, "u", "ben"), journal_annotators(folder, "u")) == ([], ["anna"])


def test_a_gap_adds_nothing(tmp_path: Path) -> None:
    folder, journals = StudyFolder(tmp_path), Journals()
    journals.append(folder, "u", "anna", "tab", entries(1))
    with pytest.raises(JournalGap) as caught:
        journals.append(folder, "u", "anna", "tab", entries(2, 4))
    assert caught.value.last_seq == 1
    assert str(caught.value) == "entries are missing after 1; send all from 2 on, in order"
    assert len(read_journal(folder, "u", "anna")) == 1


def test_another_program_may_write_too(tmp_path: Path) -> None:
    folder, here, there = StudyFolder(tmp_path), Journals(), Journals()
    here.append(folder, "u", "anna", "tab", entries(1))
    there.append(folder, "u", "anna", "tab", entries(1, 2))
    assert here.append(folder, "u", "anna", "tab", entries(2, 3)) == 3
    assert [item["n"] for item in read_journal(folder, "u", "anna")] == [1, 2, 3]


def test_half_a_line_is_left_out_and_the_next_stands_alone(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    Journals().append(folder, "u", "anna", "tab", entries(1))
    with journal_path(folder, "u", "anna").open("ab") as stream:
        stream.write(b'{"n": 2, "client"')
    assert Journals().append(folder, "u", "anna", "tab", entries(2)) == 2
    assert [item["seq"] for item in read_journal(folder, "u", "anna")] == [1, 2]


def test_windows_write_at_once_without_losing_a_stroke(tmp_path: Path) -> None:
    folder, journals = StudyFolder(tmp_path), Journals()

    def draw(tab: str) -> None:
        for number in range(1, 21):
            journals.append(folder, "u", "anna", tab, entries(number))

    threads = [threading.Thread(target=draw, args=(f"tab{n}",)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read_journal(folder, "u", "anna")
    assert [item["n"] for item in found] == list(range(1, 101))
    assert journals.clients(folder, "u", "anna") == {f"tab{n}": 20 for n in range(5)}


def test_notes_of_the_program_are_numbered(tmp_path: Path) -> None:
    folder, journals = StudyFolder(tmp_path), Journals()
    for candidate in ("a", "b"):
        journals.note(folder, "u", "anna", "proposal-shown", {"candidate": candidate})
    found = read_journal(folder, "u", "anna")
    assert [(item["client"], item["seq"], item["data"]["candidate"]) for item in found] == [
        ("server", 1, "a"),
        ("server", 2, "b"),
    ]


def test_notes_at_once_are_all_kept(tmp_path: Path) -> None:
    folder, journals = StudyFolder(tmp_path), Journals()

    def look(candidate: str) -> None:
        for _ in range(10):
            journals.note(folder, "u", "anna", "proposal-shown", {"candidate": candidate})

    threads = [threading.Thread(target=look, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read_journal(folder, "u", "anna")
    assert [item["seq"] for item in found] == list(range(1, 41))
    assert sorted(item["data"]["candidate"] for item in found) == sorted("abcd" * 10)
