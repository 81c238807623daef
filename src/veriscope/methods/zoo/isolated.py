"""Runs weights that are programs, and consented code, in a process of its own, without network or writing."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.cores import usable_cores
from veriscope.errors import MethodError
from veriscope.methods.external.process import end_group
from veriscope.methods.zoo.engines import asks_for_memory
from veriscope.methods.zoo.isolated_worker import read_message, write_message

__all__ = ["IsolatedEngine", "Limits"]

_KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "VIRTUAL_ENV")
_MOST_BYTES = 16 << 30
_WORKER = Path(__file__).with_name("isolated_worker.py")


@dataclass(frozen=True, slots=True)
class Limits:
    """What the process of a model may use.

    Parameters
    ----------
    memory_bytes
        Address space, of which torch and TensorFlow take some gigabytes for themselves.
    cpu_s
        Processor time, in seconds, over its life.
    wall_s
        Time for one answer, in seconds.
    """

    memory_bytes: int = 12 << 30
    cpu_s: int = 6 * 3600
    wall_s: float = 600.0


class IsolatedEngine:
    """Runs weights in a process of its own, which starts with the first array.

    Parameters
    ----------
    weights
        The file.
    order
        What the process is told to load: ``runner``, and what that needs.
    advise
        Makes a sentence of what the process says when it cannot load or run them.
    python
        Interpreter that has what the weights need; None: this one.
    limits
        What it may use.
    threads
        Threads of the process; 0: one for each core that may be used.

    Attributes
    ----------
    held
        Which restrictions hold in the process; empty before it runs.
    """

    def __init__(
        self,
        weights: Path,
        order: Mapping[str, Any],
        *,
        advise: Callable[[str], str],
        python: Path | None = None,
        limits: Limits | None = None,
        threads: int = 0,
    ) -> None:
        self.weights = weights
        self.order = order
        self.advise = advise
        self.python = python or Path(sys.executable)
        self.limits = limits or Limits()
        self.threads = threads
        self.held: dict[str, bool] = {}
        self._process: Any = None
        self._log: Any = None
        self._finish: Callable[[], object] = _nothing

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_process": None, "_log": None, "_finish": _nothing}

    def run(self, values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """Run the network.

        Parameters
        ----------
        values
            What goes in; fractions are given as float32.

        Returns
        -------
        sequence of numpy.ndarray
            What comes out.

        Raises
        ------
        MethodError
            If it cannot be loaded, fails, takes too long or too much memory, or answers nonsense.
        """
        return self.call([np.ascontiguousarray(values, np.float32 if values.dtype.kind == "f" else None)])

    def call(self, arrays: Sequence[NDArray[Any]]) -> Sequence[NDArray[Any]]:
        """Hand over several arrays as they are.

        Parameters
        ----------
        arrays
            What goes in.

        Returns
        -------
        sequence of numpy.ndarray
            What comes out.

        Raises
        ------
        MethodError
            As `run`.
        """
        if self._process is None:
            self._start()
        header, contents = self._ask({}, [np.ascontiguousarray(item) for item in arrays])
        try:
            return [_array(about, raw) for about, raw in zip(header["arrays"], contents, strict=True)]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            self.close()
            raise MethodError(f"{self.weights.name}: its process answers nonsense: {error}") from error

    def prepared(self) -> Mapping[str, Any]:
        """Give the order, with all that it names in place; called when the process starts.

        Returns
        -------
        mapping
            Plain values.
        """
        return self.order

    def close(self) -> None:
        """End the process."""
        self._process = self._log = None
        finish, self._finish = self._finish, _nothing
        finish()

    def _start(self) -> None:
        order = self.prepared()
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment |= {
            "PYTHONDONTWRITEBYTECODE": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "TF_CPP_MIN_LOG_LEVEL": "2",
        }
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        try:
            self._process = subprocess.Popen(
                [str(self.python), "-I", str(_WORKER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=environment,
                cwd=tempfile.gettempdir(),
                start_new_session=True,
            )
        except OSError as error:
            self._log.close()
            raise MethodError(
                f"{self.python}: cannot be started: {error}; make its environment anew with "
                "veriscope models install"
            ) from error
        self._finish = weakref.finalize(self, _end, self._process, self._log)
        limits = {"memory_bytes": self.limits.memory_bytes, "cpu_s": self.limits.cpu_s}
        threads = self.threads or usable_cores()
        header, _ = self._ask({**order, **limits, "threads": threads}, [])
        held = header.get("held")
        if not isinstance(held, dict):
            self.close()
            raise MethodError(f"{self.weights.name}: its process answers nonsense: it holds {held!r}")
        self.held = {str(name): bool(value) for name, value in held.items()}

    def _ask(self, header: dict[str, Any], arrays: list[NDArray[Any]]) -> tuple[dict[str, Any], list[bytes]]:
        process = self._process
        late = threading.Event()

        def stop() -> None:
            late.set()
            end_group(process)  # with all that it has started, which would keep its end of the pipe open

        watch = threading.Timer(self.limits.wall_s, stop)
        watch.daemon = True
        watch.start()
        try:
            write_message(process.stdin, header, arrays)
            answer = read_message(process.stdout, most_bytes=_MOST_BYTES)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            answer = None
            reason = f": {error}"
        except BaseException:  # such as Ctrl-C: an answer that nobody reads would be taken for the next one
            self.close()
            raise
        else:
            reason = ""
        finally:
            watch.cancel()
        if answer is None:
            raise MethodError(self._died(late=late.is_set(), reason=reason))
        if "error" in answer[0]:
            text = str(answer[0]["error"])
            self.close()
            if asked := asks_for_memory(text):
                raise MethodError(
                    f"{self.weights.name}: needs more than the {self.limits.memory_bytes / 2**30:.0f} GB of "
                    f"memory that a model may use here: it asked for {asked}. Use a smaller model, or ONNX "
                    "weights of it, which run without this limit"
                )
            raise MethodError(f"{self.weights.name}: {self.advise(text)}")
        return answer

    def _died(self, *, late: bool, reason: str) -> str:
        said = ""
        if self._log is not None:
            with contextlib.suppress(OSError, ValueError):
                self._log.seek(0)
                said = self._log.read()[-300:].decode(errors="replace").strip()
        process = self._process
        self.close()
        if late:
            return f"{self.weights.name}: gave no answer within {self.limits.wall_s:g} s and was stopped"
        code = process.poll()
        return (
            f"{self.weights.name}: its process ended (code {code}{reason}), for want of memory "
            f"(limit {self.limits.memory_bytes / 2**30:.1f} GB) or by an error of its own. {said}".strip()
        )


def _array(about: Mapping[str, Any], raw: bytes) -> NDArray[Any]:
    dtype = np.dtype(about["dtype"])
    if dtype.kind not in "buif":
        raise ValueError(f"values of type {dtype}")
    return np.frombuffer(raw, dtype).reshape([int(size) for size in about["shape"]])


def _nothing() -> None:
    """End what never began."""


def _end(process: subprocess.Popen[bytes], log: Any) -> None:
    end_group(process)  # first: what was written and is not read would keep its pipe from being closed
    for stream in (process.stdin, process.stdout, log):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
