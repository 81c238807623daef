"""Starting the server: a socket, a secret, a browser."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from veriscope.core.settings import Settings
from veriscope.errors import InputError
from veriscope.server.app import create_app
from veriscope.server.settings import ServerSettings

__all__ = ["ServeOptions", "run_server"]


class ServeOptions(Settings):
    """What `veriscope serve` was asked for."""

    folder: Path
    """A study, or a folder of studies."""
    port: int = 0
    """Port; 0 takes a free one."""
    host: str = "127.0.0.1"
    """Address to listen at."""
    names: tuple[str, ...] = ()
    """Further names under which browsers address the server."""
    tls_cert: Path | None = None
    """TLS certificate."""
    tls_key: Path | None = None
    """Its key."""
    accounts: Path | None = None
    """File with accounts; None: a token."""
    roots: tuple[Path, ...] = ()
    """Folders from which images may be taken."""
    workers: int = 1
    """Jobs at a time."""
    dev_origins: tuple[str, ...] = ()
    """Further origins that may call."""
    open_browser: bool = True
    """Whether a browser is opened."""


def run_server(options: ServeOptions, *, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C.

    Parameters
    ----------
    options
        What was asked for.
    say
        Told what a user must know, line by line.

    Raises
    ------
    InputError
        If the port is taken or the address is not this computer's.
    """
    listening = _listen(options.host, options.port)
    port = listening.getsockname()[1]
    token = None if options.accounts else secrets.token_urlsafe(24)
    shown = f"[{options.host}]" if ":" in options.host else options.host
    settings = ServerSettings(
        folder=options.folder,
        token=token,
        accounts=options.accounts,
        hosts=tuple(dict.fromkeys((shown, "127.0.0.1", "localhost", "[::1]", *options.names))),
        port=port,
        is_tls=options.tls_cert is not None,
        dev_origins=options.dev_origins,
        roots=options.roots,
        workers=options.workers,
    )
    app = create_app(settings)
    scheme = "https" if settings.is_tls else "http"
    named = options.names[0] if options.names else shown
    address = f"{scheme}://{named}:{port}/"
    link = f"{address}?token={token}" if token else address
    say(f"Veriscope shows {options.folder} at:\n\n    {link}\n")
    say("Who has this address can read and change the studies." if token else "Sign in with an account.")
    say("Stop with Ctrl-C; running jobs go on from where they were at the next start.")
    if options.open_browser:
        threading.Timer(0.7, webbrowser.open, (link,)).start()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            h11_max_incomplete_event_size=64 << 10,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=3,
            ssl_certfile=options.tls_cert,
            ssl_keyfile=options.tls_key,
        )
    )
    with listening:
        asyncio.run(server.serve(sockets=[listening]))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(256)
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                f"--port {port} is taken by another program; choose another, or leave it out"
            ) from None
        raise InputError(
            f"--host {host} --port {port}: cannot listen there ({error.strerror}); leave both out for this "
            "computer alone"
        ) from None
    return found
