"""A process that runs command lines in children that can be killed, without importing anew for each.

Reads one JSON object per line: ``argv`` of `veriscope.cli.main`, and optionally ``die``, a place in the
code at which the child kills itself with SIGKILL the n-th time that it comes there. Answers with the
child's process id, and when asked by the line ``wait``, with its exit status.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from veriscope.cli import main
from veriscope.io import atomic
from veriscope.io.record import Record
from veriscope.registry import get_method
from veriscope.workflow import study  # noqa: F401 (imported before the first child, with all it needs)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at_the(nth: int, action: Callable[..., Any], before: Callable[..., None]) -> Callable[..., Any]:
    """Wrap a function so that something else happens before its n-th call."""
    left = [nth]

    def wrapped(*arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            before(*arguments, **options)
        return action(*arguments, **options)

    return wrapped


def half_a_line(record: Record, entry: dict[str, Any]) -> None:
    with record.path.open("ab") as stream:
        stream.write(json.dumps(entry).encode()[:40])
    die()


def between_two_renames(temporary: Path, target: Path) -> None:
    if target.exists() and target.is_dir():
        target.rename(target.with_name(f".tmp-old-{target.name}"))
    die()


def arrange_death(place: str, nth: int) -> None:
    if place == "before the record":
        Record._append = at_the(nth, Record._append, lambda *_: die())  # type: ignore[method-assign]
    elif place == "within the record":
        Record._append = at_the(nth, Record._append, half_a_line)  # type: ignore[method-assign]
    elif place == "before the renaming":
        atomic._put_in_place = at_the(nth, atomic._put_in_place, lambda *_: die())
    elif place == "while renaming":
        atomic._put_in_place = at_the(nth, atomic._put_in_place, between_two_renames)
    else:
        raise ValueError(place)


def child(request: dict[str, Any]) -> None:
    os.dup2(2, 1)  # the pipe to the test is not for the command line's words
    sys.argv = ["veriscope", *request["argv"]]
    if "die" in request:
        arrange_death(*request["die"])
    main()


def serve() -> None:
    for name in ("otsu-watershed", "log-spots"):
        get_method(name)
    process = 0
    for line in sys.stdin:
        if line.strip() == "wait":
            _, status = os.waitpid(process, 0)
            answer: Any = os.waitstatus_to_exitcode(status)
        else:
            process = os.fork()
            if process == 0:
                child(json.loads(line))
                os._exit(0)
            answer = process
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
