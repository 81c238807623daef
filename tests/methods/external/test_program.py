"""Running a program to its end: what it is told, what is told of it, and how it is stopped."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from veriscope.errors import MethodError
from veriscope.methods.external.program import run_program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="scripts of a shell")

RUNNING = "while :; do sleep 0.05; done"


def run(script: str, folder: Path, **options: object) -> str:
    return run_program("fiji:mine", ["/bin/sh", "-c", script], folder, **options)  # type: ignore[arg-type]


def is_alive(number: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def await_end(number: int) -> None:
    """Wait for a process that was told to end; a minute is for a computer that does much else."""
    for _ in range(600):
        if not is_alive(number):
            return
        time.sleep(0.1)
    raise AssertionError(f"process {number} goes on")


def test_the_last_three_lines_that_it_printed_are_given(tmp_path: Path) -> None:
    assert run("printf 'one\\n\\n  two  \\nthree\\n'; echo four >&2", tmp_path) == "two | three | four"
    assert run(":", tmp_path) == ""


def test_long_words_are_cut_and_what_is_no_text_does_no_harm(tmp_path: Path) -> None:
    long = run("i=0; while [ $i -lt 900 ]; do printf x; i=$((i+1)); done; printf end", tmp_path)
    assert len(long) == 400 and long.endswith("xend")
    assert run("printf 'a\\377b\\n'", tmp_path) == "a\ufffdb"


def test_it_works_in_its_folder_without_input(tmp_path: Path) -> None:
    assert run("pwd -P; cat; touch made", tmp_path) == str(tmp_path.resolve())
    assert (tmp_path / "made").is_file()


def test_our_python_does_not_lead_its_own_astray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "VERISCOPE_KEPT"):
        monkeypatch.setenv(name, "set")
    said = run('echo "$PYTHONPATH-$PYTHONHOME-$VIRTUAL_ENV-$VERISCOPE_KEPT"', tmp_path)
    assert said == "---set"


@pytest.mark.parametrize(("threads", "said"), [(0, "own own"), (3, "3 3")])
def test_threads_are_told_where_they_are_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, said: str
) -> None:
    for name in ("LAZYFLOW_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "own")
    assert run('echo "$LAZYFLOW_THREADS $OMP_NUM_THREADS"', tmp_path, threads=threads) == said


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 3", "fiji:mine: sh failed with exit code 3"),
        (
            "echo no display; exit 1",
            "fiji:mine: sh failed with exit code 1. Its last words: no display",
        ),
        ("kill -9 $$", "fiji:mine: sh failed with exit code -9"),
    ],
)
def test_a_failure_is_told_with_its_last_words(tmp_path: Path, script: str, said: str) -> None:
    with pytest.raises(MethodError) as error:
        run(script, tmp_path)
    assert str(error.value) == said


def test_a_failure_after_the_result_is_none(tmp_path: Path) -> None:
    """Such as of a program that crashes when it closes its windows."""
    done = tmp_path / "done"
    assert run("echo bye; touch done; exit 7", tmp_path, finished=done.exists) == "bye"


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    for command in (tmp_path / "missing", tmp_path):
        with pytest.raises(MethodError) as error:
            run_program("fiji:mine", [str(command)], tmp_path)
        assert str(error.value).startswith(f"fiji:mine: {command} cannot be started: ")


def test_one_that_takes_too_long_is_stopped_with_those_it_started(tmp_path: Path) -> None:
    with pytest.raises(MethodError) as error:
        run(f"({RUNNING}) & echo $! > child; echo busy; {RUNNING}", tmp_path, seconds=1.0)
    assert str(error.value) == (
        "fiji:mine: gave no result within 1 s and was stopped; allow more with -p timeout=SECONDS. Its last "
        "words: busy"
    )
    await_end(int((tmp_path / "child").read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="memory is watched on Linux")
def test_one_that_takes_too_much_memory_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(MethodError) as error:
        run(f"echo $$ > number; {RUNNING}", tmp_path, memory_bytes=1)
    assert str(error.value) == (
        "fiji:mine: used more than the 0.0 GB of memory allowed and was stopped; give smaller images, or "
        "more with --memory or -p memory_gb=N"
    )
    number = (tmp_path / "number").read_text() if (tmp_path / "number").exists() else ""
    assert not number or not is_alive(int(number)), "it may have been stopped before it wrote its number"


def test_one_that_stays_is_ended_once_its_result_is_there(tmp_path: Path) -> None:
    done = tmp_path / "done"
    said = run(f"echo $$ > number; echo ready; touch done; {RUNNING}", tmp_path, finished=done.exists)
    assert said == "ready"
    assert not is_alive(int((tmp_path / "number").read_text()))
