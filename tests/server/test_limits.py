"""Large, slow and many requests: refused early, streamed, or answered one by one."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.conftest import Running, limits

from veriscope.errors import InputError
from veriscope.server.access import sessions
from veriscope.server.access.sessions import Attempts
from veriscope.server.problems import ProblemError
from veriscope.server.settings import Limits
from veriscope.server.uploads import Uploads

GIB = 1 << 30


def raw(running: Running, *lines: str, body: bytes = b"") -> bytes:
    """The head of the answer to a request that no client library would send."""
    with socket.create_connection(("127.0.0.1", running.settings.port), timeout=30) as line:
        line.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        found = b""
        while b"\r\n\r\n" not in found:
            part = line.recv(4096)
            if not part:
                break
            found += part
    return found


def cookie_of(running: Running) -> str:
    return "Cookie: " + "; ".join(f"{name}={value}" for name, value in running.client().cookies.items())


def test_five_gigabytes_in_one_request_are_refused_before_they_come(shared: Running) -> None:
    answer = raw(
        shared,
        "PUT /api/uploads/0123456789abcdef/files/x?offset=0&size=5368709120 HTTP/1.1",
        "Host: 127.0.0.1", "X-Veriscope: 1", cookie_of(shared), f"Content-Length: {5 * GIB}",
        body=b"x" * 100,
    )  # fmt: skip
    assert b" 413 " in answer.split(b"\r\n")[0]


def test_a_drop_beyond_the_limit_is_refused_at_its_first_part(
    workspace: Path, launch: Callable[..., Running]
) -> None:
    client = launch(workspace, limits=limits(upload_bytes=GIB)).client()
    upload = client.post("/api/uploads").json()
    part = f"/api/uploads/{upload['id']}/files/big.tif?offset=0&size={5 * GIB}"
    answer = client.put(part, content=b"x" * 1000)
    assert (answer.status_code, answer.json()["detail"]) == (413, "An upload may have 1.0 GiB.")
    assert answer.json()["action"] == "Put the images on the server's disk, and make the study from there."
    kept = [path for path in (workspace / ".veriscope/uploads").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) == 0


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "+5", "99999999999999999999999"])
def test_lengths_that_are_none(shared: Running, length: str) -> None:
    answer = raw(
        shared, "POST /api/demo HTTP/1.1", "Host: 127.0.0.1", "X-Veriscope: 1", cookie_of(shared),
        f"Content-Length: {length}", body=b"{}",
    )  # fmt: skip
    status = int(answer.split(b" ")[1])
    assert 400 <= status < 500


def test_headers_without_end_are_refused(shared: Running) -> None:
    with socket.create_connection(("127.0.0.1", shared.settings.port), timeout=60) as line:
        line.sendall(b"GET /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        sent, answer = 0, b""
        line.settimeout(0.2)
        try:
            while sent < 64 << 20 and not answer:
                line.sendall(b"X-Filler: " + b"x" * 60_000 + b"\r\n")
                sent += 60_000
                try:
                    answer = line.recv(4096)
                except TimeoutError:
                    continue
        except OSError:
            answer = answer or b"closed"
    assert sent < 4 << 20 and answer


def test_guesses_of_one_caller_do_not_lock_out_others(
    workspace: Path, launch: Callable[..., Running], tmp_path: Path
) -> None:
    from veriscope.server.access.accounts import Accounts

    accounts = Accounts(tmp_path / "accounts.sqlite")
    for name in ("anna", "ben"):
        accounts.add(name, f"password of {name}", "viewer")
    running = launch(
        workspace, token=None, accounts=tmp_path / "accounts.sqlite", limits=limits(failed_sign_ins=3)
    )
    parts = running.server.config.app.state.parts
    for _ in range(3):
        parts.attempts.fail("as anna")
    here = running.client(sign_in=False)
    assert here.post("/api/session", json={"user": "anna", "password": "password of anna"}).status_code == 429
    assert here.post("/api/session", json={"user": "ben", "password": "password of ben"}).status_code == 200


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1000), max_size=30), st.integers(1, 5), st.floats(0, 2000))
def test_nobody_waits_longer_than_the_window(times: list[float], most: int, now: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        clock = [0.0]
        patch.setattr(sessions, "time", SimpleNamespace(monotonic=lambda: clock[0]))
        attempts = Attempts(most, window=100)
        for at in sorted(times):
            clock[0] = at
            attempts.fail("here")
        clock[0] = max([now, *times])
        recent = [at for at in times if clock[0] - at < 100]
        wait = attempts.wait("here")
        assert 0 <= wait <= 100
        assert (wait > 0) == (len(recent) >= most)


def test_many_requests_at_once_are_all_answered(shared: Running) -> None:
    client = shared.client()
    paths = ["/api/studies", "/api/studies/small", "/api/studies/small/images", "/api/jobs", "/api/session"]
    statuses: list[int] = []

    def ask() -> None:
        for path in paths * 4:
            statuses.append(client.get(path).status_code)  # noqa: PERF401 (seen by all threads at once)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert statuses == [200] * 240


def test_listeners_that_leave_are_forgotten(workspace: Path, launch: Callable[..., Running]) -> None:
    running = launch(workspace)
    events = running.server.config.app.state.parts.events
    for _ in range(5):
        client = running.client()
        with client.stream("GET", "/api/events") as stream:
            next(stream.iter_lines())
        client.close()
    until = time.monotonic() + 60
    while events.is_heard and time.monotonic() < until:
        events.send("job", {"id": "wakes the line"})
        time.sleep(0.1)
    assert not events.is_heard


PIECES = ["a", "b.tif", "..", ".", "", "\\", "C:", "ü", "~", "-x", " "]
NAMES = st.text(st.characters(min_codepoint=1, max_codepoint=0x2FFF, exclude_categories=("Cs",)), max_size=40)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES), max_size=6), NAMES)
def test_no_name_leads_out_of_an_upload(tmp_path: Path, parts: list[str], other: str) -> None:
    uploads = Uploads(tmp_path / "uploads", Limits())
    upload = uploads.begin().id
    place = tmp_path / "uploads" / upload / "files"
    for name in ("/".join(parts), other):
        before = {path for path in tmp_path.rglob("*") if place not in path.parents}
        try:
            uploads.write(upload, name, 0, 1, b"x")
        except (InputError, ProblemError):
            written = False
        else:
            written = True
        after = {path for path in tmp_path.rglob("*") if place not in path.parents and path.is_file()}
        assert {path for path in after - before if path.parent.name != "parts"} == set()
        if written:
            assert (place / name).resolve().is_relative_to(place.resolve()) and (place / name).is_file()
    uploads.remove(upload)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory as Linux tells it")
def test_a_large_drop_needs_no_memory(tmp_path: Path) -> None:
    """Send 384 MiB in parts to a server of its own, and see that it does not grow by them."""
    words = ["serve", str(tmp_path / "ws"), "--no-browser"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from veriscope.cli import main; main()", *words],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        address, token = next(line.strip() for line in process.stdout if "token=" in line).split("/?token=")
        with httpx.Client(base_url=address, headers={"x-veriscope": "1"}, timeout=120) as client:
            _sign_in(client, token)
            upload = client.post("/api/uploads").json()
            size, part = 384 << 20, b"\1" * upload["chunk_bytes"]
            path = f"/api/uploads/{upload['id']}/files/big.tif?size={size}&offset="
            assert client.put(f"{path}0", content=part).status_code == 200
            before = _memory(process.pid)
            for offset in range(len(part), size, len(part)):
                assert client.put(f"{path}{offset}", content=part).status_code == 200
            assert client.get(f"/api/uploads/{upload['id']}").json()["files"][0]["complete"]
            assert _memory(process.pid) - before < 100 << 20
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def _sign_in(client: httpx.Client, token: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            assert client.post("/api/session", json={"token": token}).status_code == 200
            return
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError("the server did not answer")


def _memory(process: int) -> int:
    text = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", text)
    assert found is not None
    return int(found[1]) << 10
