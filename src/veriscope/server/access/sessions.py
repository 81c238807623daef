"""Who is signed in, and how often somebody guessed wrong."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

__all__ = ["ROLES", "Attempts", "Identity", "Role", "Sessions", "same_secret"]

Role = Literal["viewer", "annotator", "owner"]
ROLES: tuple[Role, ...] = ("viewer", "annotator", "owner")
"""From who may least to who may most."""

_MOST_SESSIONS = 10_000
_MOST_CALLERS = 10_000


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


class Sessions:
    """Sessions in memory: a restart signs everybody out. Only hashes of their keys are kept.

    Parameters
    ----------
    hours
        A session ends when it was not used for so long.
    """

    def __init__(self, hours: float) -> None:
        self._seconds = hours * 3600
        self._held: OrderedDict[str, tuple[Identity, float]] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, identity: Identity) -> str:
        """Begin a session.

        Parameters
        ----------
        identity
            Who signed in.

        Returns
        -------
        str
            Its key, for the cookie; 256 random bits.
        """
        key = secrets.token_urlsafe(32)
        with self._lock:
            self._held[_hash(key)] = (identity, time.monotonic())
            while len(self._held) > _MOST_SESSIONS:
                self._held.popitem(last=False)
        return key

    def find(self, key: str) -> Identity | None:
        """Give who a session belongs to, and count it as used.

        Parameters
        ----------
        key
            From the cookie.

        Returns
        -------
        Identity or None
            None if there is no such session, or it has ended.
        """
        now, name = time.monotonic(), _hash(key)
        with self._lock:
            found = self._held.get(name)
            if found is None:
                return None
            if now - found[1] > self._seconds:
                del self._held[name]
                return None
            self._held[name] = (found[0], now)
            self._held.move_to_end(name)
            return found[0]

    def end(self, key: str) -> None:
        """End a session.

        Parameters
        ----------
        key
            From the cookie.
        """
        with self._lock:
            self._held.pop(_hash(key), None)


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
