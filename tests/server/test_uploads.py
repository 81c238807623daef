"""Files sent part by part."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.conftest import Running, limits, wait_for

from veriscope.server.problems import ProblemError
from veriscope.server.settings import Limits
from veriscope.server.uploads import Uploads


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads", Limits(upload_bytes=1000, upload_files=3))


def test_a_lost_connection_costs_one_part(uploads: Uploads, tmp_path: Path) -> None:
    upload = uploads.begin().id
    assert uploads.write(upload, "a/b.tif", 0, 6, b"abc").received == 3

    after_restart = Uploads(tmp_path / "uploads", Limits())
    (file,) = after_restart.describe(upload).files
    assert (file.name, file.received, file.size, file.complete) == ("a/b.tif", 3, 6, False)
    assert after_restart.write(upload, "a/b.tif", 0, 6, b"abc").received == 3  # sent twice
    assert after_restart.write(upload, "a/b.tif", 3, 6, b"def").complete
    assert (after_restart.files(upload) / "a/b.tif").read_bytes() == b"abcdef"
    assert after_restart.write(upload, "a/b.tif", 3, 6, b"def").complete


def test_a_part_that_leaves_a_gap_is_refused(uploads: Uploads) -> None:
    upload = uploads.begin().id
    uploads.write(upload, "x", 0, 10, b"abc")
    with pytest.raises(ProblemError) as caught:
        uploads.write(upload, "x", 5, 10, b"fg")
    assert (caught.value.problem.status, caught.value.problem.received) == (409, 3)
    with pytest.raises(ProblemError) as caught:
        uploads.write(upload, "x", 3, 10, b"12345678")
    assert caught.value.problem.status == 422


def test_limits_of_an_upload(uploads: Uploads) -> None:
    upload = uploads.begin().id
    with pytest.raises(ProblemError, match="Too large"):
        uploads.write(upload, "big", 0, 1001, b"")
    for name in "abc":
        assert uploads.write(upload, name, 0, 0, b"").complete
    with pytest.raises(ProblemError) as caught:
        uploads.write(upload, "d", 0, 0, b"")
    assert caught.value.problem.detail == "An upload may have 3 files."
    with pytest.raises(ProblemError) as caught:
        uploads.write(upload, "a", 0, 5, b"")
    assert caught.value.problem.status == 409


def test_a_file_cannot_be_a_folder_too(uploads: Uploads) -> None:
    upload = uploads.begin().id
    uploads.write(upload, "a", 0, 0, b"")
    with pytest.raises(ProblemError, match="cannot be done"):
        uploads.write(upload, "a/b", 0, 0, b"")


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/etc/x",
        "a//b",
        "a\\..\\x",
        "a/./b",
        "nul\0",
        "a\nb",
        ".tmp-1-x",
        "x" * 300,
        "..",
        "",
    ],
)
def test_names_that_lead_elsewhere_are_refused(uploads: Uploads, tmp_path: Path, name: str) -> None:
    upload = uploads.begin().id
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="cannot be the name of a file"):
        uploads.write(upload, name, 0, 1, b"x")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("upload", ["..", "0123456789abcdeg", "0123456789abcdef", "../uploads"])
def test_forged_uploads_are_not_found(uploads: Uploads, upload: str) -> None:
    uploads.begin()
    with pytest.raises(ProblemError) as caught:
        uploads.describe(upload)
    assert caught.value.problem.status == 404


def test_old_uploads_are_removed(uploads: Uploads, tmp_path: Path) -> None:
    old = uploads.begin().id
    for path in (tmp_path / "uploads" / old / "names.jsonl", tmp_path / "uploads" / old):
        os.utime(path, (0, 0))
    uploads.begin()
    with pytest.raises(ProblemError):
        uploads.describe(old)


def test_a_large_file_may_take_days(uploads: Uploads, tmp_path: Path) -> None:
    upload = uploads.begin().id
    uploads.write(upload, "large.tif", 0, 100, b"x" * 60)
    place = tmp_path / "uploads" / upload
    for path in (place / "names.jsonl", place / "parts", place):
        os.utime(path, (0, 0))  # begun long ago; the last part has just come
    uploads.begin()
    assert uploads.write(upload, "large.tif", 60, 100, b"x" * 40).complete
    for path in (place / "names.jsonl", place / "parts", place):
        os.utime(path, (0, 0))
    uploads.begin(in_use={upload})
    assert uploads.describe(upload).files[0].complete


def test_a_full_disk_is_said_at_the_start(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = uploads.begin().id
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ProblemError) as caught:
        uploads.write(upload, "x", 0, 900, b"")
    assert caught.value.problem.status == 507


def test_who_sends_files_is_told_the_room_on_the_disk_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 300 << 20
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    uploads = Uploads(tmp_path, Limits())
    upload = uploads.begin()
    assert upload.limit_bytes == 44 << 20, "256 MiB are left free"
    uploads.write(upload.id, "x", 0, 9000, b"x" * 5000)
    free -= 5000
    assert uploads.describe(upload.id).limit_bytes == 44 << 20, "what is there already counts"
    free = 1 << 20
    assert uploads.begin().limit_bytes == 0
    free = 1 << 60
    assert uploads.begin().limit_bytes == Limits().upload_bytes


def test_a_disk_that_fills_up_meanwhile(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = client.post("/api/uploads").json()["id"]

    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Uploads, "write", fail)
    answer = client.put(f"/api/uploads/{upload}/files/x?offset=0&size=3", content=b"abc")
    assert (answer.status_code, answer.json()["title"]) == (507, "The disk is full")


def test_parts_are_limited(workspace: Path, launch: Callable[..., Running]) -> None:
    client = launch(workspace, limits=limits(chunk_bytes=100)).client()
    upload = client.post("/api/uploads").json()
    assert upload["chunk_bytes"] == 100
    path = f"/api/uploads/{upload['id']}/files/x?offset=0&size=200"
    assert client.put(path, content=b"x" * 101).status_code == 413
    assert client.put(path, content=b"x" * 100).json()["received"] == 100
    assert client.put("/api/uploads/..%2f..%2f/files/x?offset=0&size=1", content=b"x").status_code in (
        404,
        405,
    )


def test_from_dropped_files_to_a_study(
    workspace: Path, launch: Callable[..., Running], tiny_data: Path
) -> None:
    client = launch(workspace, workers=1).client()
    upload = client.post("/api/uploads").json()["id"]
    files = sorted((tiny_data / "images").glob("*.tif"))[:3]
    for path in files:
        content = path.read_bytes()
        half = len(content) // 2
        for part in (content[:half], content[half:]):
            offset = 0 if part == content[:half] else half
            answer = client.put(
                f"/api/uploads/{upload}/files/plate 1/{path.name}",
                params={"offset": offset, "size": len(content)},
                content=part,
            )
            assert answer.status_code == 200
    seen = client.post("/api/describe", json={"upload": upload}).json()
    assert [image["shape"] for image in seen["images"]] == [[144, 160]] * 3

    assignments = [{"image": path.stem, "group": "a" if n else "b"} for n, path in enumerate(files)]
    wanted = {"folder": "dropped", "title": "My images", "upload": upload, "object": "nucleus"}
    job = client.post("/api/studies", json=wanted | {"assignments": assignments}).json()
    assert (job["kind"], job["study"]) == ("new", "dropped")
    done = wait_for(client, job)

    assert done["state"] == "done", done
    assert done["result"]["groups"] == {"b": 1, "a": 2}
    detail = client.get("/api/studies/dropped").json()
    assert (detail["name"], detail["next"]["step"], detail["calibrated"]) == ("My images", "run", True)
    assert client.get(f"/api/uploads/{upload}").status_code == 404
    again = client.post("/api/studies", json=wanted)
    assert (again.status_code, again.json()["detail"]) == (409, "There is a folder 'dropped' already.")


def test_unfinished_files_make_no_study(client: httpx.Client) -> None:
    upload = client.post("/api/uploads").json()["id"]
    client.put(f"/api/uploads/{upload}/files/x.tif?offset=0&size=9", content=b"abc")
    answer = client.post("/api/studies", json={"folder": "new", "upload": upload})
    assert (answer.status_code, answer.json()["detail"]) == (409, "1 files are not all there yet: x.tif.")
