"""A disk that is really full: requests are answered, nothing is lost, and all goes on when there is room."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.server.conftest import Running, first_unit, label_headers

MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 96 MiB, in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    if sys.platform != "linux":
        pytest.skip("needs a tmpfs")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=96m,nr_inodes=0", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("no right to mount a disk in memory")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path) -> Path:
    """Leave no byte."""
    path = place / "filler"
    with path.open("wb", buffering=0) as stream:
        for size in (MIB, 4096, 1):
            try:
                while stream.write(b"\0" * size):
                    pass
            except OSError:
                continue
    return path


def test_what_a_full_disk_does(small_disk: Path, workspace: Path, launch: Callable[..., Running]) -> None:
    shutil.copytree(workspace, small_disk / "ws")
    running = launch(small_disk / "ws")
    client = running.client()
    unit = first_unit(client)
    height, width = client.get(unit).json()["shape"]
    labels = np.zeros((height, width), np.uint16)
    labels[3:9, 3:9] = 1
    headers = label_headers(labels, **{"if-none-match": "*"})
    save = {"content": labels.tobytes(), "headers": headers, "params": {"annotator": "anna"}}
    stroke = {"seq": 1, "time": "2026-01-01T00:00:00Z", "kind": "stroke", "data": {"points": [0] * 500}}
    strokes = [stroke | {"seq": number} for number in range(1, 60)]
    filler = fill(small_disk)

    full = client.put(f"{unit}/annotation", **save)  # type: ignore[arg-type]
    assert (full.status_code, full.json()["title"]) == (507, "The disk is full")
    assert full.json()["action"]
    sent = client.post(
        f"{unit}/journal", params={"annotator": "anna"}, json={"client": "tab", "entries": strokes}
    )
    assert sent.status_code == 507
    job = client.post("/api/studies/small/jobs", json={"kind": "report"})
    assert job.status_code == 507, job.text
    asked = {"object": "nucleus", "measure": "mean-area", "tolerance": 0.02}
    question = client.put("/api/studies/small/question", json=asked, headers={"if-match": "*"})
    assert question.status_code == 507
    upload = client.post("/api/uploads")
    assert upload.status_code in (201, 507)
    if upload.status_code == 201:
        part = f"/api/uploads/{upload.json()['id']}/files/x.tif?offset=0&size=100000"
        assert client.put(part, content=b"x" * 100_000).status_code == 507

    for path in ("/api/studies", "/api/studies/small/answer", "/api/studies/small/images", f"{unit}"):
        assert client.get(path).status_code == 200  # reading goes on
    assert client.get(f"{unit}/annotation", params={"annotator": "anna"}).status_code == 404
    assert client.get("/api/studies/small").json()["question_form"]["measure"] == "count"

    filler.unlink()
    assert client.put(f"{unit}/annotation", **save).status_code == 200  # type: ignore[arg-type]
    again = client.post(
        f"{unit}/journal", params={"annotator": "anna"}, json={"client": "tab", "entries": strokes}
    )
    assert again.json()["last_seq"] == 59
    kept = client.get(f"{unit}/journal", params={"annotator": "anna"}).json()["entries"]
    assert [entry["seq"] for entry in kept if entry["client"] == "tab"] == list(range(1, 60))
    assert client.post("/api/studies/small/jobs", json={"kind": "report"}).status_code == 202


def test_a_sign_in_on_a_full_disk(small_disk: Path, workspace: Path, launch: Callable[..., Running]) -> None:
    shutil.copytree(workspace, small_disk / "ws")
    running = launch(small_disk / "ws")
    inside = running.client()
    filler = fill(small_disk)
    late = running.client(sign_in=False)
    answer = late.post("/api/session", json={"token": running.settings.token})
    assert answer.status_code == 507 and answer.headers["content-type"] == "application/problem+json"
    assert inside.get("/api/studies").status_code == 200  # who is inside stays inside
    filler.unlink()
    assert late.post("/api/session", json={"token": running.settings.token}).status_code == 200
