"""Accounts of a lab server: names, hashed passwords, roles, in an SQLite file or a database."""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from veriscope.errors import InputError
from veriscope.server.access.sessions import ROLES, Identity, Role
from veriscope.server.database import Cursor, Database, is_address

__all__ = ["Account", "Accounts"]

Found = TypeVar("Found")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHORTEST = 10
_hasher = PasswordHasher()
_NOBODY = _hasher.hash("nobody has this password")
"""Checked where there is no such account, so that the time taken tells nothing."""
_TABLE = "CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, hash TEXT NOT NULL, role TEXT NOT NULL)"


@dataclass(frozen=True, slots=True)
class Account:
    """What is asked of an account at every request.

    Parameters
    ----------
    role
        What the person may do.
    stamp
        Another after every change of the password, and tells nothing of it.
    """

    role: Role
    stamp: str


class Accounts:
    """The accounts in a file or database.

    Parameters
    ----------
    place
        SQLite file, made at the first account; or the address of a PostgreSQL database.

    Raises
    ------
    InputError
        If the file is there and is not one of ours, or the database does not answer.
    """

    def __init__(self, place: Path | str) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._known: tuple[float, dict[str, Account]] = (-1.0, {})
        self._database: Database | None = Database(place) if is_address(place) else None
        if self._database is not None:
            self._database.run(lambda cursor: cursor.change(_TABLE))

    def _run(self, work: Callable[[Cursor], Found]) -> Found:
        """Do something with the table; a file is opened for this alone, so that it may be exchanged."""
        if self._database is not None:
            return self._database.run(work)
        try:
            database = Database(self._place)
        except InputError:
            raise InputError(f"{self._place}: is no file of accounts; choose another") from None

        def in_table(cursor: Cursor) -> Found:
            cursor.change(_TABLE)
            return work(cursor)

        with contextlib.closing(database):
            return database.run(in_table)

    def add(self, name: str, password: str, role: Role) -> None:
        """Add an account, or change its password and role.

        Parameters
        ----------
        name
            Letters, digits, ``.``, ``_``, ``-``; 64 at most.
        password
            10 characters at least.
        role
            What the person may do.

        Raises
        ------
        InputError
            If name, password or role cannot be used.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"account {name!r}: use letters, digits, . _ and -, 64 at most")
        if len(password) < _SHORTEST:
            raise InputError(f"the password has {len(password)} characters; give {_SHORTEST} or more")
        if role not in ROLES:
            raise InputError(f"role {role!r} is not known; roles are: {', '.join(ROLES)}")
        values = (name, _hasher.hash(password), role)
        self._run(
            lambda cursor: cursor.change(
                "INSERT INTO accounts (name, hash, role) VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = excluded.role",
                values,
            )
        )

    def remove(self, name: str) -> None:
        """Remove an account.

        Parameters
        ----------
        name
            Of the account.

        Raises
        ------
        InputError
            If there is none.
        """
        if not self._run(lambda cursor: cursor.change("DELETE FROM accounts WHERE name = ?", (name,))):
            raise InputError(f"there is no account {name!r}; see: veriscope serve-user list")

    def listed(self) -> dict[str, Role]:
        """List the accounts.

        Returns
        -------
        dict
            Role by name.
        """
        rows = self._run(lambda cursor: cursor.rows("SELECT name, role FROM accounts"))
        return {row["name"]: row["role"] for row in sorted(rows, key=lambda row: str(row["name"]))}

    def present(self, name: str) -> Account | None:
        """Give an account as it is now: of a file at once, of a database within a second.

        Parameters
        ----------
        name
            Of the account.

        Returns
        -------
        Account or None
            None if there is none.
        """
        version = self._version()
        with self._lock:
            if self._known[0] != version:
                rows = self._run(lambda cursor: cursor.rows("SELECT * FROM accounts")) if version else []
                self._known = (
                    version,
                    {row["name"]: Account(row["role"], _stamp(row["hash"])) for row in rows},
                )
            return self._known[1].get(name)

    def check(self, name: str, password: str) -> tuple[Identity, str] | None:
        """Check a password.

        Parameters
        ----------
        name
            Of the account.
        password
            As given.

        Returns
        -------
        tuple of Identity and str, or None
            Who it is and the account's stamp; None if there is no account with this name and password.
        """
        rows = self._run(lambda cursor: cursor.rows("SELECT * FROM accounts WHERE name = ?", (name,)))
        try:
            _hasher.verify(rows[0]["hash"] if rows else _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return None
        return (Identity(name, rows[0]["role"]), _stamp(rows[0]["hash"])) if rows else None

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()

    def _version(self) -> float:
        """Name the present content; 0: there is none."""
        if self._database is not None:
            return float(int(time.monotonic()) + 1)
        path = Path(self._place)
        return float(path.stat().st_mtime_ns) if path.exists() else 0.0


def _stamp(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]
