"""What is made from files is made once for each state of them, however many ask."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from veriscope.server import kept as module
from veriscope.server.kept import Kept, KeptResults
from veriscope.server.study_files import STUDY_FILES, stamp_of, stamps_of
from veriscope.workflow.config import StudyConfig, read_config
from veriscope.workflow.layout import StudyFolder


class Counted:
    """Computes a number that tells how often it was asked."""

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.calls: list[str | None] = []
        self._seconds = seconds

    def __call__(self, folder: StudyFolder, config: StudyConfig, *, method: str | None) -> dict[str, Any]:
        self.calls.append(method)
        time.sleep(self._seconds)
        return {"n": len(self.calls), "method": method}


@pytest.fixture
def folder(workspace: Path) -> StudyFolder:
    return StudyFolder(workspace / "small")


@pytest.fixture
def config(folder: StudyFolder) -> StudyConfig:
    return read_config(folder.config)


def test_the_same_state_is_computed_once_for_each_method(folder: StudyFolder, config: StudyConfig) -> None:
    kept, compute = KeptResults(), Counted()
    for method in (None, "a", None, "a", "b"):
        assert kept.get(folder, config, method, compute)["method"] == method
    assert compute.calls == [None, "a", "b"]


def test_who_asks_at_once_waits_for_one(folder: StudyFolder, config: StudyConfig) -> None:
    kept, compute = KeptResults(), Counted(seconds=0.1)
    found: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda: found.append(kept.get(folder, config, None, compute)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(compute.calls) == 1 and found == [{"n": 1, "method": None}] * 8


@pytest.mark.parametrize(
    "name",
    [
        "study.yaml",
        "images.csv",
        "audit/frame.csv",
        "evidence/validate.json",
        "measurements/log-spots.parquet",
    ],
)
def test_after_a_change_of_what_it_rests_on_it_is_computed_anew(
    folder: StudyFolder, config: StudyConfig, name: str
) -> None:
    kept, compute = KeptResults(), Counted()
    assert kept.get(folder, config, None, compute)["n"] == 1
    path = folder.root / name
    path.write_bytes(path.read_bytes())
    assert kept.get(folder, config, None, compute)["n"] == 2
    path.unlink()
    assert kept.get(folder, config, None, compute)["n"] == 3


def test_a_new_version_of_a_tile_counts(folder: StudyFolder, config: StudyConfig) -> None:
    kept, compute = KeptResults(), Counted()
    kept.get(folder, config, None, compute)
    (old, *_) = (folder.root / "annotations").glob("*/reference.v1.tif")
    for ending in (".json", ".tif"):
        old.with_name(f"anna.v2{ending}").write_bytes(old.with_suffix(ending).read_bytes())
    assert kept.get(folder, config, None, compute)["n"] == 2
    (old.parent / "anna.journal.jsonl").write_text("{}\n")
    assert kept.get(folder, config, None, compute)["n"] == 2, "a stroke is no annotation yet"


def test_what_fails_is_tried_again(folder: StudyFolder, config: StudyConfig) -> None:
    kept, compute = KeptResults(), Counted()

    def fail(*_: Any, **__: Any) -> dict[str, Any]:
        raise OSError("the disk was away")

    with pytest.raises(OSError, match="away"):
        kept.get(folder, config, None, fail)
    assert kept.get(folder, config, None, compute)["n"] == 1


def test_few_are_kept(folder: StudyFolder, config: StudyConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    kept, compute = KeptResults(), Counted()
    for method in ("a", "b", "c", "c", "a"):
        kept.get(folder, config, method, compute)
    assert compute.calls == ["a", "b", "c", "a"]


def test_a_value_is_made_again_in_another_state_and_only_then() -> None:
    kept: Kept[str, str] = Kept(5)
    made: list[str] = []

    def make(text: str) -> Callable[[], str]:
        return lambda: made.append(text) or text  # type: ignore[func-returns-value]

    assert kept.get("a", 1, make("first")) == kept.get("a", 1, make("never")) == "first"
    assert kept.get("a", 2, make("second")) == "second"
    assert kept.get("a", 1, make("third")) == "third", "what was made of the first state is forgotten"
    assert kept.get("b", 1, make("other")) == "other"
    assert made == ["first", "second", "third", "other"]


def test_what_cannot_be_made_leaves_what_was_there() -> None:
    kept: Kept[str, int] = Kept(5)
    assert kept.get("a", 1, lambda: 10) == 10
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            kept.get("a", 2, lambda: 1 // 0)
    assert kept.get("a", 1, lambda: pytest.fail("it is there")) == 10
    assert kept.get("a", 2, lambda: 20) == 20


def test_what_was_asked_for_last_stays() -> None:
    kept: Kept[str, str] = Kept(2)
    for name in ("a", "b", "a", "c"):
        assert kept.get(name, None, lambda name=name: name) == name
    assert kept.get("a", None, lambda: "anew") == "a"
    assert kept.get("b", None, lambda: "anew") == "anew"


def test_different_keys_do_not_wait_for_each_other() -> None:
    kept: Kept[str, str] = Kept(5)
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert go_on.wait(60)
        return "slow"

    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(kept.get("slow", 1, slow)))
    thread.start()
    assert begun.wait(60)
    assert kept.get("fast", 1, lambda: "fast") == "fast"
    go_on.set()
    thread.join(60)
    assert found == ["slow"]


def test_stamps_tell_any_change_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "images.csv"
    assert stamp_of(path) == (0, -1, 0)
    path.write_text("a")
    seen = [stamp_of(path)]
    path.write_text("ab")
    os.utime(path, ns=(seen[0][0], seen[0][0]))  # as an editor on a disk with coarse times leaves it
    seen.append(stamp_of(path))
    os.utime(path, ns=(5, 5))
    seen.append(stamp_of(path))
    other = tmp_path / "other"
    other.write_text("cd")
    os.utime(other, ns=(5, 5))
    other.replace(path)  # same time, same size: another file
    seen.append(stamp_of(path))
    path.unlink()
    seen.append(stamp_of(path))
    assert len(set(seen)) == len(seen) and seen[-1] == (0, -1, 0)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert stamp_of(tmp_path / "loop") == (0, -1, 0)


def test_a_study_has_a_stamp_for_each_of_its_files(folder: StudyFolder) -> None:
    before = stamps_of(folder.root)
    assert len(before) == len(STUDY_FILES)
    for at, name in enumerate(STUDY_FILES):
        path = folder.root / name
        (path / "new.tif").touch() if path.is_dir() else path.write_bytes(path.read_bytes() + b"\n")
        now = stamps_of(folder.root)
        assert [n for n, (old, new) in enumerate(zip(before, now, strict=True)) if old != new] == [at]
        before = now
