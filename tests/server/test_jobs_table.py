"""The table of jobs against a list in memory, whatever is asked of it in whatever order."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.server.database import Database, StorageError
from veriscope.server.jobs import table as module
from veriscope.server.jobs.table import ENDED, JobTable, now

STATES = ("queued", "running", *ENDED)
ACTIVE = ("queued", "running")

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from("ab"), st.sampled_from(["run", "train"]), st.booleans()),
        st.tuples(st.just("state"), st.integers(0, 9), st.sampled_from(STATES)),
        st.tuples(st.just("resume")),
        st.tuples(st.just("reopen")),
    ),
    max_size=25,
)  # fmt: skip


class Model:
    """What the table should hold, oldest first."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []

    def same(self, kind: str, study: str, request: dict[str, Any]) -> dict[str, Any] | None:
        wanted = {"kind": kind, "study": study, "request": request}
        return next(
            (job for job in self.jobs if job["state"] in ACTIVE and wanted.items() <= job.items()), None
        )


@settings(max_examples=60)
@given(steps=STEPS)
def test_it_holds_what_was_asked_for(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, ...]]
) -> None:
    path, model = tmp_path_factory.mktemp("jobs") / "jobs.sqlite", Model()
    with contextlib.ExitStack() as open_ones:

        def opened() -> JobTable:
            return JobTable(open_ones.enter_context(contextlib.closing(Database(path))))

        table = opened()
        for name, *told in steps:
            if name == "add":
                study, kind, number = told
                request, before = (
                    {"only": None, "n": number},
                    model.same(kind, study, {"only": None, "n": number}),
                )
                job, is_new = table.add(kind, study, request, "anna")
                assert is_new is (before is None)
                if before is not None:
                    assert job.id == before["id"]
                    continue
                assert (job.state, job.done, job.attempts, job.by) == ("queued", 0, 0, "anna")
                model.jobs.append(
                    {"id": job.id, "kind": kind, "study": study, "request": request, "state": "queued"}
                )
            elif name == "state" and model.jobs:
                chosen = model.jobs[told[0] % len(model.jobs)]
                changed = table.update(chosen["id"], state=told[1])
                assert changed is not None and changed.state == told[1]
                chosen["state"] = told[1]
            elif name == "resume":
                again = {job.id for job in table.resume()}
                assert again == {job["id"] for job in model.jobs if job["state"] == "running"}
                for job in model.jobs:
                    job["state"] = "queued" if job["state"] == "running" else job["state"]
            else:
                table = opened()
        listed = [(job.id, job.kind, job.study, job.state) for job in table.listed()]
        held = [(job["id"], job["kind"], job["study"], job["state"]) for job in reversed(model.jobs)]
        assert listed == held
        for study in "abc":
            mine = [job["id"] for job in reversed(model.jobs) if job["study"] == study]
            assert [job.id for job in table.listed(study=study)] == mine
        active = [job["id"] for job in reversed(model.jobs) if job["state"] in ACTIVE]
        assert [job.id for job in table.listed(is_active=True)] == active
        assert [job.id for job in table.listed(is_active=True, most=2)] == active[:2]
        assert all(table.request_of(job["id"]) == job["request"] for job in model.jobs)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[JobTable]:
    with contextlib.closing(Database(tmp_path / "jobs.sqlite")) as database:
        yield JobTable(database)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    request=st.dictionaries(st.text(max_size=9), PLAIN, max_size=4), study=st.text(min_size=1, max_size=20)
)
@settings(max_examples=40)
def test_any_request_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, request: dict[str, Any], study: str
) -> None:
    with contextlib.closing(Database(tmp_path_factory.mktemp("jobs") / "jobs.sqlite")) as database:
        table = JobTable(database)
        job, _ = table.add("run", study, request, study)
        assert table.request_of(job.id) == request
        assert (job.study, job.by) == (study, study)
        turned = dict(reversed(request.items()))
        assert table.add("run", study, turned, "ben") == (job, False), "the order of keys is no difference"
        found = table.update(job.id, state="done", result={"of": request})
        assert found is not None and found.result == {"of": request}


def test_what_ended_makes_room_for_the_same_again(table: JobTable) -> None:
    seen = set()
    for state in ENDED:
        job, is_new = table.add("report", "a", {"method": None}, "anna")
        assert is_new and job.id not in seen
        seen.add(job.id)
        table.update(job.id, state=state)
    assert table.add("report", "a", {"method": None}, "anna")[1]


def test_who_asks_at_once_gets_one_job(table: JobTable) -> None:
    found: list[tuple[str, bool]] = []

    def ask(name: str) -> None:
        job, is_new = table.add("run", "a", {"only": None}, name)
        found.append((job.id, is_new))

    threads = [threading.Thread(target=ask, args=(f"person {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({job for job, _ in found}) == 1 and sorted(new for _, new in found) == [False] * 7 + [True]


def test_what_waits_is_never_forgotten(table: JobTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_KEPT", 2)
    old, _ = table.add("run", "waits", {}, "anna")
    ran, _ = table.add("run", "runs", {}, "anna")
    table.update(ran.id, state="running")
    for number in range(5):
        job, _ = table.add("report", f"study {number}", {}, "anna")
        table.update(job.id, state="done")
    assert [job.study for job in table.listed()] == ["study 4", "study 3", "runs", "waits"]
    assert table.find(old.id) is not None


def test_a_job_that_is_none(table: JobTable) -> None:
    for name in ("", "nothing", "' OR 1=1 --", "\0", "ü" * 1000):
        assert table.find(name) is None
        assert table.update(name, state="done") is None
    assert table.listed() == table.resume() == []


def test_the_third_start_that_stops_the_server_is_the_last(table: JobTable) -> None:
    job, _ = table.add("train", "a", {}, "anna")
    for attempt in (1, 2):
        table.update(job.id, state="running", attempts=attempt)
        assert [item.state for item in table.resume()] == ["queued"]
    table.update(job.id, state="running", attempts=3)
    assert table.resume() == []
    failed = table.find(job.id)
    assert failed is not None and failed.state == "failed" and failed.finished is not None
    assert failed.problem is not None and failed.problem.status == 503 and failed.problem.action


def test_times_are_those_of_the_world(table: JobTable) -> None:
    before = now()
    job, _ = table.add("run", "a", {}, "anna")
    assert before <= job.submitted <= now() and job.submitted.endswith("+00:00")


def test_a_row_that_was_damaged_is_no_other_error(table: JobTable, tmp_path: Path) -> None:
    job, _ = table.add("run", "a", {}, "anna")
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as other, other:
        other.execute("DROP TABLE jobs")
    with pytest.raises(StorageError, match="no such table"):
        table.find(job.id)
    with pytest.raises(StorageError):
        table.add("run", "a", {}, "anna")
