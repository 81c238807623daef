"""Files from the network: http and https only, all or nothing, verified where a hash is known."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from veriscope import __version__
from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError, UnreadableFileError
from veriscope.io.atomic import atomic_path

__all__ = ["download", "is_address", "require_address"]

_BLOCK = 1 << 18
_TIMEOUT_S = 30.0
_MOST_BYTES = 8 << 30


def is_address(text: str) -> bool:
    """Tell an address from a path or a nickname.

    Parameters
    ----------
    text
        Any.

    Returns
    -------
    bool
        Whether it begins like ``scheme://``, or with ``file:``.
    """
    return "://" in text or text.lower().startswith(("file:", "data:"))


def require_address(address: str) -> str:
    """Refuse addresses of anything but the web.

    Parameters
    ----------
    address
        Such as ``https://example.org/rdf.yaml``.

    Returns
    -------
    str
        The same.

    Raises
    ------
    InputError
        If the scheme is another one, such as ``file``.
    """
    parts = urllib.parse.urlsplit(address)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise InputError(
            f"{address}: only http and https addresses are followed; give files of this computer as a path"
        )
    return address


class _WebOnly(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        require_address(newurl)
        if req.full_url.lower().startswith("https:") and newurl.lower().startswith("http:"):
            raise InputError(f"{req.full_url}: leads on to the unencrypted {newurl}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(
    address: str,
    target: Path,
    *,
    sha256: str | None = None,
    most_bytes: int = _MOST_BYTES,
    progress: Progress = silent,
) -> str:
    """Download a file.

    Parameters
    ----------
    address
        Of the file.
    target
        Where it goes; nothing is left there if anything fails.
    sha256
        Hash that it must have, or None.
    most_bytes
        Largest size.
    progress
        Told how many kilobytes have come.

    Returns
    -------
    str
        SHA-256 of the file.

    Raises
    ------
    UnreadableFileError
        If it cannot be had, is too large, incomplete, or has another hash.
    InputError
        If the address is not of the web.
    """
    require_address(address)
    request = urllib.request.Request(address, headers={"User-Agent": f"veriscope/{__version__}"})
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        _WebOnly,
    ):
        opener.add_handler(handler())
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as response, atomic_path(target) as temporary:
            found = _save(response, temporary, address, most_bytes, progress)
            if sha256 is not None and found != sha256:
                raise UnreadableFileError(
                    f"{address}: has SHA-256 {found} and should have {sha256}: it was changed or damaged; "
                    "nothing was kept"
                )
            return found
    except urllib.error.HTTPError as error:
        with error:
            raise UnreadableFileError(f"{address}: the server answers {error.code} {error.reason}") from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise UnreadableFileError(
            f"{address}: cannot be reached ({reason}); without a network, add models from a folder or .zip "
            "file"
        ) from error


def _save(response: Any, path: Path, address: str, most_bytes: int, progress: Progress) -> str:
    stated = response.headers.get("Content-Length")
    total = int(stated) if stated and stated.isdigit() else 0
    if total > most_bytes:
        raise UnreadableFileError(f"{address}: has {total} bytes; the most that is taken is {most_bytes}")
    digest, done = hashlib.sha256(), 0
    with path.open("wb") as out:
        while block := response.read(_BLOCK):
            done += len(block)
            if done > most_bytes:
                raise UnreadableFileError(f"{address}: has more than {most_bytes} bytes; nothing was kept")
            digest.update(block)
            out.write(block)
            progress("download, kB", done >> 10, max(total, done) >> 10)
    if total and done != total:
        raise UnreadableFileError(f"{address}: broke off after {done} of {total} bytes; try again")
    return digest.hexdigest()
