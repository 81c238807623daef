"""Signing in, what the app can do here, and the folders of the server that it may show."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.conftest import TOKEN, Running, limits, send_json

from veriscope.registry import method_names
from veriscope.workflow.question import Question


def test_what_the_form_of_a_new_study_offers_can_be_asked(reader: httpx.Client) -> None:
    options = reader.get("/api/options").json()
    for measure in options["measures"]:
        asked = measure["key"].replace("COLUMN", "area").replace("VALUE", "12.5")
        assert (asked != measure["key"]) is measure["needs_column"]
        assert measure["text"] and Question.from_text(asked, object="cell").text
    assert {item["name"] for item in options["methods"]} == set(method_names())
    assert all(item["evidence"] == "untested" and item["licence"] for item in options["methods"])
    assert options["roots"] == [] and options["group_by"] == ["row", "column", "plate"]


def test_what_the_app_can_do_here_is_said_before_and_after_signing_in(
    workspace: Path, launch: Callable[..., Running], tmp_path: Path
) -> None:
    several = launch(workspace, roots=(tmp_path,), limits=limits(chunk_bytes=77, upload_files=3))
    said = several.client(sign_in=False).get("/api/session").json()
    assert (said["signed_in"], said["role"]) == (False, None)
    assert said["capabilities"] | {"train": None} == {"train": None, "server_paths": True, "create": True}
    assert (said["limits"]["chunk_bytes"], said["limits"]["upload_files"]) == (77, 3)
    said = several.client().get("/api/session").json()
    assert (said["signed_in"], said["user"], said["role"]) == (True, "owner", "owner")


def test_a_server_of_one_study_makes_no_other(workspace: Path, launch: Callable[..., Running]) -> None:
    client = launch(workspace / "small").client()
    can = client.get("/api/session").json()["capabilities"]
    assert (can["create"], can["server_paths"]) == (False, False)
    listed = client.get("/api/studies").json()
    assert listed["single"] is True and [item["id"] for item in listed["studies"]] == ["small"]
    for answer in (
        client.post("/api/uploads"),
        client.post("/api/demo", json={}),
        client.post("/api/demo", json={"folder": "small"}),
    ):
        assert answer.status_code == 409
        assert answer.json()["detail"] == "This server was started for one study."


@pytest.mark.parametrize(
    "given",
    [
        '{"token": "\\ud800"}', '{"token": NaN}', '{"token": ["a"]}', '{"user": "a", "pin": 1}',
        f'{{"token": "{"x" * 501}"}}', f'{{"user": "{"x" * 101}"}}', f'{{"password": "{"x" * 1001}"}}', "[]",
    ],
)  # fmt: skip
def test_what_is_no_way_to_sign_in_is_no_attempt(shared: Running, given: str) -> None:
    browser = shared.client(sign_in=False)
    for _ in range(3):
        assert send_json(browser, "/api/session", given).status_code == 422
    assert browser.post("/api/session", json={"token": TOKEN}).status_code == 200


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cookie=st.text(
        st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=';,"\\'), max_size=60
    )
)
def test_no_cookie_that_is_made_up_signs_anybody_in(shared: Running, cookie: str) -> None:
    name = next(iter(shared.client().cookies))
    stranger = shared.client(sign_in=False, cookie=f"{name}={cookie}")
    assert stranger.get("/api/studies").status_code == 401
    assert stranger.get("/api/session").json()["signed_in"] is False


def test_each_name_has_its_own_attempts_and_a_right_one_is_let_in(
    workspace: Path, launch: Callable[..., Running], tmp_path: Path
) -> None:
    from veriscope.server.access.accounts import Accounts

    accounts = Accounts(tmp_path / "accounts.sqlite")
    accounts.add("anna", "password of anna", "viewer")
    running = launch(
        workspace, token=None, accounts=tmp_path / "accounts.sqlite", limits=limits(failed_sign_ins=4)
    )
    browser = running.client(sign_in=False)

    def enter(**given: Any) -> httpx.Response:
        return browser.post("/api/session", json=given)

    said = enter(user="anna", password="wrong").json()
    assert (said["detail"], said["action"]) == (
        "There is no account with this name and password.", "Try again, or ask the owner of the server.",
    )  # fmt: skip
    assert enter(user="nobody", password="wrong").json()["detail"] == said["detail"], "no name is given away"
    assert enter(user="anna", password="password of anna").status_code == 200
    assert enter(token=TOKEN).status_code == 401, "a server with accounts has no token"
    assert enter(user="anna", password="Password of anna").status_code == 401
    late = enter(user="anna", password="password of anna")
    assert late.status_code == 429 and 1 <= int(late.headers["retry-after"]) <= 300
    assert late.json()["detail"].startswith("There were too many wrong attempts; wait ")


def test_signing_out_ends_this_session_alone(shared: Running) -> None:
    here, there = shared.client(), shared.client()
    ended = here.delete("/api/session")
    assert ended.status_code == 204 and "Max-Age=0" in ended.headers["set-cookie"]
    assert here.get("/api/studies").status_code == 401 and there.get("/api/studies").status_code == 200
    assert here.delete("/api/session").status_code == 204, "signing out twice does no harm"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of images as they lie on old disks."""
    root = tmp_path / "root"
    for name in ("b.tif", "A.PNG", "c.oib", ".hidden.tif", "deep/inside.tif", "plate.zarr/zarr.json"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"II*\0 no image")
    return root


def listing(client: httpx.Client, path: Path | str) -> httpx.Response:
    return client.get("/api/folders", params={"path": str(path)})


def test_a_folder_is_listed_without_what_is_hidden(
    workspace: Path, launch: Callable[..., Running], root: Path
) -> None:
    client = launch(workspace, roots=(root,)).client()
    found = listing(client, root).json()
    assert [(item["name"], item["bytes"]) for item in found["images"]] == [
        ("A.PNG", 13), ("b.tif", 13), ("plate.zarr", None),
    ]  # fmt: skip
    assert [item["name"] for item in found["folders"]] == ["deep"]
    assert (found["n_other"], found["parent"]) == (1, None)
    below = listing(client, found["folders"][0]["path"]).json()
    assert (below["parent"], len(below["images"])) == (str(root), 1)
    for path, status in ((root / "nowhere", 404), (root / "b.tif", 404), (root.parent, 403), ("/", 403)):
        assert listing(client, path).status_code == status, path


def test_paths_that_lead_nowhere_are_said(
    workspace: Path, launch: Callable[..., Running], root: Path
) -> None:
    (root / "loop").symlink_to(root / "loop")
    (root / "out").symlink_to(root.parent)
    client = launch(workspace, roots=(root,)).client()
    for path in (root / "loop", root / "loop" / "in", "~nobody-at-all", "~nobody-at-all/x"):
        for answer in (listing(client, path), client.post("/api/describe", json={"paths": [str(path)]})):
            assert answer.status_code == 422, answer.text
            assert answer.json()["detail"].endswith("leads nowhere")
            assert answer.json()["action"] == "Choose another folder"
    assert listing(client, root / "out").status_code == 403
    found = listing(client, root).json()
    assert found["n_other"] == 2 and [item["name"] for item in found["folders"]] == ["deep", "out"]
    long = listing(client, root / ("x" * 300))
    assert long.status_code in (404, 409) and str(root) not in long.json()["detail"]


def test_file_names_that_are_no_characters_hide_no_other(
    workspace: Path, launch: Callable[..., Running], root: Path
) -> None:
    """Names from disks of other systems: bytes of Latin-1, which JSON cannot hold."""
    for name in (b"caf\xe9.oib", b"\xe4/"):
        path = Path(os.fsdecode(os.fsencode(root) + b"/" + name))
        path.mkdir() if name.endswith(b"/") else path.write_bytes(b"x")
    client = launch(workspace, roots=(root,)).client()
    found = listing(client, root).json()
    assert len(found["images"]) == 3 and len(found["folders"]) == 1 and found["n_other"] == 3
    seen = client.post("/api/describe", json={"paths": [str(root)]})
    assert seen.status_code == 200 and "caf\\udce9.oib" in seen.json()["ignored_files"]

    Path(os.fsdecode(os.fsencode(root) + b"/\xfc.tif")).write_bytes(b"II*\0")
    assert listing(client, root).json()["n_other"] == 4
    refused = client.post("/api/describe", json={"paths": [str(root)]})
    assert refused.status_code == 422 and "\\udcfc.tif" in refused.json()["detail"], refused.text
    assert refused.json()["action"] == "Rename them; convmv does it for all at once"
