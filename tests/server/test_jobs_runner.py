"""The queue at work: order, one job per study, and every way in which a job can end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from veriscope.server.database import Database, StorageError
from veriscope.server.jobs import runner as module
from veriscope.server.jobs.runner import JobRunner
from veriscope.server.jobs.table import ENDED, JobTable
from veriscope.server.models.jobs import Job

WORKER = """
import json, sys, time
from pathlib import Path

line = sys.stdin.readline()
if not line:
    sys.exit(0)
given = json.loads(line)
asked = given["request"]

def say(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)

try:
    say("progress", stage="begin", done=0, total=1)
    for do, what in asked["steps"]:
        if do == "say":
            print(what, flush=True)
        elif do == "touch":
            Path(what).touch()
        elif do == "until":
            for _ in range(6000):
                if Path(what).exists():
                    break
                time.sleep(0.01)
        else:
            sys.exit(what)
    say("done", result={"study": Path(given["study"]).name, "again": asked["again"]})
except KeyboardInterrupt:
    say("cancelled")
    sys.exit(130)
"""
"""Speaks as the worker of jobs does and imports nothing, so that it is there at once."""

Steps = list[list[Any]]


class Queue:
    """A runner with the light worker, and what it told."""

    def __init__(self, folder: Path, workers: int = 1) -> None:
        self.folder = folder
        self.database = Database(folder / "jobs.sqlite")
        self.table = JobTable(self.database)
        self.told: list[Job] = []
        self.runner = JobRunner(
            self.table, lambda name: folder / name, folder / "state", workers, self.told.append
        )

    def submit(self, study: str, *steps: list[Any], by: str = "owner") -> Job:
        return self.runner.submit("report", study, {"steps": list(steps)}, by)

    def state(self, job: Job) -> str:
        found = self.table.find(job.id)
        assert found is not None
        return found.state

    def ended(self, job: Job) -> Job:
        until(lambda: self.state(job) in ENDED)
        found = self.table.find(job.id)
        assert found is not None
        return found

    def states(self, job: Job) -> list[str]:
        """The states that were told of a job, each once in a row."""
        said = [item.state for item in self.told if item.id == job.id]
        return [state for at, state in enumerate(said) if at == 0 or said[at - 1] != state]


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Queue]]:
    """Makes queues on one table; they are stopped with the test."""

    def light(_: list[str], **given: Any) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-I", "-S", "-c", WORKER], **given)

    known = SimpleNamespace(Popen=light, PIPE=subprocess.PIPE, TimeoutExpired=subprocess.TimeoutExpired)
    monkeypatch.setattr(module, "subprocess", known)
    monkeypatch.setattr(module, "_LOOK_S", 0.05)
    made: list[Queue] = []

    def make(workers: int = 1, *, begin: bool = True) -> Queue:
        made.append(Queue(tmp_path, workers))
        if begin:
            made[-1].runner.start()
        return made[-1]

    yield make
    for item in made:
        item.runner.stop()
        item.database.close()


def test_a_job_is_told_from_the_queue_to_its_end(queue: Callable[..., Queue]) -> None:
    mine = queue()
    job = mine.submit("a")
    done = mine.ended(job)
    assert (done.state, done.result, done.attempts) == ("done", {"study": "a", "again": False}, 1)
    assert done.submitted <= (done.started or "") <= (done.finished or "")
    until(lambda: mine.states(job)[-1] == "done")
    assert mine.states(job) == ["queued", "running", "done"]
    assert [item.stage for item in mine.told if item.state == "running"] == ["", "begin"]


def test_who_came_first_is_served_first(queue: Callable[..., Queue], tmp_path: Path) -> None:
    mine = queue()
    first = mine.submit("a", ["until", str(tmp_path / "go")])
    waiting = [mine.submit(name) for name in ("d", "b", "c")]
    until(lambda: mine.state(first) == "running")
    assert [mine.state(job) for job in waiting] == ["queued"] * 3
    (tmp_path / "go").touch()
    for job in waiting:
        assert mine.ended(job).state == "done"
    begun = [item.study for item in mine.told if item.state == "running" and not item.stage]
    assert begun == ["a", "d", "b", "c"]


def test_jobs_of_one_study_follow_each_other_and_those_of_others_do_not_wait(
    queue: Callable[..., Queue], tmp_path: Path
) -> None:
    mine, go = queue(workers=2), tmp_path / "go"
    first = mine.submit("a", ["until", str(go)])
    second = mine.submit("a", ["touch", str(tmp_path / "too early")])
    other = mine.submit("b")
    assert mine.ended(other).state == "done"
    assert (mine.state(first), mine.state(second)) == ("running", "queued")
    assert mine.runner.is_busy("a") and not mine.runner.is_busy("b")
    assert not (tmp_path / "too early").exists()
    go.touch()
    assert mine.ended(first).state == mine.ended(second).state == "done"
    assert not mine.runner.is_busy("a")


def test_the_same_job_is_not_asked_for_twice_and_may_be_asked_for_again(
    queue: Callable[..., Queue], tmp_path: Path
) -> None:
    mine, steps = queue(), ["until", str(tmp_path / "go")]
    first = mine.submit("a", steps)
    assert mine.submit("a", steps, by="another").id == first.id
    until(lambda: mine.state(first) == "running")
    assert mine.submit("a", steps).id == first.id
    assert mine.submit("b", steps).id != first.id
    assert sum(item.state == "queued" for item in mine.told if item.id == first.id) == 1
    (tmp_path / "go").touch()
    mine.ended(first)
    assert mine.submit("a", steps).id != first.id


def test_without_workers_nothing_is_begun(queue: Callable[..., Queue], tmp_path: Path) -> None:
    mine = queue(workers=0)
    job = mine.submit("a")
    time.sleep(0.15)  # three looks into the queue
    assert mine.state(job) == "queued" and not (tmp_path / "state").exists()


FAILED = '{"event": "failed", "problem": {"title": "No", "status": 409, "detail": "It is not ready."}}'


@pytest.mark.parametrize(
    ("steps", "title", "detail"),
    [
        ([["say", FAILED], ["exit", 1]], "No", "It is not ready."),
        ([["exit", 0]], "The job's process ended without a word", "It may have needed more memory"),
        ([["exit", 137]], "The job's process ended without a word", "It may have needed more memory"),
        ([["say", "no JSON"], ["exit", 1]], "The job's process ended", "The server lost its process: "),
        ([["say", '{"event": '], ["exit", 0]], "The job's process ended", "The server lost its process: "),
    ],
)
def test_a_job_that_fails_says_why(
    queue: Callable[..., Queue], steps: Steps, title: str, detail: str
) -> None:
    mine = queue()
    failed = mine.ended(mine.submit("a", *steps))
    assert failed.state == "failed" and failed.result is None and failed.finished
    assert failed.problem is not None
    assert failed.problem.title.startswith(title) and failed.problem.detail.startswith(detail)
    assert mine.ended(mine.submit("a")).state == "done", "the next one is not hindered"


def test_what_waits_is_cancelled_at_once_and_never_begun(queue: Callable[..., Queue], tmp_path: Path) -> None:
    mine = queue()
    first = mine.submit("a", ["until", str(tmp_path / "go")])
    second = mine.submit("a", ["touch", str(tmp_path / "begun")])
    assert mine.runner.cancel(second).state == "cancelled"
    assert mine.runner.cancel(second).state == "cancelled"
    (tmp_path / "go").touch()
    mine.ended(first)
    assert mine.ended(mine.submit("a", ["touch", str(tmp_path / "last")])).state == "done"
    assert not (tmp_path / "begun").exists() and mine.state(second) == "cancelled"
    found = mine.table.find(second.id)
    assert found is not None and found.finished and found.started is None


def test_what_runs_is_cancelled_as_ctrl_c_does(queue: Callable[..., Queue], tmp_path: Path) -> None:
    mine = queue()
    job = mine.submit("a", ["until", str(tmp_path / "never")])
    until(lambda: "begin" in [item.stage for item in mine.told])
    assert mine.runner.cancel(job).id == job.id
    assert mine.ended(job).state == "cancelled"
    until(lambda: mine.states(job)[-1] == "cancelled")
    assert mine.states(job) == ["queued", "running", "cancelled"]
    assert mine.runner.cancel(job).state == "cancelled" and mine.ended(mine.submit("a")).state == "done"


def test_what_does_not_listen_to_ctrl_c_is_killed(
    queue: Callable[..., Queue], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(module, "_interrupt", lambda process: None)
    mine = queue()
    job = mine.submit("a", ["until", "/never/there"])
    until(lambda: mine.state(job) == "running")
    mine.runner.cancel(job)
    assert mine.ended(job).state == "cancelled"


def test_a_job_that_is_done_stays_done(queue: Callable[..., Queue]) -> None:
    mine = queue()
    job = mine.submit("a")
    done = mine.ended(job)
    assert mine.runner.cancel(job) == done
    gone = job.model_copy(update={"id": "0" * 16})
    assert mine.runner.cancel(gone) == gone, "a job that was forgotten meanwhile"


def test_cancelled_while_it_is_being_begun(
    queue: Callable[..., Queue], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Between a look at the job and the word that it is cancelled, the queue must not begin it."""
    mine = queue(begin=False)
    job = mine.submit("a", ["touch", str(tmp_path / "begun")])
    find = mine.table.find
    began = threading.Event()

    def slow(name: str) -> Job | None:
        found = find(name)
        if threading.current_thread() is threading.main_thread() and not began.is_set():
            began.set()
            mine.runner.start()
            time.sleep(0.3)  # enough for the queue to begin it, if it may
        return found

    monkeypatch.setattr(mine.table, "find", slow)
    assert mine.runner.cancel(job).state == "cancelled"
    assert mine.ended(mine.submit("a")).state == "done"
    assert mine.state(job) == "cancelled" and not (tmp_path / "begun").exists()


def test_a_stopped_server_leaves_its_job_to_the_next(queue: Callable[..., Queue], tmp_path: Path) -> None:
    first = queue()
    job = first.submit("a", ["until", str(tmp_path / "go")])
    waiting = first.submit("a")
    until(lambda: "begin" in [item.stage for item in first.told])
    started = first.told[-1].started
    first.runner.stop()
    assert (first.state(job), first.state(waiting)) == ("queued", "queued")

    (tmp_path / "go").touch()
    second = queue()
    done = second.ended(job)
    assert (done.state, done.attempts, done.started) == ("done", 2, started)
    assert done.result == {"study": "a", "again": True}, "it is told that it goes on"
    assert second.ended(waiting).attempts == 1


def test_a_killed_server_leaves_its_job_to_the_next_but_not_for_ever(queue: Callable[..., Queue]) -> None:
    killed = queue(begin=False)
    job, bad = killed.submit("a"), killed.submit("b")
    killed.table.update(job.id, state="running", attempts=2, stage="predict", done=3, total=9)
    killed.table.update(bad.id, state="running", attempts=3)
    after = queue()
    assert after.ended(job).attempts == 3 and after.ended(job).state == "done"
    failed = after.ended(bad)
    assert failed.state == "failed" and failed.problem is not None
    assert failed.problem.detail == "It was begun 3 times, and the server stopped each time."


def test_a_spare_process_that_died_is_replaced(queue: Callable[..., Queue]) -> None:
    mine = queue()
    until(lambda: mine.runner._spare is not None)
    spare = mine.runner._spare
    assert spare is not None
    spare.kill()
    spare.wait()
    assert mine.ended(mine.submit("a")).state == "done"


def test_the_end_of_a_job_is_written_once_the_table_can_be_written(
    queue: Callable[..., Queue], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mine, update, refused = queue(), None, []
    update = mine.table.update

    def full(job: str, **values: Any) -> Job | None:
        if values.get("state") == "done" and len(refused) < 3:
            refused.append(values)
            raise StorageError("database or disk is full", is_full=True)
        if values.keys() == {"stage", "done", "total"}:
            raise StorageError("database or disk is full", is_full=True)
        return update(job, **values)

    monkeypatch.setattr(mine.table, "update", full)
    done = mine.ended(mine.submit("a"))
    assert done.state == "done" and len(refused) == 3
    assert done.stage == "", "how far it was could not be written, and that stopped nothing"


def test_a_job_that_cannot_be_begun_now_is_begun_later(
    queue: Callable[..., Queue], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = queue(begin=False)
    listed, failures = mine.table.listed, []

    def away(**given: Any) -> list[Job]:
        if given.get("is_active") and len(failures) < 2 and threading.current_thread().name == "jobs":
            failures.append(given)
            raise StorageError("the server closed the connection")
        return listed(**given)

    monkeypatch.setattr(mine.table, "listed", away)
    job = mine.submit("a")
    mine.runner.start()
    assert mine.ended(job).state == "done" and len(failures) == 2


def test_the_rest_of_a_stage_is_told_from_its_pace(
    queue: Callable[..., Queue], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock, time_ns=time.time_ns))
    steps = [
        ["say", f'{{"event": "progress", "stage": "{stage}", "done": {done}, "total": {total}}}']
        for stage, done, total in (
            ("predict", 4, 10),
            ("predict", 6, 10),
            ("measure", 0, 0),
            ("measure", 1, 2),
        )
    ]
    mine = queue()
    job = mine.submit("a", *steps)
    mine.ended(job)
    told = [(item.stage, item.done, item.eta_s) for item in mine.told if item.stage in ("predict", "measure")]
    assert [eta for _, _, eta in told[:1] + told[2:3]] == [None, None], "no pace yet"
    for (_, made, eta), (before, total) in zip((told[1], told[3]), ((4, 10), (0, 2)), strict=True):
        assert eta is not None and eta > 0
        seconds = eta / (total - made) * (made - before)
        assert seconds == pytest.approx(round(seconds)), "whole ticks of the clock were spent"


def test_few_logs_are_kept(
    queue: Callable[..., Queue], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_KEPT_LOGS", 2)
    mine = queue()
    for number in range(5):
        mine.ended(mine.submit(f"study {number}"))
    assert 1 <= len(list((tmp_path / "state" / "jobs").glob("*.log"))) <= 3
