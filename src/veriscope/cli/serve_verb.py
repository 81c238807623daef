"""The verb that starts the web app, and the one for accounts of a lab server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from veriscope.cli.arguments import Json
from veriscope.core.commands import command
from veriscope.errors import InputError

__all__ = ["register"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line.

    Parameters
    ----------
    app
        The command line.
    """
    app.command()(serve)
    app.command("serve-user")(serve_user)


def serve(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]", help="A study, or a folder of studies; otherwise ~/veriscope-studies."
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Port; 0 takes that of the last time if it is free, or any."),
    ] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than loopback need TLS.")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None,
        typer.Option(help="Name under which browsers address the server; may be repeated."),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="TLS certificate, PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key, PEM.")] = None,
    insecure_http: Annotated[
        bool,
        typer.Option("--insecure-http", help="Allow other addresses than loopback without TLS."),
    ] = False,
    accounts: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|URL",
            help="File or PostgreSQL database with accounts, see serve-user; otherwise a token is printed.",
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="VERISCOPE_DATABASE",
            help="PostgreSQL database for jobs and sessions; otherwise a file in the folder.",
        ),
    ] = None,
    sign_out_all: Annotated[
        bool, typer.Option("--sign-out-all", help="End all sessions that began before this start.")
    ] = False,
    root: Annotated[
        list[Path] | None,
        typer.Option(help="Folder from which images may be taken; may be repeated; otherwise your home."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Jobs at a time.")] = 1,
    dev_origin: Annotated[
        list[str] | None,
        typer.Option(help="Further origin that may call, for development of the front end."),
    ] = None,
) -> None:
    """Open the web app: from images to a defended answer, in the browser."""
    if host not in _LOOPBACK and not insecure_http and tls_cert is None:
        raise InputError(
            f"--host {host}: others could read and change what is sent; give --tls-cert and --tls-key, or "
            "allow it with --insecure-http"
        )
    if (tls_cert is None) != (tls_key is None):
        raise InputError("--tls-cert and --tls-key belong together; give both or none")
    for file in (tls_cert, tls_key):
        if file is not None and not file.is_file():
            raise InputError(f"{file}: no such file; give the certificate and its key as PEM files")
    from veriscope.server.run import ServeOptions, run_server

    run_server(
        ServeOptions(
            folder=folder or Path.home() / "veriscope-studies",
            port=port,
            host=host,
            names=tuple(name or ()),
            tls_cert=tls_cert,
            tls_key=tls_key,
            accounts=accounts,
            database=database,
            sign_out_all=sign_out_all,
            roots=tuple(root or (() if accounts else (Path.home(),))),
            workers=workers,
            dev_origins=tuple(dev_origin or ()),
            open_browser=not no_browser,
        ),
        say=typer.echo,
    )


def serve_user(
    action: Annotated[Literal["add", "remove", "list"], typer.Argument(help="What to do.")],
    accounts: Annotated[
        str,
        typer.Argument(
            metavar="FILE|URL", help="File with the accounts, made by add; or a PostgreSQL database."
        ),
    ],
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Name of the account.")] = None,
    role: Annotated[
        Literal["viewer", "annotator", "owner"], typer.Option(help="What the person may do.")
    ] = "annotator",
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password in its first line; otherwise it is asked for.")
    ] = None,
    json: Json = False,
) -> None:
    """Manage the accounts of a lab server: add (or change), remove, list."""
    from veriscope.cli.output import emit_json, out, show_table
    from veriscope.server.access.accounts import Accounts
    from veriscope.server.database import is_address

    if action != "add" and not is_address(accounts) and not Path(accounts).exists():
        raise InputError(
            f"{accounts}: no such file; make it with: {command('serve-user', 'add', accounts, 'NAME')}"
        )
    if (name is None) != (action == "list"):
        raise InputError("give the NAME of the account to add and remove, and none to list")
    kept = Accounts(accounts)
    if action == "add":
        kept.add(str(name), _password(password_file), role)
    elif action == "remove":
        kept.remove(str(name))
    listed = kept.listed()
    kept.close()
    if json:
        emit_json({"schema": "veriscope/accounts/1", "accounts": listed})
    elif action == "list":
        show_table("Accounts", ["name", "role"], [list(row) for row in listed.items()], words=True)
    else:
        done = {"add": f"{name} is {listed.get(str(name))} now", "remove": f"{name} is removed"}
        out().print(done[action], markup=False)


def _password(file: Path | None) -> str:
    if file is None:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    try:
        return file.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        raise InputError(f"{file}: has no password in its first line; write it there") from None
