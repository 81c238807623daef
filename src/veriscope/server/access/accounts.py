"""Accounts of a lab server: names, hashed passwords, roles, in an SQLite file."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from veriscope.errors import InputError
from veriscope.io.atomic import make_folder
from veriscope.server.access.sessions import ROLES, Identity, Role

__all__ = ["Accounts"]

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
_SHORTEST = 10
_hasher = PasswordHasher()
_NOBODY = _hasher.hash("nobody has this password")
"""Checked where there is no such account, so that the time taken tells nothing."""


class Accounts:
    """The accounts in a file.

    Parameters
    ----------
    path
        SQLite file; made at the first account.

    Raises
    ------
    InputError
        If the file is there and is not one of ours.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        make_folder(self._path.parent)
        connection = sqlite3.connect(self._path, timeout=10)
        try:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS accounts "
                "(name TEXT PRIMARY KEY, hash TEXT NOT NULL, role TEXT NOT NULL)"
            )
            with connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise InputError(f"{self._path}: is no file of accounts ({error}); choose another") from None
        finally:
            connection.close()

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
        if not _NAME.match(name):
            raise InputError(f"account {name!r}: use letters, digits, . _ and -, 64 at most")
        if len(password) < _SHORTEST:
            raise InputError(f"the password has {len(password)} characters; give {_SHORTEST} or more")
        if role not in ROLES:
            raise InputError(f"role {role!r} is not known; roles are: {', '.join(ROLES)}")
        with self._opened() as connection:
            connection.execute(
                "INSERT INTO accounts VALUES (?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = excluded.role",
                (name, _hasher.hash(password), role),
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
        with self._opened() as connection:
            if connection.execute("DELETE FROM accounts WHERE name = ?", (name,)).rowcount == 0:
                raise InputError(f"there is no account {name!r}; see: veriscope serve-user list")

    def listed(self) -> dict[str, Role]:
        """List the accounts.

        Returns
        -------
        dict
            Role by name.
        """
        with self._opened() as connection:
            return dict(connection.execute("SELECT name, role FROM accounts ORDER BY name"))

    def check(self, name: str, password: str) -> Identity | None:
        """Check a password.

        Parameters
        ----------
        name
            Of the account.
        password
            As given.

        Returns
        -------
        Identity or None
            None if there is no account with this name and password.
        """
        with self._opened() as connection:
            found = connection.execute("SELECT hash, role FROM accounts WHERE name = ?", (name,)).fetchone()
        try:
            _hasher.verify(found[0] if found else _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return None
        return Identity(name, found[1]) if found else None
