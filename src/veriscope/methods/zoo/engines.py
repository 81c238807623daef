"""What runs a network: arrays in, arrays out."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from veriscope.core.cores import usable_cores
from veriscope.core.memory import usable_memory
from veriscope.errors import MethodError
from veriscope.methods.zoo.onnx_graph import without_sizes

__all__ = ["Engine", "OnnxEngine", "asks_for_memory", "require_memory", "require_room"]

_NUMBERS = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(uint16)": "uint16",
    "tensor(int16)": "int16",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
_MEMORY = re.compile(
    r"failed to allocate memory|can't allocate memory|cannot allocate memory|bad_alloc|bad allocation|"
    r"MemoryError|OOM when allocating",
    re.IGNORECASE,
)
"""What ONNX Runtime, torch, TensorFlow and NumPy say where there is too little memory."""
_BYTES = re.compile(r"(?:of size|to allocate) (\d{7,})")
_NOWHERE = str(Path(__file__).resolve().parent / "no-such-folder")


class Engine(Protocol):
    """Runs one network."""

    def run(self, values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """Run the network.

        Parameters
        ----------
        values
            What goes in, with all its axes.

        Returns
        -------
        sequence of numpy.ndarray
            What comes out.
        """

    def close(self) -> None:
        """Free what it holds."""


class OnnxEngine:
    """Runs an ONNX file with ONNX Runtime; it is opened when the first array arrives.

    The file is read into memory first, so that a model cannot name other files as its weights.

    Parameters
    ----------
    weights
        The file.
    threads
        Threads of the session; 0 takes all cores.
    """

    def __init__(self, weights: Path, *, threads: int = 0) -> None:
        self.weights = weights
        self.threads = threads
        self.free_axes: tuple[int, ...] = ()
        self._session: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_session": None}

    def run(self, values: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """Run the network.

        Parameters
        ----------
        values
            What goes in; converted to the type of number that the network takes.

        Returns
        -------
        sequence of numpy.ndarray
            What comes out.

        Raises
        ------
        MethodError
            If the file is none that ONNX Runtime can run, or the network fails on the array.
        """
        if self._session is None:
            self._session = self._open()
        first = self._session.get_inputs()[0]
        batch = np.ascontiguousarray(values, dtype=_NUMBERS.get(first.type, "float32"))
        try:
            return [np.asarray(item) for item in self._session.run(None, {first.name: batch})]
        except Exception as error:
            if asked := asks_for_memory(str(error)):
                raise MethodError(
                    f"{self.weights.name}: the network needs more memory for an array of shape {batch.shape} "
                    f"than this computer has ({usable_memory() / 2**30:.1f} GB): it asked for {asked}. Use a "
                    "larger one, or a smaller model"
                ) from error
            raise MethodError(
                f"{self.weights.name}: the network fails on an array of shape {batch.shape}: "
                f"{_short(error)}; its card may promise sizes that it cannot take"
            ) from error

    def close(self) -> None:
        """Close the session."""
        self._session = None

    def _open(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads or usable_cores()
        options.log_severity_level = 4
        # Weights may name further files, which ONNX Runtime would look for in the working folder.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NOWHERE)
        content = self.weights.read_bytes()
        if self.free_axes:
            content = without_sizes(content, self.free_axes)
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise MethodError(
                f"{self.weights.name}: ONNX Runtime {onnxruntime.__version__} cannot load it: "
                f"{_short(error)}; {_remedy(str(error))}"
            ) from error
        needed = [item.name for item in session.get_inputs()]
        if len(needed) != 1:
            raise MethodError(
                f"{self.weights.name}: the network takes {len(needed)} arrays ({', '.join(needed)}); "
                "Veriscope runs networks that take one image"
            )
        return session


def asks_for_memory(text: str) -> str:
    """Tell the want of memory from other errors of libraries that run networks.

    Parameters
    ----------
    text
        What the library says.

    Returns
    -------
    str
        What it asked for, such as ``31.5 GB at once``, or ``more``; empty: it is another error.
    """
    if not _MEMORY.search(text):
        return ""
    found = _BYTES.search(text)
    return f"{int(found[1]) / 1e9:.1f} GB at once" if found else "more"


def require_memory(weights: Path, *, stated: str = "") -> None:
    """Refuse models that do not fit into the memory of this computer.

    Parameters
    ----------
    weights
        The file.
    stated
        What its authors say about memory, such as ``30 GB``.

    Raises
    ------
    MethodError
        If three times the size of the file, or what is stated, is more than there is.
    """
    there = usable_memory()
    size = weights.stat().st_size
    if 3 * size > there:
        raise MethodError(
            f"{weights.name}: has {size / 2**30:.1f} GB, and loading it needs about three times as much; "
            f"this computer has {there / 2**30:.1f} GB of memory. Use a larger one, or a smaller model"
        )
    amounts = [float(number) for number in re.findall(r"(\d+(?:\.\d+)?)\s*Gi?B", stated)]
    if amounts and min(amounts) * 2**30 > there:
        raise MethodError(
            f"{weights.name}: its authors state that it needs {stated}, and this computer has "
            f"{there / 2**30:.1f} GB of memory. Use a larger one, or a smaller model"
        )


def require_room(shape: Sequence[int], *, name: str) -> None:
    """Refuse tiles that do not fit into the memory of this computer, before memory is taken for one.

    Parameters
    ----------
    shape
        Of a tile, with all its axes.
    name
        Of the model, for the message.

    Raises
    ------
    MethodError
        If a tile and what a network gives of it, as float32, need more than there is.
    """
    there = usable_memory()
    needed = 8 * math.prod(shape)
    if needed > there:
        raise MethodError(
            f"{name}: takes tiles of {' x '.join(map(str, shape))} values, which need "
            f"{needed / 2**30:.1f} GB and more, and this computer has {there / 2**30:.1f} GB of memory. Use "
            "a larger one, or a smaller model"
        )


def _short(error: Exception) -> str:
    """Give what a library says, without its own marks and the places in its source code."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
    if found := re.search(r"[Oo]pset (\d+) is under development", text):
        return f"its operators are of opset {found[1]}, which is newer than this version knows"
    return text[:300].rstrip(".")


def _remedy(text: str) -> str:
    """Say what to do about weights that cannot be loaded, by what the library says of them."""
    if "opset" in text.lower():
        return "update it (pip install -U onnxruntime), or ask the authors for an older opset"
    if "No Op registered" in text or "is not a registered function/op" in text:
        return "it has operators that are not part of ONNX; ask the authors for weights without them"
    if "protobuf" in text.lower():
        return "the file is damaged, cut short or no ONNX; get the package anew"
    return (
        "the file is damaged, or needs a newer ONNX Runtime (pip install -U onnxruntime), or operators that "
        "are not part of ONNX"
    )
