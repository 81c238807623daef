"""Doing jobs: one process each, as many at a time as the server was started with."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from veriscope.io.atomic import make_folder
from veriscope.server.database import StorageError
from veriscope.server.jobs.table import ENDED, JobTable, now
from veriscope.server.models.jobs import Job, JobKind
from veriscope.server.models.problem import Problem

__all__ = ["JobRunner"]

_PATIENCE_S = 15.0
_LOOK_S = 5.0
_TRIES = 1000
_KEPT_LOGS = 50


_log = logging.getLogger("veriscope.server")


@dataclass
class _Running:
    process: subprocess.Popen[str]
    study: str
    stage: str = ""
    stage_since: float = field(default_factory=time.monotonic)
    stage_from: int = 0
    is_cancelled: bool = False


class JobRunner:
    """Takes jobs from the table and has them done; at most one per study at a time.

    Parameters
    ----------
    table
        The jobs.
    folder_of
        Gives the folder of a study by its identifier.
    state
        Folder for the logs of jobs.
    workers
        Jobs at a time; 0: none is begun.
    told
        Told about every change of a job.
    """

    def __init__(
        self,
        table: JobTable,
        folder_of: Callable[[str], Path],
        state: Path,
        workers: int,
        told: Callable[[Job], None],
    ) -> None:
        self._table, self._folder_of, self._state = table, folder_of, state
        self._workers, self._told = workers, told
        self._running: dict[str, _Running] = {}
        self._threads: list[threading.Thread] = []
        self._condition = threading.Condition()
        self._is_stopping = False
        self._spare: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Queue again what a stopped server left, and begin."""
        self._table.resume()
        self._begin(threading.Thread(target=self._loop, name="jobs", daemon=True))

    def stop(self) -> None:
        """Stop all jobs as Ctrl-C does; the next server begins them again."""
        with self._condition:
            self._is_stopping = True
            running = list(self._running.values())
            if self._spare is not None:
                _kill(self._spare)
                _close(self._spare)
            self._condition.notify_all()
        for item in running:
            _interrupt(item.process)
        until = time.monotonic() + _PATIENCE_S
        for item in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                item.process.wait(max(0.1, until - time.monotonic()))
            if item.process.poll() is None:
                _kill(item.process)
        for thread in self._threads:
            thread.join(5)

    def submit(self, kind: JobKind, study: str, request: dict[str, Any], by: str) -> Job:
        """Put a job into the queue.

        Parameters
        ----------
        kind, study, request, by
            As for `JobTable.add`.

        Returns
        -------
        Job
            The job; the one that is there already if the same is waiting or running.
        """
        job, is_new = self._table.add(kind, study, request, by)
        if is_new:
            self._told(job)
        with self._condition:
            self._condition.notify_all()
        return job

    def cancel(self, job: Job) -> Job:
        """Stop a job as Ctrl-C does; what is finished is kept.

        Parameters
        ----------
        job
            The job.

        Returns
        -------
        Job
            As it is then; one that runs ends soon after.
        """
        with self._condition:  # throughout: what waits must not be begun between the look and the word
            running = self._running.get(job.id)
            if running is None:
                present = self._table.find(job.id)
                if present is None or present.state in ENDED:
                    return present or job
                return self._change(job.id, state="cancelled", finished=now()) or job
            running.is_cancelled = True
        _interrupt(running.process)
        killer = threading.Timer(_PATIENCE_S, _kill, (running.process,))
        killer.daemon = True
        killer.start()
        return self._table.find(job.id) or job

    def is_busy(self, study: str) -> bool:
        """Tell whether a job of a study runs.

        Parameters
        ----------
        study
            Identifier of the study.

        Returns
        -------
        bool
            Whether one of this server does.
        """
        with self._condition:
            return any(item.study == study for item in self._running.values())

    def _change(self, job: str, **values: Any) -> Job | None:
        changed = self._table.update(job, **values)
        if changed is not None:
            self._told(changed)
        return changed

    def _begin(self, thread: threading.Thread) -> None:
        self._threads = [item for item in self._threads if item.is_alive()]
        self._threads.append(thread)
        thread.start()

    def _loop(self) -> None:
        while True:
            with self._condition:
                if self._is_stopping:
                    return
                try:
                    job = self._next()
                    if job is None and self._spare is None and self._workers > 0:
                        self._spare = self._new_process()  # importing takes seconds: done beforehand
                    running = None if job is None else self._spawn(job)
                except (StorageError, OSError) as error:  # such as a full disk: it may have room later
                    _log.error("no job can be begun: %s", error)
                    job = running = None
                if job is None or running is None:
                    self._condition.wait(_LOOK_S)
                    continue
            self._begin(threading.Thread(target=self._follow, args=(job, running), daemon=True))

    def _next(self) -> Job | None:
        if len(self._running) >= self._workers:
            return None
        busy = {item.study for item in self._running.values()}
        waiting = [job for job in self._table.listed(is_active=True, most=1000) if job.state == "queued"]
        return next((job for job in reversed(waiting) if job.study not in busy), None)

    def _new_process(self) -> subprocess.Popen[str]:
        logs = make_folder(self._state / "jobs")
        for old in sorted(logs.glob("*.log"), key=lambda path: path.stat().st_mtime)[:-_KEPT_LOGS]:
            old.unlink(missing_ok=True)
        with (logs / f"{time.time_ns()}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "veriscope.server.jobs.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )

    def _spawn(self, job: Job) -> _Running:
        if self._spare is not None and self._spare.poll() is not None:
            _close(self._spare)
            self._spare = None
        self._spare = self._spare or self._new_process()
        self._change(
            job.id, state="running", started=job.started or now(), attempts=job.attempts + 1, problem=None
        )
        found, self._spare = _Running(self._spare, job.study), None
        self._running[job.id] = found
        return found

    def _follow(self, job: Job, running: _Running) -> None:
        """Pass on what the process says until it ends."""
        process = running.process
        assert process.stdin is not None and process.stdout is not None, "both are pipes"
        ended = {"event": "failed", "problem": _vanished().to_dict()}
        try:
            request = self._table.request_of(job.id) | {"again": job.attempts > 0}
            given = {"kind": job.kind, "study": str(self._folder_of(job.study)), "request": request}
            process.stdin.write(json.dumps(given) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                said = json.loads(line)
                if said["event"] == "progress":
                    self._progress(job.id, running, said)
                else:
                    ended = said
        except (OSError, ValueError, StorageError) as error:
            ended["problem"]["detail"] = f"The server lost its process: {error}."  # type: ignore[index]
            _interrupt(process)
        finally:
            _close(process)
            self._end(job.id, running, ended)

    def _progress(self, job: str, running: _Running, said: dict[str, Any]) -> None:
        stage, done, total = said["stage"], int(said["done"]), int(said["total"])
        if stage != running.stage:
            running.stage, running.stage_since, running.stage_from = stage, time.monotonic(), done
        try:
            changed = self._table.update(job, stage=stage, done=done, total=total)
        except StorageError:
            return  # such as a full disk: what counts is the end, not how far it is
        if changed is None:
            return
        made, spent = done - running.stage_from, time.monotonic() - running.stage_since
        if made > 0 and spent > 0.5:
            changed.eta_s = round(spent / made * (total - done), 1)
        self._told(changed)

    def _end(self, job: str, running: _Running, said: dict[str, Any]) -> None:
        with self._condition:
            del self._running[job]
            is_stopping = self._is_stopping
            self._condition.notify_all()
        if said["event"] == "done":
            self._finish(job, state="done", finished=now(), result=said["result"])
        elif running.is_cancelled:
            self._finish(job, state="cancelled", finished=now())
        elif is_stopping or said["event"] == "cancelled":
            with contextlib.suppress(StorageError):  # what runs is queued again by the next server
                self._table.update(job, state="queued")
        else:
            self._finish(job, state="failed", finished=now(), problem=said["problem"])

    def _finish(self, job: str, **values: Any) -> None:
        """Write how a job ended; while the table cannot be written, try again."""
        for _ in range(_TRIES):
            try:
                self._change(job, **values)
                return
            except StorageError as error:
                _log.error("the end of job %s cannot be written: %s", job, error)
            with self._condition:
                if self._is_stopping or self._condition.wait_for(lambda: self._is_stopping, _LOOK_S):
                    return


def _vanished() -> Problem:
    return Problem(
        title="The job's process ended without a word",
        status=503,
        detail="It may have needed more memory than there is.",
        action="Start it again: what is finished is kept. If it ends again, run fewer candidates at once.",
    )


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Do what Ctrl-C does, to the process and those that it started."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGINT)
        elif process.stdin is not None:
            process.stdin.close()


def _close(process: subprocess.Popen[str]) -> None:
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def _kill(process: subprocess.Popen[str]) -> None:
    if process.poll() is not None:
        return
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
