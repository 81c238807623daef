"""The app's page and its files, from the built front end."""

from __future__ import annotations

import functools
import gzip
import html
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from veriscope.server.access.guard import PAGE_POLICY
from veriscope.server.access.sessions import Identity, same_secret
from veriscope.server.parts import Server
from veriscope.server.problems import ProblemError
from veriscope.server.routes.session import begin_session

__all__ = ["assets_folder", "router"]

router = APIRouter(include_in_schema=False)

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
}

_PACKED = (".html", ".js", ".mjs", ".css", ".json", ".svg", ".wasm", ".map", ".txt")

_NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Veriscope</title></head>
<body><h1>Veriscope's app is not built</h1>
<p>The server runs, but this installation has no front end in <code>{place}</code>.</p>
<p>In a checkout: <code>cd web</code>, <code>npm ci</code>, <code>npm run build</code>, then reload this page.
A package from an index has it already.</p>
<p>What the server can do without it: <code>/api/studies</code>, see <code>web/openapi.json</code>.</p>
</body></html>
"""


def assets_folder(chosen: Path | None) -> Path:
    """Give the folder of the built front end.

    Parameters
    ----------
    chosen
        Another than that of the package.

    Returns
    -------
    pathlib.Path
        It need not exist.
    """
    return chosen or Path(__file__).parent / "assets"


@router.get("/{path:path}")
def _get_page(path: str, server: Server, request: Request) -> Response:
    """Give a file of the front end, or its page."""
    if path.startswith(("api/", "files/")):
        raise ProblemError.make(404, f"There is no /{path[:200]}.", "See web/openapi.json.")
    token = request.query_params.get("token")
    if token is not None and path == "":
        return _exchange(server, request, token)
    place = assets_folder(server.settings.assets).resolve()
    wanted = (place / path).resolve() if "\0" not in path else place
    headers = {"content-security-policy": PAGE_POLICY, "cache-control": "no-cache"}
    if path and wanted.is_relative_to(place) and wanted.suffix in _TYPES and _is_file(wanted):
        if path.startswith("assets/"):
            headers["cache-control"] = "public, max-age=31536000, immutable"
        return _give(wanted, request, headers)
    if path.startswith("assets/"):
        raise ProblemError.make(404, f"There is no /{path[:200]}.", "Reload the page.")
    page = place / "index.html"
    if page.is_file():
        return _give(page, request, headers)
    return HTMLResponse(_NOT_BUILT.format(place=html.escape(str(place))), headers=headers)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that no disk can hold
        return False


def _give(path: Path, request: Request, headers: dict[str, str]) -> Response:
    """Give a file, texts packed where the browser takes that."""
    kind = _TYPES[path.suffix]
    if path.suffix not in _PACKED:
        return FileResponse(path, media_type=kind, headers=headers)
    headers = headers | {"vary": "accept-encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return FileResponse(path, media_type=kind, headers=headers)
    headers["content-encoding"] = "gzip"
    return Response(_packed(path, path.stat().st_mtime_ns), media_type=kind, headers=headers)


@functools.lru_cache(maxsize=200)
def _packed(path: Path, _changed: int) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)


def _exchange(server: Server, request: Request, token: str) -> Response:
    """Take the token out of the address: it would stand in the history of the browser."""
    response = RedirectResponse("/", status_code=303)
    caller = f"from {request.client.host if request.client else 'unknown'}"
    expected = server.settings.token
    if expected is None or server.attempts.wait(caller) > 0:
        return response
    if same_secret(token, expected):
        begin_session(server, Identity("owner", "owner"), response)
    else:
        server.attempts.fail(caller)
    return response
