"""Telling browsers what changed, through server-sent events."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

__all__ = ["Events", "Part"]

Part = Literal["images", "audit", "candidates", "answer", "study"]
_MOST_WAITING = 1000
_HEARTBEAT_S = 15.0


class Events:
    """Passes events from any thread to all browsers that listen."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        self._before_study: Callable[[str], None] | None = None

    @property
    def is_heard(self) -> bool:
        """Whether a browser listens."""
        return bool(self._listeners)

    def before_study(self, call: Callable[[str], None]) -> None:
        """Have something done before each event of a study.

        Parameters
        ----------
        call
            Takes the study's identifier.
        """
        self._before_study = call

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin.

        Parameters
        ----------
        loop
            In which the listeners wait.
        """
        self._loop = loop

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        self._is_closed = True
        self._pass(None)

    def send(self, event: str, data: Any) -> None:
        """Send an event to all who listen.

        Parameters
        ----------
        event
            Its name.
        data
            Plain values.
        """
        self._pass(_text(event, data))

    def study(self, study: str, what: Part) -> None:
        """Say that something of a study has changed.

        Parameters
        ----------
        study
            Its identifier.
        what
            Which part is to be loaded again.
        """
        if self._before_study is not None:
            self._before_study(study)
        self.send("study", {"study": study, "what": what})

    def _pass(self, text: str | None) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        with self._lock:
            listeners = list(self._listeners)
        for queue in listeners:
            loop.call_soon_threadsafe(_put, queue, text)

    def look_again(self) -> None:
        """Have every stream ask at once whether its listener may go on, as when somebody has signed out."""
        self._pass("")

    async def listen(
        self, first: Callable[[], tuple[str, Any]], may_hear: Callable[[], bool] = lambda: True
    ) -> AsyncIterator[str]:
        """Give events as they come.

        Parameters
        ----------
        first
            Gives name and data of the first event, after which nothing is missed.
        may_hear
            Asked before each event, and while there is none; the stream ends where it says no.

        Yields
        ------
        str
            Lines of an event stream.
        """
        queue: asyncio.Queue[str | None] = asyncio.Queue(_MOST_WAITING)
        with self._lock:
            self._listeners.add(queue)
        try:
            yield _text(*await asyncio.to_thread(first))
            while not self._is_closed:
                try:
                    text = await asyncio.wait_for(queue.get(), _HEARTBEAT_S)
                except TimeoutError:
                    text = ": still here\n\n"
                if text is None or not await asyncio.to_thread(may_hear):
                    return
                if text:
                    yield text
        finally:
            with self._lock:
                self._listeners.discard(queue)


def _put(queue: asyncio.Queue[str | None], text: str | None) -> None:
    if queue.full():  # a browser that sleeps: it reconnects and gets everything anew
        while not queue.empty():
            queue.get_nowait()
        text = None
    queue.put_nowait(text)


def _text(event: str, data: Any) -> str:
    return f"event: {event}\ndata: {json.dumps(data)}\n\n"
