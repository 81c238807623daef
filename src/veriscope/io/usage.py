"""What a piece of work uses of the machine, measured around it: time, memory, bytes.

On Linux all of it comes from ``/proc``. Elsewhere memory is the most that the process ever held, and the
bytes that went through system calls are unknown.
"""

from __future__ import annotations

import contextlib
import os
import platform
import stat
import sys
import threading
import time
from collections.abc import Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from veriscope.core.cost import Assumptions, Usage, footprint, total_usage
from veriscope.core.processes import descendants

__all__ = ["UsageMeter", "WorkerUsage", "cost_of", "processor_seconds", "size_of"]

_PROC = Path("/proc")
_SAMPLE_S = 0.01
_RUNNING: ContextVar[UsageMeter | None] = ContextVar("running", default=None)


@dataclass(frozen=True, slots=True)
class WorkerUsage:
    """What a process that works for others used for a piece of work.

    Parameters
    ----------
    computer
        Name of its computer.
    ancestry
        Numbers of the process and of those that it descends from, itself first; of itself alone where the
        system does not tell.
    usage
        As measured around the piece.
    """

    computer: str
    ancestry: tuple[int, ...]
    usage: Usage

    @classmethod
    def here(cls, usage: Usage) -> Self:
        """Say that this process used it.

        Parameters
        ----------
        usage
            As measured.

        Returns
        -------
        WorkerUsage
            To be sent to whoever the work is for.
        """
        return cls(platform.node(), tuple(_ancestry()), usage)


class UsageMeter:
    """Measures a block of work; `usage` has the result afterwards.

    ::

        with UsageMeter() as meter:
            work()
        meter.usage.cpu_s

    Processor time counts all threads, children and children's children. Memory is that of the whole
    process at its highest point within the block, with the highest points of child processes added: those
    that still run, and the largest of those that ended, if it is the largest ever. It resets the
    high-water mark that Linux keeps for the process (``VmHWM``, also seen as ``ru_maxrss``).

    What workers of a cluster used within the block is added where they tell (`add_workers`), save of those
    that are child processes anyway: time and bytes, and of each worker its highest point of memory.

    Blocks may lie within each other. Blocks in several threads at once see each other's memory and time.
    """

    def __init__(self) -> None:
        self.gpu_s: float | None = None
        """Time on a GPU, to be set by work that uses one."""
        self._usage: Usage | None = None
        self._peak = 0
        self._how = ""
        self._workers: dict[tuple[str, int], Usage] = {}

    @staticmethod
    def add_workers(found: Sequence[WorkerUsage]) -> None:
        """Count what workers used to the block that runs now, and to those around it.

        Parameters
        ----------
        found
            Of pieces of work that were done for this process; child processes of it are counted anyway.
        """
        meter = _RUNNING.get()
        if meter is None:
            return
        for item in found:
            if not (item.computer == platform.node() and os.getpid() in item.ancestry):
                meter._add_worker((item.computer, item.ancestry[0]), item.usage)

    def _add_worker(self, worker: tuple[str, int], usage: Usage) -> None:
        before = self._workers.get(worker)
        self._workers[worker] = usage if before is None else total_usage([before, usage])

    @property
    def usage(self) -> Usage:
        """What was used.

        Returns
        -------
        Usage
            Without the sizes of files, which the meter does not know.

        Raises
        ------
        RuntimeError
            If the block has not ended.
        """
        if self._usage is None:
            raise RuntimeError("the block of work that is measured has not ended")
        return self._usage

    def __enter__(self) -> Self:
        """Begin.

        Returns
        -------
        UsageMeter
            Itself.
        """
        self._outer = _RUNNING.get()
        if self._outer is not None:
            self._outer._look()
        self._token: Token[UsageMeter | None] = _RUNNING.set(self)
        self._sampler: _Sampler | None = None
        if _reset_peak():
            self._how = "of the step"
        elif _resident() is not None:
            self._how = "sampled"
            self._sampler = _Sampler()
        elif _peak_ever() is not None:
            self._how = "of the process so far"
        self._children_before = _largest_ended_child()
        self._io = _io()
        self._cpu = processor_seconds()
        self._begin = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End, also if the work failed.

        Parameters
        ----------
        kind, error, trace
            The exception that ends the block, if any; it is not held back.
        """
        wall = time.perf_counter() - self._begin
        cpu = processor_seconds() - self._cpu
        io = _io()
        _RUNNING.reset(self._token)
        self._look()
        if self._sampler is not None:
            self._peak = max(self._peak, self._sampler.stop())
        if self._outer is not None:
            self._outer._peak = max(self._outer._peak, self._peak)
            for worker, used in self._workers.items():
                self._outer._add_worker(worker, used)
        ended = _largest_ended_child()
        children = sum(_status_kib(pid, "VmHWM") for pid in descendants(proc=_PROC)) * 1024
        children += ended if ended > self._children_before else 0
        there = total_usage(self._workers.values())
        children += sum(used.peak_memory_bytes or 0 for used in self._workers.values())
        counted = io is not None and self._io is not None
        read = io[0] - self._io[0] if counted and io and self._io else None
        written = io[1] - self._io[1] if counted and io and self._io else None
        self._usage = Usage(
            wall_s=wall,
            cpu_s=max(cpu, 0.0) + (there.cpu_s or 0.0),
            gpu_s=self.gpu_s if there.gpu_s is None else (self.gpu_s or 0.0) + there.gpu_s,
            peak_memory_bytes=self._peak + children if self._peak else None,
            peak_memory_is=self._how if self._peak else "",
            io_read_bytes=None if read is None else read + (there.io_read_bytes or 0),
            io_written_bytes=None if written is None else written + (there.io_written_bytes or 0),
        )

    def _look(self) -> None:
        """Take note of the highest point since the mark was reset."""
        found = {
            "of the step": lambda: _status_kib("self", "VmHWM") * 1024,
            "sampled": lambda: _resident() or 0,
            "of the process so far": lambda: _peak_ever() or 0,
        }.get(self._how, lambda: 0)()
        self._peak = max(self._peak, found)


def cost_of(meter: UsageMeter, assumptions: Assumptions | None = None) -> dict[str, Any]:
    """Describe what a block of work used, with the share of the workers of a cluster.

    Parameters
    ----------
    meter
        After the block.
    assumptions
        What energy and carbon are estimated with; None: they are not.

    Returns
    -------
    dict
        The keys of `Usage`; where workers of a cluster told what they used, also ``workers``: how many they
        are (``n_workers``), their ``cpu_s``, and ``peak_memory_bytes``, the most that one of them held. With
        assumptions also ``energy_wh``, ``carbon_g`` and the ``assumptions`` by name.
    """
    found: dict[str, Any] = meter.usage.to_dict()
    if meter._workers:
        total = total_usage(meter._workers.values()).to_dict()
        kept = {name: total[name] for name in ("cpu_s", "peak_memory_bytes")}
        found["workers"] = {"n_workers": len(meter._workers), **kept}
    if assumptions is not None:
        found |= footprint([meter.usage], assumptions).to_dict() | {"assumptions": assumptions.model_dump()}
    return found


class _Sampler:
    """Looks at the memory a hundred times a second, where the high-water mark cannot be reset."""

    def __init__(self) -> None:
        self._peak = _resident() or 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory", daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        while not self._stopped.wait(_SAMPLE_S):
            self._peak = max(self._peak, _resident() or 0)

    def stop(self) -> int:
        """Give the most that was seen."""
        self._stopped.set()
        self._thread.join()
        return self._peak


def size_of(path: str | Path) -> int:
    """Give the size of a file, or of all files in a folder.

    Parameters
    ----------
    path
        File or folder.

    Returns
    -------
    int
        In bytes; 0 if it does not exist.
    """
    total = 0
    try:
        details = Path(path).stat()
        if not stat.S_ISDIR(details.st_mode):
            return details.st_size
        with os.scandir(path) as entries:
            for entry in entries:
                folder = entry.is_dir(follow_symlinks=False)
                total += size_of(entry.path) if folder else entry.stat().st_size
    except OSError:  # it vanished, or a link leads nowhere
        return total
    return total


def _reset_peak() -> bool:
    """Set the high-water mark to what is held now; 5 is Linux's word for that (since 4.0)."""
    try:
        descriptor = os.open(_PROC / "self/clear_refs", os.O_WRONLY)
    except OSError:
        return False
    try:
        os.write(descriptor, b"5")
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return _status_kib("self", "VmHWM") > 0


def _read(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # the process has ended
        return b""
    finally:
        os.close(descriptor)


def _status_kib(process: str, key: str) -> int:
    _, found, rest = _read(_PROC / process / "status").partition(key.encode() + b":")
    return int(rest.split(maxsplit=1)[0]) if found else 0


def _resident() -> int | None:
    words = _read(_PROC / "self/statm").split()
    return int(words[1]) * os.sysconf("SC_PAGE_SIZE") if len(words) > 1 else None


def _io() -> tuple[int, int] | None:
    """Bytes read and written through system calls so far, by children that live and that ended too."""
    counts = []
    for process in ("self", *descendants(proc=_PROC)):
        lines = dict(
            line.split(b": ") for line in _read(_PROC / process / "io").splitlines() if b": " in line
        )
        if b"rchar" in lines and b"wchar" in lines:
            counts.append((int(lines[b"rchar"]), int(lines[b"wchar"])))
        elif process == "self":
            return None
    return sum(read for read, _ in counts), sum(written for _, written in counts)


def _ancestry() -> list[int]:
    """Give this process and those that it descends from; this one alone where the system does not tell."""
    found = [os.getpid()]
    while True:
        parent = _read(_PROC / str(found[-1]) / "stat").rpartition(b")")[2].split()[1:2]
        if not parent or int(parent[0]) in (0, *found):
            return found
        found.append(int(parent[0]))


def processor_seconds() -> float:
    """Give the processor time so far: of this process, of children that ended, and of those that live.

    Returns
    -------
    float
        User and system time of all threads, in seconds.
    """
    ended = sum(os.times()[2:4])
    with contextlib.suppress(ImportError):  # finer than os.times, but not on Windows
        import resource

        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = children.ru_utime + children.ru_stime
    total = time.process_time() + ended
    living = descendants(proc=_PROC)
    if living:
        ticks = os.sysconf("SC_CLK_TCK")
        for process in living:
            # After the name, which may hold spaces: utime, stime, cutime, cstime are words 11 to 14.
            words = _read(_PROC / process / "stat").rpartition(b")")[2].split()
            total += sum(map(int, words[11:15])) / ticks
    return total


def _peak_ever() -> int | None:
    return _maxrss("RUSAGE_SELF")


def _largest_ended_child() -> int:
    return _maxrss("RUSAGE_CHILDREN") or 0


def _maxrss(whose: str) -> int | None:
    """Give the most memory that a process ever held, in bytes; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    found = resource.getrusage(getattr(resource, whose)).ru_maxrss
    return int(found if sys.platform == "darwin" else found * 1024)
