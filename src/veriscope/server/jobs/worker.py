"""The process that does one job: ``python -m veriscope.server.jobs.worker``.

It reads one line of JSON from standard input, and writes lines of JSON to standard output: ``progress``,
and at the end ``done``, ``failed`` or ``cancelled``. When standard input ends, the server is gone: the job
stops as at Ctrl-C, and is begun again by the next server.
"""

from __future__ import annotations

import _thread
import json
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

__all__ = ["main"]

_SECONDS_BETWEEN = 0.2


def main() -> int:
    """Do the job that standard input names.

    Returns
    -------
    int
        Exit code.
    """
    # What methods print must not come between the messages.
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if hasattr(os, "nice"):
        os.nice(5)  # requests come first
    # A server that a script started in the background ignores Ctrl-C, and its children would too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    import veriscope.server.jobs.work  # noqa: F401 (takes seconds: done while there is no job yet)

    asked = _own_input()
    line = _read_line(asked)
    if not line:
        return 0  # the server has stopped, and this process was a spare one
    given = json.loads(line)
    threading.Thread(target=_watch, args=(asked,), daemon=True).start()
    try:
        _tell(told, "done", result=_do(given, told))
    except KeyboardInterrupt:
        _tell(told, "cancelled")
        return 130
    except Exception as error:
        from veriscope.server.problems import problem_of

        logging.getLogger("veriscope.server").error("the job failed", exc_info=error)
        _tell(told, "failed", problem=problem_of(error, Path(given["study"]).parent).to_dict())
        return 1
    return 0


def _do(given: dict[str, Any], told: IO[str]) -> dict[str, Any]:
    from veriscope.server.jobs.work import WORK

    last: dict[str, Any] = {"at": 0.0, "stage": None}

    def progress(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != last["stage"] or done >= total or now - last["at"] >= _SECONDS_BETWEEN:
            last.update(at=now, stage=stage)
            _tell(told, "progress", stage=stage, done=done, total=total)

    result = WORK[given["kind"]](Path(given["study"]), given["request"], progress)
    text = json.dumps(result, default=str)
    plain: dict[str, Any] = json.loads(text, parse_constant=lambda _: None)  # NaN and infinities
    return plain


def _own_input() -> int:
    """Take standard input away from all else in this process.

    A process that this one forks, such as one that loads training images, closes `sys.stdin`, and would
    wait for ever for the lock that a thread holds while it reads from it.
    """
    asked = os.dup(sys.stdin.fileno())
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    return asked


def _read_line(asked: int) -> bytes:
    found = b""
    while not found.endswith(b"\n"):
        part = os.read(asked, 1 << 16)
        if not part:
            return b""
        found += part
    return found


def _watch(asked: int) -> None:
    """Stop when the server does."""
    while os.read(asked, 1 << 16):
        pass
    _thread.interrupt_main()


def _tell(told: IO[str], event: str, **more: Any) -> None:
    told.write(json.dumps({"event": event, **more}) + "\n")
    told.flush()


if __name__ == "__main__":
    sys.exit(main())
