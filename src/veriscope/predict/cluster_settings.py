"""The file that describes jobs of a queueing system: what is asked for each, and how many there may be."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, field_validator, model_validator

from veriscope.core.settings import Settings
from veriscope.errors import InputError
from veriscope.predict.plan import parse_memory

__all__ = ["ClusterSettings"]


class _AsWritten(yaml.SafeLoader):
    """Takes 12:00:00 for a time and 1234 for an account, where YAML makes numbers of them: 43200."""


_NULL = "tag:yaml.org,2002:null"
_AsWritten.yaml_implicit_resolvers = {
    first: [rule for rule in rules if rule[0] == _NULL]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class ClusterSettings(Settings):
    """Jobs of a queueing system, each with one or more workers."""

    system: Literal["slurm", "lsf", "pbs", "sge", "htcondor", "local"]
    """Queueing system; ``local`` starts processes on this computer."""
    cores: int = Field(default=1, ge=1)
    """Cores of a job."""
    memory: str
    """Memory of a job, such as 16GB."""
    processes: int = Field(default=1, ge=1)
    """Workers of a job; each does one piece of work at a time with its share of the cores."""
    minimum: int = Field(default=1, ge=1)
    """Jobs that are always asked for."""
    maximum: int = Field(default=1, ge=1)
    """Jobs at most; there are never more than work is left for."""
    queue: str | None = None
    """Queue or partition."""
    account: str | None = None
    """Account or project that is charged (SLURM, PBS; project of LSF and SGE)."""
    walltime: str | None = None
    """Longest time of a job, as the system writes it, such as 04:00:00."""
    disk: str | None = None
    """Disk of a job, needed by HTCondor, such as 4GB."""
    interface: str | None = None
    """Network interface of scheduler and workers, such as ib0."""
    local_directory: str | None = None
    """Folder on each node's own disk for what Dask writes; the worker's folder otherwise."""
    log_directory: str | None = None
    """Folder for what jobs print."""
    job_extra: tuple[str, ...] = ()
    """More options of the queueing system, one each, such as --gres=gpu:1."""
    before: tuple[str, ...] = ()
    """Lines of shell before the worker starts, such as module load python."""
    python: str | None = None
    """Python on the nodes; the one of this command otherwise."""
    wait: float = Field(default=3600, gt=0)
    """Seconds to wait in the queue for the first job."""

    @field_validator("memory", "disk")
    @classmethod
    def _check_amount(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                amount = parse_memory(value)
            except InputError:
                raise ValueError("is no amount; write it as 16GB") from None
            if amount < 1 << 20:
                raise ValueError("is less than a megabyte; write it with its unit, as 16GB")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.maximum < self.minimum:
            raise ValueError(f"maximum ({self.maximum}) is less than minimum ({self.minimum})")
        if self.processes > self.cores:
            raise ValueError(f"processes ({self.processes}) are more than cores ({self.cores}) of a job")
        if self.system == "htcondor" and self.disk is None:
            raise ValueError("htcondor needs disk, such as 4GB")
        if self.system == "htcondor" and not all("=" in line for line in self.job_extra):
            raise ValueError("htcondor takes job_extra as NAME=VALUE")
        for name in ("queue", "account", "walltime"):
            if self.system == "htcondor" and getattr(self, name) is not None:
                raise ValueError(f"htcondor has no {name}; write what your pool has under job_extra")
        return self

    @classmethod
    def read(cls, path: str | Path) -> ClusterSettings:
        """Read a YAML file.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        ClusterSettings
            Checked.

        Raises
        ------
        InputError
            If the file cannot be read or an option is wrong; all faults are listed.
        """
        try:
            values = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_AsWritten)
        except FileNotFoundError:
            raise InputError(
                f"--cluster {path}: no such file; it describes one job, in lines such as system: slurm and "
                "memory: 16GB"
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--cluster {path}: cannot be read: {error}") from error
        except yaml.YAMLError as error:
            raise InputError(f"--cluster {path}: is no YAML: {error}") from None
        if not isinstance(values, dict):
            raise InputError(f"--cluster {path}: has no lines such as system: slurm")
        return cls.parse(values, where=f"--cluster {path}")

    @property
    def threads(self) -> int:
        """Threads of a worker."""
        return self.cores // self.processes

    @property
    def memory_of_worker(self) -> int:
        """Bytes of a worker."""
        return parse_memory(self.memory) // self.processes

    def job_options(self) -> dict[str, Any]:
        """Say it in the words of dask-jobqueue.

        Returns
        -------
        dict
            Arguments of its classes; only what is set, so that the site's own settings hold otherwise.
        """
        gigabytes = parse_memory(self.memory) / (1 << 30)
        options: dict[str, Any] = {
            "cores": self.cores,
            "processes": self.processes,
            "memory": f"{math.ceil(gigabytes * 1024)}MiB",
            "scheduler_options": {"dashboard_address": ":0"},
        }
        condor = self.system == "htcondor"
        names = {
            "queue": None if condor else "queue",
            "account": None if condor else {"slurm": "account", "pbs": "account"}.get(self.system, "project"),
            "walltime": "walltime",
            "disk": "disk" if condor else None,
            "interface": "interface",
            "local_directory": "local_directory",
            "log_directory": "log_directory",
            "job_extra": "job_extra_directives",
            "before": "job_script_prologue",
            "python": "python",
        }
        for name, theirs in names.items():
            value = getattr(self, name)
            if theirs is not None and value not in (None, ()):
                options[theirs] = list(value) if isinstance(value, tuple) else value
        if condor and self.job_extra:
            options["job_extra_directives"] = dict(line.split("=", 1) for line in self.job_extra)
        return options
