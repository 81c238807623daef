"""The table of jobs: what was asked for is not lost when the server stops."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from veriscope.server.database import Cursor, Database
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
_NUMBERS = ("done", "total", "attempts")
_KEPT = 1000
_MOST_ATTEMPTS = 3


class JobTable:
    """All jobs of a server.

    Parameters
    ----------
    database
        Where the table is.
    place
        Name of this server in the table: jobs of others are not its own.

    Raises
    ------
    StorageError
        If the database fails.
    """

    def __init__(self, database: Database, place: str = "") -> None:
        self._database, self._place = database, place
        columns = [
            f"number {database.number_column}",
            "place TEXT NOT NULL DEFAULT ''",
            *(f'"{name}" TEXT' for name in (*_TEXT, "request")),
            *(f'"{name}" INTEGER' for name in _NUMBERS),
        ]

        def work(cursor: Cursor) -> None:
            cursor.change(f"CREATE TABLE IF NOT EXISTS jobs ({', '.join(columns)})")
            if not database.is_postgres:
                present = {row["name"] for row in cursor.rows("SELECT name FROM pragma_table_info('jobs')")}
                if "place" not in present:  # written by an earlier version
                    cursor.change(f"ALTER TABLE jobs ADD COLUMN {columns[1]}")

        database.run(work)

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
        values = {
            "place": self._place,
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

        def work(cursor: Cursor) -> tuple[Job, bool]:
            same = cursor.rows(
                "SELECT * FROM jobs WHERE place = ? AND kind = ? AND study = ? AND request = ? "
                "AND state IN ('queued', 'running')",
                (self._place, kind, study, text),
            )
            if same:
                return _job(same[0]), False
            cursor.change(f"INSERT INTO jobs ({names}) VALUES ({marks})", list(values.values()))
            kept = cursor.rows(
                "SELECT number FROM jobs WHERE place = ? ORDER BY number DESC LIMIT 1 OFFSET ?",
                (self._place, _KEPT),
            )
            if kept:
                cursor.change(
                    "DELETE FROM jobs WHERE place = ? AND state NOT IN ('queued', 'running') AND number <= ?",
                    (self._place, kept[0]["number"]),
                )
            return _job(cursor.rows("SELECT * FROM jobs WHERE id = ?", (values["id"],))[0]), True

        return self._database.run(work)

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
        query = "SELECT * FROM jobs WHERE place = ? AND id = ?"
        rows = self._database.run(lambda cursor: cursor.rows(query, (self._place, job)))
        return _job(rows[0]) if rows else None

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
        rows = self._database.run(lambda cursor: cursor.rows("SELECT request FROM jobs WHERE id = ?", (job,)))
        found: dict[str, Any] = json.loads(rows[0]["request"])
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
        wanted, values = ["place = ?"], [self._place]
        if study is not None:
            wanted.append("study = ?")
            values.append(study)
        if is_active:
            wanted.append("state IN ('queued', 'running')")
        query = f"SELECT * FROM jobs WHERE {' AND '.join(wanted)} ORDER BY number DESC LIMIT ?"
        return [_job(row) for row in self._database.run(lambda cursor: cursor.rows(query, [*values, most]))]

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
        query = f"UPDATE jobs SET {changes} WHERE id = ?"
        self._database.run(lambda cursor: cursor.change(query, [*kept.values(), job]))
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


def _job(row: Mapping[str, Any]) -> Job:
    values = {name: row[name] for name in (*_TEXT, *_NUMBERS)}
    for name in ("problem", "result"):
        values[name] = None if values[name] is None else json.loads(values[name])
    return Job.model_validate(values)


ENDED: tuple[JobState, ...] = ("done", "failed", "cancelled")
"""States that a job does not leave."""
