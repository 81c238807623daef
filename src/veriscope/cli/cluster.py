"""The options that send work to a cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veriscope.errors import InputError

if TYPE_CHECKING:
    from veriscope.predict.units import Executor

__all__ = ["ClusterFile", "Scheduler", "Wait", "on_cluster"]

Scheduler = Annotated[
    str | None, typer.Option(help="Address of a running Dask scheduler, tcp://HOST:PORT; it does the work.")
]
ClusterFile = Annotated[
    Path | None,
    typer.Option(
        "--cluster", help="YAML file of cluster jobs to start: SLURM, LSF, PBS, SGE, HTCondor, local."
    ),
]
Wait = Annotated[
    float | None,
    typer.Option(
        min=0.1, help="Seconds to wait for scheduler and workers; otherwise 10, or what the file says."
    ),
]


@contextlib.contextmanager
def on_cluster(
    scheduler: str | None,
    cluster: Path | None,
    wait: float | None,
    *,
    shared: Path,
    inputs: Sequence[str | Path] = (),
    workers: int = 1,
) -> Iterator[Executor | None]:
    """Connect to the cluster that was asked for.

    Parameters
    ----------
    scheduler, cluster, wait
        The options.
    shared
        Folder for the results.
    inputs
        Files and folders to be read; patterns are left out.
    workers
        Of this computer; none may be asked for beside a cluster.

    Yields
    ------
    Executor or None
        None if no cluster was asked for.

    Raises
    ------
    InputError
        If the options contradict each other.
    """
    if scheduler is None and cluster is None:
        if wait is not None:
            raise InputError("--wait is for --scheduler and --cluster; leave it out")
        yield None
        return
    if workers > 1:
        raise InputError(
            f"--workers {workers} are processes of this computer; leave it out with --scheduler and --cluster"
        )
    from veriscope.cli.output import say
    from veriscope.predict.cluster import cluster_executor

    seen = [path for path in inputs if Path(path).exists()]
    with cluster_executor(
        shared=shared, scheduler=scheduler, cluster=cluster, inputs=seen, wait=wait
    ) as executor:
        for note in executor.notes if executor is not None else ():
            say(f"note: {note}")
        yield executor
