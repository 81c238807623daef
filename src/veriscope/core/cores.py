"""How many cores of the processor this process may use."""

from __future__ import annotations

import os

__all__ = ["usable_cores"]


def usable_cores() -> int:
    """Count the cores that the system lets this process use.

    Libraries that are left to choose take all cores of the computer, also where ``taskset`` or a cluster gave
    the process a few; ONNX Runtime even ties its threads to them one by one.

    Returns
    -------
    int
        At least 1; on systems that do not tell, all cores of the computer.
    """
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)
