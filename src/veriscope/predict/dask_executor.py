"""Pieces of work on the workers of a Dask cluster; lost workers' pieces are done again."""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import platform
import queue
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from veriscope.errors import ClusterError, KilledError
from veriscope.io.atomic import make_folder, write_json
from veriscope.io.usage import UsageMeter
from veriscope.predict.dask_worker import TRIES, Done, do_units, look_around, refuse_other_software, software
from veriscope.predict.units import Work

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["DaskExecutor"]

_BATCH_SECONDS = 1.0
"""Pieces are sent in batches that take about as long, so that sending costs little beside."""
_LAST_SECONDS = 10.0
"""How long Ctrl-C waits for pieces that are under way."""
_POLL_SECONDS = 1.0
_ANSWER_SECONDS = 30.0
_REMOVALS = 50
"""How often it is tried to remove what a run leaves, a tenth of a second apart."""
_KEPT = "what is finished is kept, and the same command goes on from there"
_LOST = f"the connection to the scheduler is lost; {_KEPT}"


class DaskExecutor:
    """Work on a Dask cluster whose workers see the same disk.

    A worker does one piece at a time with all its threads. Nothing but numbers goes over the network: results
    are files, and the work itself is a file that each worker reads once.

    Parameters
    ----------
    client
        Connected.
    folder
        Folder on the disk that all share, for the orders of runs; made if missing.
    wait
        Seconds to wait for the first worker.
    patience
        Seconds to wait for a worker to come back when all are lost.
    grow
        Told how many pieces are left, now and then, so that workers can be added; None: nobody is.
    """

    def __init__(
        self,
        client: Client,
        folder: str | Path,
        *,
        wait: float = 10,
        patience: float = 60,
        grow: Callable[[int], None] | None = None,
    ) -> None:
        self.client = client
        self.folder = Path(folder)
        self.wait = wait
        self.patience = patience
        self.n_lost = 0
        self.n_batches = 0
        self.notes: list[str] = []
        self.answer_within = _ANSWER_SECONDS
        """Seconds within which a scheduler answers that is neither lost nor stopped."""
        self._grow = grow

    def check(self, inputs: Sequence[str | Path] = ()) -> None:
        """Look whether the workers can do the work, before any is done.

        Parameters
        ----------
        inputs
            Files and folders that are going to be read.

        Raises
        ------
        ClusterError
            If there is no worker, or one does not see the disk or the inputs, or has another Veriscope or
            Python. Other packages of another version are noted in `notes`.
        """
        self._wait_for_worker()
        make_folder(self.folder)
        descriptor, token = tempfile.mkstemp(prefix=".veriscope-", dir=self.folder.absolute())
        os.close(descriptor)
        try:
            absolute = [str(Path(path).absolute()) for path in inputs]
            found = self._ask(look_around, token, absolute)
        finally:
            Path(token).unlink(missing_ok=True)
        mine = software()
        for said in found.values():
            if not said["shared"]:
                raise ClusterError(
                    f"{self.folder}: a file written here is not seen by a worker, so they do not share this "
                    "disk; choose an output on a disk that all of them see"
                )
            if said["missing"]:
                raise ClusterError(
                    f"{said['missing'][0]}: not seen by a worker; images must lie on a disk that all of them "
                    "see"
                )
            refuse_other_software(mine, said["software"])
        for name, version in mine.items():
            others = {str(said["software"].get(name)) for said in found.values()} - {str(version)}
            if others:
                self.notes.append(f"workers have {name} {', '.join(sorted(others))}, this command {version}")

    def _ask(self, function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, dict[str, Any]]:
        """Call a function on every worker."""
        try:
            answers = self.client.run(function, *arguments, on_error="return")
        except Exception as error:
            raise ClusterError(
                f"the workers cannot be asked: {type(error).__name__}: {error}; {_KEPT}"
            ) from error
        for answer in answers.values():
            if isinstance(answer, Exception):
                raise ClusterError(
                    f"a worker cannot run Veriscope: {type(answer).__name__}: {answer}; start the workers "
                    "from the environment of this command"
                )
        return dict(answers)

    def _threads(self) -> dict[str, int] | None:
        """Threads of each worker; None if the scheduler does not answer."""
        try:
            # Client.nthreads waits for ever where the scheduler hangs.
            scheduler: Any = self.client.scheduler
            return dict(self.client.sync(scheduler.ncores, workers=None, callback_timeout=self.answer_within))
        except Exception:
            return None

    def _wait_for_worker(self) -> None:
        if self._grow is not None:
            self._grow(1)
        with contextlib.suppress(TimeoutError):
            self.client.wait_for_workers(1, timeout=self.wait)
            return
        raise ClusterError(
            f"the cluster has no worker after {self.wait:g} s; start some, or wait longer for them (--wait)"
        )

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Do all pieces, in batches; two batches per worker are under way at any time."""
        waiting = list(units)
        if not waiting:
            return
        make_folder(self.folder)
        order = _make_order(self.folder.absolute())
        try:
            (order / "work.pickle").write_bytes(pickle.dumps(work))
            write_json(order / "order.json", {"software": software(), "folder": str(Path.cwd())})
            yield from _Run(self, order, waiting).results()
        finally:
            _remove_order(order)


def _remove_order(order: Path) -> None:
    """Remove an order into which workers may still be writing marks."""
    for _ in range(_REMOVALS):
        shutil.rmtree(order, ignore_errors=True)
        if not order.exists():
            return
        time.sleep(0.1)


def _make_order(folder: Path) -> Path:
    """Make a folder for an order, and remove those that killed commands of this computer left."""
    computer = f".veriscope-order-{platform.node()}-"
    for found in folder.glob(f"{computer}*"):
        process = found.name.removeprefix(computer).split("-")[0]
        if process.isdigit() and not Path(f"/proc/{process}").exists() and Path("/proc/self").exists():
            shutil.rmtree(found, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{computer}{os.getpid()}-", dir=folder))


class _Run:
    """One run: what waits, what is under way."""

    def __init__(self, owner: DaskExecutor, order: Path, units: list[int]) -> None:
        self._owner = owner
        self._client = owner.client
        self._order = order
        self._waiting = units[::-1]
        self._running: dict[Future[Done], list[int]] = {}
        self._finished: queue.SimpleQueue[Future[Done]] = queue.SimpleQueue()
        self._killed: dict[int, int] = {}
        self._seconds: list[float] = []
        self._threads: dict[str, int] = {}
        self._looked = -math.inf
        self._alive = time.monotonic()
        self._silent = False

    def results(self) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            while self._waiting or self._running:
                self._look()
                self._submit()
                with contextlib.suppress(queue.Empty):
                    yield from self._take(self._finished.get(timeout=_POLL_SECONDS))
        except KeyboardInterrupt:
            yield from self._last()
            raise
        finally:
            if self._running and self._client.status == "running" and not self._silent:
                with contextlib.suppress(Exception):
                    self._client.cancel(list(self._running), force=True)

    def _last(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Take what workers finish at once after Ctrl-C, so that it is recorded and not done again."""
        until = time.monotonic() + _LAST_SECONDS
        with contextlib.suppress(ClusterError, queue.Empty):
            while self._running and time.monotonic() < until:
                yield from self._take(self._finished.get(timeout=max(until - time.monotonic(), 0.01)))

    def _look(self) -> None:
        """See from time to time who is there, and stop when nobody has been for too long."""
        now = time.monotonic()
        if now - self._looked < _POLL_SECONDS:
            return
        self._looked = now
        self._stop_if_lost()
        left = len(self._waiting) + sum(map(len, self._running.values()))
        if self._owner._grow is not None:
            self._owner._grow(left)
        threads = self._owner._threads()
        now = time.monotonic()
        self._stop_if_lost()
        self._threads = threads or {}
        if threads:
            self._alive = now
        elif now - self._alive > self._owner.patience:
            if threads is None:
                raise self._unanswered(now - self._alive)
            raise ClusterError(
                f"all workers are lost and none came back within {self._owner.patience:g} s; {left} pieces "
                f"of work are left; {_KEPT}"
            )

    def _unanswered(self, seconds: float) -> ClusterError:
        self._silent = True
        return ClusterError(
            f"the scheduler has not answered for {seconds:.0f} s; is its computer asleep or overloaded? "
            f"{_KEPT}"
        )

    def _stop_if_lost(self) -> None:
        if self._client.status != "running":
            raise ClusterError(_LOST)

    def _submit(self) -> None:
        workers = len(self._threads)
        while self._waiting and len(self._running) < 2 * workers:
            size = self._size(workers)
            batch = [self._waiting.pop() for _ in range(min(size, len(self._waiting)))]
            self._send(batch)

    def _size(self, workers: int) -> int:
        """Give how many pieces go together: a second of work, and fewer when few are left."""
        if not self._seconds:
            return 1
        recent = self._seconds[-64:]
        enough = _BATCH_SECONDS / max(sum(recent) / len(recent), 1e-6)
        share = len(self._waiting) / (4 * workers)
        return max(1, int(min(enough, share)))

    def _send(self, batch: list[int]) -> None:
        # Workers of one cluster have as many threads each; the least of them is safe for all.
        threads = min(self._threads.values(), default=1)
        future = self._client.submit(do_units, str(self._order), batch, threads, pure=False)
        self._running[future] = batch
        self._owner.n_batches += 1
        future.add_done_callback(self._finished.put)

    def _take(self, future: Future[Done]) -> Iterator[tuple[int, dict[str, Any]]]:
        batch = self._running.pop(future)
        done = self._result(future, batch)
        if done is None:
            return
        self._owner.n_lost += done.n_lost
        if done.used is not None:
            UsageMeter.add_workers([done.used])
        for unit, result, seconds in done.results:
            self._seconds.append(seconds)
            yield unit, result
        if done.error is not None:
            raise done.error

    def _result(self, future: Future[Done], batch: list[int]) -> Done | None:
        """Give what came back; None if workers died over it, and it was sent once more, piece by piece."""
        from distributed.scheduler import KilledWorker

        self._stop_if_lost()
        if future.cancelled():
            raise ClusterError(f"the scheduler gave up the work or was lost; {_KEPT}")
        try:
            return future.result(timeout=self._owner.answer_within)
        except KilledWorker:
            for unit in batch:
                self._killed[unit] = self._killed.get(unit, 0) + 1
                if self._killed[unit] > TRIES:
                    raise KilledError(
                        f"workers died again and again over one piece of work ({unit}), as happens when "
                        "memory runs out or a library crashes; give less --memory, or more memory to each "
                        f"worker; {_KEPT}",
                        unit,
                    ) from None
                self._send([unit])
            return None
        except TimeoutError:
            raise self._unanswered(self._owner.answer_within) from None
        except OSError as error:
            raise ClusterError(f"a result cannot be fetched ({error}); {_KEPT}") from error
