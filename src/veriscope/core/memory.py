"""How much memory this process may use."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

__all__ = ["usable_memory"]

_UNKNOWN = 1 << 62


def usable_memory(*, proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Tell how much memory the system lets this process use.

    A container, or a job of a cluster, may have less than the computer; who takes more is killed.

    Parameters
    ----------
    proc
        Where Linux tells of its processes.
    groups
        Where Linux tells of its control groups.

    Returns
    -------
    int
        Bytes: of the computer, or less if a control group of this process allows less. A very large number
        where the system does not tell.
    """
    try:
        installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        installed = _UNKNOWN
    try:
        lines = (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return installed
    limits = [installed]
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, colon, path = rest.partition(":")
        if colon and controllers in ("", "memory"):
            root = groups / controllers
            # In a container the path may be that of the computer, and its own group lies at the top.
            for group in _upwards(path):
                for name in ("memory.max", "memory.limit_in_bytes"):
                    limits += _limit(root / group / name)
    return min(limits)


def _upwards(path: str) -> list[str]:
    """Give a group and those that it lies in: each may have a limit."""
    relative = PurePosixPath(path.lstrip("/"))
    return [str(relative), *(str(parent) for parent in relative.parents)]


def _limit(path: Path) -> list[int]:
    """Give what a file says, if it is a number; a group without limit says "max"."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return []
    return [int(text)] if text.isdecimal() else []
