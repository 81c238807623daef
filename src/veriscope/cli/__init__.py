"""The command line: translates, calls one function, prints. No science here."""

from __future__ import annotations

import sys
from typing import NoReturn

__all__ = ["main"]

_INTERRUPTED = 130
"""Exit code with which typer ends at Ctrl-C, as shells do."""


def main() -> None:
    """Run the command line; exit 0 done, 1 failed, 2 wrong usage, 130 stopped with Ctrl-C."""
    from veriscope.cli.app import app
    from veriscope.errors import VeriscopeError

    try:
        app()
    except VeriscopeError as error:
        _fail(type(error).__name__, str(error))
    except SystemExit as stop:
        if stop.code == _INTERRUPTED:
            sys.stderr.write("Stopped. What was finished is kept; the same command goes on from there.\n")
        raise
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # such as a full disk at a place that no check foresees
        where = f"{error.filename}: " if error.filename else ""
        _fail(
            type(error).__name__,
            f"{where}{error.strerror or error}. Mend that and run the same again; what was finished is kept",
        )


def _fail(kind: str, message: str) -> NoReturn:
    """Tell what went wrong, as JSON where JSON was asked for, and exit."""
    from veriscope.cli.output import emit_json, say

    if "--json" in sys.argv:
        emit_json({"schema": "veriscope/error/1", "error": kind, "message": message})
    else:
        say(f"Error: {message}", style="bold red")
    sys.exit(1)
