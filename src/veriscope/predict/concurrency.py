"""How many processes share the memory promised: as many as were asked for, or fewer that are sooner done.

Many processes have small parts each, and the surroundings of small parts are predicted over and over. So
the time that each number of processes takes is estimated, relative to one process in one thread and without
surroundings, from what a method needs per pixel and how far it looks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from veriscope.core.cores import usable_cores
from veriscope.core.words import counted
from veriscope.errors import InputError
from veriscope.methods.local_method import Footprint
from veriscope.predict.plan import PIECES, Plan, plan_tiles, shown
from veriscope.predict.units import Executor, ProcessExecutor, check_workers

__all__ = [
    "fewer_note",
    "limit_workers",
    "most_workers",
    "plan_parts",
    "threads_of",
    "workers_as_before",
]

_TOGETHER = 0.71
"""Of the work that libraries do in threads, what these do at the same time; as two are 1.55 times as fast
as one (docs/reference/engines.md)."""


def plan_parts(
    shape: tuple[int, ...],
    footprint: Footprint,
    *,
    bytes_per_pixel: float,
    memory: int | None,
    workers: int,
    tile: int | None,
    held: int = 0,
    piece: int = 0,
    threaded: float = 0.0,
    remembers: bool = False,
) -> Plan:
    """Choose how many processes share the memory, and the size of their parts.

    Parameters
    ----------
    shape, footprint, bytes_per_pixel, memory
        As for `plan_tiles`.
    workers
        Number of processes asked for; never more are chosen.
    tile, held
        As for `plan_tiles`.
    piece
        Bytes of the file that each process decodes at once; all together have a quarter of the memory.
    threaded
        Share of the time that goes into work done by several threads, in 0 to 1.
    remembers
        Whether this process, if it is the only one, has done that work already.

    Returns
    -------
    Plan
        That of the number of processes estimated to be done first, with a note if they are fewer.

    Raises
    ------
    InputError
        As `plan_tiles` for a single process, if even that is not possible.
    """
    check_workers(workers)
    plans: list[Plan] = []
    for number in range(1, workers + 1):
        if number > 1 and memory is not None and PIECES * number * piece > memory:
            break
        try:
            plan = plan_tiles(
                shape,
                footprint,
                bytes_per_pixel=bytes_per_pixel,
                memory=memory,
                workers=number,
                tile=tile,
                held=held,
            )
        except InputError:
            if number == 1:
                raise
            break
        plans.append(plan)

    def time(plan: Plan) -> float:
        done = remembers and plan.workers == 1
        slower = 1 - _TOGETHER + _TOGETHER / threads_of(plan.workers, workers)
        return plan.work * (1 - threaded + (0.0 if done else threaded * slower)) / plan.workers

    best = min(plans, key=time)
    if best.workers == workers:
        return best
    if len(plans) < workers:
        assert memory is not None, "without a promise any number of processes is possible"
        return replace(best, note=fewer_note(best.workers, workers, memory))
    if remembers and best.workers == 1:
        why = "it kept what it found while it measured the image, and need not compute that again"
        return replace(best, note=f"predicted by 1 worker instead of {workers}: {why}")
    assert memory is not None, "without a promise parts are the same for any number of processes"
    why = (
        f"{workers} would share {shown(memory)} in parts of {max(plans[-1].tile)} pixels and predict every "
        f"pixel about {plans[-1].work:.1f} times, because parts need surroundings; {best.workers} in parts "
        f"of {max(best.tile)} {best.work:.1f} times, which is estimated to be done sooner"
    )
    return replace(best, note=f"predicted by {counted(best.workers, 'worker')} instead of {workers}: {why}")


def threads_of(workers: int, asked: int) -> int:
    """Say how many threads each process has, so that fewer processes leave no core idle.

    Parameters
    ----------
    workers
        Number of processes.
    asked
        Number of processes that were asked for.

    Returns
    -------
    int
        At least 1.
    """
    return max(min(asked, usable_cores()) // workers, 1)


def most_workers(asked: int, fits: Callable[[int], bool]) -> int:
    """Say how many processes can work in the memory promised.

    Parameters
    ----------
    asked
        Number of processes asked for.
    fits
        Tells of a number of processes whether each has memory enough; if so, fewer have too.

    Returns
    -------
    int
        At most what was asked for; 1 where even that does not fit.
    """
    return next((number for number in range(asked, 1, -1) if fits(number)), 1)


def fewer_note(used: int, asked: int, memory: int) -> str:
    """Say that the memory promised does not suffice for all processes asked for.

    Parameters
    ----------
    used
        Number of processes that work.
    asked
        Number of processes that were asked for.
    memory
        Bytes for all processes together.

    Returns
    -------
    str
        A note for the user.
    """
    worked = counted(used, "worker")
    return f"predicted by {worked} instead of {asked}: {shown(memory)} do not suffice for {asked}"


def limit_workers(executor: Executor, workers: int, threads: int = 1) -> None:
    """Have an executor use so many processes of this computer; nothing to say to those of a cluster.

    Parameters
    ----------
    executor
        Any.
    workers, threads
        As for `ProcessExecutor.limit`.
    """
    if isinstance(executor, ProcessExecutor):
        executor.limit(workers, threads)


@contextlib.contextmanager
def workers_as_before(executor: Executor) -> Iterator[None]:
    """Have an executor use all its processes again after the block.

    Parameters
    ----------
    executor
        Any.

    Yields
    ------
    None
        It may be limited here.
    """
    try:
        yield
    finally:
        if isinstance(executor, ProcessExecutor):
            executor.limit(executor.workers)
