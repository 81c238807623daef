"""The guard of every request, asked directly: the rule is stated here a second time."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from veriscope.server.access.guard import Guard, cookie_name
from veriscope.server.access.sessions import Identity, Sessions
from veriscope.server.database import Database
from veriscope.server.settings import Limits, ServerSettings

HERE = "127.0.0.1:8000"


class Asked:
    """A guard with an app behind it that says what reached it."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.settings = ServerSettings(folder=folder, port=8000, token="x" * 20, **changes)
        self.database = Database(folder / "sessions.sqlite")
        self.sessions = Sessions(1, self.database)
        self.key = self.sessions.begin(Identity("me", "owner"))
        self.reached: list[bytes] = []
        self.guard = Guard(self._app, self.settings, self.sessions, None)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.reached.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def ask(
        self, method: str, path: str, headers: dict[str, str], *, signed_in: bool = True, parts: Any = (b"",)
    ) -> tuple[int, dict[str, str]]:
        """Status and headers of the answer; 413 and 408 while the body is read come as errors of the app."""
        given = {"host": HERE} | headers
        if signed_in:
            given["cookie"] = f"{cookie_name(self.settings)}={self.key}"
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "client": ("127.0.0.1", 1),
            "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in given.items()],
        }
        waiting = [
            {"type": "http.request", "body": part, "more_body": at + 1 < len(parts)}
            for at, part in enumerate(parts)
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            return waiting.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        try:
            asyncio.run(self.guard(scope, receive, send))
        except Exception as error:
            return error.status_code, {}  # type: ignore[attr-defined]
        found = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
        return sent[0]["status"], found


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    found = Asked(tmp_path, dev_origins=("http://localhost:5173",))
    with contextlib.closing(found.database):
        yield found


ORIGINS = [None, f"http://{HERE}", f"https://{HERE}", "http://localhost:8000", "http://localhost:5173",
           "http://evil.example", "null", f"http://{HERE}.evil.example"]  # fmt: skip
SITES = [None, "same-origin", "none", "same-site", "cross-site"]


def test_what_changes_something_comes_from_this_page_alone(asked: Asked) -> None:
    dev = "http://localhost:5173"
    for method, origin, site, header in itertools.product(
        ["POST", "PUT", "PATCH", "DELETE"], ORIGINS, SITES, [False, True]
    ):
        headers = {"x-veriscope": "1"} if header else {}
        headers |= {"origin": origin} if origin is not None else {}
        headers |= {"sec-fetch-site": site} if site is not None else {}
        ours = origin in (None, f"http://{HERE}", dev)
        near = site in (None, "same-origin", "none") or origin == dev
        expected = 200 if header and ours and near else 403
        assert asked.ask(method, "/api/x", headers)[0] == expected, (method, headers)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_needs_no_header_and_is_the_browsers_to_guard(asked: Asked, method: str) -> None:
    assert asked.ask(method, "/api/x", {"origin": "http://evil.example"})[0] == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8000", 200),
        ("127.0.0.1", 200),
        ("LOCALHOST:8000", 200),
        ("[::1]:8000", 200),
        ("[::1]", 200),
        ("", 403),
        ("evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("evil.example:8000", 403),
        ("127.0.0.1:8000@evil.example", 403),
        ("::1", 403),
        ("localhost.", 403),
    ],
)
def test_names_of_this_server(asked: Asked, host: str, status: int) -> None:
    assert asked.ask("GET", "/api/x", {"host": host})[0] == status


@pytest.mark.parametrize(
    ("path", "is_open"),
    [
        ("/", True),
        ("/assets/x.js", True),
        ("/api/session", True),
        ("/api/session/", False),
        ("/api/sessions", False),
        ("/api/", False),
        ("/api/studies", False),
        ("/files/x", False),
        ("/apis", True),
    ],
)
def test_what_strangers_see(asked: Asked, path: str, is_open: bool) -> None:
    assert asked.ask("GET", path, {}, signed_in=False)[0] == (200 if is_open else 401)
    assert asked.ask("GET", path, {})[0] == 200


@pytest.mark.parametrize(
    "cookie",
    [
        "veriscope-8000=",
        "veriscope-8000=wrong",
        "veriscope-8001={key}",
        "Veriscope-8000={key}",
        "veriscope-8000={key}x",
        "veriscope-8000",
        "=;;\x01",
        '"',
        "{key}",
    ],
)
def test_cookies_that_are_none(asked: Asked, cookie: str) -> None:
    given = {"cookie": cookie.format(key=asked.key)}
    assert asked.ask("GET", "/api/x", given, signed_in=False)[0] == 401


def test_a_session_among_other_cookies_is_found_until_it_is_ended(asked: Asked) -> None:
    given = {"cookie": f"other=1; veriscope-8000={asked.key}; veriscope-9=2"}
    assert asked.ask("GET", "/api/x", given, signed_in=False)[0] == 200
    asked.sessions.end(asked.key)
    assert asked.ask("GET", "/api/x", given, signed_in=False)[0] == 401


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "", " ", "²", "1_0", "99999999999999999999"])
def test_lengths_that_are_none_or_too_large(asked: Asked, length: str) -> None:
    headers = {"x-veriscope": "1", "content-length": length}
    assert asked.ask("POST", "/api/x", headers)[0] == 413
    assert asked.reached == []


@pytest.mark.parametrize(
    ("path", "most"),
    [("/api/x", 100), ("/api/uploads/a/files/b", 300), ("/api/studies/s/audit/units/u/annotation", 200)],
)
@pytest.mark.parametrize("is_told", [False, True])
def test_bodies_are_counted_whatever_their_parts(tmp_path: Path, path: str, most: int, is_told: bool) -> None:
    limits = Limits(body_bytes=100, label_bytes=200, chunk_bytes=300)
    asked = Asked(tmp_path, limits=limits)
    with contextlib.closing(asked.database):
        for size, status in ((most, 200), (most + 1, 413)):
            headers = {"x-veriscope": "1"} | ({"content-length": str(size)} if is_told else {})
            parts = [b"x" * 7] * (size // 7) + [b"x" * (size % 7)]
            assert asked.ask("PUT", path, headers, parts=parts)[0] == status
        assert [len(body) for body in asked.reached] == [most]


def test_answers_carry_their_headers(tmp_path: Path) -> None:
    for is_tls in (False, True):
        folder = tmp_path / str(is_tls)
        folder.mkdir()
        asked = Asked(folder, is_tls=is_tls)
        with contextlib.closing(asked.database):
            for path in ("/", "/api/x"):
                _, headers = asked.ask(
                    "GET", path, {}, signed_in=path == "/"
                )  # refused and let through alike
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["cache-control"] == "no-store"
                assert headers["content-security-policy"].startswith("default-src 'none'")
                assert ("strict-transport-security" in headers) == is_tls
                assert len(headers["x-request-id"]) == 16
