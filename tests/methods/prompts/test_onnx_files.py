"""ONNX files of click-to-segment models: what they declare, how they run, and why they cannot be opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from veriscope.errors import MethodError
from veriscope.methods.prompts.onnx_files import Declared, OnnxFile, open_onnx

TITLE = "the encoder of segmenter:mine"


def model(
    operator: str = "Add",
    *,
    kind: str = "FLOAT",
    shape: Sequence[int | str] = (2, "n"),
    opset: int = 17,
    other: np.ndarray | None = None,
) -> Any:
    """Make a network of one operation on ``a`` and ``b``, or on ``a`` and what is stored."""
    from onnx import TensorProto, helper, numpy_helper

    number = getattr(TensorProto, kind)
    inputs = [helper.make_tensor_value_info("a", number, shape)]
    stored = []
    if other is None:
        inputs.append(helper.make_tensor_value_info("b", number, shape))
    else:
        stored.append(numpy_helper.from_array(other, "b"))
    node = helper.make_node(operator, ["a", "b"], ["sum"])
    outputs = [helper.make_tensor_value_info("sum", number, None)]
    graph = helper.make_graph([node], "tiny", inputs, outputs, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def opened(**options: Any) -> OnnxFile:
    return open_onnx(model(**options).SerializeToString(), title=TITLE, threads=1)


def test_inputs_and_outputs_are_as_declared() -> None:
    found = opened()
    assert list(found.inputs) == ["a", "b"] and list(found.outputs) == ["sum"]
    assert found.inputs["a"] == Declared("a", "float32", (2, None))
    assert found.title == TITLE


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((1, 3, 1024, "width"), "image float32 (1, 3, 1024, any)"),
        (("n",), "image float32 (any)"),
        ((), "image float32 ()"),
    ],
)
def test_declarations_are_written_for_people(shape: tuple[Any, ...], text: str) -> None:
    lengths = tuple(length if isinstance(length, int) else None for length in shape)
    assert Declared("image", "float32", lengths).text == text


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("FLOAT", "float32"),
        ("DOUBLE", "float64"),
        ("INT32", "int32"),
        ("INT64", "int64"),
        ("STRING", "tensor(string)"),
    ],
)
def test_types_are_named_as_numpy_does(kind: str, dtype: str) -> None:
    operator = "Equal" if kind == "STRING" else "Add"
    if kind == "STRING":
        built = model(operator, kind=kind, opset=19)
        built.graph.output[0].type.tensor_type.elem_type = 9  # truth values
        found = open_onnx(built.SerializeToString(), title=TITLE, threads=1)
    else:
        found = opened(kind=kind)
    assert found.inputs["a"].dtype == dtype


@pytest.mark.parametrize("given", ["u1", "i8", "f2", ">f4", "f8", "?"])
def test_numbers_are_converted_to_what_the_network_takes(given: str) -> None:
    values = (np.arange(6).reshape(2, 3) % 2).astype(given)
    (found,) = opened().run({"a": values, "b": values.T.copy().T}, ("sum",))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, 2.0 * values)


def test_arrays_may_lie_in_memory_in_any_way() -> None:
    values = np.arange(24, dtype=np.float32).reshape(4, 6)
    (found,) = opened().run({"a": values[::2, ::2], "b": np.asfortranarray(values[1::2, :3])}, ["sum"])
    np.testing.assert_array_equal(found, values[::2, ::2] + values[1::2, :3])


def test_outputs_come_in_the_order_wanted_and_only_those() -> None:
    assert [array.shape for array in opened().run({"a": np.ones((2, 1)), "b": np.ones((2, 1))}, ["sum"])] == [
        (2, 1)
    ]
    assert len(opened().run({"a": np.ones((2, 1)), "b": np.ones((2, 1))}, ["sum", "sum"])) == 2


def test_a_network_that_fails_says_on_what() -> None:
    with pytest.raises(MethodError) as error:
        opened().run({"a": np.ones((2, 3)), "b": np.ones((2, 4))}, ["sum"])
    assert str(error.value).startswith(f"{TITLE} fails on a (2, 3), b (2, 4): ")
    assert "\n" not in str(error.value)
    with pytest.raises(MethodError, match=r"fails on a \(3, 3\), b \(3, 3\): "):
        opened().run({"a": np.ones((3, 3)), "b": np.ones((3, 3))}, ["sum"])


@pytest.mark.parametrize("content", [b"", b"no network", b"\x08\x08" + b"\xff" * 40])
def test_what_is_no_network_is_refused_with_what_to_give(content: bytes) -> None:
    with pytest.raises(MethodError) as error:
        open_onnx(content, title=TITLE)
    said = str(error.value)
    assert said.startswith(f"{TITLE}: ONNX Runtime {onnxruntime.__version__} cannot load it: ")
    assert said.endswith("; give the ONNX file as it was exported")


def test_a_file_that_was_cut_off_is_refused() -> None:
    whole = model(other=np.ones((2, 300), np.float32)).SerializeToString()
    with pytest.raises(MethodError, match=r"cannot load it: .*; give the ONNX file as it was exported$"):
        open_onnx(whole[: len(whole) // 2], title=TITLE)


def test_an_opset_of_the_future_says_to_export_anew() -> None:
    with pytest.raises(MethodError, match=r"; export it anew with opset 17, or install a newer onnxruntime$"):
        opened(opset=999)


def test_weights_in_another_file_are_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither from where the program was started nor from where the package of Veriscope lies."""
    from onnx import external_data_helper

    built = model(other=np.ones((2, 300), np.float32), shape=(2, 300))
    external_data_helper.convert_model_to_external_data(built, location="secret.bin", size_threshold=0)
    external_data_helper.write_external_data_tensors(built, str(tmp_path))
    assert (tmp_path / "secret.bin").is_file()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MethodError) as error:
        open_onnx(built.SerializeToString(), title=TITLE)
    assert str(error.value).endswith(
        "; its weights lie in another file: export it anew with all weights in one file (below 2 GB)"
    )


@pytest.mark.parametrize("text", ["std::bad_alloc", "Failed to allocate memory for requested buffer", ""])
def test_memory_that_runs_out_is_told_as_such(text: str) -> None:
    class Session:
        def get_inputs(self) -> list[Any]:
            return []

        get_outputs = get_inputs

        def run(self, wanted: Sequence[str], given: dict[str, Any]) -> None:
            raise RuntimeError(text) if text else MemoryError

    with pytest.raises(MemoryError) as error:
        OnnxFile(Session(), TITLE).run({}, [])
    assert str(error.value) == f"{TITLE} fails on : memory ran out"


def test_only_the_first_line_of_a_long_fault_is_told() -> None:
    class Session:
        def get_inputs(self) -> list[Any]:
            return []

        get_outputs = get_inputs

        def run(self, wanted: Sequence[str], given: dict[str, Any]) -> None:
            raise RuntimeError("x" * 1000 + "\nsecond line")

    with pytest.raises(MethodError) as error:
        OnnxFile(Session(), TITLE).run({}, [])
    assert str(error.value) == f"{TITLE} fails on : " + "x" * 300


def test_stored_weights_are_used() -> None:
    found = opened(other=np.array([[1, 2, 3], [4, 5, 6]], np.float32), shape=(2, 3))
    assert list(found.inputs) == ["a"], "what is stored is no input"
    (total,) = found.run({"a": np.ones((2, 3))}, ["sum"])
    assert total.tolist() == [[2, 3, 4], [5, 6, 7]]
