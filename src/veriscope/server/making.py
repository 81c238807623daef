"""Lower resolutions that are made while somebody looks at the image already."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["InTheMaking", "begin_making"]

Write = Callable[[Callable[[Path], None], Callable[[float], None]], None]

_AT_ONCE = 2
_PAUSE_S = 60.0
_running: dict[Path, InTheMaking] = {}
_failed: dict[Path, tuple[float, BaseException]] = {}
_lock = threading.Lock()
_turns = threading.BoundedSemaphore(_AT_ONCE)


class InTheMaking:
    """A folder of the cache that is being made in the background.

    Parameters
    ----------
    target
        The folder; appears when it is complete.
    write
        Makes it; is given whom to tell of the folder in which it grows, and how much of it is there.

    Attributes
    ----------
    part
        How much is there, 0 to 1.
    folder
        Where it grows; None before it has begun.
    """

    def __init__(self, target: Path, write: Write) -> None:
        self._target = target
        self._write = write
        self._seen = threading.Event()
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self.part = 0.0
        self.folder: Path | None = None

    def start(self) -> None:
        """Begin, in a thread that does not keep the server from ending."""
        threading.Thread(target=self._run, name=f"make {self._target.name}", daemon=True).start()

    def wait(self) -> None:
        """Wait until it is complete.

        Raises
        ------
        VeriscopeError
            What went wrong.
        """
        self._ended.wait()
        self._raise()

    def wait_for_some(self) -> None:
        """Wait until there is something to be seen.

        Raises
        ------
        VeriscopeError
            What went wrong.
        """
        self._seen.wait()
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            with _turns:
                image = self._target.name.partition("-")[0]
                old = [path for path in self._target.parent.glob(f"{image}-*") if path != self._target]
                self._write(self._begun, self._told)
            for path in old:
                shutil.rmtree(path, ignore_errors=True)
        except BaseException as error:  # handed to those who wait
            self._error = error
        finally:
            with _lock:
                del _running[self._target]
                if self._error is not None:
                    _failed[self._target] = (time.monotonic(), self._error)
            self._seen.set()
            self._ended.set()

    def _begun(self, folder: Path) -> None:
        self.folder = folder

    def _told(self, part: float) -> None:
        self.part = part
        self._seen.set()


def begin_making(target: Path, write: Write) -> InTheMaking | None:
    """Have a folder of the cache made, once however many ask for it.

    Parameters
    ----------
    target
        The folder.
    write
        Makes it.

    Returns
    -------
    InTheMaking or None
        None if it is there.

    Raises
    ------
    VeriscopeError
        What went wrong in the last minute: a viewer asks every second, and it is not tried as often.
    """
    with _lock:
        if target.is_dir():
            return None
        when, error = _failed.get(target, (0.0, None))
        if error is not None and time.monotonic() - when < _PAUSE_S:
            raise error
        _failed.pop(target, None)
        if target not in _running:
            _running[target] = InTheMaking(target, write)
            _running[target].start()
        return _running[target]
