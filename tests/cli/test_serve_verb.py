"""The verbs that start the app and keep its accounts."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from typer.testing import CliRunner

from veriscope.cli.app import app
from veriscope.errors import InputError

from .conftest import Veriscope

RUNNER = CliRunner()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "--host 0.0.0.0: others could read and change what is sent; "),
        (["--tls-cert", "cert.pem"], "--tls-cert and --tls-key belong together; give both or none"),
        (["--tls-cert", "no.pem", "--tls-key", "no.pem"], "no.pem: no such file; "),
        (["--host", "203.0.113.7", "--insecure-http"], "cannot listen there"),
    ],
)
def test_what_is_not_safe_is_not_started(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = RUNNER.invoke(app, ["serve", str(tmp_path), "--no-browser", *arguments])
    assert isinstance(result.exception, InputError) and message in str(result.exception)


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--port", "70000", "Input should be less than or equal to 65535"),
        ("--port", "-5", "Input should be greater than or equal to 0"),
        ("--workers", "0", "Input should be greater than or equal to 1"),
    ],
)
def test_numbers_that_no_server_has_are_wrong_usage(
    veriscope: Veriscope, tmp_path: Path, option: str, value: str, told: str
) -> None:
    said = veriscope("serve", tmp_path, "--no-browser", option, value)
    assert said.code == 2 and told in said.err


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = RUNNER.invoke(app, ["serve", str(tmp_path), "--no-browser", "--port", str(port)])
    assert str(result.exception) == (
        f"--port {port} is taken by another program; choose another, or leave it out"
    )


def test_accounts(tmp_path: Path) -> None:
    file, secret = tmp_path / "accounts.sqlite", tmp_path / "secret.txt"
    secret.write_text("a long password\n")
    add = ["serve-user", "add", str(file), "anna", "--role", "owner", "--password-file", str(secret)]
    assert RUNNER.invoke(app, add).output == "anna is owner now\n"
    listed = RUNNER.invoke(app, ["serve-user", "list", str(file), "--json"])
    assert json.loads(listed.output)["accounts"] == {"anna": "owner"}
    assert RUNNER.invoke(app, ["serve-user", "remove", str(file), "anna"]).output == "anna is removed\n"
    gone = RUNNER.invoke(app, ["serve-user", "remove", str(file), "anna"])
    assert str(gone.exception) == "there is no account 'anna'; see: veriscope serve-user list"
    missing = RUNNER.invoke(app, ["serve-user", "list", str(tmp_path / "none")])
    assert "no such file; make it with: veriscope serve-user add" in str(missing.exception)
    assert "give the NAME" in str(RUNNER.invoke(app, ["serve-user", "add", str(file)]).exception)


def test_a_folder_that_was_not_there_is_said_to_be_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uvicorn.Server.serve", _ends_at_once)
    words = ["serve", str(tmp_path / "mistyped"), "--no-browser"]
    first, second = (RUNNER.invoke(app, words) for _ in range(2))
    line = f"{tmp_path / 'mistyped'} was not there and is made: a new folder for studies, without one yet.\n"
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.output.startswith(line) and "Veriscope shows" in first.output
    assert "was not there" not in second.output


async def _ends_at_once(server: uvicorn.Server, **_: object) -> None:
    """Begin what a server begins, and end it, without listening."""
    served: Any = server.config.app
    async with served.router.lifespan_context(served):
        pass
