"""One run at a time: others are refused, the dead keep nobody out, and nothing stays behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from veriscope.errors import InputError
from veriscope.io.lock import only_run

HOLD = """
import sys
from pathlib import Path
from veriscope.io.lock import only_run
with only_run(Path(sys.argv[1]), place=Path("out")):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(lock: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_refused_and_told_who_is_there(tmp_path: Path) -> None:
    lock = tmp_path / "out" / "lock"
    with holder(lock) as process:
        with pytest.raises(InputError) as error, only_run(lock, place=Path("my-labels")):
            pytest.fail("two runs at once")
        assert str(error.value) == (
            f"my-labels: another run is writing there now (process {process.pid}); wait until it has ended, "
            "then give the same command again, or choose another output"
        )
    assert process.returncode == 0
    assert not lock.exists()


def test_a_run_that_was_killed_keeps_nobody_out(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with holder(lock) as process:
        process.kill()
    assert lock.exists()
    with only_run(lock, place=tmp_path):
        assert lock.read_text() == str(os.getpid())
    assert not lock.exists()


def test_what_goes_wrong_inside_goes_on_and_frees_the_place(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError), only_run(lock, place=tmp_path):
        raise ZeroDivisionError
    with only_run(lock, place=tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_of_many_that_come_and_go_one_at_a_time_is_inside(tmp_path: Path) -> None:
    inside, most, entered = [0], [0], [0]

    def come_and_go() -> None:
        for _ in range(40):
            try:
                with only_run(tmp_path / "lock", place=tmp_path):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    entered[0] += 1
                    inside[0] -= 1
            except InputError:
                continue

    threads = [threading.Thread(target=come_and_go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1
    assert entered[0] >= 40


def test_a_disk_without_locks_lets_everybody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    import veriscope.io.lock as lock

    def without(file: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(lock, "take_lock", without)
    with only_run(tmp_path / "lock", place=tmp_path), only_run(tmp_path / "lock", place=tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match="a part of the path is a file"),
        only_run(tmp_path / "file" / "lock", place=tmp_path),
    ):
        pytest.fail("no place")
