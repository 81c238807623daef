"""Want of memory is told as such, whatever library runs the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from veriscope.errors import MethodError
from veriscope.methods.zoo.engines import OnnxEngine, asks_for_memory


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("Failed to allocate memory for requested buffer of size 31457280000", "31.5 GB at once"),
        (
            "DefaultCPUAllocator: can't allocate memory: you tried to allocate 8000000000 bytes. Error code "
            "12 (Cannot allocate memory)",
            "8.0 GB at once",
        ),
        ("std::bad_alloc", "more"),
        ("bad allocation", "more"),
        ("ResourceExhaustedError: OOM when allocating tensor with shape[1,2]", "more"),
        ("MemoryError: Unable to allocate 2.00 TiB for an array with shape (4,)", "more"),
        ("Got invalid dimensions for input: raw index: 2 Got: 16 Expected: 512", ""),
        ("the input has a buffer of size 12 and 16 were expected", ""),
    ],
)
def test_want_of_memory_is_told_from_other_errors(said: str, asked: str) -> None:
    assert asks_for_memory(said) == asked


def expanding(path: Path, shape: list[int]) -> Path:
    """Write a network that repeats its input to a shape."""
    numbers = numpy_helper.from_array(np.array(shape, np.int64), "shape")
    graph = helper.make_graph(
        [helper.make_node("Expand", ["raw", "shape"], ["out"])],
        "expanding",
        [helper.make_tensor_value_info("raw", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, shape)],
        [numbers],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def test_a_network_that_needs_more_memory_than_any_computer_has_says_so(tmp_path: Path) -> None:
    image = np.zeros((1, 1, 8, 8), np.float32)
    assert OnnxEngine(expanding(tmp_path / "w.onnx", [1, 3, 8, 8])).run(image)[0].shape == (1, 3, 8, 8)
    engine = OnnxEngine(expanding(tmp_path / "w.onnx", [1, 1 << 42, 8, 8]), threads=1)
    with pytest.raises(MethodError) as caught:
        engine.run(image)
    said = str(caught.value)
    assert said.startswith("w.onnx: the network needs more memory for an array of shape (1, 1, 8, 8) than")
    assert "it asked for 1125899.9 GB at once. Use a larger one, or a smaller model" in said
