"""Starting the server: a socket, a secret, a browser."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from veriscope.core.settings import Settings
from veriscope.errors import InputError
from veriscope.io.atomic import make_folder
from veriscope.server.app import create_app
from veriscope.server.holding import FolderHold, last_port
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
    accounts: Path | str | None = None
    """File with accounts, or address of a database; None: a token."""
    database: str | None = None
    """Address of a PostgreSQL database for jobs and sessions; None: a file in the folder."""
    sign_out_all: bool = False
    """Whether sessions of earlier servers end."""
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
        If the port is taken, the address is not this computer's, or another server shows the folder.
    """
    is_new = not options.folder.exists()
    make_folder(options.folder)
    if is_new:
        say(f"{options.folder} was not there and is made: a new folder for studies, without one yet.")
    with contextlib.closing(FolderHold(options.folder)) as hold, _listen_again(options) as listening:
        _serve(options, listening, hold, say)


def _serve(
    options: ServeOptions, listening: socket.socket, hold: FolderHold, say: Callable[[str], None]
) -> None:
    port = listening.getsockname()[1]
    token = None if options.accounts else secrets.token_urlsafe(24)
    shown = f"[{options.host}]" if ":" in options.host else options.host
    settings = ServerSettings(
        folder=options.folder,
        token=token,
        accounts=options.accounts,
        database=options.database,
        hosts=tuple(dict.fromkeys((shown, "127.0.0.1", "localhost", "[::1]", *options.names))),
        port=port,
        is_tls=options.tls_cert is not None,
        dev_origins=options.dev_origins,
        roots=options.roots,
        workers=options.workers,
    )
    app = create_app(settings)
    if options.sign_out_all:
        app.state.parts.sessions.end_all()
    scheme = "https" if settings.is_tls else "http"
    named = options.names[0] if options.names else shown
    address = f"{scheme}://{named}:{port}/"
    hold.tell(address, port)
    link = f"{address}?token={token}" if token else address
    say(f"Veriscope shows {options.folder} at:\n\n    {link}\n")
    say("Who has this address can read and change the studies." if token else "Sign in with an account.")
    say("Stop with Ctrl-C; running jobs go on from where they were at the next start.")
    if options.open_browser:
        threading.Timer(0.7, webbrowser.open, (link,)).start()
    # What reads images takes a while to load: it is there when the first one is looked at.
    threading.Thread(target=importlib.import_module, args=("zarr",), name="warm up", daemon=True).start()
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
    asyncio.run(server.serve(sockets=[listening]))


def _listen_again(options: ServeOptions) -> socket.socket:
    """Listen at the port of the last server, if any will do: pages that are open find this one then."""
    last = last_port(options.folder) if options.port == 0 else 0
    if last:
        with contextlib.suppress(InputError):
            return _listen(options.host, last)
    return _listen(options.host, options.port)


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
