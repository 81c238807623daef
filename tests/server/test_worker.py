"""The process that does a job: what it says, and that nothing it starts waits for ever."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WORK = """
import multiprocessing, sys
from veriscope.server.jobs import work, worker

def forks(study, request, progress):
    progress("fork", 0, 1)
    child = multiprocessing.get_context("fork").Process(target=int)
    child.start()
    child.join(60)
    return {"child": child.exitcode, "asked": len(request.get("text", ""))}

def prints(study, request, progress):
    print("between the messages")
    progress("a", 1, 2)
    from pathlib import Path
    inf = float("inf")
    return {"nan": float("nan"), "all": [inf, -inf, 1.5], "text": "NaN of Infinity", "path": Path("a")}

def fails(study, request, progress):
    from veriscope.errors import StudyError
    raise StudyError(f"{study} is not ready; first: veriscope run {study}")

def waits(study, request, progress):
    progress("wait", 0, 1)
    import time
    for _ in range(2000):
        time.sleep(0.05)

work.WORK = {"forks": forks, "prints": prints, "fails": fails, "waits": waits}
sys.exit(worker.main())
"""


def start(*, ignores: bool = False) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", WORK],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        preexec_fn=(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if ignores else None,
    )  # fmt: skip


def job(kind: str, study: Path, **request: Any) -> tuple[list[dict[str, Any]], int]:
    """What the process says of a job, while the server is there."""
    process = start()
    assert process.stdin is not None and process.stdout is not None
    with process:
        line = {"kind": kind, "study": str(study / "mine"), "request": request}
        process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.flush()
        try:
            said = [json.loads(line) for line in process.stdout]
            return said, process.wait(60)
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not forked there")
def test_what_a_job_forks_does_not_wait_for_ever(tmp_path: Path) -> None:
    said, code = job("forks", tmp_path)
    assert (said[-1], code) == ({"event": "done", "result": {"child": 0, "asked": 0}}, 0)


def test_a_request_longer_than_a_pipe_holds(tmp_path: Path) -> None:
    said, _ = job("forks", tmp_path, text="x" * 300_000)
    assert said[-1]["result"]["asked"] == 300_000


def test_what_methods_print_does_not_come_between(tmp_path: Path) -> None:
    said, _ = job("prints", tmp_path)
    assert said == [
        {"event": "progress", "stage": "a", "done": 1, "total": 2},
        {
            "event": "done",
            "result": {"nan": None, "all": [None, None, 1.5], "text": "NaN of Infinity", "path": "a"},
        },
    ]


def test_a_failure_says_what_to_do_and_not_where(tmp_path: Path) -> None:
    said, code = job("fails", tmp_path)
    assert code == 1 and said[-1]["event"] == "failed"
    problem = said[-1]["problem"]
    assert (problem["status"], problem["detail"]) == (409, "mine is not ready")
    assert problem["action"] == "Run the candidates under Candidates"


# As where a script started the server in the background.
@pytest.mark.parametrize("ignores", [False, True], ids=["plain", "Ctrl-C ignored"])
def test_without_a_server_it_ends(tmp_path: Path, ignores: bool) -> None:
    spare = start(ignores=ignores)
    assert spare.communicate(timeout=120)[0] == b"" and spare.returncode == 0
    busy = start(ignores=ignores)
    assert busy.stdin is not None and busy.stdout is not None
    busy.stdin.write(json.dumps({"kind": "waits", "study": str(tmp_path), "request": {}}).encode() + b"\n")
    busy.stdin.flush()
    assert json.loads(busy.stdout.readline())["stage"] == "wait"
    rest = busy.communicate(timeout=120)[0]  # the server's end of standard input is closed
    assert json.loads(rest.splitlines()[-1]) == {"event": "cancelled"} and busy.returncode == 130
