"""From the command line to a cluster: one that runs already, or jobs of a queueing system.

``--scheduler tcp://HOST:PORT`` uses a Dask scheduler that somebody started; ``--cluster FILE.yaml`` has jobs
started that end with the command.
"""

from __future__ import annotations

import contextlib
import logging
import math
import re
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from veriscope.errors import ClusterError, InputError, MissingPackageError
from veriscope.predict.cluster_settings import ClusterSettings
from veriscope.predict.dask_executor import DaskExecutor

if TYPE_CHECKING:
    from distributed import Client
    from distributed.deploy.spec import SpecCluster

__all__ = ["cluster_executor"]

_CLASSES = {
    "slurm": "SLURMCluster",
    "lsf": "LSFCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "htcondor": "HTCondorCluster",
}
_ADDRESS = re.compile(r"(tcp|tls|ws|wss)://.+:\d+")
_INSTALL = "pip install 'veriscope[scale]'"


@contextlib.contextmanager
def cluster_executor(
    *,
    shared: str | Path,
    scheduler: str | None = None,
    cluster: str | Path | None = None,
    inputs: Sequence[str | Path] = (),
    wait: float | None = None,
) -> Iterator[DaskExecutor | None]:
    """Connect to a cluster, see that it fits, and leave it in the end.

    Parameters
    ----------
    shared
        Folder on the disk that all workers see, where the results go.
    scheduler
        Address of a scheduler, ``tcp://HOST:PORT``.
    cluster
        YAML file that describes jobs of a queueing system; see `ClusterSettings`.
    inputs
        Files and folders that the workers will read.
    wait
        Seconds to wait for the scheduler and for the first worker; None: 10, or what the file says.

    Yields
    ------
    DaskExecutor or None
        Checked; None if neither scheduler nor cluster is given.

    Raises
    ------
    MissingPackageError
        If distributed or dask-jobqueue is not installed.
    InputError
        If both are given, or the file or the address is wrong.
    ClusterError
        If the cluster cannot be reached, has no worker, or its workers do not fit.
    """
    if scheduler is not None and cluster is not None:
        raise InputError("--scheduler uses a cluster that runs and --cluster starts one; give one of them")
    if scheduler is None and cluster is None:
        yield None
        return
    if scheduler is not None and not _ADDRESS.fullmatch(scheduler):
        raise InputError(
            f"--scheduler {scheduler!r} is no address; write tcp://HOST:PORT, or tls://HOST:PORT"
        )
    settings = None if cluster is None else ClusterSettings.read(cluster)
    _require("distributed", "a cluster")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_quiet())
        if settings is None:
            client = stack.enter_context(_client(scheduler, 10 if wait is None else wait))
            executor = DaskExecutor(client, shared, wait=10 if wait is None else wait)
        else:
            jobs = stack.enter_context(_Jobs(settings))
            client = stack.enter_context(_client(jobs.cluster, 60))
            patience = settings.wait if wait is None else wait
            executor = DaskExecutor(client, shared, wait=patience, patience=max(patience, 60), grow=jobs.grow)
        executor.check(inputs)
        yield executor


def _require(package: str, what: str) -> Any:
    import importlib

    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        name = package.replace("_", "-")
        raise MissingPackageError(f"{what} needs {name}, which is not installed: {_INSTALL}") from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Have Dask say nothing while we use it: what matters is said by our errors."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def _client(target: Any, timeout: float) -> Iterator[Client]:
    from distributed import Client

    try:
        client: Client = Client(target, timeout=timeout, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise ClusterError(
            f"--scheduler {target}: no scheduler answers within {timeout:g} s; is it running, is the address "
            "right (tcp://HOST:PORT, as the scheduler printed it), and does a firewall lie between?"
        ) from error
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):
            client.close(timeout=5)


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Have processes started now leave Ctrl-C to the command that started them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Jobs:
    """The jobs of one command: as many as there is work for, between the limits, replaced when lost."""

    def __init__(self, settings: ClusterSettings) -> None:
        self._settings = settings
        self._wanted = 0
        self._seen: set[Any] = set()
        self.cluster: SpecCluster

    def __enter__(self) -> _Jobs:
        settings = self._settings
        if settings.system == "local":
            from distributed import LocalCluster

            self.cluster = LocalCluster(
                n_workers=0,
                threads_per_worker=settings.threads,
                memory_limit=settings.memory_of_worker,
                processes=True,
                dashboard_address=":0",
                silence_logs=logging.CRITICAL,
            )
            return self
        package = _require("dask_jobqueue", "--cluster")
        kind = getattr(package, _CLASSES[settings.system])
        submit = str(kind.job_cls.submit_command).split()[0]
        if shutil.which(submit) is None:
            raise ClusterError(
                f"{submit} is not on this computer; give this command where jobs of {settings.system} can be "
                "submitted, usually on a login node"
            )
        self.cluster = kind(**settings.job_options())
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self.cluster.close(timeout=10)

    def grow(self, pieces: int) -> None:
        """Have as many jobs as the pieces left need, and new ones for those that ended."""
        settings = self._settings
        per_job = settings.processes
        needed = min(settings.maximum, max(settings.minimum, math.ceil(pieces / per_job)))
        cluster = self.cluster
        lost = self._lost()
        for name in lost:
            cluster.worker_spec.pop(name, None)
        if needed <= self._wanted and not lost:
            return
        self._wanted = max(needed, self._wanted)
        # One job of dask-jobqueue is several workers; a worker of a LocalCluster is one process. As
        # cluster.scale does, but so that a refused job is an error here and not a line in a log.
        while len(cluster.worker_spec) < self._wanted * (per_job if settings.system == "local" else 1):
            cluster.worker_spec.update(cluster.new_worker_spec())
        try:
            with _deaf() if settings.system == "local" else contextlib.nullcontext():
                cluster.sync(cluster._correct_state)
        except RuntimeError as error:
            cluster._created.clear()  # of which Dask asserts at the end that they were started
            raise ClusterError(f"the queueing system refused a job:\n{error}") from error

    def _lost(self) -> list[Any]:
        """Jobs of which workers were there and none is left."""
        names = [str(item["name"]) for item in self.cluster.scheduler_info["workers"].values()]
        lost = []
        for job in self.cluster.worker_spec:
            here = any(name == str(job) or name.startswith(f"{job}-") for name in names)
            if here:
                self._seen.add(job)
            elif job in self._seen:
                self._seen.discard(job)
                lost.append(job)
        return lost
