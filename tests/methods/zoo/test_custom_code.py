"""What is done to the outputs of a network: in which order, by whose code, and how labels come of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.errors import MethodError, PixelValueError
from veriscope.methods.zoo.custom_code import CustomCode, finish_outputs, gives_labels, made_labels
from veriscope.methods.zoo.description import Axis, File, ModelDescription, Tensor, Weights
from veriscope.methods.zoo.fixed_steps import Binarize, ScaleLinear, Sigmoid
from veriscope.methods.zoo.measured_steps import ScaleRange
from veriscope.methods.zoo.object_steps import CellposeFlowDynamics
from veriscope.methods.zoo.processing import Custom, Step
from veriscope.methods.zoo.zoo_model import InstalledModel

PLANE = (Axis(name="batch"), Axis(name="channel", size=1), Axis(name="y"), Axis(name="x"))
CODE = Custom(callable="clean", source="clean.py", sha256="c" * 64, kwargs={"size": 3})


def output(name: str, *steps: Step, dtype: Any = "float32") -> Tensor:
    return Tensor(id=name, axes=PLANE, steps=steps, dtype=dtype)


def values(number: float, shape: tuple[int, int] = (2, 3)) -> NDArray[np.float32]:
    return np.full((1, 1, *shape), number, np.float32)


class Code(CustomCode):
    """Runs no process: notes what a step is given, and gives the sum of all."""

    def __init__(self) -> None:
        self.given: list[list[float]] = []

    def run(self, step: Custom, arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        self.given.append([float(array.flat[0]) for array in arrays])
        return np.sum(arrays, axis=0)


def test_each_output_has_its_own_steps() -> None:
    described = (output("a", ScaleLinear(gain=2)), output("b", ScaleLinear(offset=1), Binarize(threshold=3)))
    found = finish_outputs(described, [values(5), values(2)], {}, Code())
    assert {name: float(array.flat[0]) for name, array in found.items()} == {"a": 10, "b": 0}
    assert set(found) == {"a", "b"}


def test_steps_may_refer_to_inputs_and_to_outputs_that_are_done() -> None:
    """To the first output as it is after its steps, not as the network gave it."""
    first = output("first", ScaleLinear(gain=10))
    ramp = np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3)
    second = output("second", ScaleRange(reference="first"))
    found = finish_outputs((first, second), [ramp, ramp], {}, Code())
    np.testing.assert_allclose(found["second"], ramp / 50, atol=1e-5)
    of_input = output("second", ScaleRange(reference="raw"))
    found = finish_outputs((first, of_input), [ramp, ramp], {"raw": 2 * ramp}, Code())
    np.testing.assert_allclose(found["second"], ramp / 10, atol=1e-5)
    with pytest.raises(MethodError, match="refers to the tensor 'second', which is not there"):
        finish_outputs((output("first", ScaleRange(reference="second")), second), [ramp, ramp], {}, Code())


def test_code_gets_outputs_before_its_own_finished_and_those_after_it_raw() -> None:
    code = Code()
    described = (
        output("a", ScaleLinear(gain=10)),
        output("b", ScaleLinear(offset=1), CODE, ScaleLinear(gain=-1)),
        output("c", ScaleLinear(gain=100)),
    )
    found = finish_outputs(described, [values(1), values(2), values(3)], {"raw": values(9)}, code)
    assert code.given == [[10, 3, 3]]
    assert {name: float(array.flat[0]) for name, array in found.items()} == {"a": 10, "b": -16, "c": 300}


@pytest.mark.parametrize(
    ("tensor", "labels"),
    [
        (output("a"), False),
        (output("a", Sigmoid()), False),
        (output("a", Binarize(threshold=0.5), dtype="uint8"), False),
        (output("a", CellposeFlowDynamics()), True),
        (output("a", CODE), False),
        (output("a", CODE, dtype="int32"), True),
        (output("a", CODE, dtype="uint16"), True),
        (output("a", CODE, Sigmoid(), dtype="int32"), False),
        (output("a", Sigmoid(), CODE, dtype="int64"), True),
    ],
)
def test_labels_are_what_a_step_of_objects_gives_or_code_that_says_whole_numbers(
    tensor: Tensor, labels: bool
) -> None:
    assert gives_labels(tensor) is labels


def image(shape: tuple[int, ...], *, flat: bool = False) -> Image:
    pixels = np.zeros(shape, np.uint8)
    pixels.flat[0] = 0 if flat else 9
    return Image(pixels, "zyx"[-len(shape) :], name="a.tif")


def test_labels_of_a_package_are_numbered_without_gaps() -> None:
    given_labels = np.array([[[[0, 7, 7], [300, 0, 2]]]], np.int32)
    found = made_labels(given_labels, output("a"), image((2, 3)), 0)
    assert found.dtype == np.int32
    assert found.tolist() == [[0, 2, 2], [3, 0, 1]]
    assert not made_labels(given_labels, output("a"), image((2, 3), flat=True), 0).any()


@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    onto=st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
def test_labels_of_another_size_are_those_under_the_centre_of_each_pixel(
    size: tuple[int, int], onto: tuple[int, int]
) -> None:
    labels = np.arange(size[0] * size[1]).reshape(size)
    found = made_labels(labels[None, None], output("a"), image(onto), 0)
    expected = np.empty(onto, int)
    for y in range(onto[0]):
        for x in range(onto[1]):
            expected[y, x] = labels[int((y + 0.5) * size[0] / onto[0]), int((x + 0.5) * size[1] / onto[1])]
    if expected.size == 1:
        expected[:] = 0  # an image of one pixel has no contrast
    np.testing.assert_array_equal(found > 0, expected > 0)
    pairs = np.unique(np.stack([found.ravel(), expected.ravel()]), axis=1)
    assert pairs.shape[1] == len(np.unique(expected)), "one number for each object"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (np.full((1, 1, 2, 3), -1), "negative"),
        (np.full((1, 1, 2, 3), 0.5), "a.tif"),
        (np.full((1, 1, 2, 3), np.nan), "a.tif"),
    ],
)
def test_what_are_no_labels_is_refused_with_the_image(wrong: NDArray[Any], said: str) -> None:
    with pytest.raises(PixelValueError, match=said):
        made_labels(wrong, output("a"), image((2, 3)), 0)


def package(tmp_path: Path, *, before: bool = False, **more: Any) -> InstalledModel:
    steps = (CODE,)
    description = ModelDescription(
        format_version="0.5.3",
        name="m",
        inputs=(Tensor(id="raw", axes=PLANE, steps=steps if before else ()),),
        outputs=(output("a") if before else output("a", CODE),),
        weights=(Weights(format="onnx", file=File(source="w.onnx")),),
    )
    return InstalledModel(name="zoo:m", folder=tmp_path, description=description, **more)


def test_code_before_the_network_is_refused_with_its_name_and_hash(tmp_path: Path) -> None:
    with pytest.raises(MethodError) as error:
        CustomCode(package(tmp_path, before=True, hashes={"clean.py": "d" * 64}, trusted=frozenset("d" * 64)))
    assert str(error.value) == (
        f"zoo:m: wants its own code clean.py (clean, SHA-256 {'c' * 64}) before the network; the "
        "specification knows it only after it"
    )


def test_code_that_is_missing_or_not_consented_to_is_refused(tmp_path: Path) -> None:
    """Consent is to the hash that the file has, not to the one that the package states."""
    with pytest.raises(MethodError) as error:
        CustomCode(package(tmp_path, hashes={}))
    assert str(error.value) == "zoo:m: the file clean.py of its processing is missing"
    for trusted in (frozenset[str](), frozenset(["c" * 64]), frozenset(["clean.py"])):
        with pytest.raises(MethodError) as error:
            CustomCode(package(tmp_path, hashes={"clean.py": "d" * 64}, trusted=trusted))
        assert str(error.value) == (
            f"zoo:m: needs the Python code clean.py of the package (clean, SHA-256 {'d' * 64}) after its "
            f"network. Read {tmp_path / 'clean.py'} first; if you consent to run it, in a process without "
            f"network, add the package with --trust {'d' * 64}"
        )


def test_the_process_of_code_is_told_what_was_consented_to_and_gives_one_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = CustomCode(package(tmp_path, hashes={"clean.py": "d" * 64}, trusted=frozenset(["d" * 64])))
    ((engine,),) = [tuple(code._engines.values())]
    assert engine.order == {
        "runner": "torch_runner",
        "format": "custom",
        "code": str((tmp_path / "clean.py").resolve()),
        "code_sha256": "d" * 64,
        "callable": "clean",
        "kwargs": {"size": 3},
    }
    for n in (0, 2):
        monkeypatch.setattr(engine, "call", lambda arrays, n=n: [np.zeros(1)] * n)
        with pytest.raises(MethodError) as error:
            code.run(CODE, [values(1)])
        assert str(error.value) == f"zoo:m: clean.py gives {n} arrays and one is expected"
    monkeypatch.setattr(engine, "call", lambda arrays: [arrays[0] + 1])
    assert code.run(CODE, [values(1)]).flat[0] == 2
    code.close()


def test_a_package_without_code_needs_no_process(tmp_path: Path) -> None:
    plain = package(tmp_path, hashes={})
    without = plain.description.model_copy(update={"outputs": (output("a", Sigmoid()),)})
    code = CustomCode(InstalledModel(name="zoo:m", folder=tmp_path, description=without, hashes={}))
    assert code._engines == {}
    code.close()
