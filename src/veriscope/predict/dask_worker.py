"""What a worker of a cluster does: checks that it fits the run, then pieces of work, one at a time.

Imported by workers, so it must not need ``distributed``. A run puts an order on the shared disk: a folder
with the pickled work and what it was made with. Workers read it once and keep it.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pickle
import platform
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from veriscope.errors import ClusterError, KilledError
from veriscope.io.record import environment
from veriscope.io.usage import UsageMeter, WorkerUsage
from veriscope.predict.units import Work

__all__ = ["TRIES", "Done", "do_units", "look_around", "refuse_other_software", "software"]

TRIES = 3
"""How often a piece is done again after its worker died."""
_LOOKS = 50
"""How often a new file is looked for: network disks show it to other computers after a while."""

_one_at_a_time = threading.Lock()


@dataclass
class Done:
    """What a worker gives back for several pieces.

    Parameters
    ----------
    results
        Number, result and seconds of each piece that was done, in order.
    error
        Why the next one was not; None if all were.
    n_lost
        How many workers died over these pieces before.
    used
        What the worker used for them, measured around all of them; None while it is at them.
    """

    results: list[tuple[int, dict[str, Any], float]] = field(default_factory=list)
    error: Exception | None = None
    n_lost: int = 0
    used: WorkerUsage | None = None


def software() -> dict[str, str | None]:
    """Say which software runs in this process.

    Returns
    -------
    dict
        Version of ``python`` (two numbers) and of the packages that results depend on.
    """
    version = ".".join(platform.python_version_tuple()[:2])
    packages: dict[str, str | None] = environment()["packages"]
    return {"python": version} | packages


def look_around(token: str, inputs: Sequence[str] = ()) -> dict[str, Any]:
    """Say what a run needs to know of a worker.

    Parameters
    ----------
    token
        File that was just written to the shared disk.
    inputs
        Files and folders that are going to be read.

    Returns
    -------
    dict
        ``software``, whether the token is seen (``shared``), which inputs are ``missing``.
    """
    seen = _appears(Path(token))
    missing = [path for path in inputs if not Path(path).exists()]
    return {"software": software(), "shared": seen, "missing": missing}


def _appears(path: Path) -> bool:
    for _ in range(_LOOKS):
        with contextlib.suppress(OSError):
            os.listdir(path.parent)  # has a network disk ask its server again  # noqa: PTH208
        if path.exists():
            return True
        time.sleep(0.1)
    return False


def do_units(order: str, units: Sequence[int], threads: int) -> Done:
    """Do some pieces, one after the other; a process does one at a time, whatever its threads.

    Parameters
    ----------
    order
        Folder of the run's order.
    units
        Numbers of the pieces.
    threads
        That each piece may use; those of the worker.

    Returns
    -------
    Done
        Up to the first piece that could not be done.
    """
    done = Done()
    with _one_at_a_time, _measured(done):
        try:
            work, folder = _work(order, threads)
            with contextlib.chdir(folder):
                # A mark that is found is of a worker that died over its piece.
                marks = Counter(path.name.split(".")[0] for path in Path(order).glob("*.mark"))
                for unit in units:
                    _do_unit(work, Path(order), unit, marks[str(unit)], done)
        except Exception as error:
            done.error = error
    return done


@contextlib.contextmanager
def _measured(done: Done) -> Iterator[None]:
    with UsageMeter() as meter:
        yield
    done.used = WorkerUsage.here(meter.usage)


def _do_unit(work: Work, order: Path, unit: int, n_lost: int, done: Done) -> None:
    """Do one piece, under a mark that stays if the process dies; more lightly the more died before."""
    if n_lost > TRIES:
        raise KilledError(
            f"{n_lost} workers died at the same piece of work ({unit}), as happens when memory runs out or a "
            "library crashes; give less --memory, or more memory to each worker, then the same command "
            "again: what is finished is kept",
            unit,
        )
    for _ in range(n_lost - 1):
        work = work.lighter(unit)
    mark = order / f"{unit}.{os.urandom(4).hex()}.mark"
    mark.touch()
    started = time.perf_counter()
    try:
        result = work(unit)
    finally:
        mark.unlink(missing_ok=True)
    done.results.append((unit, result, time.perf_counter() - started))
    done.n_lost += n_lost


@functools.lru_cache(maxsize=2)  # the prediction and the painting of one image
def _work(order: str, threads: int) -> tuple[Work, str]:
    """Read an order, once in a process, and get ready for it."""
    header = Path(order, "order.json")
    if not _appears(header):
        raise ClusterError(
            f"{order}: not seen by a worker, so the workers do not share this disk; put the output on a disk "
            "that all of them see"
        )
    said: Mapping[str, Any] = json.loads(header.read_text(encoding="utf-8"))
    refuse_other_software(said["software"], software())
    with contextlib.chdir(said["folder"]):
        work: Work = pickle.loads(Path(order, "work.pickle").read_bytes())
        work.prepare(threads)
    return work, said["folder"]


def refuse_other_software(here: Mapping[str, str | None], there: Mapping[str, str | None]) -> None:
    """Refuse a worker that might give other results.

    Parameters
    ----------
    here, there
        As from `software`, of the command and of a worker.

    Raises
    ------
    ClusterError
        If Veriscope or Python differ.
    """
    for name, what in (("veriscope", "Veriscope"), ("python", "Python")):
        if here[name] != there.get(name):
            raise ClusterError(
                f"a worker has {what} {there.get(name)} and this command {here[name]}; start the workers "
                "from the same environment"
            )
