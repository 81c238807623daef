"""Making studies over HTTP: what is looked at, refused or queued before anything is made."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tifffile
from tests.server.conftest import Running, send_json, wait_for

NEW, DEMO, DESCRIBE = "/api/studies", "/api/demo", "/api/describe"


@pytest.fixture
def images(tiny_data: Path, tmp_path: Path) -> Path:
    """A folder of images that the server may read."""
    folder = tmp_path / "root" / "images"
    folder.mkdir(parents=True)
    for path in sorted((tiny_data / "images").glob("*.tif"))[:2]:
        shutil.copy(path, folder)
    return folder


@pytest.fixture
def client(workspace: Path, launch: Callable[..., Running], images: Path) -> httpx.Client:
    """Signed in to a server that may read the images, and on which jobs wait."""
    return launch(workspace, roots=(images.parent,)).client()


def send(client: httpx.Client, name: str, content: bytes) -> str:
    """Send a file, and give the upload."""
    upload: str = client.post("/api/uploads").json()["id"]
    sent = client.put(
        f"/api/uploads/{upload}/files/{name}", params={"offset": 0, "size": len(content)}, content=content
    )
    assert sent.json()["complete"] is True
    return upload


def test_images_are_looked_at_before(client: httpx.Client, images: Path) -> None:
    (images / "broken.tif").write_bytes(b"II*\0 no more")
    (images / "scan.czi").write_bytes(b"x")
    for paths in ([str(images)], [f"{images}/*"], [str(path) for path in sorted(images.iterdir())]):
        found = client.post(DESCRIBE, json={"paths": paths}).json()
        shapes = [image["shape"] for image in found["images"]]
        assert shapes == [[144, 160]] * 2 and len(found["faults"]) in (1, 2)
        assert "broken.tif" in str(found["faults"])
    changed = client.post(DESCRIBE, json={"paths": [str(images)], "spacing": {"y": 0.2, "x": 0.3}}).json()
    assert {image["spacing"] for image in changed["images"]} == {"0.2 × 0.3 µm"}


def test_files_that_were_sent_are_named_as_their_sender_knows_them(client: httpx.Client) -> None:
    upload = send(client, "one/broken.tif", b"II*\0 no more")
    (fault,) = client.post(DESCRIBE, json={"upload": upload}).json()["faults"]
    assert fault.startswith("one/broken.tif: ")


def test_all_images_of_a_file_are_looked_at(client: httpx.Client, images: Path) -> None:
    with tifffile.TiffWriter(images / "z.ome.tif", ome=True) as file:
        for side in (20, 30):
            file.write(np.zeros((side, 40), np.uint8), metadata={"axes": "YX"})
    for series in (None, "each"):
        found = client.post(DESCRIBE, json={"paths": [str(images / "z.ome.tif")], "series": series}).json()
        assert [(row["series"], row["shape"]) for row in found["images"]] == [(0, [20, 40]), (1, [30, 40])]
    (row,) = client.post(DESCRIBE, json={"paths": [str(images / "z.ome.tif")], "series": 1}).json()["images"]
    assert (row["series"], row["shape"]) == (None, [30, 40])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"paths": [], "upload": "x"}', "give either upload or paths"),
        ("{}", "give either upload or paths"),
        ('{"paths": ["a\\u0000b"]}', "a path cannot hold the character NUL"),
        ('{"paths": [""]}', "body.paths.0"),
        ('{"paths": ["\\ud800"]}', "body.paths.0"),
        ('{"paths": ["x"], "spacing": {"y": NaN}}', "body.spacing.y"),
        ('{"paths": ["x"], "spacing": {"y": 0}}', "body.spacing.y"),
        ('{"paths": ["x"], "spacing": {"t": 1}}', "body.spacing.t"),
        ('{"paths": ["x"], "series": -1}', "body.series"),
        ('{"paths": ["x"], "axes": "tczyxs!"}', "body.axes"),
    ],
)
def test_what_cannot_be_looked_at(client: httpx.Client, given: str, said: str) -> None:
    for path, more in ((DESCRIBE, ""), (NEW, '"folder": "new", ')):
        answer = send_json(client, path, "{" + (more + given[1:]).replace(", }", "}"))
        assert answer.status_code == 422 and answer.json()["detail"].startswith(said), answer.text
    assert client.get("/api/jobs").json() == []


@pytest.mark.parametrize("upload", ["", "x", "..", "0" * 16, "a\0b", "x" * 64])
def test_uploads_that_are_not_there(client: httpx.Client, upload: str) -> None:
    for path, more in ((DESCRIBE, {}), (NEW, {"folder": "new"})):
        answer = client.post(path, json={"upload": upload} | more)
        assert answer.status_code == 404 and answer.json()["action"] == "Begin a new one."
    assert client.post(DESCRIBE, json={"upload": "x" * 65}).status_code == 422


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ({"folder": "small"}, 409, "There is a folder 'small' already."),
        ({"folder": "SMALL"}, 409, "There is a folder 'SMALL' already."),
        ({"folder": " small "}, 409, "There is a folder 'small' already."),
        ({"folder": "../x"}, 422, "'../x' cannot be the name of a study's folder"),
        ({"folder": "con"}, 422, "'con' cannot be the name"),
        ({"folder": "a\u0000"}, 422, "'a\\x00' cannot be the name"),
        ({"folder": "x" * 101}, 422, "body.folder"),
        ({"folder": ""}, 422, "body.folder"),
        ({"measure": "nonsense"}, 422, "measure 'nonsense' is not known"),
        ({"measure": "fraction:area>x"}, 422, "measure 'fraction:area>x' is not known"),
        ({"tolerance": "200%"}, 422, "tolerance '200%' is not a share"),
        ({"tolerance": "nan"}, 422, "tolerance 'nan' is not a share"),
        ({"tolerance": -0.1}, 422, "tolerance -0.1 is not a share"),
        ({"level": 0.5}, 422, "body.level"),
        ({"level": 1}, 422, "body.level"),
        ({"object": ""}, 422, "body.object"),
        ({"diameter": 0}, 422, "body.diameter"),
        ({"tile_size": 15}, 422, "body.tile_size"),
        ({"seed": -1}, 422, "body.seed"),
        ({"group_by": "well"}, 422, "body.group_by"),
        ({"methods": [""]}, 422, "body.methods.0"),
        ({"in_place": "perhaps"}, 422, "body.in_place"),
        ({"plugin": "x"}, 422, "body.plugin"),
        ({"sheet": "a.csv", "assignments": []}, 403, "This folder is not one"),
        ({"sheet": "../../etc/passwd"}, 403, "This folder is not one of those"),
    ],
)
def test_studies_that_cannot_be_made(
    client: httpx.Client, images: Path, workspace: Path, given: dict[str, Any], status: int, said: str
) -> None:
    if "sheet" in given:
        given = given | {"sheet": f"{images.parents[2]}/{given['sheet']}"}
    before = sorted(path.name for path in workspace.iterdir())
    answer = client.post(NEW, json={"folder": "new", "paths": [str(images)]} | given)
    assert answer.status_code == status and answer.json()["detail"].startswith(said), answer.text
    assert client.get("/api/jobs").json() == []
    assert sorted(path.name for path in workspace.iterdir()) == before


def test_without_folders_of_its_own_a_server_reads_none(reader: httpx.Client, tiny_data: Path) -> None:
    for path, more in ((DESCRIBE, {}), (NEW, {"folder": "new"})):
        answer = reader.post(path, json={"paths": [str(tiny_data)]} | more)
        assert answer.status_code == 403 and "--root FOLDER" in answer.json()["action"]
    assert reader.get("/api/folders").json()["folders"] == []
    assert reader.get("/api/folders", params={"path": str(tiny_data)}).status_code == 403


def test_what_is_asked_for_stands_in_the_queue(
    workspace: Path, launch: Callable[..., Running], images: Path
) -> None:
    running = launch(workspace, roots=(images.parent,))
    client = running.client()
    assignments = [{"image": "a", "group": "x"}, {"image": "b", "group": "y", "replicate": "r"}]
    wanted = {"folder": "Ünal", "title": "Ü & <b>", "measure": "density", "tolerance": "5%", "diameter": 9.5}
    job = client.post(NEW, json=wanted | {"paths": [str(images)], "assignments": assignments}).json()
    assert (job["kind"], job["study"], job["state"], job["by"]) == ("new", "Ünal", "queued", "owner")
    request = running.server.config.app.state.parts.table.request_of(job["id"])  # type: ignore[attr-defined,union-attr]
    options = request["options"]
    assert request["images"] == [str(images)] and request["upload"] is None
    assert (options["name"], options["measure"], options["diameter"]) == ("Ü & <b>", "density", 9.5)
    assert request["assignments"] == [assignments[0] | {"replicate": None}, assignments[1]]
    assert (
        client.post(NEW, json=wanted | {"paths": [str(images)], "assignments": assignments}).json()["id"]
        == job["id"]
    )
    assert client.get("/api/studies/%C3%9Cnal").status_code == 404, "it is not there yet"


def test_a_sheet_is_one_of_the_files_that_were_sent(client: httpx.Client, images: Path) -> None:
    (image, *_) = sorted(images.iterdir())
    upload = send(client, f"a/{image.name}", image.read_bytes())
    wanted = {"folder": "new", "upload": upload}
    for sheet in ("sheet.csv", "../sheet.csv", "/etc/passwd", image.name):
        answer = client.post(NEW, json=wanted | {"sheet": sheet})
        assert answer.status_code == 422 and "the upload has no file" in answer.json()["detail"]
    for more, said in (
        ({"in_place": True}, "images that were sent cannot be read in place"),
        (
            {"sheet": "a", "assignments": [{"image": "a", "group": "b"}]},
            "sheet and assignments both give the groups",
        ),
        ({"paths": ["x"]}, "give either upload or paths"),
    ):
        answer = client.post(NEW, json=wanted | more)
        assert answer.status_code == 422 and answer.json()["detail"].startswith(said)


def test_an_upload_that_a_job_waits_for_stays(client: httpx.Client, images: Path, workspace: Path) -> None:
    """A server that was off over the weekend still has what is to be made into a study."""
    (image, *_) = sorted(images.iterdir())
    waited, other = (send(client, image.name, image.read_bytes()) for _ in range(2))
    job = client.post(NEW, json={"folder": "late", "upload": waited}).json()

    def grow_old() -> None:
        for path in (workspace / ".veriscope" / "uploads").rglob("*"):
            os.utime(path, (0, 0))

    grow_old()
    client.post("/api/uploads")
    assert client.get(f"/api/uploads/{other}").status_code == 404
    assert client.get(f"/api/uploads/{waited}").json()["files"][0]["complete"] is True
    client.delete(f"/api/jobs/{job['id']}")
    grow_old()
    client.post("/api/uploads")
    assert client.get(f"/api/uploads/{waited}").status_code == 404


def test_an_upload_without_an_image(client: httpx.Client) -> None:
    empty = client.post("/api/uploads").json()["id"]
    for upload in (empty, send(client, "notes.csv", b"a,b\n")):
        for path, more in ((DESCRIBE, {}), (NEW, {"folder": "new"})):
            answer = client.post(path, json={"upload": upload} | more)
            assert answer.status_code == 422 and answer.json()["detail"] == "the upload holds no image"


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ('{"tiles": 14}', 422), ('{"tiles": 1001}', 422), ('{"tiles": 15.5}', 422), ('{"seed": -1}', 422),
        ('{"folder": ""}', 422), ('{"folder": "a/b"}', 422), ('{"speed": 1}', 422),
        ('{"folder": "small"}', 409),
    ],
)  # fmt: skip
def test_demos_that_cannot_be_made(client: httpx.Client, given: str, status: int) -> None:
    assert send_json(client, DEMO, given).status_code == status
    assert client.get("/api/jobs").json() == []


def test_a_demo_that_was_stopped_goes_on_where_it_was(client: httpx.Client, workspace: Path) -> None:
    first = client.post(DEMO, json={}).json()
    assert (first["kind"], first["study"]) == ("demo", "demo")
    client.delete(f"/api/jobs/{first['id']}")
    (workspace / "demo").mkdir()
    taken = client.post(DEMO, json={})
    assert taken.status_code == 409, "a folder of somebody else is not walked into"
    (workspace / "demo-data").mkdir()
    (workspace / "demo-data" / "truth.json").write_text("{}")
    again = client.post(DEMO, json={"tiles": 15})
    assert again.status_code == 202 and again.json()["study"] == "demo"


def test_a_study_that_fails_leaves_nothing(
    workspace: Path, launch: Callable[..., Running], images: Path
) -> None:
    client = launch(workspace, roots=(images.parent,), workers=1).client()
    assignments = [{"image": path.stem, "group": "a"} for path in images.iterdir()]
    wanted = {"folder": "fails", "paths": [str(images)], "assignments": [*assignments, assignments[0]]}
    failed = wait_for(client, client.post(NEW, json=wanted).json())
    assert failed["state"] == "failed" and "is named twice" in failed["problem"]["detail"], failed
    assert str(workspace) not in json.dumps(failed)
    assert not [path.name for path in workspace.iterdir() if "fails" in path.name]
    again = client.post(NEW, json=wanted | {"assignments": assignments})
    assert again.status_code == 202, "the name is free"
