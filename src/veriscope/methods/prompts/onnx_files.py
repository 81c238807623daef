"""The two ONNX files of a prompted segmenter, opened and checked before they see an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.cores import usable_cores
from veriscope.methods.networks.engines import refused

__all__ = ["Declared", "OnnxFile", "open_onnx"]

_NUMBERS = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
}
_NOWHERE = str(Path(__file__).resolve().parent / "no-such-folder")


@dataclass(frozen=True, slots=True)
class Declared:
    """An input or output as the file declares it.

    Parameters
    ----------
    name
        Of the array.
    dtype
        Of its numbers, as numpy names it; as ONNX names it where it is none of ours.
    shape
        Length of each axis; None where any length fits.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    @property
    def text(self) -> str:
        """For messages: ``image float32 (1, 3, 1024, any)``."""
        lengths = ", ".join("any" if length is None else str(length) for length in self.shape)
        return f"{self.name} {self.dtype} ({lengths})"


class OnnxFile:
    """A network that is open.

    Parameters
    ----------
    session
        Of ONNX Runtime.
    title
        Of the network, for messages.
    """

    def __init__(self, session: Any, title: str) -> None:
        self._session = session
        self.title = title
        self.inputs = {item.name: _declared(item) for item in session.get_inputs()}
        self.outputs = {item.name: _declared(item) for item in session.get_outputs()}

    def run(self, arrays: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> list[NDArray[Any]]:
        """Run the network.

        Parameters
        ----------
        arrays
            By name of the input; their numbers are converted to the type that the network takes.
        wanted
            Names of outputs.

        Returns
        -------
        list of numpy.ndarray
            As `wanted`.

        Raises
        ------
        MethodError
            If the network fails.
        MemoryError
            If memory runs out.
        """
        given = {
            name: np.ascontiguousarray(values, self.inputs[name].dtype) for name, values in arrays.items()
        }
        try:
            return [np.asarray(item) for item in self._session.run(list(wanted), given)]
        except Exception as error:
            shapes = ", ".join(f"{name} {values.shape}" for name, values in given.items())
            raise refused(error, f"{self.title} fails on {shapes}") from error


def open_onnx(model: bytes, *, title: str, threads: int = 0) -> OnnxFile:
    """Open a network on the processor.

    The content of the file is given, not its path, so that it cannot name other files as its weights.

    Parameters
    ----------
    model
        Content of an ONNX file with all its weights.
    title
        Of the network, for messages.
    threads
        Threads on the processor; 0: one for each core that the process may use.

    Returns
    -------
    OnnxFile
        The network.

    Raises
    ------
    MethodError
        If ONNX Runtime cannot load it, or its weights lie in another file.
    MemoryError
        If memory runs out.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or usable_cores()
    options.log_severity_level = 4
    # Arenas keep the memory of the largest array ever seen.
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NOWHERE)
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        what = f"{title}: ONNX Runtime {onnxruntime.__version__} cannot load it"
        raise refused(error, what, _remedy(str(error))) from error
    return OnnxFile(session, title)


def _declared(item: Any) -> Declared:
    shape = tuple(length if isinstance(length, int) and length > 0 else None for length in item.shape)
    return Declared(item.name, _NUMBERS.get(item.type, item.type), shape)


def _remedy(text: str) -> str:
    lower = text.lower()
    if "opset" in lower or "ir version" in lower:
        return "; export it anew with opset 17, or install a newer onnxruntime"
    if "external" in lower or "no-such-folder" in lower:
        return "; its weights lie in another file: export it anew with all weights in one file (below 2 GB)"
    return "; give the ONNX file as it was exported"
