"""The record of a study: a step is done once for the same inputs, and what was damaged counts as not done."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import UnreadableFileError
from veriscope.io import record as module
from veriscope.io.hashing import sha256_of
from veriscope.io.record import RECORD_SCHEMA, Record, environment

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(max_size=8)
    | st.lists(st.integers(), max_size=3)
)


class Maker:
    """Writes a file, and counts how often."""

    def __init__(self, root: Path, name: str = "out.txt") -> None:
        self.root, self.name, self.n = root, name, 0
        (root / "in.txt").write_text("input")

    def work(self) -> dict[str, Any]:
        self.n += 1
        (self.root / self.name).write_text("made")
        return {"n": self.n}

    def step(self, record: Record | None = None, **changes: Any) -> bool:
        given_: dict[str, Any] = {"inputs": ["in.txt"], "parameters": {"a": 1}, "outputs": [self.name]}
        return (record or Record(self.root)).step("make", work=self.work, **(given_ | changes))


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def test_a_step_is_done_once(maker: Maker) -> None:
    assert [maker.step() for _ in range(3)] == [True, False, False] and maker.n == 1
    record = Record(maker.root)
    assert [maker.step(record) for _ in range(2)] == [False, False]
    (entry,) = record.entries()
    assert (entry["schema"], entry["step"], entry["details"]) == (RECORD_SCHEMA, "make", {"n": 1})
    assert entry["inputs"] == {"in.txt": sha256_of(maker.root / "in.txt")}
    assert entry["outputs"] == {"out.txt": sha256_of(maker.root / "out.txt")}
    assert entry["cost"]["bytes_read"] == 5 and entry["cost"]["bytes_written"] == 4


@pytest.mark.parametrize(
    "what", ["input", "output", "output gone", "parameters", "other input", "other name", "record gone"]
)
def test_after_any_change_it_is_done_again_and_then_not(maker: Maker, what: str) -> None:
    maker.step()
    changes: dict[str, Any] = {}
    if what == "input":
        (maker.root / "in.txt").write_text("another")
    elif what == "output":
        (maker.root / "out.txt").write_text("damaged")
    elif what == "output gone":
        (maker.root / "out.txt").unlink()
    elif what == "parameters":
        changes["parameters"] = {"a": 2}
    elif what == "other input":
        (maker.root / "more.txt").write_text("x")
        changes["inputs"] = ["in.txt", "more.txt"]
    elif what == "other name":
        Record(maker.root).step("other", parameters={}, outputs=["out.txt"], work=maker.work)
    else:
        Record(maker.root).path.unlink()
    before = maker.n
    assert [maker.step(**changes) for _ in range(2)] == [True, False] and maker.n == before + 1


def test_back_to_what_it_was_is_another_time(maker: Maker) -> None:
    """The output is that of the last step, whatever was there before."""
    for a in (1, 2, 1, 1):
        maker.step(parameters={"a": a})
    assert maker.n == 3


@settings(max_examples=30)
@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
def test_the_order_of_parameters_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, parameters: dict[str, Any]
) -> None:
    maker = Maker(tmp_path_factory.mktemp("study"))
    backwards = dict(reversed(parameters.items()))
    assert [maker.step(parameters=given_) for given_ in (parameters, backwards)] == [True, False]
    (entry,) = Record(maker.root).entries()
    assert entry["parameters"] == json.loads(json.dumps(parameters))


def test_a_step_that_fails_is_not_recorded(maker: Maker) -> None:
    def fail() -> None:
        (maker.root / "out.txt").write_text("half")
        raise OSError("the disk was away")

    with pytest.raises(OSError, match="away"):
        Record(maker.root).step("make", parameters={"a": 1}, outputs=["out.txt"], work=fail)
    assert Record(maker.root).entries() == []
    assert maker.step() and maker.n == 1


def test_a_step_that_writes_nothing_is_an_error(maker: Maker) -> None:
    with pytest.raises(UnreadableFileError, match=r"out\.txt"):
        Record(maker.root).step("make", parameters={}, outputs=["out.txt"], work=lambda: None)
    assert Record(maker.root).entries() == []


def test_an_input_that_is_not_there_is_named_before_the_work(maker: Maker) -> None:
    with pytest.raises(UnreadableFileError, match=r"none\.txt"):
        maker.step(inputs=["none.txt"])
    assert maker.n == 0


def test_without_an_output_it_is_done_each_time(maker: Maker) -> None:
    assert [maker.step(outputs=[]) for _ in range(2)] == [True, True]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"\xff\xfe",
        b"\0" * 30,
        b'{"outputs": {}}',
        b"<<<<<<< HEAD",
    ],
)
def test_lines_that_are_no_entries_are_passed_over(maker: Maker, line: bytes) -> None:
    maker.step()
    path = Record(maker.root).path
    path.write_bytes(line + b"\n" + path.read_bytes() + line + b"\n")
    assert not maker.step()
    assert maker.step(parameters={"a": 2}) and not maker.step(parameters={"a": 2})


@pytest.mark.parametrize("cut", range(1, 400, 57))
def test_a_last_line_that_was_cut_means_once_more_the_same(maker: Maker, cut: int) -> None:
    maker.step()
    maker.step(parameters={"a": 2})
    path = Record(maker.root).path
    path.write_bytes(path.read_bytes()[:-cut])
    again = maker.step(parameters={"a": 2})
    assert again == (cut > 1)  # the end of the line alone is no loss
    assert not maker.step(parameters={"a": 2})
    assert [entry["parameters"]["a"] for entry in Record(maker.root).entries()] == [1, 2]


def test_the_newest_entry_of_a_file_counts(maker: Maker) -> None:
    for a in (1, 2):
        maker.step(parameters={"a": a})
    record = Record(maker.root)
    entry = record.latest("out.txt")
    assert entry is not None and entry["parameters"] == {"a": 2}
    assert record.latest(Path("out.txt")) == entry and record.latest("nothing") is None


def test_a_note_stands_once_for_the_same(maker: Maker) -> None:
    maker.work()
    for source in ("x", "x", "y"):
        Record(maker.root).note("new", inputs={"/far/a.tif": source}, parameters={}, outputs=["out.txt"])
    assert [entry["inputs"]["/far/a.tif"] for entry in Record(maker.root).entries()] == ["x", "y"]


def test_lines_kept_elsewhere_are_added_here(maker: Maker) -> None:
    import pickle

    record = Record(maker.root, grouped=True)
    there = pickle.loads(pickle.dumps(record))
    assert maker.step(there)
    assert record.entries() == [], "another process writes nothing into the record itself"
    lines = there.kept()
    assert len(lines) == 1 and there.kept() == []
    record.add(lines)
    record.flush()
    assert [entry["step"] for entry in Record(maker.root).entries()] == ["make"]
    assert not maker.step()


def test_several_threads_lose_no_line(tmp_path: Path) -> None:
    makers = [Maker(tmp_path, f"out{n}.txt") for n in range(6)]
    threads = [threading.Thread(target=maker.step) for maker in makers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = {next(iter(entry["outputs"])) for entry in Record(tmp_path).entries()}
    assert found == {f"out{n}.txt" for n in range(6)}


def test_what_software_made_a_file_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = environment()
    assert found["packages"]["numpy"] and found["python"].count(".") == 2
    json.dumps(found)
    assert module._version("no-such-package") is None
