"""Who is signed in, and how often somebody guessed wrong."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Literal

from veriscope.server.database import Cursor, Database, StorageError

__all__ = ["ROLES", "Attempts", "Identity", "Role", "Sessions", "same_secret"]

Role = Literal["viewer", "annotator", "owner"]
ROLES: tuple[Role, ...] = ("viewer", "annotator", "owner")
"""From who may least to who may most."""

_MOST_HELD = 10_000
_MOST_CALLERS = 10_000
_FRESH_S = 30.0
"""How long the table is not asked again for a session, and not told that it was used."""
_TABLE = (
    "CREATE TABLE IF NOT EXISTS sessions (name TEXT PRIMARY KEY, place TEXT NOT NULL, person TEXT NOT NULL, "
    "role TEXT NOT NULL, stamp TEXT NOT NULL, used DOUBLE PRECISION NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who makes a request.

    Parameters
    ----------
    user
        Name.
    role
        What they may do.
    """

    user: str
    role: Role

    def may(self, role: Role) -> bool:
        """Tell whether what a role may do is allowed.

        Parameters
        ----------
        role
            The role needed.

        Returns
        -------
        bool
            Whether this identity has it or a higher one.
        """
        return ROLES.index(self.role) >= ROLES.index(role)


def same_secret(given: str, expected: str) -> bool:
    """Compare secrets in a time that tells nothing about them.

    Parameters
    ----------
    given, expected
        Any text.

    Returns
    -------
    bool
        Whether they are equal.
    """
    return hmac.compare_digest(
        hashlib.sha256(given.encode("utf-8", "surrogatepass")).digest(),
        hashlib.sha256(expected.encode("utf-8", "surrogatepass")).digest(),
    )


@dataclass(slots=True)
class _Session:
    identity: Identity
    stamp: str
    used: float
    read: float


class Sessions:
    """Who is signed in, in a table that outlives the server; only hashes of the keys are kept.

    Parameters
    ----------
    hours
        A session ends when it was not used for so long.
    database
        Where the table is.
    place
        Name of this server in the table: sessions of others are not its own.
    """

    def __init__(self, hours: float, database: Database, place: str = "") -> None:
        self._seconds, self._database, self._place = hours * 3600, database, place
        self._held: OrderedDict[str, _Session] = OrderedDict()
        self._lock = threading.Lock()
        database.run(lambda cursor: cursor.change(_TABLE))

    def begin(self, identity: Identity, stamp: str = "") -> str:
        """Begin a session, and forget those that have ended.

        Parameters
        ----------
        identity
            Who signed in.
        stamp
            Of the account; the session ends when it is another, as after a change of the password.

        Returns
        -------
        str
            Its key, for the cookie; 256 random bits.
        """
        key, now = secrets.token_urlsafe(32), time.time()
        name = _hash(key)

        def work(cursor: Cursor) -> None:
            cursor.change("DELETE FROM sessions WHERE used < ?", (now - self._seconds,))
            cursor.change(
                "INSERT INTO sessions (name, place, person, role, stamp, used) VALUES (?, ?, ?, ?, ?, ?)",
                (name, self._place, identity.user, identity.role, stamp, now),
            )

        self._database.run(work)
        self._hold(name, _Session(identity, stamp, now, now))
        return key

    def find(self, key: str, *, counts: bool = True) -> tuple[Identity, str] | None:
        """Give who a session belongs to and the stamp it began with.

        Parameters
        ----------
        key
            From the cookie.
        counts
            Whether the session is used by this; what an open page does by itself must not keep it alive.

        Returns
        -------
        tuple of Identity and str, or None
            None if there is no such session, or it has ended.
        """
        if not key:
            return None
        now, name = time.time(), _hash(key)
        with self._lock:
            held = self._held.get(name)
        if held is None or now - held.read > _FRESH_S:
            held = self._read(name, now, counts=counts)
        if held is None:
            return None
        if now - held.used > self._seconds:
            self.end(key)
            return None
        if counts:
            held.used = now
        return held.identity, held.stamp

    def end(self, key: str) -> None:
        """End a session.

        Parameters
        ----------
        key
            From the cookie.
        """
        name = _hash(key)
        with self._lock:
            self._held.pop(name, None)
        self._database.run(lambda cursor: cursor.change("DELETE FROM sessions WHERE name = ?", (name,)))

    def end_all(self) -> None:
        """End all sessions of this server."""
        with self._lock:
            self._held.clear()
        self._database.run(
            lambda cursor: cursor.change("DELETE FROM sessions WHERE place = ?", (self._place,))
        )

    def _read(self, name: str, now: float, *, counts: bool) -> _Session | None:
        """Read a session from the table, and write there when it was used last."""
        with self._lock:
            held = self._held.pop(name, None)
        query = "SELECT * FROM sessions WHERE name = ? AND place = ?"
        rows = self._database.run(lambda cursor: cursor.rows(query, (name, self._place)))
        row = next(iter(rows), None)
        used = max(0.0 if held is None else held.used, 0.0 if row is None else float(row["used"]))
        is_there = row is not None and now - used <= self._seconds
        used = now if counts else used
        values: tuple[Any, ...]
        change, values = "DELETE FROM sessions WHERE name = ?", (name,)
        if is_there:
            change, values = "UPDATE sessions SET used = ? WHERE name = ?", (used, name)
        # On a full disk nothing can be written, and people must go on reading, to make room.
        with contextlib.suppress(StorageError):
            self._database.run(lambda cursor: cursor.change(change, values))
        if row is None or not is_there:
            return None
        found = _Session(Identity(row["person"], row["role"]), row["stamp"], used, now)
        self._hold(name, found)
        return found

    def _hold(self, name: str, session: _Session) -> None:
        with self._lock:
            self._held[name] = session
            while len(self._held) > _MOST_HELD:
                self._held.popitem(last=False)


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class Attempts:
    """Counts failed sign-ins by caller, so that nobody can guess on.

    Parameters
    ----------
    most
        Failures within the window, after which the caller has to wait.
    window
        Seconds.
    """

    def __init__(self, most: int, window: float = 300.0) -> None:
        self._most, self._window = most, window
        self._failures: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, caller: str) -> float:
        """Say how long a caller has to wait.

        Parameters
        ----------
        caller
            Address, or name of an account.

        Returns
        -------
        float
            Seconds; 0 if they may try.
        """
        now = time.monotonic()
        with self._lock:
            recent = [at for at in self._failures.get(caller, ()) if now - at < self._window]
            if len(recent) < self._most:
                return 0.0
            return self._window - (now - recent[-self._most])

    def fail(self, caller: str) -> None:
        """Count a failure.

        Parameters
        ----------
        caller
            Address, or name of an account.
        """
        now = time.monotonic()
        with self._lock:
            recent = [at for at in self._failures.get(caller, ()) if now - at < self._window]
            self._failures[caller] = [*recent, now][-self._most :]
            self._failures.move_to_end(caller)
            while len(self._failures) > _MOST_CALLERS:
                self._failures.popitem(last=False)
