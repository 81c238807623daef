"""Sign-ins that outlive the server, and end when they should."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.server.conftest import Running

from veriscope.errors import InputError
from veriscope.server.access import sessions
from veriscope.server.access.accounts import Accounts
from veriscope.server.access.sessions import Identity, Sessions
from veriscope.server.database import Database, StorageError
from veriscope.server.holding import FolderHold, last_port
from veriscope.server.run import ServeOptions, _listen_again


def carry(client: httpx.Client, running: Running) -> httpx.Client:
    """A browser with the cookie of an earlier server at the port of the next."""
    found = running.client(sign_in=False)
    (value,) = client.cookies.values()
    found.cookies.set(f"veriscope-{running.settings.port}", value)
    return found


def test_a_restart_signs_nobody_out(workspace: Path, launch: Callable[..., Running]) -> None:
    first = launch(workspace)
    browser = first.client()
    kept = httpx.Client(cookies=dict(browser.cookies))
    first.stop()
    second = launch(workspace, token="another token this time")
    assert carry(kept, second).get("/api/studies").status_code == 200
    second.server.config.app.state.parts.sessions.end_all()  # what --sign-out-all does
    assert carry(kept, second).get("/api/studies").status_code == 401


def test_signing_out_holds_after_a_restart(workspace: Path, launch: Callable[..., Running]) -> None:
    first = launch(workspace)
    browser = first.client()
    kept = httpx.Client(cookies=dict(browser.cookies))
    assert browser.delete("/api/session").status_code == 204
    first.stop()
    assert carry(kept, launch(workspace)).get("/api/studies").status_code == 401


def test_a_session_of_the_token_is_none_of_an_account(
    workspace: Path, launch: Callable[..., Running], tmp_path: Path
) -> None:
    first = launch(workspace)
    kept = httpx.Client(cookies=dict(first.client().cookies))
    first.stop()
    Accounts(tmp_path / "accounts.sqlite").add("owner", "password of owner", "owner")
    second = launch(workspace, token=None, accounts=tmp_path / "accounts.sqlite")
    assert carry(kept, second).get("/api/studies").status_code == 401


def test_another_password_ends_the_sessions(
    workspace: Path, launch: Callable[..., Running], tmp_path: Path
) -> None:
    accounts = Accounts(tmp_path / "accounts.sqlite")
    accounts.add("anna", "password of anna", "viewer")
    running = launch(workspace, token=None, accounts=tmp_path / "accounts.sqlite")
    anna = running.client(sign_in=False)
    given = {"user": "anna", "password": "password of anna"}
    assert anna.post("/api/session", json=given).status_code == 200
    assert anna.get("/api/studies").status_code == 200
    accounts.add("anna", "password of anna, changed", "viewer")
    assert anna.get("/api/studies").status_code == 401
    assert anna.post("/api/session", json=given).status_code == 401


def test_another_role_counts_at_once(workspace: Path, launch: Callable[..., Running], tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "accounts.sqlite")
    accounts.add("anna", "password of anna", "owner")
    running = launch(workspace, token=None, accounts=tmp_path / "accounts.sqlite")
    anna = running.client(sign_in=False)
    anna.post("/api/session", json={"user": "anna", "password": "password of anna"})
    assert anna.post("/api/uploads").status_code == 201
    (tmp_path / "accounts.sqlite").unlink()
    assert anna.get("/api/studies").status_code == 401


def test_one_server_for_a_folder(workspace: Path) -> None:
    first = FolderHold(workspace)
    first.tell("http://127.0.0.1:8765/", 8765)
    with pytest.raises(InputError) as caught:
        FolderHold(workspace)
    message = str(caught.value)
    assert f"{workspace}: is shown by another server already (process " in message
    assert message.endswith("open http://127.0.0.1:8765/ with its token, or stop it first")
    with pytest.raises(InputError, match="is shown by another server"):
        FolderHold(workspace / "small")  # one of its studies
    first.close()
    one = FolderHold(workspace / "small")
    with pytest.raises(InputError, match="is shown by another server already; use that one"):
        FolderHold(workspace)
    one.close()
    FolderHold(workspace).close()


def test_open_pages_find_the_next_server(workspace: Path) -> None:
    with _listen_again(ServeOptions(folder=workspace)) as first:
        port = first.getsockname()[1]
        hold = FolderHold(workspace)
        hold.tell("", port)
        hold.close()
    assert last_port(workspace) == port
    with _listen_again(ServeOptions(folder=workspace)) as second:
        assert second.getsockname()[1] == port
        with _listen_again(ServeOptions(folder=workspace)) as third:  # taken: any other will do
            assert third.getsockname()[1] != port
    (workspace / ".veriscope" / "port").write_text("99999999")
    assert last_port(workspace) == 0


def test_who_is_signed_in_goes_on_reading_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(tmp_path / "table.sqlite")
    kept = Sessions(1, database)
    key, ended = kept.begin(Identity("owner", "owner")), kept.begin(Identity("late", "viewer"))
    monkeypatch.setattr(sessions, "_FRESH_S", -1.0)  # looked up at every request, as after half a minute
    database.run(lambda cursor: cursor.change("UPDATE sessions SET used = 0 WHERE person = ?", ("late",)))
    database.run(lambda cursor: cursor.change("PRAGMA query_only = ON"))
    with pytest.raises(StorageError):
        kept.begin(Identity("new", "viewer"))
    for _ in range(2):
        found = kept.find(key)
        assert found is not None and found[0] == Identity("owner", "owner")
    kept._held.clear()
    assert kept.find(ended) is None, "what has ended has ended, though it cannot be removed"
    assert kept.find("forged") is None
    database.run(lambda cursor: cursor.change("PRAGMA query_only = OFF"))
    assert kept.find(key) is not None


@pytest.mark.parametrize("is_held", [True, False], ids=["in memory", "in the table"])
def test_a_look_keeps_no_session_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_held: bool
) -> None:
    """A page that is left open listens for days; that alone is no use of the session."""
    clock = [1_000_000.0]
    monkeypatch.setattr(sessions.time, "time", lambda: clock[0])
    if not is_held:
        monkeypatch.setattr(sessions, "_FRESH_S", -1.0)
    kept = Sessions(1, Database(tmp_path / "table.sqlite"))
    looks, uses = kept.begin(Identity("anna", "viewer")), kept.begin(Identity("otto", "owner"))
    for _ in range(7):
        clock[0] += 500
        found = kept.find(looks, counts=False)
        assert found is not None and found[0] == Identity("anna", "viewer")
        assert kept.find(uses) is not None
    clock[0] += 500
    assert kept.find(looks, counts=False) is None, "an hour after it was used"
    assert kept.find(looks) is None, "and it cannot be used any more"
    assert kept.find(uses) is not None


def test_a_look_does_not_undo_a_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_000_000.0]
    monkeypatch.setattr(sessions.time, "time", lambda: clock[0])
    database = Database(tmp_path / "table.sqlite")
    kept = Sessions(1, database)
    key = kept.begin(Identity("anna", "viewer"))
    clock[0] += 10
    assert kept.find(key) is not None  # known in memory alone, as half a minute has not passed
    clock[0] += 40
    assert kept.find(key, counts=False) is not None  # read from the table, which knows the beginning
    (row,) = database.run(lambda cursor: cursor.rows("SELECT used FROM sessions"))
    assert row["used"] == 1_000_010.0
    clock[0] = 1_000_010.0 + 3599
    assert kept.find(key) is not None
