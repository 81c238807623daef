"""Jobs: done, stopped, and begun again by the next server."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.conftest import Running, wait_for

from veriscope.errors import InputError
from veriscope.io.atomic import make_folder
from veriscope.server.app import create_app
from veriscope.server.database import Database
from veriscope.server.jobs.table import JobTable
from veriscope.server.settings import ServerSettings
from veriscope.workflow.study import Study

RUN = "/api/studies/small/jobs"


def forget_predictions(workspace: Path) -> None:
    for name in ("predictions", "measurements", "audit", "annotations", "evidence", "report"):
        shutil.rmtree(workspace / "small" / name)


def listen(client: httpx.Client, seen: list[tuple[str, Any]], ready: threading.Event) -> None:
    with client.stream("GET", "/api/events") as stream:
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                seen.append((name, json.loads(line[6:])))
                ready.set()


def test_the_path_from_candidates_to_the_report(workspace: Path, launch: Callable[..., Running]) -> None:
    for name in ("evidence", "report"):
        shutil.rmtree(workspace / "small" / name)
    running = launch(workspace, workers=1)
    client, seen, ready = running.client(), [], threading.Event()
    listener = threading.Thread(target=_quietly, args=(running.client(), seen, ready), daemon=True)
    listener.start()
    assert ready.wait(20) and seen[0] == ("jobs", [])

    run = wait_for(client, client.post(RUN, json={"kind": "run", "only": ["log-spots"]}).json())
    assert run["result"]["candidates"][0] == {
        "candidate": "log-spots", "n_images": 8, "n_done": 0, "not_run": "", "failed": False, "notes": [],
        "n_objects": run["result"]["candidates"][0]["n_objects"],
    }  # fmt: skip
    assert client.get("/api/studies/small/answer").status_code == 409
    judged = wait_for(client, client.post(RUN, json={"kind": "validate"}).json())
    assert judged["state"] == "done" and judged["result"]["evidence"] == "audited"
    answer = client.get("/api/studies/small/answer").json()
    assert answer["stale"] is False and answer["verdict"]["verdict"] == judged["result"]["verdict"]
    written = wait_for(client, client.post(RUN, json={"kind": "report"}).json())
    assert written["result"] == {"report": "report/index.html"}
    page = client.get("/api/studies/small/report/html")
    assert (
        "script-src 'none'" in page.headers["content-security-policy"] and "Small &amp; finished" in page.text
    )

    states = [data["state"] for name, data in seen if name == "job" and data["id"] == run["id"]]
    assert states[0] == "queued" and states[-1] == "done"
    assert ("study", {"study": "small", "what": "answer"}) in seen


def _quietly(client: httpx.Client, seen: list[tuple[str, Any]], ready: threading.Event) -> None:
    with contextlib.suppress(httpx.HTTPError):  # the server stops under it
        listen(client, seen, ready)


def test_failures_say_what_to_do(workspace: Path, launch: Callable[..., Running]) -> None:
    for name in ("audit", "annotations", "evidence", "report"):
        shutil.rmtree(workspace / "small" / name)
    client = launch(workspace, workers=1).client()
    failed = wait_for(client, client.post(RUN, json={"kind": "validate"}).json())
    assert failed["state"] == "failed"
    assert failed["problem"]["detail"] == "no audit was drawn yet"
    assert failed["problem"]["action"] == "Draw tiles under Audit"
    unknown = client.post(RUN, json={"kind": "run", "only": ["nope"]})
    assert unknown.status_code == 409 and "no candidate nope" in unknown.json()["detail"]
    assert client.post(RUN, json={"kind": "erase"}).status_code == 422


def test_a_job_waits_and_is_not_doubled(client: httpx.Client) -> None:
    first = client.post(RUN, json={"kind": "run"}).json()
    assert client.post(RUN, json={"kind": "run"}).json()["id"] == first["id"]
    assert client.post(RUN, json={"kind": "report"}).json()["id"] != first["id"]
    assert [job["kind"] for job in client.get("/api/jobs?active=true").json()] == ["report", "run"]
    assert client.delete(f"/api/jobs/{first['id']}").json()["state"] == "cancelled"
    assert client.delete(f"/api/jobs/{first['id']}").json()["state"] == "cancelled"
    assert client.get("/api/jobs/nope").status_code == 404


def serve(workspace: Path) -> tuple[subprocess.Popen[str], httpx.Client]:
    """Start `veriscope serve` as a process of its own."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from veriscope.cli import main; main()",
            "serve",
            str(workspace),
            "--no-browser",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    link = next(line.strip() for line in process.stdout if "token=" in line)
    address, token = link.split("/?token=")
    client = httpx.Client(base_url=address, headers={"x-veriscope": "1"}, timeout=60)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            assert client.post("/api/session", json={"token": token}).status_code == 200
            return process, client
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError("the server did not answer")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="kills as POSIX does")
def test_a_server_killed_during_a_job(workspace: Path) -> None:
    forget_predictions(workspace)
    process, client = serve(workspace)
    with contextlib.closing(client):
        job = client.post(RUN, json={"kind": "run", "only": ["log-spots"]}).json()
        until = time.monotonic() + 120
        while client.get(f"/api/jobs/{job['id']}").json()["done"] < 2 and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done_before = len(list((workspace / "small" / "predictions").rglob("*.ome.zarr")))
    assert done_before >= 1
    assert process.stdout is not None
    process.stdout.close()

    process, client = serve(workspace)
    with contextlib.closing(client):
        found = wait_for(client, job)
        assert (found["state"], found["attempts"]) == ("done", 2)
        assert found["result"]["candidates"][0]["n_images"] == 8
        assert found["result"]["candidates"][0]["n_done"] < 8  # what was finished was not done again
    process.send_signal(signal.SIGINT)
    assert process.wait(30) is not None
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.slow
def test_cancelling_stops_as_ctrl_c_does(workspace: Path, launch: Callable[..., Running]) -> None:
    forget_predictions(workspace)
    client = launch(workspace, workers=1).client()
    job = client.post(RUN, json={"kind": "run"}).json()
    until = time.monotonic() + 120
    while client.get(f"/api/jobs/{job['id']}").json()["done"] < 1 and time.monotonic() < until:
        time.sleep(0.02)
    client.delete(f"/api/jobs/{job['id']}")
    assert wait_for(client, job, 30)["state"] == "cancelled"
    runs = Study(workspace / "small").run(only=["log-spots", "otsu-watershed"])
    assert [(run.n_images, run.failed) for run in runs] == [(8, False)] * 2


@pytest.fixture
def table(tmp_path: Path) -> JobTable:
    return JobTable(Database(tmp_path / "jobs.sqlite"))


def test_what_ran_is_queued_again_but_not_for_ever(table: JobTable, tmp_path: Path) -> None:
    ran, _ = table.add("run", "a", {"only": None}, "owner")
    often, _ = table.add("run", "b", {"only": None}, "owner")
    table.update(ran.id, state="running", attempts=1)
    table.update(often.id, state="running", attempts=3)

    again = JobTable(Database(tmp_path / "jobs.sqlite"))
    assert [job.id for job in again.resume()] == [ran.id]
    failed = again.find(often.id)
    assert failed is not None and failed.state == "failed" and failed.problem is not None
    assert failed.problem.title == "The server stopped during this job"
    assert again.request_of(ran.id) == {"only": None}


def test_a_table_that_is_none_is_named(tmp_path: Path) -> None:
    make_folder(tmp_path / ".veriscope")
    (tmp_path / ".veriscope" / "jobs.sqlite").write_bytes(b"no database at all, but long enough" * 100)
    with pytest.raises(InputError, match=r"jobs\.sqlite: is no database.*signs everybody out"):
        create_app(ServerSettings(folder=tmp_path, token="secret"))


def test_old_jobs_are_forgotten(table: JobTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veriscope.server.jobs.table._KEPT", 3)
    for number in range(6):
        job, _ = table.add("report", f"study {number}", {}, "owner")
        table.update(job.id, state="done")
    assert [job.study for job in table.listed()] == ["study 5", "study 4", "study 3"]
    assert table.listed(study="study 4")[0].state == "done"
