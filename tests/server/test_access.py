"""Who gets in, and what browsers of other sites cannot do."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.server.conftest import TOKEN, Running, limits

from veriscope.errors import InputError
from veriscope.server.access import sessions
from veriscope.server.access.accounts import Accounts
from veriscope.server.access.sessions import Attempts, Identity


@pytest.fixture(autouse=True)
def own_audit_log() -> Iterator[None]:
    """Let each server write its own audit log."""
    yield
    log = logging.getLogger("veriscope.server.audit")
    for handler in list(log.handlers):
        handler.close()
        log.removeHandler(handler)


def test_nothing_is_shown_without_signing_in(shared: Running) -> None:
    stranger = shared.client(sign_in=False)
    for path in ("/api/studies", "/api/jobs", "/api/events", "/files/small/images/x/y/zarr.json"):
        answer = stranger.get(path)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
    said = stranger.get("/api/session").json()
    assert (said["signed_in"], said["user"], said["mode"]) == (False, None, "token")


def test_the_token_of_the_address_becomes_a_cookie(shared: Running) -> None:
    browser = shared.client(sign_in=False)
    answer = browser.get("/", params={"token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and TOKEN not in cookie
    assert browser.get("/api/session").json()["role"] == "owner"
    assert browser.delete("/api/session").status_code == 204
    assert browser.get("/api/studies").status_code == 401


def test_guessing_the_token_soon_means_waiting(workspace: Path, launch: Callable[..., Running]) -> None:
    guesser = launch(workspace, limits=limits(failed_sign_ins=3)).client(sign_in=False)
    statuses = [guesser.post("/api/session", json={"token": f"guess {n}"}).status_code for n in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    late = guesser.post("/api/session", json={"token": TOKEN})
    assert late.status_code == 429 and int(late.headers["retry-after"]) > 200
    assert "set-cookie" not in guesser.get("/", params={"token": TOKEN}).headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"host": "evil.example"}, 403),
        ({}, 404),
    ],
)
def test_pages_of_other_sites_cannot_act(shared: Running, headers: dict[str, str], status: int) -> None:
    answer = shared.client().post("/api/studies/none/audit/draw", json={}, headers=headers)
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


def test_a_form_of_another_site_lacks_the_header(shared: Running) -> None:
    browser = shared.client()
    del browser.headers["x-veriscope"]
    assert browser.post("/api/studies/small/audit/draw", json={}).status_code == 403
    assert browser.delete("/api/session").status_code == 403
    assert browser.get("/api/studies").status_code == 200


def test_another_host_name_reads_nothing(reader: httpx.Client) -> None:
    answer = reader.get("/api/studies", headers={"host": "rebound.example:80"})
    assert answer.status_code == 403 and "rebound.example" in answer.json()["detail"]


def test_pages_run_nothing_from_elsewhere(reader: httpx.Client) -> None:
    answer = reader.get("/any/place")
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self' 'wasm-unsafe-eval'" in policy and "default-src 'none'" in policy
    assert "unsafe-eval'" not in policy.replace("wasm-unsafe-eval'", "")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_large_bodies_are_refused_also_without_a_length(reader: httpx.Client) -> None:
    assert reader.post("/api/demo", content=b"x" * (5 << 20)).status_code == 413

    def parts() -> Iterator[bytes]:
        for _ in range(6):
            yield b"x" * (1 << 20)

    assert reader.post("/api/demo", content=parts()).status_code == 413


def test_a_body_that_does_not_come_ends(workspace: Path, launch: Callable[..., Running]) -> None:
    running = launch(workspace, limits=limits(body_seconds=0.3))
    cookie = "; ".join(f"{name}={value}" for name, value in running.client().cookies.items())
    with socket.create_connection(("127.0.0.1", running.settings.port), timeout=20) as slow:
        head = (
            "POST /api/demo HTTP/1.1", "Host: 127.0.0.1", "X-Veriscope: 1", f"Cookie: {cookie}",
            "Content-Type: application/json", "Content-Length: 100", "", "{",
        )  # fmt: skip
        slow.sendall("\r\n".join(head).encode())
        answer = slow.recv(4096)
    assert b" 408 " in answer.split(b"\r\n")[0]


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.sqlite"
    kept = Accounts(path)
    for name, role in (("vera", "viewer"), ("anna", "annotator"), ("otto", "owner")):
        kept.add(name, f"password of {name}", role)  # type: ignore[arg-type]
    return path


def sign_in(running: Running, name: str, password: str | None = None) -> httpx.Client:
    found = running.client(sign_in=False)
    found.post("/api/session", json={"user": name, "password": password or f"password of {name}"})
    return found


def test_roles(workspace: Path, launch: Callable[..., Running], accounts: Path) -> None:
    running = launch(workspace, token=None, accounts=accounts)
    vera, anna, otto = (sign_in(running, name) for name in ("vera", "anna", "otto"))
    unit = vera.get("/api/studies/small/audit").json()["units"][0]["unit"]
    journal = f"/api/studies/small/audit/units/{unit}/journal"
    batch = {"client": "tab", "entries": []}
    draw = "/api/studies/small/audit/draw"

    statuses = [
        [who.post(journal, json=batch).status_code, who.post(draw, json={}).status_code]
        for who in (vera, anna, otto)
    ]

    assert statuses == [[403, 403], [200, 403], [200, 200]]
    assert anna.post(journal, json=batch, params={"annotator": "otto"}).status_code == 403
    assert vera.post(draw, json={}).json()["detail"] == "vera is viewer here, and this needs owner."


def test_a_removed_account_is_out_at_once(
    workspace: Path, launch: Callable[..., Running], accounts: Path
) -> None:
    anna = sign_in(launch(workspace, token=None, accounts=accounts), "anna")
    assert anna.get("/api/session").json()["user"] == "anna"
    Accounts(accounts).remove("anna")
    assert anna.get("/api/studies").status_code == 401


def test_wrong_passwords_and_tokens_get_nobody_in(
    workspace: Path, launch: Callable[..., Running], accounts: Path
) -> None:
    running = launch(workspace, token=None, accounts=accounts)
    for given in ({"user": "anna", "password": "no"}, {"user": "nobody", "password": "x"}, {"token": ""}, {}):
        assert running.client(sign_in=False).post("/api/session", json=given).status_code == 401


def test_accounts_are_hashed_and_checked(accounts: Path) -> None:
    assert b"password of anna" not in accounts.read_bytes() and b"argon2id" in accounts.read_bytes()
    kept = Accounts(accounts)
    found = kept.check("anna", "password of anna")
    assert found is not None and found[0] == Identity("anna", "annotator")
    assert kept.listed() == {"anna": "annotator", "otto": "owner", "vera": "viewer"}
    with pytest.raises(InputError) as short:
        kept.add("new", "123", "viewer")
    assert str(short.value) == "the password has 3 characters; give 10 or more"
    with pytest.raises(InputError, match=r"account '\.\./x'"):
        kept.add("../x", "long enough it is", "viewer")


def test_a_file_that_holds_no_accounts_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, and no database at all\n" * 100)
    with pytest.raises(InputError, match=r"notes\.txt: is no file of accounts"):
        Accounts(path).listed()


def test_failures_are_forgiven_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    # Not that of all: the loops of servers that run beside would sleep until it comes back.
    monkeypatch.setattr(sessions, "time", SimpleNamespace(monotonic=lambda: now[0]))
    attempts = Attempts(2, window=100)
    for at in (0, 50):
        now[0] = at
        attempts.fail("here")
    assert attempts.wait("here") == 50 and attempts.wait("elsewhere") == 0
    now[0] = 101
    assert attempts.wait("here") == 0


def test_changes_are_logged_and_secrets_are_not(workspace: Path, launch: Callable[..., Running]) -> None:
    log = logging.getLogger("veriscope.server.audit")
    for handler in list(log.handlers):
        handler.close()
        log.removeHandler(handler)
    client = launch(workspace).client()
    client.post("/api/studies/small/audit/draw", json={"tiles": 1})
    client.get("/api/studies")
    text = (workspace / ".veriscope" / "audit.log").read_text()
    entries: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    assert [(entry["user"], entry["path"], entry["status"]) for entry in entries] == [
        (None, "/api/session", 200),
        ("owner", "/api/studies/small/audit/draw", 200),
    ]
    assert TOKEN not in text


@pytest.mark.parametrize("content", [b"this is no table " * 100, b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_file_of_accounts_lets_nobody_in_and_tells_no_place(
    workspace: Path, launch: Callable[..., Running], accounts: Path, content: bytes
) -> None:
    running = launch(workspace, token=None, accounts=accounts)
    vera = sign_in(running, "vera")
    assert vera.get("/api/studies").status_code == 200
    whole = accounts.read_bytes()
    accounts.write_bytes(content)
    stranger = running.client(sign_in=False)
    assert stranger.get("/api/session").json()["signed_in"] is False
    again = {"user": "vera", "password": "password of vera"}
    for answer in (
        vera.get("/api/studies"),
        vera.get("/api/session"),
        stranger.post("/api/session", json=again),
    ):
        assert answer.status_code == 503, answer.text
        said = answer.json()
        assert said["title"] == "The accounts cannot be read" and accounts.name not in answer.text
        assert said["action"] == "Put it back on the server, or start it with another one."
    accounts.write_bytes(whole)
    assert stranger.post("/api/session", json=again).status_code == 200
    assert vera.get("/api/studies").status_code == 200
