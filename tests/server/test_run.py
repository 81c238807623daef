"""Starting the server: where it listens, what it says, what it leaves behind, and what it refuses."""

from __future__ import annotations

import errno
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from veriscope.errors import InputError
from veriscope.server import run as module
from veriscope.server.access.accounts import Accounts
from veriscope.server.holding import last_port
from veriscope.server.run import ServeOptions, run_server


class Started:
    """What a server was started with, instead of serving."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.opened: list[str] = []
        self.config: Any = None
        self.address: Any = None
        self.answer: Any = None

    def serve(self, **options: Any) -> Started:
        run_server(ServeOptions(**options), say=self.said.append)
        return self

    @property
    def link(self) -> str:
        found = re.search(r"https?://\S+", "\n".join(self.said))
        assert found is not None
        return found[0]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """Run everything but the loop of the server itself."""
    found = Started()

    class Served:
        def __init__(self, config: Any) -> None:
            found.config = config

        async def serve(self, sockets: list[socket.socket]) -> None:
            found.address = sockets[0].getsockname()

    class Timer:
        def __init__(self, seconds: float, call: Callable[..., Any], arguments: tuple[str, ...]) -> None:
            self._arguments = arguments

        def start(self) -> None:
            found.opened.extend(self._arguments)

    monkeypatch.setattr(module.uvicorn, "Server", Served)
    monkeypatch.setattr(module.threading, "Timer", Timer)
    yield found
    for thread in threading.enumerate():
        if thread.name == "warm up":
            thread.join(60)


def test_a_new_folder_is_made_and_that_is_said(started: Started, tmp_path: Path) -> None:
    started.serve(folder=tmp_path / "deep" / "new", open_browser=False)
    assert (tmp_path / "deep" / "new").is_dir()
    assert started.said[0] == (
        f"{tmp_path / 'deep' / 'new'} was not there and is made: a new folder for studies, without one yet."
    )
    again = len(started.said)
    started.serve(folder=tmp_path / "deep" / "new", open_browser=False)
    assert "was not there" not in "\n".join(started.said[again:])


def test_it_listens_on_this_computer_alone_under_a_secret_address(started: Started, tmp_path: Path) -> None:
    started.serve(folder=tmp_path)
    host, port = started.address
    assert host == "127.0.0.1" and port > 1023
    found = re.fullmatch(rf"http://127\.0\.0\.1:{port}/\?token=([\w-]{{32,}})", started.link)
    assert found is not None and started.opened == [started.link]
    assert "Who has this address can read and change the studies." in started.said
    settings = started.config.app.state.parts.settings
    assert settings.token == found[1] and settings.port == port
    assert not started.config.access_log, "the token stands in the address"


def test_each_start_has_a_token_of_its_own(started: Started, tmp_path: Path) -> None:
    links = {started.serve(folder=tmp_path, open_browser=False).link}
    started.said.clear()
    links.add(started.serve(folder=tmp_path, open_browser=False).link)
    tokens = {link.partition("token=")[2] for link in links}
    assert len(tokens) == 2 and started.opened == []


def test_with_accounts_there_is_no_token(started: Started, tmp_path: Path) -> None:
    Accounts(tmp_path / "a.sqlite").add("otto", "password of otto", "owner")
    started.serve(folder=tmp_path / "ws", accounts=tmp_path / "a.sqlite", open_browser=False)
    assert "token" not in started.link and "Sign in with an account." in started.said
    assert started.config.app.state.parts.settings.token is None


def test_names_and_certificates_are_part_of_the_address(started: Started, tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("x")
    started.serve(
        folder=tmp_path / "ws",
        names=("lab.example", "other.example"),
        tls_cert=tmp_path / "cert.pem",
        tls_key=tmp_path / "key.pem",
        open_browser=False,
    )
    assert started.link.startswith("https://lab.example:")
    settings = started.config.app.state.parts.settings
    assert settings.is_tls
    assert settings.hosts == ("127.0.0.1", "localhost", "[::1]", "lab.example", "other.example")
    assert Path(started.config.ssl_certfile) == tmp_path / "cert.pem"


def test_the_next_server_takes_the_port_of_the_last(started: Started, tmp_path: Path) -> None:
    first = started.serve(folder=tmp_path, open_browser=False).address[1]
    assert last_port(tmp_path) == first
    assert started.serve(folder=tmp_path, open_browser=False).address[1] == first
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = taken.getsockname()[1]
        (tmp_path / ".veriscope" / "port").write_text(str(busy))
        other = started.serve(folder=tmp_path, open_browser=False).address[1]
    assert other != busy


def test_a_port_that_is_taken_is_said(started: Started, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError) as caught:
            started.serve(folder=tmp_path, port=port)
    assert str(caught.value) == f"--port {port} is taken by another program; choose another, or leave it out"
    started.serve(folder=tmp_path, open_browser=False)  # the folder is not held by what failed


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid", "300.1.1.1"])
def test_a_place_where_nobody_can_listen_is_said(started: Started, tmp_path: Path, host: str) -> None:
    with pytest.raises(InputError) as caught:
        started.serve(folder=tmp_path, host=host)
    assert str(caught.value).startswith(f"--host {host} --port 0: cannot listen there (")
    assert str(caught.value).endswith("leave both out for this computer alone")


def test_a_folder_that_another_server_shows_is_refused(
    started: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []
    plain = module._serve

    def serve(*given: Any) -> None:
        plain(*given)
        with pytest.raises(InputError) as caught:
            run_server(ServeOptions(folder=tmp_path), say=refused.append)
        refused.append(str(caught.value))

    monkeypatch.setattr(module, "_serve", serve)
    started.serve(folder=tmp_path, open_browser=False)
    (message,) = refused
    assert "is shown by another server already (process " in message
    assert started.link.partition("?")[0] in message and "token=" not in message


def test_sessions_of_before_end_if_that_is_asked_for(started: Started, tmp_path: Path) -> None:
    from veriscope.server.access.sessions import Identity

    sessions = started.serve(folder=tmp_path, open_browser=False).config.app.state.parts.sessions
    key = sessions.begin(Identity("owner", "owner"))
    kept = started.serve(folder=tmp_path, open_browser=False).config.app.state.parts.sessions
    assert kept.find(key) is not None
    ended = started.serve(folder=tmp_path, open_browser=False, sign_out_all=True)
    assert ended.config.app.state.parts.sessions.find(key) is None


def test_a_table_that_is_damaged_says_what_removing_it_costs(started: Started, tmp_path: Path) -> None:
    (tmp_path / ".veriscope").mkdir()
    (tmp_path / ".veriscope" / "jobs.sqlite").write_bytes(b"no table at all" * 100)
    with pytest.raises(InputError) as caught:
        started.serve(folder=tmp_path)
    assert str(caught.value).endswith(
        "where it is damaged, remove it: that forgets past jobs, and signs everybody out"
    )


def test_a_folder_that_cannot_be_made_is_said(started: Started, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot be made: a part of the path is a file, not a folder"):
        started.serve(folder=tmp_path / "file" / "ws")


@pytest.mark.parametrize(
    ("number", "word"), [(errno.EACCES, "Permission denied"), (errno.EADDRNOTAVAIL, "assign requested")]
)
def test_what_the_system_says_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, started: Started, tmp_path: Path, number: int, word: str
) -> None:
    import os

    def bind(self: Any, place: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module.socket.socket, "bind", bind)
    with pytest.raises(InputError, match=word):
        started.serve(folder=tmp_path, port=80)


def test_what_was_started_answers(started: Started, tmp_path: Path) -> None:
    """The app that is handed to the server is the one that tests elsewhere talk to."""
    app = started.serve(folder=tmp_path, open_browser=False).config.app

    async def ask() -> int:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.get("/api/session")).status_code

    import asyncio

    assert asyncio.run(ask()) == 200
