"""Runs TorchScript and state dicts in a process of its own, without network, that cannot write files."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import MethodError, MissingPackageError
from veriscope.methods.zoo.description import Weights
from veriscope.methods.zoo.torch_worker import read_message, write_message

if TYPE_CHECKING:
    from veriscope.methods.zoo.zoo_model import InstalledModel

__all__ = ["Limits", "TorchEngine", "torch_engine"]

_KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "VIRTUAL_ENV")
_MOST_BYTES = 16 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """What the process of a model may use.

    Parameters
    ----------
    memory_bytes
        Address space, of which torch takes some gigabytes for itself.
    cpu_s
        Processor time, in seconds, over its life.
    wall_s
        Time for one answer, in seconds.
    """

    memory_bytes: int = 12 << 30
    cpu_s: int = 6 * 3600
    wall_s: float = 600.0


class TorchEngine:
    """Runs weights for torch in a process of its own, which starts with the first array.

    Parameters
    ----------
    weights
        The file.
    order
        What the process is told to load.
    limits
        What it may use.
    threads
        Threads of torch; 0: as many as there are cores.

    Attributes
    ----------
    held
        Which restrictions hold in the process; empty before it runs.
    """

    def __init__(
        self, weights: Path, order: Mapping[str, Any], *, limits: Limits | None = None, threads: int = 0
    ) -> None:
        self.weights = weights
        self.order = order
        self.limits = limits or Limits()
        self.threads = threads
        self.held: dict[str, bool] = {}
        self._process: Any = None
        self._log: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_process": None, "_log": None}

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
        except (KeyError, TypeError, ValueError) as error:
            self.close()
            raise MethodError(f"{self.weights.name}: its process answers nonsense: {error}") from error

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        log, self._log = self._log, None
        if process is not None:
            _end(process, log)

    def _start(self) -> None:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "veriscope.methods.zoo.torch_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            cwd=tempfile.gettempdir(),
        )
        weakref.finalize(self, _end, self._process, self._log)
        limits = {"memory_bytes": self.limits.memory_bytes, "cpu_s": self.limits.cpu_s}
        threads = self.threads or max(1, os.cpu_count() or 1)
        header, _ = self._ask({**self.order, **limits, "threads": threads}, [])
        self.held = {str(name): bool(value) for name, value in header.get("held", {}).items()}

    def _ask(self, header: dict[str, Any], arrays: list[NDArray[Any]]) -> tuple[dict[str, Any], list[bytes]]:
        process = self._process
        watch = threading.Timer(self.limits.wall_s, process.kill)
        watch.daemon = True
        watch.start()
        try:
            write_message(process.stdin, header, arrays)
            answer = read_message(process.stdout, most_bytes=_MOST_BYTES)
        except (OSError, ValueError) as error:
            answer = None
            reason = f": {error}"
        else:
            reason = ""
        finally:
            late = not watch.is_alive()
            watch.cancel()
        if answer is None:
            raise MethodError(self._died(late=late, reason=reason))
        if "error" in answer[0]:
            text = str(answer[0]["error"])
            self.close()
            if self.order.get("format") == "custom":
                raise MethodError(f"{self.weights.name}: the code of the package fails: {text}")
            raise MethodError(f"{self.weights.name}: {_advice(text)}")
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


def torch_engine(installed: InstalledModel, weights: Weights) -> TorchEngine:
    """Make the engine of weights for torch.

    Parameters
    ----------
    installed
        The package.
    weights
        TorchScript or a state dict.

    Returns
    -------
    TorchEngine
        Nothing has run yet.

    Raises
    ------
    MissingPackageError
        If torch is not installed.
    MethodError
        If a state dict needs code to which the user has not consented.
    """
    if importlib.util.find_spec("torch") is None:
        raise MissingPackageError(
            f"{installed.name}: its {weights.format} weights need torch; install it with: "
            "pip install 'veriscope[train]' (on Linux without a GPU add --extra-index-url "
            "https://download.pytorch.org/whl/cpu)"
        )
    path = installed.folder / weights.file.source
    order: dict[str, Any] = {
        "format": weights.format,
        "weights": str(path.resolve()),
        "weights_sha256": installed.hashes[weights.file.source],
    }
    if weights.format == "pytorch_state_dict":
        order |= _consented(installed, weights)
    return TorchEngine(path, order)


def _consented(installed: InstalledModel, weights: Weights) -> dict[str, Any]:
    code = weights.architecture
    if code is None:
        raise MethodError(
            f"{installed.name}: its state dict needs the architecture {weights.library or '(not named)'} of "
            "another library, which Veriscope does not load; ask its authors for ONNX or TorchScript weights"
        )
    found = installed.hashes.get(code.file.source)
    if found is None:
        raise MethodError(f"{installed.name}: the file {code.file.source} of its architecture is missing")
    if found not in installed.trusted:
        raise MethodError(
            f"{installed.name}: its weights need the Python code {code.file.source} of the package "
            f"({code.callable}). "
            f"Read {installed.folder / code.file.source} first; if you consent to run it, in a process "
            f"without network, add the package with --trust {found}"
        )
    return {
        "code": str((installed.folder / code.file.source).resolve()),
        "code_sha256": found,
        "callable": code.callable,
        "kwargs": code.kwargs,
    }


def _array(about: Mapping[str, Any], raw: bytes) -> NDArray[Any]:
    dtype = np.dtype(about["dtype"])
    if dtype.kind not in "buif":
        raise ValueError(f"values of type {dtype}")
    return np.frombuffer(raw, dtype).reshape([int(size) for size in about["shape"]])


def _advice(text: str) -> str:
    if "cuda" in text.lower():
        return f"needs a GPU, and Veriscope runs it without one: {text}"
    if "UnpicklingError" in text or "weights_only" in text:
        return f"its state dict holds more than numbers and is not loaded: {text}"
    return f"torch cannot run it: {text}"


def _end(process: subprocess.Popen[bytes], log: Any) -> None:
    for stream in (process.stdin, process.stdout, log):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    process.kill()
    process.wait()
