"""Results that take seconds are computed once for each state of a study, however many ask."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from veriscope.server import kept as module
from veriscope.server.kept import KeptResults
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
