"""ONNX files are read as data: what the library onnx says of them, and copies without sizes that run."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.methods.zoo.onnx_graph import read_graph, without_sizes

onnx = pytest.importorskip("onnx", reason="the library makes files to read")
SHIPPED = Path(__file__).parents[3] / "src" / "veriscope" / "methods" / "networks"


def model_of(nodes: list[Any], *, shape: list[Any], stored: list[Any] = [], domain: str = "") -> Any:  # noqa: B006
    """A network from ``x`` to ``y``."""
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], stored)
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def convolution(side: int = 3, *, size: int = 16) -> Any:
    from onnx import helper, numpy_helper

    weights = np.random.default_rng(0).normal(size=(1, 1, side, side)).astype(np.float32)
    pads = [side // 2] * 4
    node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[side, side], pads=pads)
    return model_of([node], shape=[1, 1, size, size], stored=[numpy_helper.from_array(weights, "w")])


def test_nodes_attributes_and_shapes_are_those_that_the_library_reads() -> None:
    for path in sorted(SHIPPED.glob("*_package/weights.onnx")):
        found, known = read_graph(path.read_bytes()), onnx.load(path).graph
        assert [node.kind for node in found.nodes] == [node.op_type for node in known.node]
        assert [node.inputs for node in found.nodes] == [tuple(node.input) for node in known.node]
        assert [node.outputs for node in found.nodes] == [tuple(node.output) for node in known.node]
        assert found.shapes == {item.name: tuple(item.dims) for item in known.initializer}
        assert found.outputs == tuple(item.name for item in known.output)
        for one, same in zip(found.nodes, known.node, strict=True):
            assert set(one.attributes) == {item.name for item in same.attribute}
            for item in same.attribute:
                wanted = onnx.helper.get_attribute_value(item)
                if isinstance(wanted, bytes):
                    assert one.attributes[item.name] == wanted.decode()
                elif isinstance(wanted, int | list):
                    assert one.attributes[item.name] == wanted
                elif isinstance(wanted, float):
                    assert one.attributes[item.name] == pytest.approx(wanted)


def test_small_values_are_read_however_they_are_stored() -> None:
    from onnx import TensorProto, helper, numpy_helper

    stored = [
        numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "raw"),
        helper.make_tensor("plain", TensorProto.FLOAT, [2], [0.5, -3.0]),
        numpy_helper.from_array(np.array([3, -1], np.int64), "whole"),
        helper.make_tensor("negative", TensorProto.INT64, [2], [-2, 7]),
        numpy_helper.from_array(np.zeros((4, 5), np.float32), "large"),
        numpy_helper.from_array(np.array(2.5, np.float32), "one"),
    ]
    nodes = [onnx.helper.make_node("Identity", ["x"], ["y"])]
    found = read_graph(model_of(nodes, shape=[1, 1, 4, 4], stored=stored).SerializeToString())
    assert set(found.values) == {"raw", "plain", "whole", "negative", "one"}
    assert found.values["raw"].tolist() == [1, 1, 2, 2]
    assert found.values["plain"].tolist() == [0.5, -3]
    assert found.values["whole"].tolist() == [3, -1]
    assert found.values["negative"].tolist() == [-2, 7]
    assert found.values["one"].shape == () and float(found.values["one"]) == 2.5
    assert found.shapes["large"] == (4, 5)
    assert found.inputs == {"x": (1, 1, 4, 4)}


def test_free_lengths_and_other_domains_are_named() -> None:
    node = onnx.helper.make_node("FusedConv", ["x"], ["y"], domain="com.microsoft")
    made = model_of([node], shape=[1, 1, "height", 8], domain="com.microsoft")
    found = read_graph(made.SerializeToString())
    assert found.nodes[0].kind == "com.microsoft.FusedConv"
    assert found.inputs == {"x": (1, 1, None, 8)}


def run(content: bytes, pixels: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": pixels})[0])


@pytest.mark.parametrize("side", [3, 5])
def test_a_copy_without_sizes_gives_the_same_and_takes_others(side: int) -> None:
    content = convolution(side).SerializeToString()
    freed = without_sizes(content, (2, 3))
    small = np.random.default_rng(1).normal(size=(1, 1, 16, 16)).astype(np.float32)
    np.testing.assert_array_equal(run(freed, small), run(content, small))
    large = np.random.default_rng(2).normal(size=(1, 1, 24, 40)).astype(np.float32)
    assert run(freed, large).shape == large.shape
    with pytest.raises(Exception, match="invalid dimensions"):
        run(content, large)
    onnx.checker.check_model(onnx.load_from_string(content))
    assert read_graph(freed).inputs == {"x": (1, 1, None, None)}
    assert read_graph(freed).nodes == read_graph(content).nodes
    assert read_graph(without_sizes(content, (3,))).inputs == {"x": (1, 1, 16, None)}


def test_lengths_above_127_bytes_are_written_right() -> None:
    made = convolution(3)
    made.graph.node[0].name = "n" * 300
    made.graph.doc_string = "d" * 70_000
    content = made.SerializeToString()
    again = onnx.load_from_string(without_sizes(content, (2, 3)))
    assert again.graph.doc_string == made.graph.doc_string
    assert again.graph.node[0] == made.graph.node[0]
    assert [item.name for item in again.graph.initializer] == ["w"]
    assert again.opset_import == made.opset_import


def test_files_that_would_take_hours_are_refused_and_large_values_are_not_decoded() -> None:
    many = onnx.helper.make_node("Identity", ["x"], ["y"], junk=list(range(100_001)))
    with pytest.raises(ValueError, match="more than 100000 fields"):
        read_graph(model_of([many], shape=[1, 1, 4, 4]).SerializeToString())
    with pytest.raises(ValueError, match="a message has more than 100000 fields"):
        read_graph(b"\x08\x08" * 100_001)
    large = onnx.helper.make_tensor("large", onnx.TensorProto.INT64, [200_000], [1] * 200_000)
    one = onnx.helper.make_node("Identity", ["x"], ["y"])
    found = read_graph(model_of([one], shape=[1, 1, 4, 4], stored=[large]).SerializeToString())
    assert found.shapes["large"] == (200_000,) and "large" not in found.values


def test_what_is_no_onnx_is_refused() -> None:
    content = convolution(3).SerializeToString()
    for wrong in (b"", b"not a network", content[: len(content) // 2], content[:-3], content + content):
        with pytest.raises(ValueError):
            read_graph(wrong)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(ValueError):
        read_graph(content)


def test_a_file_with_one_byte_changed_is_read_or_refused() -> None:
    content = convolution(3).SerializeToString()
    for place in range(len(content)):
        for byte in (0, 1, 0x7F, 0x80, 0xFF, content[place] ^ 2):
            with contextlib.suppress(ValueError):
                read_graph(content[:place] + bytes([byte]) + content[place + 1 :])
