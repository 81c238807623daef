"""What the command line changes in a study is heard of by the pages that are open."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.server.conftest import Running
from tests.server.test_jobs import _quietly

from veriscope.server.events import Events
from veriscope.server.watcher import StudyWatcher
from veriscope.server.workspace import Workspace
from veriscope.workflow.study import Study


class Heard(Events):
    """Events as one browser would hear them."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, Any]] = []
        self.listening = True

    @property
    def is_heard(self) -> bool:
        return self.listening

    def send(self, event: str, data: Any) -> None:
        self.sent.append((event, data))

    def take(self) -> list[tuple[str, str]]:
        found = [(data["study"], data["what"]) for _, data in self.sent]
        self.sent.clear()
        return found


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def watcher(workspace: Path, heard: Heard) -> Iterator[StudyWatcher]:
    found = StudyWatcher(Workspace(workspace), heard, lambda study: study == "busy")
    heard.before_study(found.take_note)
    found.look()
    yield found


def test_nothing_is_told_while_nothing_changes(watcher: StudyWatcher, heard: Heard) -> None:
    for _ in range(3):
        watcher.look()
    assert heard.take() == []


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("study.yaml", "study"),
        ("images.csv", "images"),
        ("audit/plan.csv", "audit"),
        ("evidence/verdict.json", "answer"),
        ("report/index.html", "answer"),
        ("record.jsonl", "candidates"),
    ],
)
def test_a_changed_file_is_told_once(
    watcher: StudyWatcher, heard: Heard, workspace: Path, name: str, part: str
) -> None:
    path = workspace / "small" / name
    path.write_bytes(path.read_bytes() + b"\n")
    watcher.look()
    assert heard.take() == [("small", part)]
    watcher.look()
    assert heard.take() == []


def test_studies_that_come_and_go_are_told(watcher: StudyWatcher, heard: Heard, workspace: Path) -> None:
    shutil.copytree(workspace / "small", workspace / "second")
    watcher.look()
    assert heard.take() == [("second", "study")]
    shutil.rmtree(workspace / "second")
    watcher.look()
    assert heard.take() == [("second", "study")]


def test_the_first_study_of_an_empty_folder_is_told(tmp_path: Path, heard: Heard, workspace: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = StudyWatcher(Workspace(tmp_path / "empty"), heard, lambda _: False)
    found.look()
    shutil.copytree(workspace / "small", tmp_path / "empty" / "first")
    found.look()
    assert heard.take() == [("first", "study")]
    shutil.rmtree(tmp_path / "empty" / "first")
    found.look()
    assert heard.take() == [("first", "study")]


def test_what_the_server_told_is_not_told_again(watcher: StudyWatcher, heard: Heard, workspace: Path) -> None:
    path = workspace / "small" / "images.csv"
    path.write_bytes(path.read_bytes() + b"\n")
    heard.study("small", "images")
    assert heard.take() == [("small", "images")]
    watcher.look()
    assert heard.take() == []
    path.write_bytes(path.read_bytes() + b"\n")  # by somebody else, after that
    watcher.look()
    assert heard.take() == [("small", "images")]


def test_a_study_at_work_is_told_of_by_its_job(watcher: StudyWatcher, heard: Heard, workspace: Path) -> None:
    shutil.copytree(workspace / "small", workspace / "busy")
    watcher.look()
    (workspace / "busy" / "record.jsonl").write_text("")
    watcher.look()
    assert heard.take() == []


def test_without_listeners_nothing_is_looked_at(
    watcher: StudyWatcher, heard: Heard, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard.listening = False
    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "names", lambda self: pytest.fail("looked at"))
        watcher.look()
    (workspace / "small" / "record.jsonl").write_text("")
    heard.listening = True
    watcher.look()  # who begins to listen loads everything anyway
    assert heard.take() == []


def test_a_command_in_a_terminal_reaches_the_page(workspace: Path, launch: Callable[..., Running]) -> None:
    running, seen, ready = launch(workspace), [], threading.Event()
    listener = threading.Thread(target=_quietly, args=(running.client(), seen, ready), daemon=True)
    listener.start()
    assert ready.wait(20)
    time.sleep(2.5)  # the first look only takes note
    Study(workspace / "small").audit(more=2)
    until = time.monotonic() + 60
    wanted = ("study", {"study": "small", "what": "audit"})
    while wanted not in seen and time.monotonic() < until:
        time.sleep(0.1)
    assert wanted in seen, json.dumps(seen)
