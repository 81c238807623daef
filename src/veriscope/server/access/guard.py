"""What every request passes: host, origin, session, limits; and the headers that every answer gets."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import secrets
import time
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veriscope.errors import InputError
from veriscope.server.access.accounts import Accounts
from veriscope.server.access.sessions import Identity, Sessions
from veriscope.server.database import StorageError
from veriscope.server.models.problem import Problem
from veriscope.server.problems import ProblemError, problem_of, respond
from veriscope.server.settings import ServerSettings

__all__ = ["CSRF_HEADER", "NO_ACCOUNTS", "PAGE_POLICY", "Guard", "cookie_name", "session_key", "signed_in"]

CSRF_HEADER = "x-veriscope"
"""Header that a page of another site cannot send: browsers ask first, and are not answered."""

PAGE_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; font-src 'self'; "
    "connect-src 'self' blob: data:; frame-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content security policy of the app's page."""

_NO_PAGE_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
_PORT = re.compile(r":[0-9]*\Z")
_SAFE = ("GET", "HEAD", "OPTIONS")
_OPEN = ("/api/session",)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "SAMEORIGIN",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}

NO_ACCOUNTS = Problem(
    title="The accounts cannot be read",
    status=503,
    detail="The server's file of accounts is damaged, or is another file now.",
    action="Put it back on the server, or start it with another one.",
)
"""Told to everybody: where the file lies is nobody's business."""
_audit = logging.getLogger("veriscope.server.audit")


def cookie_name(settings: ServerSettings) -> str:
    """Name the session's cookie.

    Parameters
    ----------
    settings
        Of the server.

    Returns
    -------
    str
        With the port, so that two servers on one computer do not sign each other out.
    """
    return f"veriscope-{settings.port}"


def session_key(headers: Headers, settings: ServerSettings) -> str:
    """Read the session's key from the cookie.

    Parameters
    ----------
    headers
        Of the request.
    settings
        Of the server.

    Returns
    -------
    str
        Empty if there is none.
    """
    try:
        cookie = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    found = cookie.get(cookie_name(settings))
    return "" if found is None else found.value


def signed_in(
    key: str, sessions: Sessions, accounts: Accounts | None, *, counts: bool = True
) -> Identity | None:
    """Give who is signed in, with the role that their account has now.

    Parameters
    ----------
    key
        From the cookie.
    sessions
        Sessions.
    accounts
        Accounts, or None where there is a token.
    counts
        Whether the session is used by this, and goes on for as long again.

    Returns
    -------
    Identity or None
        None if there is no such session, or its account or password is gone.
    """
    found = sessions.find(key, counts=counts)
    if found is None or accounts is None:
        return None if found is None else found[0]
    identity, stamp = found
    account = accounts.present(identity.user)
    if account is None or account.stamp != stamp:
        return None
    return Identity(identity.user, account.role)


class Guard:
    """Lets requests through that may pass.

    Parameters
    ----------
    app
        What is guarded.
    settings
        Of the server.
    sessions
        Who is signed in.
    accounts
        Of a lab server; None: a token.
    """

    def __init__(
        self, app: ASGIApp, settings: ServerSettings, sessions: Sessions, accounts: Accounts | None
    ) -> None:
        self._app, self._settings = app, settings
        self._sessions, self._accounts = sessions, accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request and pass it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no WebSockets here
        request_id = secrets.token_hex(8)
        status: list[int] = []
        started = time.monotonic()
        finish = _finisher(send, request_id, status, self._settings)
        headers = Headers(scope=scope)
        identity: Identity | None = None
        try:
            self._check_source(scope, headers)
            identity = signed_in(session_key(headers, self._settings), self._sessions, self._accounts)
            self._check_identity(scope, identity)
            scope.setdefault("state", {})["identity"] = identity
            limited = self._limit(scope, headers, receive)
        except ProblemError as error:
            await respond(error.problem, dict(error.headers or {}))(scope, receive, finish)
        except StorageError as error:
            await respond(problem_of(error))(scope, receive, finish)
        except InputError:
            await respond(NO_ACCOUNTS)(scope, receive, finish)
        else:
            await self._app(scope, limited, finish)
        finally:
            if scope["method"] not in _SAFE:
                _note(scope, identity, request_id, status, time.monotonic() - started)

    def _check_source(self, scope: Scope, headers: Headers) -> None:
        """Refuse other host names (DNS rebinding) and other sites (forged requests)."""
        host = headers.get("host", "")
        name = _PORT.sub("", host)
        if name.lower() not in self._settings.hosts:
            raise ProblemError.make(
                403,
                f"This server does not answer under the name {name[:100]!r}.",
                f"Open it as {self._settings.hosts[0]}.",
            )
        if scope["method"] in _SAFE:
            return
        origin = headers.get("origin")
        scheme = "https" if self._settings.is_tls else "http"
        if origin is not None and origin not in (f"{scheme}://{host}", *self._settings.dev_origins):
            raise ProblemError.make(403, "The request comes from a page of another site.")
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none") and (
            origin not in self._settings.dev_origins
        ):
            raise ProblemError.make(403, "The request comes from a page of another site.")
        if CSRF_HEADER not in headers:
            raise ProblemError.make(
                403, "Requests that change something need the header X-Veriscope.", "Send X-Veriscope: 1."
            )

    def _check_identity(self, scope: Scope, identity: Identity | None) -> None:
        path = scope["path"]
        guarded = path.startswith(("/api/", "/files/")) and path not in _OPEN
        if guarded and identity is None:
            raise ProblemError.make(
                401, "You are not signed in, or were not here for long.", "Open the address that the server "
                "printed when it was started, or sign in again."
            )  # fmt: skip

    def _limit(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """Stop bodies that are too large or do not come."""
        limits, path = self._settings.limits, scope["path"]
        most = limits.body_bytes
        if path.startswith("/api/uploads/"):
            most = limits.chunk_bytes
        elif path.endswith("/annotation"):
            most = limits.label_bytes
        told = headers.get("content-length", "0")
        if not told.isdecimal() or int(told) > most:
            raise ProblemError.make(413, f"At most {most:,} bytes are taken at a time.")
        return _limited(receive, most, limits.body_seconds)


def _limited(receive: Receive, most: int, seconds: float) -> Receive:
    taken, ended = 0, False

    async def read() -> Message:
        nonlocal taken, ended
        if ended:
            return await receive()  # waits for the end of the connection, however long
        try:
            message = await asyncio.wait_for(receive(), seconds)
        except TimeoutError:
            raise ProblemError.make(408, "The request stopped half way.", "Send it again.") from None
        if message["type"] == "http.request":
            taken += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if taken > most:
                raise ProblemError.make(413, f"At most {most:,} bytes are taken at a time.")
        return message

    return read


def _finisher(send: Send, request_id: str, status: list[int], settings: ServerSettings) -> Send:
    async def finish(message: Message) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = request_id
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("cache-control", "no-store")
            headers.setdefault("content-security-policy", _NO_PAGE_POLICY)
            if settings.is_tls:
                headers["strict-transport-security"] = "max-age=31536000"
        await send(message)

    return finish


def _note(
    scope: Scope, identity: Identity | None, request_id: str, status: list[int], seconds: float
) -> None:
    """Write who changed what into the audit log; secrets stand in bodies and are not in it."""
    client = scope.get("client")
    entry = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "user": identity.user if identity else None,
        "from": client[0] if client else None,
        "method": scope["method"],
        "path": scope["path"],
        "query": parse_qs(scope["query_string"].decode("latin-1")),
        "status": status[0] if status else None,
        "ms": round(seconds * 1000, 1),
        "id": request_id,
    }
    _audit.info(json.dumps(entry, ensure_ascii=False))
