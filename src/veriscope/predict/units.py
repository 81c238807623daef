"""Pieces of work that do not depend on each other: one after the other, or in several processes.

A piece is named by a number, writes its result as a file, atomically, and can be done again. So a
process that dies costs the pieces it was at, and nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from veriscope.errors import MethodError

__all__ = ["Executor", "HereExecutor", "ProcessExecutor", "Work", "executor_for"]

_TRIES = 3


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

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Do all pieces in their order."""
        for unit in units:
            yield unit, work(unit)


class ProcessExecutor:
    """Several processes on this machine; lost ones are replaced and their pieces done again.

    Parameters
    ----------
    workers
        Number of processes.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.n_lost = 0

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Do all pieces; two per process are under way at any time."""
        waiting = list(units)
        tries = dict.fromkeys(waiting, 0)
        while waiting:
            done: set[int] = set()
            try:
                for unit, result in self._round(work, waiting):
                    done.add(unit)
                    yield unit, result
            except BrokenProcessPool:
                self.n_lost += 1
            waiting = [unit for unit in waiting if unit not in done]
            if waiting:
                work = self._after_loss(work, waiting[0], tries)

    def _after_loss(self, work: Work, unit: int, tries: dict[int, int]) -> Work:
        """Count a loss against the piece that was waited for longest."""
        tries[unit] += 1
        if tries[unit] > _TRIES:
            raise MethodError(
                f"{_TRIES + 1} processes were killed at the same piece of work ({unit}), as happens "
                "when memory runs out; give less --memory or fewer --workers, then the same command "
                "again: what is finished is kept"
            )
        return work.lighter(unit) if tries[unit] > 1 else work

    def _round(self, work: Work, units: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        pool = ProcessPoolExecutor(
            self.workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_remember,
            initargs=(work,),
        )
        rest = iter(units)
        running: dict[Future[dict[str, Any]], int] = {}
        try:
            for unit in rest:
                running[pool.submit(_do, unit)] = unit
                if len(running) < 2 * self.workers:
                    continue
                yield from _finished(running)
            while running:
                yield from _finished(running)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def executor_for(workers: int) -> Executor:
    """Choose where to work.

    Parameters
    ----------
    workers
        Number of processes.

    Returns
    -------
    Executor
        This process for one, others for more.
    """
    return ProcessExecutor(workers) if workers > 1 else HereExecutor()


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


_work: Callable[[int], dict[str, Any]] | None = None


def _remember(work: Work) -> None:
    """Keep the work in a new process, so that it is sent once and not with every piece."""
    global _work
    _work = work
    # Ctrl-C goes to all processes: this one finishes its piece, the one that started it stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work.prepare(threads=1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that started it is killed: nobody would take its results."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(unit: int) -> dict[str, Any]:
    assert _work is not None, "a process remembers its work when it starts"
    return _work(unit)
