"""The command line: translates, calls one function, prints. No science here."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; exit 0 done, 1 failed, 2 wrong usage."""
    from veriscope.cli.app import app
    from veriscope.errors import VeriscopeError

    try:
        app()
    except VeriscopeError as error:
        from veriscope.cli.output import emit_json, say

        if "--json" in sys.argv:
            emit_json({"schema": "veriscope/error/1", "error": type(error).__name__, "message": str(error)})
        else:
            say(f"Error: {error}", style="bold red")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. What was finished is kept; the same command goes on from there.\n")
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
