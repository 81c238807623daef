"""The command line, called as the console script does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from veriscope.cli import main


@dataclass(frozen=True)
class Said:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout; fails if there is anything else."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def message(self) -> str:
        """The message of an error printed as JSON."""
        assert self.json.keys() == {"schema", "error", "message"}
        assert self.json["schema"] == "veriscope/error/1"
        return str(self.json["message"])


Veriscope = Callable[..., Said]


@pytest.fixture
def veriscope(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Veriscope:
    """Give a function that runs a command line."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*argv: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["veriscope", *map(str, argv)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run
