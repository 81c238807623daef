"""Jobs over HTTP: asking, listing, following from any moment on, and stopping."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests.server.conftest import Running, first_unit, label_headers, send_json

from veriscope.server.access.accounts import Accounts
from veriscope.server.jobs.table import JobTable

RUN = "/api/studies/small/jobs"


@pytest.fixture
def running(workspace: Path, launch: Callable[..., Running]) -> Running:
    """A server on which jobs wait."""
    return launch(workspace)


def table_of(running: Running) -> JobTable:
    found: JobTable = running.server.config.app.state.parts.table  # type: ignore[attr-defined,union-attr]
    return found


@contextmanager
def following(client: httpx.Client) -> Iterator[Iterator[tuple[str, Any]]]:
    """The events of a server, from now on."""

    def read(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
        name = ""
        for line in lines:
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                yield name, json.loads(line[6:], parse_constant=pytest.fail)

    with client.stream("GET", "/api/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        yield read(stream.iter_lines())


def ask(client: httpx.Client, kind: str = "run", **given: Any) -> dict[str, Any]:
    answer = client.post(RUN, json={"kind": kind} | given)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_who_comes_later_is_told_what_is_there(running: Running) -> None:
    client = running.client()
    with following(client) as events:
        assert next(events) == ("jobs", [])
        first = ask(running.client())
        assert next(events) == ("job", first)
    second = ask(client, "report")  # while nobody listens
    client.delete(f"/api/jobs/{first['id']}")
    with following(client) as events:
        name, jobs = next(events)
        assert name == "jobs"
        assert [(job["id"], job["state"]) for job in jobs] == [
            (second["id"], "queued"),
            (first["id"], "cancelled"),
        ]
        client.delete(f"/api/jobs/{second['id']}")
        told = [next(events) for _ in range(2)]
        assert told[0][0] == "job" and told[0][1]["state"] == "cancelled"
        assert told[1] == ("study", {"study": "small", "what": "answer"})


def test_what_waits_is_told_however_long_the_list(running: Running) -> None:
    """Of old jobs a browser gets the last; one that still waits is among them if it is older."""
    client, table = running.client(), table_of(running)
    waiting = ask(client, "train")
    for number in range(25):
        job, _ = table.add("report", f"study {number}", {}, "anna")
        table.update(job.id, state="done", result={"report": "x"})
    with following(client) as events:
        _, jobs = next(events)
    assert len(jobs) == 21 and len({job["id"] for job in jobs}) == 21
    assert [job["id"] for job in jobs if job["state"] == "queued"] == [waiting["id"]]


def test_every_change_is_told_to_everybody(running: Running) -> None:
    client, other = running.client(), running.client()
    unit = first_unit(client)
    question = client.get("/api/studies/small").json()["question_form"]
    labels = np.zeros(client.get(unit).json()["shape"], np.uint16)
    asked = {"object": "nucleus", "measure": "density", "tolerance": "5%"}
    with following(other) as events:
        next(events)
        client.put(
            f"{unit}/annotation",
            content=labels.tobytes(),
            headers=label_headers(labels, **{"if-none-match": "*"}),
        )
        client.post("/api/studies/small/audit/draw", json={"more": 1})
        client.put("/api/studies/small/question", json=asked, headers={"if-match": question["version"]})
        client.post("/api/studies/small/candidates", json={"method": "local-threshold-watershed"})
        told = [next(events) for _ in range(4)]
    assert [(name, data["what"]) for name, data in told] == [
        ("study", "audit"), ("study", "audit"), ("study", "study"), ("study", "candidates"),
    ]  # fmt: skip
    assert {data["study"] for _, data in told} == {"small"}


def test_what_is_refused_is_told_to_nobody(running: Running) -> None:
    client = running.client()
    with following(running.client()) as events:
        next(events)
        assert client.post("/api/studies/small/audit/draw", json={"tiles": -1}).status_code == 422
        assert client.post(RUN, json={"kind": "run", "only": ["nope"]}).status_code == 409
        unasked = client.put("/api/studies/small/question", json={"object": "x", "measure": "count"})
        assert unasked.status_code == 428
        assert client.patch("/api/studies/small/images", json={"changes": []}).status_code == 422
        last = ask(client)
        assert next(events) == ("job", last)


def test_numbers_that_are_none_break_no_stream(running: Running) -> None:
    """What an older version wrote into the table, or a plugin gave back."""
    client, table = running.client(), table_of(running)
    job, _ = table.add("run", "small", {}, "anna")
    table.update(job.id, state="done", result={"loss": float("nan"), "all": [float("inf"), 1.0]})
    for path in ("/api/jobs", f"/api/jobs/{job.id}"):
        found = client.get(path)
        assert found.status_code == 200, found.text
        json.loads(found.text, parse_constant=pytest.fail)
    with following(client) as events:
        _, (told,) = next(events)
    assert told["result"] == {"loss": None, "all": [None, 1.0]}


def test_jobs_are_listed_by_study_and_state(running: Running) -> None:
    client, table = running.client(), table_of(running)
    mine = ask(client)
    other, _ = table.add("run", "größe & 1/2", {}, "anna")
    table.update(other.id, state="running", stage="predict", done=1, total=9)

    def listed(**query: Any) -> list[str]:
        return [job["id"] for job in client.get("/api/jobs", params=query).json()]

    assert listed() == listed(active=True) == [other.id, mine["id"]]
    assert listed(study="größe & 1/2") == [other.id] and listed(study="small") == [mine["id"]]
    assert listed(study="Small") == listed(study="") == listed(study="' OR 1=1 --") == []
    client.delete(f"/api/jobs/{mine['id']}")
    assert listed(active="true") == [other.id] and listed(active="false") == [other.id, mine["id"]]
    found = client.get(f"/api/jobs/{other.id}").json()
    assert (found["stage"], found["done"], found["total"], found["by"]) == ("predict", 1, 9, "anna")
    for query in ({"active": "perhaps"}, {"study": "x" * 201}):
        assert client.get("/api/jobs", params=query).status_code == 422


@pytest.mark.parametrize(
    "name", ["nothing", "0" * 16, "%00", "%ff", "ü" * 60, "a%20b", "'--", "null", "x" * 3000]
)
def test_jobs_that_are_not_there(reader: httpx.Client, name: str) -> None:
    for answer in (reader.get(f"/api/jobs/{name}"), reader.delete(f"/api/jobs/{name}")):
        assert answer.status_code == 404, answer.text
        assert answer.json()["detail"].startswith("There is no job ") and len(answer.json()["detail"]) < 600
        assert answer.json()["action"] == "Reload the list of jobs."
    nested = reader.get("/api/jobs/a%2fb")
    assert nested.status_code == 404 and nested.json()["title"] == "There is no such thing"


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        (
            '{"kind": "run", "only": ["log-spots", "nope", "other"]}',
            409,
            "no candidate nope, other in the study",
        ),
        ('{"kind": "validate", "method": "nope"}', 409, "no candidate nope in the study"),
        ('{"kind": "report", "method": "LOG-SPOTS"}', 409, "no candidate LOG-SPOTS in the study"),
        ('{"kind": "run", "only": [""]}', 422, "body.run.only.0"),
        ('{"kind": "run", "only": ["\\ud800"]}', 422, "body.run.only.0"),
        ('{"kind": "report", "method": 5}', 422, "body.report.method"),
        ('{"kind": "train", "minutes": 0}', 422, "body.train.minutes"),
        ('{"kind": "train", "minutes": -Infinity}', 422, "body.train.minutes"),
        ('{"kind": "train", "steps": 0}', 422, "body.train.steps"),
        ('{"kind": "train", "steps": 1.5}', 422, "body.train.steps"),
        ('{"kind": "train", "tune": "some"}', 422, "body.train.tune"),
        ('{"kind": "train", "seed": 2147483648}', 422, "body.train.seed"),
        ('{"kind": "train", "start": ""}', 422, "body.train.start"),
        ('{"kind": "train", "start": "a\\n"}', 422, "body.train.start"),
        ('{"kind": "new"}', 422, "body"),
        ('{"kind": "demo"}', 422, "body"),
        ('{"kind": null}', 422, "body"),
        ("{}", 422, "body"),
    ],
)
def test_what_is_no_job_of_a_study(reader: httpx.Client, given: str, status: int, said: str) -> None:
    answer = send_json(reader, RUN, given)
    assert answer.status_code == status and answer.json()["detail"].startswith(said), answer.text
    assert reader.get("/api/jobs").json() == []


def test_a_study_that_cannot_be_read_gets_no_job(client: httpx.Client, workspace: Path) -> None:
    (workspace / "small" / "study.yaml").write_text("question: [")
    answer = client.post(RUN, json={"kind": "run"})
    assert answer.status_code == 422 and "study.yaml" in answer.json()["detail"]
    assert str(workspace) not in answer.text and client.get("/api/jobs").json() == []


def test_the_same_from_several_windows_is_one_job(running: Running) -> None:
    found: list[str] = []

    def press() -> None:
        found.append(ask(running.client(), "train", minutes=5)["id"])

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 6 and len(set(found)) == 1
    other = ask(running.client(), "train", minutes=5.5)
    assert other["id"] != found[0], "what is asked for differs"
    assert [ask(running.client(), "train", minutes=5.0)["id"]] == found[:1]


def test_signing_out_ends_the_stream_of_that_session_alone(running: Running) -> None:
    leaves, stays = running.client(), running.client()
    with following(leaves) as mine, following(stays) as others:
        assert next(mine) == next(others) == ("jobs", [])
        assert leaves.delete("/api/session").status_code == 204
        assert list(mine) == [], "it ends, though nothing was told"
        job = ask(stays)
        assert next(others) == ("job", job)
    with leaves.stream("GET", "/api/events") as stream:
        assert stream.status_code == 401


@pytest.mark.parametrize("how", ["removed", "another password"])
def test_a_stream_ends_with_the_account(lab: Callable[..., httpx.Client], tmp_path: Path, how: str) -> None:
    otto, vera = lab("otto", "owner"), lab("vera", "viewer")
    accounts = Accounts(tmp_path / "accounts.sqlite")
    with following(vera) as events:
        next(events)
        job = ask(otto)
        assert next(events) == ("job", job)
        if how == "removed":
            accounts.remove("vera")
        else:
            accounts.add("vera", "another password of vera", "viewer")
        assert otto.delete(f"/api/jobs/{job['id']}").status_code == 202
        assert list(events) == []


def test_who_may_ask_for_jobs_and_stop_them(lab: Callable[..., httpx.Client]) -> None:
    otto = lab("otto", "owner")
    job = ask(otto, "report")
    assert job["by"] == "otto"
    for who in (lab("vera", "viewer"), lab("anna", "annotator")):
        assert who.post(RUN, json={"kind": "run"}).status_code == 403
        assert who.delete(f"/api/jobs/{job['id']}").status_code == 403
        assert who.delete("/api/jobs/nothing").status_code == 403, "not even whether there is one"
        assert [item["id"] for item in who.get("/api/jobs").json()] == [job["id"]]
        with following(who) as events:
            assert [item["id"] for item in next(events)[1]] == [job["id"]]
    assert otto.delete(f"/api/jobs/{job['id']}").json()["state"] == "cancelled"


def test_the_queue_is_there_after_a_restart(workspace: Path, launch: Callable[..., Running]) -> None:
    first = launch(workspace)
    client = first.client()
    jobs = [ask(client, kind) for kind in ("run", "validate", "report")]
    client.delete(f"/api/jobs/{jobs[1]['id']}")
    table_of(first).update(jobs[0]["id"], state="running", attempts=1, stage="predict", done=2, total=8)
    first.stop()
    client = launch(workspace).client()
    found = client.get("/api/jobs").json()
    assert [(job["kind"], job["state"], job["attempts"]) for job in found] == [
        ("report", "queued", 0), ("validate", "cancelled", 0), ("run", "queued", 1),
    ]  # fmt: skip
    assert ask(client, "run")["id"] == jobs[0]["id"], "it is asked for already"
    assert client.delete(f"/api/jobs/{jobs[0]['id']}").json()["state"] == "cancelled"
