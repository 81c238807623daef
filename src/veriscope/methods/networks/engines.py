"""What runs a network stored as ONNX: ONNX Runtime on the processor or a GPU, or OpenVINO.

PyTorch is none of them: it is needed to train, never to predict.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from veriscope.core.cores import usable_cores
from veriscope.errors import MethodError, MissingPackageError

__all__ = [
    "ENGINES",
    "Engine",
    "EngineName",
    "OnnxRuntime",
    "OpenNetwork",
    "OpenVino",
    "Precision",
    "refused",
]

EngineName = Literal["auto", "onnxruntime", "openvino", "cuda", "coreml", "directml"]
Precision = Literal["float32", "bfloat16", "int8"]
OpenNetwork = Callable[[NDArray[Any]], list[NDArray[Any]]]
"""A network with one input, open: from an array (float32, (1, channel, y, x), any y and x that the
network takes) to all its outputs. Raises `MemoryError` if memory runs out, else `MethodError`."""

_ALLOCATION = ("bad_alloc", "bad allocation", "failed to allocate", "out of memory", "could not allocate")
_LARGE = 512 * 512
_NUMBERS = {"float": "float32", "double": "float64"}


class Engine(Protocol):
    """Opens networks."""

    @property
    def name(self) -> str:
        """One of `ENGINES`."""

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Precisions in which it can compute."""

    def installed(self) -> bool:
        """Whether it could be opened here, found out without importing anything."""

    def version(self) -> str:
        """Give the version that is installed.

        Returns
        -------
        str
            Of the package.

        Raises
        ------
        MissingPackageError
            If it is not installed.
        """

    def open(self, model: bytes, *, threads: int = 0, precision: Precision = "float32") -> OpenNetwork:
        """Open a network.

        Parameters
        ----------
        model
            An ONNX file with its weights.
        threads
            Threads on the processor; 0: one for each core that the process may use.
        precision
            In which it computes; with ``int8``, the model must be a quantised one.

        Returns
        -------
        callable
            The network.

        Raises
        ------
        MissingPackageError
            If the engine is not installed.
        MethodError
            If the model cannot be loaded.
        """


@dataclass(frozen=True, slots=True)
class OnnxRuntime:
    """ONNX Runtime with one of its providers.

    Parameters
    ----------
    name
        Of the engine.
    provider
        As ONNX Runtime calls it.
    package
        That brings the provider.
    options
        Of the provider.
    precisions
        In which it can compute.
    """

    name: str
    provider: str
    package: str = "onnxruntime"
    options: dict[str, str] = field(default_factory=dict)
    precisions: tuple[Precision, ...] = ("float32", "int8")

    def installed(self) -> bool:
        """Whether this ONNX Runtime has the provider."""
        import onnxruntime

        return self.provider in onnxruntime.get_available_providers()

    def version(self) -> str:
        """Give the version of ONNX Runtime."""
        import onnxruntime

        if not self.installed():
            has = ", ".join(onnxruntime.get_available_providers())
            raise MissingPackageError(
                f"engine {self.name} needs an ONNX Runtime with {self.provider}; this one has {has}. Where "
                f"the device is there: pip uninstall onnxruntime && pip install {self.package}"
            )
        return str(onnxruntime.__version__)

    def open(self, model: bytes, *, threads: int = 0, precision: Precision = "float32") -> OpenNetwork:
        """Open a session; a provider that ONNX Runtime leaves out in silence is an error."""
        import onnxruntime

        version = self.version()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or usable_cores()
        options.log_severity_level = 4
        # Arenas keep the memory of the largest image ever seen.
        options.enable_cpu_mem_arena = False
        if self.name == "directml":
            options.enable_mem_pattern = False
        try:
            session = onnxruntime.InferenceSession(model, options, providers=[(self.provider, self.options)])
        except Exception as error:
            raise refused(error, f"{self.name} {version} cannot load the network") from error
        used = session.get_providers()[0]
        if used != self.provider:
            raise MethodError(
                f"engine {self.name}: ONNX Runtime {version} would use {used} instead of {self.provider}, "
                "because the driver or a library of the device is missing; mend that, or choose "
                "engine=onnxruntime"
            )
        name, kind = _only_input([(item.name, item.type) for item in session.get_inputs()])
        number = kind.removeprefix("tensor(").removesuffix(")")
        dtype = np.dtype(_NUMBERS.get(number, number))

        def run(values: NDArray[Any]) -> list[NDArray[Any]]:
            batch = np.ascontiguousarray(values, dtype)
            try:
                return [np.asarray(item) for item in session.run(None, {name: batch})]
            except Exception as error:
                raise refused(error, f"{self.name} {version} fails on shape {batch.shape}") from error

        return run


class OpenVino:
    """OpenVINO on the processor.

    Left alone it computes in bfloat16 wherever the processor can, without saying so; here only if asked.
    """

    name: ClassVar[str] = "openvino"
    precisions: ClassVar[tuple[Precision, ...]] = ("float32", "bfloat16", "int8")

    def installed(self) -> bool:
        """Whether the package is there."""
        return importlib.util.find_spec("openvino") is not None

    def version(self) -> str:
        """Give the version of OpenVINO."""
        try:
            return importlib.metadata.version("openvino")
        except importlib.metadata.PackageNotFoundError:
            raise MissingPackageError(
                "engine openvino needs the package openvino; pip install 'veriscope[fast]'"
            ) from None

    def open(self, model: bytes, *, threads: int = 0, precision: Precision = "float32") -> OpenNetwork:
        """Compile the network for this processor."""
        version = self.version()
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
            # Processes that work at the same time would be tied to the same cores.
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_NUM_THREADS": threads or usable_cores(),
        }
        try:
            core = _core()
            compiled = core.compile_model(core.read_model(model), "CPU", settings)
            request = compiled.create_infer_request()
        except Exception as error:
            raise refused(error, f"openvino {version} cannot load the network") from error
        _, dtype = _only_input(
            [(port.any_name, port.get_element_type().to_dtype()) for port in compiled.inputs]
        )

        def run(values: NDArray[Any]) -> list[NDArray[Any]]:
            batch = np.ascontiguousarray(values, dtype)
            try:
                found = request.infer({0: batch}, share_inputs=True)
                results = [np.array(found[index]) for index in range(len(compiled.outputs))]
            except Exception as error:
                raise refused(error, f"openvino {version} fails on shape {batch.shape}") from error
            if batch.size > _LARGE:  # else it keeps the memory of the largest image ever seen
                compiled.release_memory()
            return results

        return run


@cache
def _core() -> Any:
    """Give the one core of OpenVINO of this process, which is never let go.

    Its processor plugin puts up a stack for signals in the thread that makes it. Where another thread lets it
    go, that stack is unmapped but still registered, and the next signal (a child's end, Ctrl-C) is a
    segmentation fault.
    """
    import openvino

    return openvino.Core()


ENGINES: dict[str, Engine] = {
    engine.name: engine
    for engine in (
        OnnxRuntime("onnxruntime", "CPUExecutionProvider"),
        OpenVino(),
        # TensorFloat-32 keeps 10 bits of each factor; that is not float32.
        OnnxRuntime("cuda", "CUDAExecutionProvider", "onnxruntime-gpu", {"use_tf32": "0"}),
        OnnxRuntime("coreml", "CoreMLExecutionProvider", "onnxruntime", {"ModelFormat": "MLProgram"}),
        OnnxRuntime("directml", "DmlExecutionProvider", "onnxruntime-directml"),
    )
}
"""All engines by name, the default first."""


def _only_input(inputs: list[tuple[str, Any]]) -> tuple[str, Any]:
    if len(inputs) != 1:
        names = ", ".join(name for name, _ in inputs)
        raise MethodError(
            f"the network takes {len(inputs)} arrays ({names}); Veriscope runs networks that take one image"
        )
    return inputs[0]


def refused(error: Exception, what: str, remedy: str = "") -> Exception:
    """Turn what an engine raises into one error, or into the one for memory that ran out.

    Parameters
    ----------
    error
        As the engine raised it.
    what
        Which network failed, and at what.
    remedy
        What to do about it, to be put at the end.

    Returns
    -------
    Exception
        `MethodError` with the first line of what the engine says, or `MemoryError`; to be raised.
    """
    text = str(error).strip() or type(error).__name__
    if isinstance(error, MemoryError) or any(word in text.lower() for word in _ALLOCATION):
        return MemoryError(f"{what}: memory ran out")
    return MethodError(f"{what}: {text.splitlines()[0][:300]}{remedy}")
