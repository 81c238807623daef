"""The table of jobs, in SQLite: what was asked for is not lost when the server stops."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from veriscope.errors import InputError
from veriscope.io.atomic import make_folder
from veriscope.server.models.jobs import Job, JobKind, JobState

__all__ = ["ENDED", "JobTable", "now"]

_TEXT = (
    "id",
    "kind",
    "study",
    "state",
    "by",
    "submitted",
    "started",
    "finished",
    "stage",
    "problem",
    "result",
)
_COLUMNS = dict.fromkeys((*_TEXT, "request"), "TEXT") | dict.fromkeys(
    ("done", "total", "attempts"), "INTEGER"
)
_KEPT = 1000
_MOST_ATTEMPTS = 3


class JobTable:
    """All jobs of a server.

    Parameters
    ----------
    path
        SQLite file.

    Raises
    ------
    InputError
        If the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self._lock = threading.RLock()
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, timeout=10)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode=WAL")
            kinds = ", ".join(
                f'"{name}" {"INTEGER" if name in ("done", "total", "attempts") else "TEXT"}'
                for name in _COLUMNS
            )
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS jobs (number INTEGER PRIMARY KEY, {kinds})")
            self._connection.commit()
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"{path}: cannot be used as the table of jobs ({error}); remove it, which forgets past jobs"
            ) from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def add(self, kind: JobKind, study: str, request: Mapping[str, Any], by: str) -> tuple[Job, bool]:
        """Put a job into the queue, unless the same is waiting or running.

        Parameters
        ----------
        kind
            What it does.
        study
            Its study.
        request
            What was asked for; plain values.
        by
            Who asked.

        Returns
        -------
        tuple of Job and bool
            The job, and whether it is new.
        """
        text = json.dumps(dict(request), sort_keys=True)
        with self._lock, self._connection as connection:
            same = connection.execute(
                "SELECT * FROM jobs WHERE kind = ? AND study = ? AND request = ? "
                "AND state IN ('queued', 'running')",
                (kind, study, text),
            ).fetchone()
            if same is not None:
                return _job(same), False
            values = {
                "id": secrets.token_hex(8),
                "kind": kind,
                "study": study,
                "state": "queued",
                "by": by,
                "submitted": now(),
                "stage": "",
                "done": 0,
                "total": 0,
                "attempts": 0,
                "request": text,
            }
            names = ", ".join(f'"{name}"' for name in values)
            marks = ", ".join("?" * len(values))
            connection.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", list(values.values()))
            connection.execute(
                "DELETE FROM jobs WHERE state NOT IN ('queued', 'running') AND number <= "
                "(SELECT MAX(number) FROM jobs) - ?",
                (_KEPT,),
            )
        found = self.find(str(values["id"]))
        assert found is not None, "it was just put in"
        return found, True

    def find(self, job: str) -> Job | None:
        """Give a job.

        Parameters
        ----------
        job
            Its identifier.

        Returns
        -------
        Job or None
            None if there is none.
        """
        with self._lock:
            row = self._connection.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
        return None if row is None else _job(row)

    def request_of(self, job: str) -> dict[str, Any]:
        """Give what was asked for.

        Parameters
        ----------
        job
            Identifier of a job.

        Returns
        -------
        dict
            As given to `add`.
        """
        with self._lock:
            row = self._connection.execute("SELECT request FROM jobs WHERE id = ?", (job,)).fetchone()
        found: dict[str, Any] = json.loads(row["request"])
        return found

    def listed(self, *, study: str | None = None, is_active: bool = False, most: int = 200) -> list[Job]:
        """List jobs.

        Parameters
        ----------
        study
            Of this study alone.
        is_active
            Only those waiting or running.
        most
            Number to list.

        Returns
        -------
        list of Job
            Newest first.
        """
        wanted, values = ["1"], []
        if study is not None:
            wanted.append("study = ?")
            values.append(study)
        if is_active:
            wanted.append("state IN ('queued', 'running')")
        query = f"SELECT * FROM jobs WHERE {' AND '.join(wanted)} ORDER BY number DESC LIMIT ?"
        with self._lock:
            return [_job(row) for row in self._connection.execute(query, [*values, most])]

    def update(self, job: str, **values: Any) -> Job | None:
        """Change columns of a job.

        Parameters
        ----------
        job
            Its identifier.
        **values
            New values by column; problem and result as plain values.

        Returns
        -------
        Job or None
            As it is then; None if there is none.
        """
        kept = {
            name: json.dumps(value) if isinstance(value, dict) else value for name, value in values.items()
        }
        changes = ", ".join(f'"{name}" = ?' for name in kept)
        with self._lock, self._connection as connection:
            connection.execute(f"UPDATE jobs SET {changes} WHERE id = ?", [*kept.values(), job])
        return self.find(job)

    def resume(self) -> list[Job]:
        """Queue again what was running when the server stopped; each step goes on from where it was.

        Returns
        -------
        list of Job
            Those queued again. A job begun three times already has failed instead: it may be what stops
            the server.
        """
        problem = {
            "type": "about:blank",
            "title": "The server stopped during this job",
            "status": 503,
            "detail": f"It was begun {_MOST_ATTEMPTS} times, and the server stopped each time.",
            "action": "Start it again; if it stops the server again, look into the server's log.",
            "errors": [],
        }
        found = []
        for job in self.listed(is_active=True, most=_KEPT):
            if job.state != "running":
                continue
            if job.attempts >= _MOST_ATTEMPTS:
                self.update(job.id, state="failed", finished=now(), problem=problem)
                continue
            changed = self.update(job.id, state="queued")
            if changed is not None:
                found.append(changed)
        return found


def now() -> str:
    """Give the time for the table.

    Returns
    -------
    str
        ISO 8601, UTC.
    """
    return datetime.now(UTC).isoformat(timespec="seconds")


def _job(row: sqlite3.Row) -> Job:
    values = {name: row[name] for name in row.keys() if name not in ("number", "request")}  # noqa: SIM118
    for name in ("problem", "result"):
        values[name] = None if values[name] is None else json.loads(values[name])
    return Job.model_validate(values)


ENDED: tuple[JobState, ...] = ("done", "failed", "cancelled")
"""States that a job does not leave."""
