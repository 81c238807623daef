"""Which processes a process has started."""

from __future__ import annotations

import contextlib
from pathlib import Path

__all__ = ["descendants"]


def descendants(process: int | str = "self", *, proc: Path = Path("/proc")) -> list[str]:
    """Give the child processes that live, and theirs.

    Parameters
    ----------
    process
        Its number; ``self``: this one.
    proc
        Where Linux tells of its processes.

    Returns
    -------
    list of str
        Their numbers; empty where the system does not tell.
    """
    found: list[str] = []
    waiting = [str(process)]
    while waiting:
        tasks = proc / waiting.pop() / "task"
        with contextlib.suppress(OSError):
            for task in tasks.iterdir():
                with contextlib.suppress(OSError):  # a thread that has ended meanwhile
                    children = (task / "children").read_text(encoding="ascii").split()
                    found += children
                    waiting += children
    return found
