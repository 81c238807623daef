"""Killed with SIGKILL at any moment, a study resumes to the same bytes."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from veriscope.workflow.study import Study

DERIVED = ("images.csv", "predictions", "measurements", "audit", "annotations", "evidence")


class Mortals:
    """Runs command lines in processes that may be killed."""

    def __init__(self, errors: Path) -> None:
        self._errors = errors.open("wb")
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("mortal.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            bufsize=1,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    def _ask(self, line: str) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(line + "\n")
        return int(self._server.stdout.readline())

    def run(self, *argv: str | Path, die: tuple[str, int] | None = None, after: float | None = None) -> int:
        """Run a command line; give its exit status, -9 if it was killed `after` seconds or at `die`."""
        request: dict[str, object] = {"argv": [str(item) for item in argv]}
        if die is not None:
            request["die"] = die
        process = self._ask(json.dumps(request))
        if after is not None:
            time.sleep(after)
            os.kill(process, signal.SIGKILL)
        return self._ask("wait")

    def close(self) -> None:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(timeout=30)
        self._server.stdout.close()
        self._errors.close()


@pytest.fixture(scope="module")
def mortals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mortals]:
    found = Mortals(tmp_path_factory.mktemp("mortals") / "stderr")
    yield found
    found.close()


@pytest.fixture
def new_study(tmp_path: Path, finished: Study) -> Path:
    """A study that is just made: what was derived later is taken out of a copy of the finished one."""
    path = tmp_path / "study"
    shutil.copytree(finished.path, path)
    for name in (*DERIVED[1:], "report"):
        shutil.rmtree(path / name)
    (path / "record.jsonl").unlink()
    return path


def derived(study: Path) -> dict[str, bytes]:
    """Give the bytes of everything that a run derives; of temporary files too, which must not be left."""
    files = [path for name in DERIVED for path in (study / name, *(study / name).rglob("*"))]
    return {path.relative_to(study).as_posix(): path.read_bytes() for path in files if path.is_file()}


def walk(study: Path, labels: Path) -> None:
    """Go the rest of the path."""
    opened = Study(study)
    opened.run()
    opened.audit(tiles=24)
    opened.import_references(labels, annotator="reference", whole_images=True)
    opened.verdict()


def test_run_killed_at_random_moments(
    mortals: Mortals, new_study: Path, finished: Study, tiny_data: Path
) -> None:
    copy = new_study.with_name("uninterrupted")
    shutil.copytree(new_study, copy)
    assert mortals.run("audit", copy) == 0  # answers when the process of processes is ready
    started = time.perf_counter()
    assert mortals.run("run", copy, "-q") == 0
    whole = time.perf_counter() - started
    chance = random.Random(1)
    kills = 0
    for _ in range(30):
        status = mortals.run("run", new_study, "-q", after=chance.uniform(0.1, 0.6) * whole)
        kills += status == -signal.SIGKILL
        if kills == 6:
            break
        if status == 0:  # done in spite of the kills: once more from the start
            shutil.rmtree(new_study / "predictions")
            shutil.rmtree(new_study / "measurements")
    assert kills >= 6
    walk(new_study, tiny_data / "labels")
    assert derived(new_study) == derived(finished.path)


@pytest.mark.parametrize(
    "place", ["before the record", "within the record", "before the renaming", "while renaming"]
)
def test_run_killed_at_its_weakest_places(
    mortals: Mortals, new_study: Path, finished: Study, tiny_data: Path, place: str
) -> None:
    for nth in (1, 4, 9):
        assert mortals.run("run", new_study, "-q", die=(place, nth)) == -signal.SIGKILL
    walk(new_study, tiny_data / "labels")
    assert derived(new_study) == derived(finished.path)


@pytest.mark.parametrize("nth", [1, 2, 7])
def test_audit_import_and_verdict_killed(
    mortals: Mortals, new_study: Path, finished: Study, tiny_data: Path, nth: int
) -> None:
    Study(new_study).run()
    steps: list[tuple[str | Path, ...]] = [
        ("audit", new_study, "--tiles", "24"),
        ("audit", new_study, "--reference", tiny_data / "labels"),
    ]
    for step in steps:
        assert mortals.run(*step, die=("before the renaming", nth)) == -signal.SIGKILL
        assert mortals.run(*step) == 0
    assert mortals.run("verdict", new_study, die=("before the record", min(nth, 3))) == -signal.SIGKILL
    walk(new_study, tiny_data / "labels")
    assert derived(new_study) == derived(finished.path)


@pytest.mark.parametrize("nth", [1, 5])
def test_killed_new_leaves_no_study(mortals: Mortals, tiny_data: Path, tmp_path: Path, nth: int) -> None:
    study = tmp_path / "place" / "study"
    line = ("new", study, "--images", tiny_data / "images", "--method", "log-spots", "-q")
    assert mortals.run(*line, die=("before the renaming", nth)) == -signal.SIGKILL
    assert [path.name[:5] for path in study.parent.iterdir()] == [".tmp-"]
    assert mortals.run(*line) == 0
    assert list(study.parent.iterdir()) == [study]
    assert len(Study(study).images) == 8


def test_killed_simulation_leaves_no_folder(mortals: Mortals, tmp_path: Path) -> None:
    line = ("simulate", tmp_path / "data", "--replicates", "1", "--images", "1", "-q")
    assert mortals.run(*line, die=("before the renaming", 4)) == -signal.SIGKILL
    assert not (tmp_path / "data").exists()
    assert mortals.run(*line) == 0
    assert len(list((tmp_path / "data/images").iterdir())) == 3
