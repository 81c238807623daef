"""One writer per study at a time, within this server."""

from __future__ import annotations

import threading
from collections import defaultdict

__all__ = ["Locks"]


class Locks:
    """A lock for each name."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._guard = threading.Lock()

    def of(self, name: str) -> threading.RLock:
        """Give the lock of a name.

        Parameters
        ----------
        name
            Such as the identifier of a study.

        Returns
        -------
        threading.RLock
            The same each time.
        """
        with self._guard:
            return self._locks[name]
