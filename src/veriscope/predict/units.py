"""Pieces of work that do not depend on each other: one after the other, or in several processes.

A piece is named by a number, writes its result as a file, atomically, and can be done again. So a
process that dies costs the pieces it was at, and nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol, Self

from veriscope.errors import InputError, KilledError

__all__ = [
    "Executor",
    "HereExecutor",
    "ProcessExecutor",
    "Work",
    "check_workers",
    "executor_for",
    "run_on",
]

_TRIES = 3
_IN_A_ROW = 3
"""So many pieces given up one after the other, and none done between, are the fault of no single one."""


class Work(Protocol):
    """What is done for every piece; can be pickled."""

    def __call__(self, unit: int) -> dict[str, Any]:
        """Do one piece.

        Parameters
        ----------
        unit
            Number of the piece.

        Returns
        -------
        dict
            Plain values about it.
        """

    def lighter(self, unit: int) -> Work:
        """Give work that needs less memory for a piece, because a process died over it.

        Parameters
        ----------
        unit
            Number of the piece.

        Returns
        -------
        Work
            With the same results.
        """

    def prepare(self, threads: int) -> None:
        """Get ready, once in each process.

        Parameters
        ----------
        threads
            That the process may use.
        """


class Executor(Protocol):
    """Does the pieces, in any order.

    Attributes
    ----------
    n_lost
        How often processes were lost and their pieces done again.
    """

    n_lost: int

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Do all pieces.

        Parameters
        ----------
        work
            What to do.
        units
            The pieces.

        Yields
        ------
        tuple
            Number and result of each piece, as it is finished.
        """


class HereExecutor:
    """One piece after the other, in this process."""

    n_lost = 0

    def __enter__(self) -> Self:
        """Begin; nothing has to be started."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Do all pieces in their order."""
        for unit in units:
            yield unit, work(unit)


class ProcessExecutor:
    """Several processes on this machine; lost ones are replaced and their pieces done again.

    They start when the block is entered, so that they are ready when the first pieces are, and go on from one
    run to the next.

    Parameters
    ----------
    workers
        Number of processes.
    early
        Whether they start so; otherwise with the first pieces.
    """

    def __init__(self, workers: int, *, early: bool = True) -> None:
        self.workers = workers
        self.early = early
        self.n_lost = 0
        self._used, self._threads = workers, 1
        self._pool: ProcessPoolExecutor | None = None
        self._keep = False

    def __enter__(self) -> Self:
        """Start the processes, without waiting for them."""
        self._keep = True
        if self.early:
            pool = self._started()
            for _ in range(self.workers):
                pool.submit(_get_ready)
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes, once they have done the pieces they are at."""
        self._keep = False
        self._end()

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._used, mp_context=context, initializer=_begin)
        return self._pool

    def _end(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None

    def limit(self, workers: int, threads: int = 1) -> None:
        """Work in fewer processes from now on, or in more again; those that there are end.

        Parameters
        ----------
        workers
            At most as many as the executor was made for. A single one of several is this process, with all
            its threads, so that no other one takes memory.
        threads
            That each process may use.
        """
        if (workers, threads) != (self._used, self._threads):
            self._end()
        self._used, self._threads = workers, threads

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Do all pieces, two per process at any time; after a loss those under way are done one by one."""
        if self._used < min(self.workers, 2):
            yield from HereExecutor().run(work, units)
            return
        waiting = list(units)
        tries = dict.fromkeys(waiting, 0)
        suspects = 0
        while waiting:
            done: set[int] = set()
            lost = False
            try:
                for unit, result in self._round(work, waiting[:1] if suspects else waiting):
                    done.add(unit)
                    yield unit, result
            except BrokenProcessPool:
                self.n_lost += 1
                lost = True
            waiting = [unit for unit in waiting if unit not in done]
            suspects = 2 * self._used if lost else max(suspects - 1, 0)
            if lost and waiting:
                work = self._after_loss(work, waiting[0], tries)

    def _after_loss(self, work: Work, unit: int, tries: dict[int, int]) -> Work:
        """Count a loss against the piece that was waited for longest."""
        tries[unit] += 1
        if tries[unit] > _TRIES:
            raise KilledError(
                f"{_TRIES + 1} processes were killed at the same piece of work ({unit}), as happens "
                "when memory runs out or a library crashes; give less --memory or fewer --workers, then the "
                "same command again: what is finished is kept",
                unit,
            )
        return work.lighter(unit) if tries[unit] > 1 else work

    def _round(self, work: Work, units: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        pool = self._started()
        rest = iter(units)
        running: dict[Future[dict[str, Any]], int] = {}
        complete = False
        with tempfile.TemporaryDirectory(prefix="veriscope-") as folder:
            # The work goes to each process once, as a file, and not with every piece.
            order = str(Path(folder, "work.pickle"))
            Path(order).write_bytes(pickle.dumps(work))
            try:
                for unit in rest:
                    running[pool.submit(_do, order, unit, self._threads)] = unit
                    if len(running) < 2 * self._used:
                        continue
                    yield from _finished(running)
                while running:
                    yield from _finished(running)
                complete = True
            finally:
                # Lost processes, and pieces that nobody waits for: end them all.
                if not (self._keep and complete):
                    self._end()


def run_on(
    executor: Executor,
    work: Work,
    units: Iterable[int],
    given_up: Callable[[int, KilledError], dict[str, Any]],
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Do all pieces; one over which processes are killed again and again is given up, and the others go on.

    Parameters
    ----------
    executor
        Where.
    work
        What to do.
    units
        The pieces.
    given_up
        Gives the result of a piece that was given up, of its number and the error.

    Yields
    ------
    tuple
        Number and result of each piece, as it is finished.

    Raises
    ------
    KilledError
        If three pieces are given up one after the other.
    """
    left, in_a_row = dict.fromkeys(units), 0
    while left:
        try:
            for unit, result in executor.run(work, list(left)):
                del left[unit]
                in_a_row = 0
                yield unit, result
        except KilledError as error:
            in_a_row += 1
            if error.unit not in left or in_a_row == _IN_A_ROW:
                raise
            del left[error.unit]
            yield error.unit, given_up(error.unit, error)


def check_workers(workers: int) -> None:
    """Refuse what is no number of processes.

    Parameters
    ----------
    workers
        Number of processes.

    Raises
    ------
    InputError
        Below 1, or no whole number.
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise InputError(
            f"--workers {workers}: is no number of processes; give 1 to work in one, or more (a whole number)"
        )


def executor_for(workers: int, *, early: bool = True) -> HereExecutor | ProcessExecutor:
    """Choose where to work.

    Parameters
    ----------
    workers
        Number of processes.
    early
        As for `ProcessExecutor`.

    Returns
    -------
    Executor
        This process for one, others for more; to be used in a ``with`` block, or once without.

    Raises
    ------
    InputError
        As `check_workers`.
    """
    check_workers(workers)
    return ProcessExecutor(workers, early=early) if workers > 1 else HereExecutor()


def _finished(running: dict[Future[dict[str, Any]], int]) -> Iterator[tuple[int, dict[str, Any]]]:
    finished, _ = wait(running, return_when=FIRST_COMPLETED)
    lost: BrokenProcessPool | None = None
    for future in finished:
        unit = running.pop(future)
        try:
            yield unit, future.result()
        except BrokenProcessPool as error:
            lost = error
    if lost is not None:
        raise lost


_order = ""
_work: Work | None = None


def _begin() -> None:
    """Make a new process one that ends with the one that started it."""
    # Ctrl-C goes to all processes: this one finishes its piece, the one that started it stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that started it is killed: nobody would take its results."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _get_ready() -> None:
    """Import what most work needs, while there is none yet."""
    import veriscope.predict.image_work
    import veriscope.predict.tile_work  # noqa: F401


def _do(order: str, unit: int, threads: int) -> dict[str, Any]:
    global _order, _work
    if _work is None or _order != order:
        work: Work = pickle.loads(Path(order).read_bytes())
        work.prepare(threads=threads)
        _order, _work = order, work
    return _work(unit)
