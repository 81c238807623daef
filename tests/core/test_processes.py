"""Children of a process, and theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from veriscope.core.processes import descendants

tells = pytest.mark.skipif(
    not Path(f"/proc/self/task/{os.getpid()}/children").exists(), reason="the system does not tell"
)


@tells
@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
def test_children_of_children_are_found_and_gone_when_they_ended() -> None:
    script = "sleep 60 & echo $!; read line; kill $!; wait"
    with subprocess.Popen(
        ["sh", "-c", f"sh -c '{script}'; true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        sleeper = process.stdout.readline().strip()
        found = descendants(process.pid)
        assert sleeper in found and len(found) == 2 and str(process.pid) not in found
        assert {str(process.pid), *found} <= set(descendants())
        process.stdin.write("\n")
        process.stdin.close()
        process.wait(timeout=60)
    assert descendants(process.pid) == []


def test_where_the_system_does_not_tell_there_are_none(tmp_path: Path) -> None:
    assert descendants(proc=tmp_path) == []
    assert descendants(2**22 + 1) == []


def test_every_thread_counts_and_one_that_has_ended_does_no_harm(tmp_path: Path) -> None:
    for place, children in (("7/task/7", "8 9"), ("7/task/10", "11"), ("8/task/8", "12 "), ("9/task/9", "")):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "children").write_text(children)
    (tmp_path / "7/task/99").mkdir()
    assert sorted(descendants(7, proc=tmp_path)) == ["11", "12", "8", "9"]
