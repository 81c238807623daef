"""Noticing what others than this server change in studies: the command line, or a person with an editor."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from veriscope.server.events import Events, Part
from veriscope.server.study_files import STUDY_FILES, Stamp, stamps_of
from veriscope.server.workspace import Workspace

__all__ = ["StudyWatcher"]

_SECONDS = 2.0
_log = logging.getLogger("veriscope.server")


class StudyWatcher:
    """Tells browsers of changes in studies that nobody told the server of.

    While no browser listens, nothing is looked at.

    Parameters
    ----------
    workspace
        The studies.
    events
        Through which it tells.
    is_busy
        Whether a job of this server works on a study, by identifier: its end is told anyway.
    seconds
        Time between two looks.
    """

    def __init__(
        self,
        workspace: Workspace,
        events: Events,
        is_busy: Callable[[str], bool],
        seconds: float = _SECONDS,
    ) -> None:
        self._workspace, self._events, self._is_busy = workspace, events, is_busy
        self._seconds = seconds
        self._seen: dict[str, tuple[Stamp, ...]] | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._events.before_study(self.take_note)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join(5)

    def take_note(self, study: str) -> None:
        """Take the present state of a study as told.

        Parameters
        ----------
        study
            Its identifier.
        """
        with self._lock:
            if self._seen is not None and study in self._seen:
                self._seen[study] = stamps_of(self._workspace.folder_of(study))

    def look(self) -> None:
        """Look once at all studies, and tell what has changed since the last look."""
        if not self._events.is_heard:
            with self._lock:
                self._seen = None  # who listens next loads everything anew
            return
        names = self._workspace.names()
        with self._lock:
            before = self._seen
            self._seen = {name: stamps_of(self._workspace.folder_of(name)) for name in names}
            now = dict(self._seen)
        if before is None:
            return
        for name in sorted(before.keys() | now.keys()):
            if before.get(name) != now.get(name) and not self._is_busy(name):
                self._events.send("study", {"study": name, "what": _part(before.get(name), now.get(name))})

    def _watch(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                self.look()
            except OSError as error:  # such as a network disk that is away for a while
                _log.warning("the studies cannot be looked at: %s", error)


def _part(before: tuple[Stamp, ...] | None, now: tuple[Stamp, ...] | None) -> Part:
    if before is None or now is None:
        return "study"
    changed = [part for part, old, new in zip(STUDY_FILES.values(), before, now, strict=True) if old != new]
    return changed[0]
