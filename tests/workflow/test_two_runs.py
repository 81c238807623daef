"""Two runs of one study at the same time: the second is refused; nothing is mixed, doubled or lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from veriscope.errors import InputError
from veriscope.io.hashing import sha256_of
from veriscope.io.record import Record
from veriscope.workflow.study import Study

COMMAND = [sys.executable, "-c", "from veriscope.cli import main; main()"]


def hashes(study: Path) -> dict[str, str]:
    return {name: sha256_of(study / name) for name in ("predictions", "measurements")}


def test_the_second_run_is_refused_and_the_first_goes_on(
    tmp_path: Path, new_options: dict[str, Any], run_study: Study
) -> None:
    study = Study.new(tmp_path / "both", **new_options)
    refused: list[str] = []

    def second(stage: str, done: int, total: int) -> None:
        if stage.startswith("predict") and done == 1:
            with pytest.raises(InputError) as error:
                Study(study.path).run()
            refused.append(str(error.value))

    runs = study.run(progress=second)
    message = (
        f"{study.path}: another run is writing there now (process {os.getpid()}); wait until it has ended, "
        "then give the same command again: what it did is not done twice"
    )
    assert refused == [message] * len(runs) and len(runs) == 2
    assert [run.not_run for run in runs] == ["", ""]
    assert hashes(study.path) == hashes(run_study.path)
    steps = Counter((entry["step"], *entry["outputs"]) for entry in Record(study.path).entries())
    assert set(steps.values()) == {1}, "nothing was done twice"
    assert [run.n_done for run in Study(study.path).run()] == [0, 0]
    assert not [path.name for path in study.path.iterdir() if path.name.startswith(".")]


def test_a_command_beside_a_run_ends_with_a_sentence(run_study: Study) -> None:
    said: list[subprocess.CompletedProcess[str]] = []

    def second(stage: str, done: int, total: int) -> None:
        if not said:
            command = [*COMMAND, "run", str(run_study.path), "-q"]
            said.append(subprocess.run(command, capture_output=True, text=True, check=False))

    run_study.run(progress=second)
    (second_run,) = said
    assert second_run.returncode == 1
    assert f"another run is writing there now (process {os.getpid()})" in " ".join(second_run.stderr.split())
    assert "Traceback" not in second_run.stderr


@pytest.mark.parametrize("workers", [0, -2, 1.5, True])
def test_no_processes_are_refused_before_anything_is_done(run_study: Study, workers: Any) -> None:
    before = hashes(run_study.path)
    with pytest.raises(InputError, match=rf"--workers {workers}: is no number of processes; give 1"):
        run_study.run(workers=workers)
    assert hashes(run_study.path) == before
    assert not (run_study.path / ".veriscope-running").exists()
