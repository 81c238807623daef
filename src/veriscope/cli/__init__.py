"""The command line: translates, calls one function, prints. No science here."""

from __future__ import annotations

import io
import sys
from typing import Any, NoReturn, cast

__all__ = ["main"]

_WRONG_USAGE = 2
_INTERRUPTED = 130
"""Exit code with which typer ends at Ctrl-C, as shells do."""
_STOPPED = "Stopped. What was finished is kept; the same command goes on from there."


def main() -> None:
    """Run the command line; exit 0 done, 1 failed, 2 wrong usage, 130 stopped with Ctrl-C."""
    import typer

    from veriscope.cli.app import app
    from veriscope.errors import VeriscopeError

    usage_error = cast("type[Exception]", typer.BadParameter.__mro__[1])  # which typer does not export
    _write_any_letter()
    _refuse_empty_words()
    try:
        # Else typer prints faults of usage itself, also where JSON was asked for.
        code = app(standalone_mode=False)
    except VeriscopeError as error:
        _fail(type(error).__name__, str(error))
    except usage_error as error:
        _refuse(error)
    except typer.Abort:
        _fail("Aborted", "a question was left without an answer", plain="Aborted.\n")
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # such as a full disk at a place that no check foresees
        where = f"{error.filename}: " if error.filename else ""
        _fail(
            type(error).__name__,
            f"{where}{error.strerror or error}. Mend that and run the same again; what was finished is kept",
        )
    except MemoryError as error:
        said = f" ({error})" if str(error) else ""
        _fail(
            "MemoryError",
            f"memory ran out{said}. Give smaller images or tiles (--tile), fewer --workers, or use a larger "
            "computer, and run the same again; what was finished is kept",
        )
    if code == _INTERRUPTED:
        _fail("Interrupted", _STOPPED, code=_INTERRUPTED, plain=f"{_STOPPED}\n")
    sys.exit(code or 0)


def _write_any_letter() -> None:
    """Write letters that a terminal or pipe of another encoding lacks as their number, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _refuse_empty_words() -> None:
    """Refuse an empty word: as a path it would mean the folder that one happens to be in."""
    before = "veriscope"
    for word in sys.argv[1:]:
        option, equals, value = word.partition("=")
        if not word or (word.startswith("--") and equals and not value):
            what = option or (before if before.startswith("-") else "an argument")
            _fail(
                "UsageError",
                f"{what} is empty, as when a variable of the shell is not set; give a value (a folder here "
                "by its name, this one as .), or leave the option out",
                code=_WRONG_USAGE,
            )
        before = word


def _refuse(error: Any) -> NoReturn:
    """Tell what was wrong with the words of a command line, and where to read what is right."""
    if "--json" not in sys.argv:
        error.show()
        sys.exit(error.exit_code)
    command = error.ctx.command_path if error.ctx is not None else "veriscope"
    _fail("UsageError", f"{error.format_message().rstrip('.')}. See {command} --help", code=error.exit_code)


def _fail(kind: str, message: str, *, code: int = 1, plain: str = "") -> NoReturn:
    """Tell what went wrong, as JSON where JSON was asked for, and exit."""
    from veriscope.cli.output import emit_json, say

    if "--json" in sys.argv:
        emit_json({"schema": "veriscope/error/1", "error": kind, "message": message})
    elif plain:
        sys.stderr.write(plain)
    else:
        say(f"Error: {message}", style="bold red")
    sys.exit(code)
