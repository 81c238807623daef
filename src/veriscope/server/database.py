"""Where the server keeps its tables: an SQLite file, or PostgreSQL by its address."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from veriscope.errors import InputError, MissingPackageError
from veriscope.io.atomic import make_folder

__all__ = ["Cursor", "Database", "StorageError", "is_address"]

Found = TypeVar("Found")

_POSTGRES = ("postgresql://", "postgres://")
_SECONDS = 10


class StorageError(Exception):
    """A table cannot be read or written now.

    Parameters
    ----------
    message
        What the database says.
    is_full
        Whether its disk is full.
    """

    def __init__(self, message: str, *, is_full: bool = False) -> None:
        super().__init__(message)
        self.is_full = is_full


class Cursor(Protocol):
    """What is done within one transaction."""

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Ask.

        Parameters
        ----------
        query
            SQL with ``?`` for each value.
        values
            The values.

        Returns
        -------
        list of dict
            Value by column.
        """

    def change(self, query: str, values: Sequence[Any] = ()) -> int:
        """Change something.

        Parameters
        ----------
        query
            SQL with ``?`` for each value.
        values
            The values.

        Returns
        -------
        int
            Rows that were changed.
        """


def is_address(place: str | Path) -> bool:
    """Tell whether a text is the address of a database rather than a file.

    Parameters
    ----------
    place
        Such as ``postgresql://user@host/name``.

    Returns
    -------
    bool
        Whether it has the form of an address.
    """
    return "://" in str(place)


class Database:
    """Tables in a file or on a PostgreSQL server; one transaction at a time.

    Parameters
    ----------
    place
        SQLite file, made if it is missing; or an address such as ``postgresql://user@host/name``.
    is_busy
        Whether much is written: an SQLite file then keeps what is new beside itself for a while.

    Raises
    ------
    InputError
        If the file is no database, or the server does not answer.
    MissingPackageError
        If the address asks for PostgreSQL and its driver is not installed.
    """

    def __init__(self, place: str | Path, *, is_busy: bool = False) -> None:
        if is_address(place) and not str(place).startswith(_POSTGRES):
            raise InputError(
                f"{_shown(place)}: is no database that can be used; give a file, or postgresql://USER@HOST/NAME"
            )
        self._place = place
        self.is_postgres = is_address(place)
        self._lock = threading.RLock()
        self._is_busy = is_busy
        self._connection: Any = None
        first = "SELECT 1 AS one" if self.is_postgres else "SELECT name FROM sqlite_master LIMIT 1"
        try:
            self.run(lambda cursor: cursor.rows(first))
        except StorageError as error:
            what = "does not answer" if self.is_postgres else "is no database, or cannot be used"
            raise InputError(f"{self.name}: {what} ({error}); check the address, or choose another") from None

    @property
    def name(self) -> str:
        """Its file or address, without a password."""
        return _shown(self._place)

    @property
    def number_column(self) -> str:
        """Type of a column that numbers the rows, as SQL."""
        return (
            "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY" if self.is_postgres else "INTEGER PRIMARY KEY"
        )

    def run(self, work: Callable[[Cursor], Found]) -> Found:
        """Do something in a transaction of its own: all of it, or nothing.

        Parameters
        ----------
        work
            Takes a cursor. It may be called twice, where the connection was lost on the way.

        Returns
        -------
        object
            What `work` gives.

        Raises
        ------
        StorageError
            If the database fails, such as on a full disk.
        """
        with self._lock:
            for is_last in (False, True):
                is_new = self._connection is None
                try:
                    if self._connection is None:
                        self._connection = self._open()
                        if not self.is_postgres:  # whoever forgets to close leaves no file open
                            weakref.finalize(self, _closed, self._connection)
                    with _transaction(self._connection):
                        return work(_Cursor(self._connection, self.is_postgres))
                except _failures() as error:
                    # A server that was started anew closes its connections: ask once more on a new one.
                    lost = self.is_postgres and not is_new and self._is_lost()
                    if is_last or not lost:
                        raise _storage_error(error) from error
        raise AssertionError("the last attempt returns or raises")

    def _open(self) -> Any:
        return _open_postgres(self._place) if self.is_postgres else _open_sqlite(self._place, self._is_busy)

    def _is_lost(self) -> bool:
        if not (self._connection.closed or self._connection.broken):
            return False
        self.close()
        return True

    def close(self) -> None:
        """Close the connection; the next use opens another."""
        with self._lock:
            if self._connection is not None:
                _closed(self._connection)
            self._connection = None


class _Cursor:
    def __init__(self, connection: Any, is_postgres: bool) -> None:
        self._connection, self._is_postgres = connection, is_postgres

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        found = self._execute(query, values)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def change(self, query: str, values: Sequence[Any] = ()) -> int:
        return int(self._execute(query, values).rowcount)

    def _execute(self, query: str, values: Sequence[Any]) -> Any:
        return self._connection.execute(
            query.replace("?", "%s") if self._is_postgres else query, list(values)
        )


def _closed(connection: Any) -> None:
    with contextlib.suppress(*_failures()):
        connection.close()


def _transaction(connection: Any) -> Any:
    """Give a context that commits, or takes everything back."""
    return connection if isinstance(connection, sqlite3.Connection) else connection.transaction()


def _open_sqlite(place: str | Path, is_busy: bool) -> sqlite3.Connection:
    make_folder(Path(place).parent)
    connection = sqlite3.connect(place, check_same_thread=False, timeout=_SECONDS)
    try:
        if is_busy:
            connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _open_postgres(place: str | Path) -> Any:
    psycopg = _psycopg()
    return psycopg.connect(
        str(place),
        autocommit=True,  # outside of transactions, which are begun for each piece of work
        connect_timeout=_SECONDS,
        options=f"-c statement_timeout={_SECONDS * 1000} -c idle_in_transaction_session_timeout=60000",
        application_name="veriscope",
    )


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError:
        raise MissingPackageError(
            "PostgreSQL needs the package psycopg; install it with: pip install 'veriscope[postgres]'"
        ) from None
    return psycopg


def _failures() -> tuple[type[Exception], ...]:
    import sys

    # It may be half imported, where memory is cleared in the middle of that.
    of_postgres = getattr(sys.modules.get("psycopg"), "Error", None)
    return (sqlite3.Error,) if of_postgres is None else (sqlite3.Error, of_postgres)


def _storage_error(error: Exception) -> StorageError:
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    is_full = "full" in text or getattr(error, "sqlstate", None) == "53100"
    return StorageError(text, is_full=is_full)


def _shown(place: str | Path) -> str:
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1@", str(place))
