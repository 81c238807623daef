"""Engines give the same, whatever the size of the image; what is missing is said."""

import importlib.util
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from veriscope.core.image import Image
from veriscope.errors import MethodError, MissingPackageError
from veriscope.methods.networks.engines import ENGINES, Precision
from veriscope.methods.networks.network_settings import NetworkParameters
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence

weights = NucleiFluorescence.package.weights

needs_openvino = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="openvino is not installed"
)


def waves(height: int, width: int) -> np.ndarray:
    y, x = np.indices((height, width))
    noise = np.random.default_rng(0).normal(0, 0.05, (height, width))
    return (0.5 + 0.25 * (np.sin(y / 5.3) + np.sin(x / 6.1)) + noise).astype(np.float32)[None, None]


def outputs(engine: str, precision: Precision, *images: np.ndarray) -> list[np.ndarray]:
    network = ENGINES[engine].open(weights(precision).read_bytes(), threads=1, precision=precision)
    return [network(image)[0] for image in images]


@needs_openvino
@pytest.mark.parametrize(("precision", "mean", "largest"), [("float32", 1e-6, 1e-4), ("int8", 2e-3, 0.3)])
def test_engines_agree_on_images_of_several_sizes(precision: Precision, mean: float, largest: float) -> None:
    images = [waves(*shape) for shape in ((64, 128), (16, 16), (272, 96), (64, 128))]
    ours, theirs = (outputs(engine, precision, *images) for engine in ("onnxruntime", "openvino"))
    for image, a, b in zip(images, ours, theirs, strict=True):
        assert a.shape == b.shape == (1, 3, *image.shape[2:])
        assert a.dtype == b.dtype == np.float32
        assert np.abs(a - b).mean() < mean
        assert np.abs(a - b).max() < largest


@needs_openvino
def test_openvino_computes_in_bfloat16_only_if_asked() -> None:
    reference = outputs("onnxruntime", "float32", waves(96, 96))[0]
    assert np.abs(outputs("openvino", "float32", waves(96, 96))[0] - reference).max() < 1e-4
    assert np.abs(outputs("openvino", "bfloat16", waves(96, 96))[0] - reference).max() < 0.2


@needs_openvino
def test_outputs_are_kept_when_the_next_image_comes() -> None:
    network = ENGINES["openvino"].open(weights("float32").read_bytes(), threads=1)
    first = network(waves(32, 32))[0]
    before = first.copy()
    network(waves(32, 32)[..., ::-1])
    np.testing.assert_array_equal(first, before)


@needs_openvino
def test_objects_are_the_same_by_each_engine() -> None:
    raw = np.load(str(Path(str(weights("float32"))).with_name("test_input.npy")))[0, 0]
    found = [
        NucleiFluorescence(NetworkParameters(engine=engine)).predict(Image(raw, "yx"))
        for engine in ("onnxruntime", "openvino")
    ]
    assert found[0].n_objects > 20
    np.testing.assert_array_equal(found[0].labels, found[1].labels)
    np.testing.assert_allclose(found[0].probabilities, found[1].probabilities, atol=1e-4)
    assert [item.details["engine"].split()[0] for item in found] == ["onnxruntime", "openvino"]


def test_a_provider_that_is_not_there_is_named_with_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(MissingPackageError) as caught:
        ENGINES["directml"].version()
    assert str(caught.value) == (
        "engine directml needs an ONNX Runtime with DmlExecutionProvider; this one has CPUExecutionProvider. "
        "Where the device is there: pip uninstall onnxruntime && pip install onnxruntime-directml"
    )


def test_a_provider_that_falls_back_to_the_processor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def session(model: bytes, options: object, providers: list[tuple[str, dict[str, str]]]) -> object:
        asked.append(providers)
        return types.SimpleNamespace(get_providers=lambda: ["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    with pytest.raises(MethodError) as caught:
        ENGINES["cuda"].open(b"")
    assert str(caught.value) == (
        f"engine cuda: ONNX Runtime {onnxruntime.__version__} would use CPUExecutionProvider instead of "
        "CUDAExecutionProvider, because the driver or a library of the device is missing; mend that, or "
        "choose engine=onnxruntime"
    )
    assert asked == [[("CUDAExecutionProvider", {"use_tf32": "0"})]]


def test_openvino_that_is_missing_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    with pytest.raises(MissingPackageError) as caught:
        ENGINES["openvino"].open(b"")
    assert str(caught.value) == "engine openvino needs the package openvino; pip install 'veriscope[fast]'"


@pytest.mark.parametrize("engine", ["onnxruntime", pytest.param("openvino", marks=needs_openvino)])
def test_a_file_that_is_no_network_is_refused(engine: str) -> None:
    with pytest.raises(MethodError, match=rf"^{engine} [0-9.]+ cannot load the network: "):
        ENGINES[engine].open(b"no network")


@pytest.mark.parametrize("engine", ["onnxruntime", pytest.param("openvino", marks=needs_openvino)])
def test_an_array_that_does_not_fit_is_refused(engine: str) -> None:
    network = ENGINES[engine].open(weights("float32").read_bytes(), threads=1)
    with pytest.raises(MethodError, match=rf"^{engine} [0-9.]+ fails on shape \(1, 2, 32, 32\): "):
        network(np.zeros((1, 2, 32, 32), np.float32))


@pytest.mark.parametrize(
    "text", ["std::bad_alloc", "Failed to allocate memory for requested buffer of size 9"]
)
def test_memory_that_runs_out_is_said_as_such(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Session:
        def __init__(self, *arguments: object, **options: object) -> None: ...

        def get_providers(self) -> list[str]:
            return ["CPUExecutionProvider"]

        def get_inputs(self) -> list[object]:
            return [types.SimpleNamespace(name="raw", type="tensor(float)")]

        def run(self, *arguments: object) -> None:
            raise RuntimeError(text)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    with pytest.raises(MemoryError, match="memory ran out"):
        ENGINES["onnxruntime"].open(b"")(waves(16, 16))


_LET_GO = """
import gc, signal, subprocess, sys, threading
from pathlib import Path
from veriscope.methods.networks.engines import ENGINES
held = [ENGINES["openvino"].open(Path(sys.argv[1]).read_bytes(), threads=1)]
thread = threading.Thread(target=lambda: (held.clear(), gc.collect()))
thread.start()
thread.join()
signal.signal(signal.SIGINT, lambda *_: None)
signal.raise_signal(signal.SIGINT)
"""


@needs_openvino
def test_a_signal_after_another_thread_let_the_network_go_is_survived() -> None:
    command = [sys.executable, "-c", _LET_GO, str(weights("float32"))]
    assert subprocess.run(command).returncode == 0
