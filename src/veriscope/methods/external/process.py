"""The process of a tool: started when needed, kept between images, watched while it works."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from veriscope.core.memory import usable_memory
from veriscope.core.processes import descendants
from veriscope.errors import MethodError
from veriscope.methods.external.protocol import read_arrays, read_message, write_arrays, write_message

__all__ = ["Limits", "ToolProcess", "end_group", "memory_of"]

_SERVE = Path(__file__).with_name("workers") / "serve.py"
_KEPT = (
    "PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH",
    "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY",
)  # fmt: skip
_LOOK_EVERY_S = 0.1
_LAST_WORDS_S = 5.0
"""Time for what a process wrote before it ended to be read."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the process of a tool may use.

    Parameters
    ----------
    start_s
        Time to start and load its model, in seconds.
    answer_s
        Time for one answer, in seconds.
    memory_bytes
        Memory in use (resident), watched where the system tells it (Linux); None: 90 % of what the
        machine has.
    """

    start_s: float = 300.0
    answer_s: float = 600.0
    memory_bytes: int | None = None


class ToolProcess:
    """Runs a tool with the Python of its own environment.

    Parameters
    ----------
    name
        Of the method, for messages.
    python
        Interpreter of the environment.
    worker
        Script with `load` and what is asked of it.
    order
        What `load` gets.
    limits
        What it may use.
    variables
        Environment variables for it.
    network
        Whether it may use the network.

    Attributes
    ----------
    about
        What the tool said of itself when it had loaded; empty before.
    """

    def __init__(
        self,
        name: str,
        python: Path,
        worker: Path,
        order: Mapping[str, Any],
        *,
        limits: Limits | None = None,
        variables: Mapping[str, str] | None = None,
        network: bool = False,
    ) -> None:
        self.name = name
        self.python, self.worker = python, worker
        self.order = {**order, "network": network}
        self.limits = limits or Limits()
        self.variables = dict(variables or {})
        self.about: dict[str, Any] = {}
        self._running: _Running | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**{k: v for k, v in self.__dict__.items() if k != "_finish"}, "_running": None}

    def start(self) -> None:
        """Start and load, unless it runs.

        Raises
        ------
        MethodError
            If it cannot be started, does not load in time, or its model cannot be loaded.
        """
        if self._running is not None:
            return
        self._running = running = _Running.begin(self.python, self.worker, self.variables)
        self._finish = weakref.finalize(self, running.end)
        answer = self._exchange({**self.order, "folder": running.folder}, self.limits.start_s, "start")
        try:
            self.about = dict(answer["about"])
        except (KeyError, TypeError, ValueError) as error:
            self.close()
            raise MethodError(f"{self.name}: its process answers nonsense: {error}") from error

    def ask(
        self, do: str, arrays: Mapping[str, NDArray[Any]], options: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Have it do something; it is started if it does not run.

        Parameters
        ----------
        do
            Name of a function of the worker.
        arrays
            What goes in, by name.
        options
            Plain values.

        Returns
        -------
        tuple
            Plain values and arrays that come out.

        Raises
        ------
        MethodError
            If it fails, takes too long or too much memory, ends, or answers nonsense. After all but the
            first of these it is started anew the next time.
        """
        self.start()
        assert self._running is not None
        folder = self._running.folder
        try:
            about = write_arrays(folder, dict(arrays), "in")
        except OSError as error:
            self.close()
            raise MethodError(f"{self.name}: arrays cannot be handed over: {error}") from error
        request = {"do": do, "arrays": about, "options": dict(options)}
        answer = self._exchange(request, self.limits.answer_s, "answer")
        try:
            return dict(answer["values"]), read_arrays(folder, answer["arrays"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            self.close()
            raise MethodError(f"{self.name}: its process answers nonsense: {error}") from error

    def memory(self) -> int:
        """Tell how much memory it uses now.

        Returns
        -------
        int
            Resident bytes; 0 if it does not run, or the system does not tell them.
        """
        return 0 if self._running is None else memory_of(self._running.process.pid)

    def close(self) -> None:
        """End the process, if it runs."""
        if self._running is not None:
            self._running = None
            self._finish()

    def _exchange(self, message: Mapping[str, Any], seconds: float, what: str) -> dict[str, Any]:
        running = self._running
        assert running is not None
        with contextlib.suppress(OSError):  # it has ended; told below
            write_message(running.stdin, dict(message))
        answer = self._wait(running, seconds, what)
        if "error" in answer:
            said = f"{answer.get('kind', 'error')}: {answer['error']}"
            if what == "start" or answer.get("memory"):
                self.close()
            raise MethodError(f"{self.name}: the tool failed: {said}")
        return answer

    def _wait(self, running: _Running, seconds: float, what: str) -> dict[str, Any]:
        stated = self.limits.memory_bytes
        most = int(0.9 * usable_memory()) if stated is None else stated
        end = time.monotonic() + seconds
        try:
            while True:
                try:
                    answer = running.answers.get(timeout=_LOOK_EVERY_S)
                    break
                except queue.Empty:
                    if running.process.poll() is not None:
                        answer = running.last_words()
                        break
                    used = memory_of(running.process.pid)
                    if used > most:
                        self.close()
                        raise MethodError(
                            f"{self.name}: used {used / 2**30:.1f} GB of memory, more than the "
                            f"{most / 2**30:.1f} "
                            "GB allowed, and was stopped; give smaller images, or more with --memory or "
                            "-p memory_gb=N"
                        ) from None
                    if time.monotonic() > end:
                        tail = running.tail()
                        self.close()
                        verb = "did not start" if what == "start" else "gave no answer"
                        raise MethodError(
                            f"{self.name}: {verb} within {seconds:g} s and was stopped; allow more with "
                            f"-p {'start_timeout' if what == 'start' else 'timeout'}=SECONDS"
                            + (f". Its last words: {tail}" if tail else "")
                        ) from None
        except BaseException:
            self.close()  # also Ctrl-C: an answer that nobody reads would be taken for the next one
            raise
        if isinstance(answer, dict):
            return answer
        if isinstance(answer, Exception):
            self.close()
            raise MethodError(f"{self.name}: its process answers nonsense: {answer}")
        code, tail = running.ended(), running.tail()
        self.close()
        raise MethodError(
            f"{self.name}: its process ended by itself ({_meaning(code)})" + (f": {tail}" if tail else "")
        )


@dataclass(slots=True)
class _Running:
    """A started process, its pipes, its log and the folder for arrays."""

    process: subprocess.Popen[bytes]
    folder: str
    log: Any
    answers: queue.Queue[Any]

    @classmethod
    def begin(cls, python: Path, worker: Path, variables: Mapping[str, str]) -> _Running:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        folder = tempfile.mkdtemp(prefix="veriscope-tool-", dir=_fast_folder())
        log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        try:
            process = subprocess.Popen(
                [str(python), "-I", str(_SERVE), str(worker)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=kept | {"PYTHONDONTWRITEBYTECODE": "1"} | dict(variables),
                cwd=folder,
                start_new_session=True,
            )
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            log.close()
            raise MethodError(f"{python}: cannot be started: {error}") from error
        answers: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=_listen, args=(process.stdout, answers), daemon=True).start()
        return cls(process, folder, log, answers)

    @property
    def stdin(self) -> Any:
        return self.process.stdin

    def tail(self) -> str:
        """Last words of its log."""
        try:
            self.log.seek(max(0, os.fstat(self.log.fileno()).st_size - 2000))
            lines = self.log.read().decode(errors="replace").strip().splitlines()
        except (OSError, ValueError):
            return ""
        return " | ".join(line.strip() for line in lines[-3:])[-400:]

    def last_words(self) -> Any:
        """Give what a process wrote before it ended; None also where one that it started keeps its pipe."""
        with contextlib.suppress(queue.Empty):
            return self.answers.get(timeout=_LAST_WORDS_S)
        return None

    def ended(self) -> int | None:
        """Exit code of a process whose output has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(timeout=5)
        return None

    def end(self) -> None:
        end_group(self.process)
        for stream in (self.process.stdin, self.log):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]
        shutil.rmtree(self.folder, ignore_errors=True)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and those it has started.

    Parameters
    ----------
    process
        Leader of a session of its own.
    """
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
    process.wait()


def _listen(stream: Any, answers: queue.Queue[Any]) -> None:
    """Put every message into the queue; at the end None, or the fault."""
    try:
        while (message := read_message(stream)) is not None:
            answers.put(message)
        answers.put(None)
    except (OSError, ValueError) as error:
        answers.put(error)
    finally:
        stream.close()


def _fast_folder() -> str | None:
    """Memory instead of disk where the system has it, with room for large arrays."""
    shared = Path("/dev/shm")
    try:
        if (
            sys.platform == "linux"
            and os.access(shared, os.W_OK)
            and shutil.disk_usage(shared).free > 2 << 30
        ):
            return str(shared)
    except OSError:
        pass
    return None


def memory_of(process: int) -> int:
    """Tell how much memory a process uses, or the largest of those that it has started.

    Programs often begin with a script that only starts them. Amounts are not added up, since copies of one
    process share most of theirs.

    Parameters
    ----------
    process
        Its number.

    Returns
    -------
    int
        Resident bytes; 0 where the system does not tell them.
    """
    return max(map(_resident, [str(process), *descendants(process)]))


def _resident(process: str) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _meaning(code: int | None) -> str:
    if code is None:
        return "without an exit code"
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"killed by {name}" + (", usually for want of memory" if -code == 9 else "")
