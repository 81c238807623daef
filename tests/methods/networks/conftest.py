"""Networks of a few operations, whose answers can be worked out by hand, in packages of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.methods.networks.network_files import NetworkPackage

Made = Callable[..., NetworkPackage]


def onnx_file(nodes: Sequence[Any], weights: dict[str, NDArray[Any]], n_channels: int) -> bytes:
    """Give an ONNX file from ``image`` (1, n_channels, y, x) to ``out``."""
    from onnx import TensorProto, helper, numpy_helper

    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, n_channels, "y", "x"])
    said = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    kept = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph(list(nodes), "tiny", [given], [said], kept)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def mean_classifier(weights: NDArray[Any], bias: NDArray[Any], *, activation: str = "Softmax") -> bytes:
    """Classes by the mean brightness of each channel: (1, class) of weights @ mean + bias."""
    from onnx import helper

    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Gemm", ["mean", "weights", "bias"], ["logits"], transB=1),
        helper.make_node(activation, ["logits"], ["out"]),
    ]
    arrays = {"weights": weights.astype(np.float32), "bias": bias.astype(np.float32)}
    return onnx_file(nodes, arrays, weights.shape[1])


def pointwise(weights: NDArray[Any], bias: NDArray[Any]) -> bytes:
    """Every output channel at a pixel is weights @ channels + bias of that pixel alone."""
    from onnx import helper

    node = helper.make_node("Conv", ["image", "weights", "bias"], ["out"], kernel_shape=[1, 1])
    arrays = {"weights": weights.astype(np.float32)[:, :, None, None], "bias": bias.astype(np.float32)}
    return onnx_file([node], arrays, weights.shape[1])


def logarithm(weights: NDArray[Any], bias: NDArray[Any]) -> bytes:
    """As `pointwise`, of the logarithm of each channel plus five: no number where that is below zero."""
    from onnx import helper

    nodes = [
        helper.make_node("Add", ["image", "five"], ["more"]),
        helper.make_node("Log", ["more"], ["logs"]),
        helper.make_node("Conv", ["logs", "weights", "bias"], ["out"], kernel_shape=[1, 1]),
    ]
    arrays = {"weights": weights.astype(np.float32)[:, :, None, None], "bias": bias.astype(np.float32)}
    return onnx_file(nodes, arrays | {"five": np.full(1, 5, np.float32)}, weights.shape[1])


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Write a package of an ONNX file, whose stored example is what ONNX Runtime gives for it."""

    def write(content: bytes, *, channels: Sequence[str] = ("dna",), **network: Any) -> NetworkPackage:
        import onnxruntime

        from veriscope.methods.networks.normalise import normalise_percentiles

        folder = tmp_path / hashlib.sha256(content).hexdigest()[:12]
        folder.mkdir(exist_ok=True)
        (folder / "weights.onnx").write_bytes(content)
        raw = np.random.default_rng(0).integers(0, 4000, (1, len(channels), 48, 48)).astype(np.uint16)
        np.save(folder / "in.npy", raw)
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        np.save(folder / "out.npy", session.run(None, {"image": normalise_percentiles(raw[0])[None]})[0])
        axes = [
            {"type": "batch"},
            {"type": "channel", "channel_names": list(channels)},
            {"type": "space", "id": "y"},
            {"type": "space", "id": "x"},
        ]
        description = {
            "description": "A tiny network.",
            "version": "1.0",
            "license": "MIT",
            "inputs": [{"axes": axes, "test_tensor": {"source": "in.npy"}}],
            "outputs": [{"axes": axes, "test_tensor": {"source": "out.npy"}}],
            "weights": {"onnx": {"source": "weights.onnx", "sha256": hashlib.sha256(content).hexdigest()}},
            "config": {
                "veriscope": {"network": {"n_channels": len(channels), "stride": 1, "halo": 0} | network}
            },
        }
        return NetworkPackage.read(folder, description, where="tiny")

    return write
