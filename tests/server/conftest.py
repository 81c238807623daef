"""A server on loopback, as users have it, with a small finished study."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn

from veriscope.server.access.accounts import Accounts
from veriscope.server.access.sessions import Role
from veriscope.server.app import create_app
from veriscope.server.settings import Limits, ServerSettings
from veriscope.workflow.study import Study
from veriscope.zoo.segmenter_cache import SegmenterRecord
from veriscope.zoo.segmenters import add_segmenter

TOKEN = "a-token-that-nobody-can-guess"


@dataclass
class Running:
    """A server in a thread."""

    settings: ServerSettings
    server: uvicorn.Server
    thread: threading.Thread
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def client(self, *, sign_in: bool = True, **headers: str) -> httpx.Client:
        found = httpx.Client(base_url=self.url, headers={"x-veriscope": "1"} | headers, timeout=120)
        self.clients.append(found)
        if sign_in:
            assert found.post("/api/session", json={"token": TOKEN}).status_code == 200
        return found

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        self.server.should_exit = True
        # If a test changed the clock of the process meanwhile, the loop sleeps until it is spoken to.
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.settings.port), 5).close()
        self.thread.join(60)
        if self.thread.is_alive():
            faulthandler.dump_traceback()  # what all threads wait for
        assert not self.thread.is_alive()


def start(folder: Path, *, workers: int = 0, **changes: Any) -> Running:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    settings = ServerSettings(
        folder=folder, port=listening.getsockname()[1], workers=workers, **({"token": TOKEN} | changes)
    )
    config = uvicorn.Config(create_app(settings), log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)

    def run() -> None:
        with listening:
            asyncio.run(server.serve(sockets=[listening]))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    assert server.started
    return Running(settings, server, thread)


@pytest.fixture(scope="session")
def _finished(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> Path:
    path = tmp_path_factory.mktemp("server") / "small"
    study = Study.new(
        path,
        images=str(tiny_data / "images" / "*.tif"),
        object="nucleus",
        groups=str(tiny_data / "sheet.csv"),
        tolerance="10%",
        methods=("otsu-watershed", "log-spots"),
        tile_size=56,
        seed=5,
        name="Small & finished",
    )
    study.run()
    study.audit(tiles=14)
    study.import_references(tiny_data / "labels", annotator="reference", whole_images=True)
    study.report()
    return path


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, _finished: Path) -> Iterator[Running]:
    """A server for tests that change nothing."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copytree(_finished, folder / "small")
    running = start(folder)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def reader(shared: Running) -> httpx.Client:
    return shared.client()


@pytest.fixture
def workspace(tmp_path: Path, _finished: Path) -> Path:
    """A folder with the finished study, for one test."""
    shutil.copytree(_finished, tmp_path / "ws" / "small")
    return tmp_path / "ws"


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts servers that stop with the test."""
    running: list[Running] = []

    def begin(folder: Path, **changes: Any) -> Running:
        running.append(start(folder, **changes))
        return running[-1]

    yield begin
    for item in running:
        if item.thread.is_alive():
            item.stop()


@pytest.fixture
def client(workspace: Path, launch: Callable[..., Running]) -> httpx.Client:
    """Signed in to a server of its own."""
    return launch(workspace).client()


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_segmenter: Path) -> SegmenterRecord:
    """The model for click-to-segment of the tests, ``segmenter:tiny``, in a cache of its own."""
    monkeypatch.setenv("VERISCOPE_CACHE", str(tmp_path / "cache"))
    return add_segmenter(str(tiny_segmenter), name="tiny", licence="CC0-1.0")


@pytest.fixture
def lab(workspace: Path, launch: Callable[..., Running], tmp_path: Path) -> Callable[..., httpx.Client]:
    """Signs people in to a server with accounts, each with an account made at that moment."""
    accounts = Accounts(tmp_path / "accounts.sqlite")
    running = launch(workspace, token=None, accounts=tmp_path / "accounts.sqlite")

    def enter(name: str, role: Role = "annotator") -> httpx.Client:
        accounts.add(name, f"password of {name}", role)
        found = running.client(sign_in=False)
        given = {"user": name, "password": f"password of {name}"}
        assert found.post("/api/session", json=given).status_code == 200
        return found

    return enter


def limits(**changes: Any) -> Limits:
    return Limits(**changes)


def wait_for(client: httpx.Client, job: dict[str, Any], seconds: float = 120) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found: dict[str, Any] = client.get(f"/api/jobs/{job['id']}").json()
        if found["state"] in ("done", "failed", "cancelled"):
            return found
        time.sleep(0.1)
    raise AssertionError(f"the job did not end: {found}")


def first_unit(client: httpx.Client) -> str:
    unit: str = client.get("/api/studies/small/audit").json()["units"][0]["unit"]
    return f"/api/studies/small/audit/units/{unit}"


def save_labels(
    client: httpx.Client, unit: str, labels: np.ndarray[Any, Any], who: str | None = None, **headers: str
) -> httpx.Response:
    """Send a label image as the annotation of a tile."""
    return client.put(
        f"{unit}/annotation",
        params={} if who is None else {"annotator": who},
        content=labels.tobytes(),
        headers=label_headers(labels, **headers),
    )


def send_json(client: httpx.Client, path: str, text: str, method: str = "POST") -> httpx.Response:
    """Send a body that no writer of JSON would write."""
    return client.request(method, path, content=text.encode(), headers={"content-type": "application/json"})


def label_headers(labels: np.ndarray[Any, Any], **more: str) -> dict[str, str]:
    shape = ",".join(map(str, labels.shape))
    kind = {"content-type": "application/octet-stream", "x-shape": shape, "x-dtype": str(labels.dtype)}
    return kind | more
