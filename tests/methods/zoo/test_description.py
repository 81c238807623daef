"""What a description of a package says: axes and their ratios, code, tolerances, grids of objects."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from veriscope.methods.zoo.description import (
    AXIS_LETTERS,
    RUNNABLE,
    Axis,
    Code,
    File,
    ModelDescription,
    Tensor,
    Tolerance,
    Weights,
)
from veriscope.methods.zoo.fixed_steps import Sigmoid
from veriscope.methods.zoo.object_steps import CellposeFlowDynamics, StarDistPostprocessing
from veriscope.methods.zoo.processing import Custom

PLANE = (Axis(name="batch"), Axis(name="channel", size=33), Axis(name="y"), Axis(name="x"))


def tensor(*axes: Axis, **more: Any) -> Tensor:
    return Tensor(id="out", axes=axes or PLANE, **more)


def described(*outputs: Tensor, **more: Any) -> ModelDescription:
    given_weights = more.pop("weights", (Weights(format="onnx", file=File(source="w.onnx")),))
    return ModelDescription(
        format_version="0.5.3",
        name="m",
        inputs=more.pop("inputs", (Tensor(id="raw", axes=PLANE[:1] + PLANE[2:]),)),
        outputs=outputs,
        weights=given_weights,
        **more,
    )


@given(top=st.integers(1, 64), bottom=st.integers(1, 64))
def test_a_ratio_written_as_a_number_is_the_fraction_meant(top: int, bottom: int) -> None:
    """1/3 is not 0.333…, so lengths would come out one pixel short."""
    axis = Axis(name="y", ratio=top / bottom)
    assert axis.exact_ratio == Fraction(top, bottom)
    assert int(bottom * 7 * axis.exact_ratio) == top * 7
    rounded = Axis(name="y", ratio=round(top / bottom, 6))
    assert rounded.exact_ratio == Fraction(top, bottom)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"name": "u"}, "name"),
        ({"size": 0}, "size"),
        ({"smallest": 0}, "smallest"),
        ({"step": 0}, "step"),
        ({"ratio": 0}, "ratio"),
        ({"halo": -1}, "halo"),
        ({"spacing": 0}, "spacing"),
        ({"spacing": float("nan")}, "spacing"),
        ({"length": 3}, "length"),
    ],
)
def test_axes_that_make_no_sense_are_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        Axis(**({"name": "y"} | wrong))


def test_an_axis_is_there_once() -> None:
    with pytest.raises(ValidationError, match="tensor 'out' has the axis 'y' twice"):
        tensor(Axis(name="y"), Axis(name="x"), Axis(name="y"))


def test_axes_are_found_by_name_in_the_order_of_the_array() -> None:
    found = tensor(Axis(name="x"), Axis(name="channel", channels=("a", "b")), Axis(name="z"), Axis(name="y"))
    assert found.names == ("x", "channel", "z", "y")
    assert [axis.name for axis in found.spatial] == ["x", "z", "y"]
    channel = found.axis("channel")
    assert channel is not None and channel.channels == ("a", "b")
    assert found.axis("time") is None


def test_letters_of_the_old_format_name_every_axis_once() -> None:
    assert sorted(AXIS_LETTERS.values()) == ["batch", "channel", "index", "time", "x", "y", "z"]
    for letter, name in AXIS_LETTERS.items():
        assert name.startswith(letter)
        Axis(name=name)


@pytest.mark.parametrize(
    ("axis", "factor", "expected"),
    [
        (
            Axis(name="y", size=64, halo=8, offset=-4.0),
            2,
            Axis(name="y", size=32, halo=4, ratio=0.5, offset=-2.0),
        ),
        (Axis(name="y", halo=5), 2, Axis(name="y", halo=3, ratio=0.5)),
        (Axis(name="y", ratio=2.0, halo=1), 4, Axis(name="y", halo=1, ratio=0.5)),
        (Axis(name="y", step=16, smallest=32), 1, Axis(name="y", step=16, smallest=32)),
    ],
)
def test_a_coarser_axis_has_fewer_places_and_a_halo_that_still_covers(
    axis: Axis, factor: int, expected: Axis
) -> None:
    assert axis.coarser(factor) == expected


def star(grid: tuple[int, ...], **more: Any) -> StarDistPostprocessing:
    anisotropy = (2.0, 1.0, 1.0) if len(grid) == 3 else None
    return StarDistPostprocessing(
        prob_threshold=0.5, nms_threshold=0.4, grid=grid, anisotropy=anisotropy, **more
    )


def test_before_objects_a_tensor_has_the_grid_of_the_network() -> None:
    plain = tensor(steps=(Sigmoid(),))
    assert plain.before_objects is plain
    for step in (star((1, 1)), star((2, 4), upsampled=True), CellposeFlowDynamics()):
        same = tensor(steps=(step,))
        assert same.before_objects is same
    coarse = tensor(steps=(Sigmoid(), star((2, 4)))).before_objects
    assert [axis.exact_ratio for axis in coarse.axes] == [1, 1, Fraction(1, 2), Fraction(1, 4)]
    stack = tensor(
        Axis(name="channel"), Axis(name="z"), Axis(name="y"), Axis(name="x"), steps=(star((1, 2, 2)),)
    )
    assert [axis.exact_ratio for axis in stack.before_objects.axes] == [1, 1, Fraction(1, 2), Fraction(1, 2)]


def test_all_code_of_a_package_is_listed_with_its_hash() -> None:
    """What is not listed is never asked consent for."""
    inside = Code(file=File(source="net.py", sha256="1" * 64), callable="Net", kwargs={"depth": 3})
    step = Custom(callable="clean", source="clean.py", sha256="2" * 64, kwargs={"size": 5})
    bare = Custom(callable="load", source="load.py")
    found = described(
        tensor(steps=(Sigmoid(), step)),
        inputs=(Tensor(id="raw", axes=PLANE, steps=(bare,)),),
        weights=(
            Weights(format="onnx", file=File(source="w.onnx")),
            Weights(format="pytorch_state_dict", file=File(source="w.pt"), architecture=inside),
        ),
    ).codes
    assert [(code.file.source, code.file.sha256, code.callable) for code in found] == [
        ("net.py", "1" * 64, "Net"),
        ("load.py", None, "load"),
        ("clean.py", "2" * 64, "clean"),
    ]
    assert [code.kwargs for code in found] == [{"depth": 3}, {}, {"size": 5}]
    assert described(tensor()).codes == ()


@pytest.mark.parametrize("sha256", ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64])
def test_a_hash_is_64_hexadecimal_digits(sha256: str) -> None:
    with pytest.raises(ValidationError, match="sha256"):
        File(source="w.onnx", sha256=sha256)


LOOSE = Tolerance(relative=0.1, formats=("torchscript",))
OWN = Tolerance(relative=0.2, outputs=("out",))
BOTH = Tolerance(relative=0.3, formats=("onnx",), outputs=("out",))
ALL = Tolerance(relative=0.4)


@pytest.mark.parametrize(
    ("stated", "weights", "expected"),
    [
        ((LOOSE,), "torchscript", LOOSE),
        ((LOOSE,), "onnx", Tolerance()),
        ((LOOSE, ALL), "onnx", ALL),
        ((BOTH, OWN), "onnx", BOTH),
        ((BOTH, OWN), "torchscript", OWN),
        ((ALL, BOTH), "onnx", ALL),
        ((Tolerance(relative=0.5, outputs=("other",)),), "onnx", Tolerance()),
    ],
)
def test_the_first_tolerance_of_its_authors_that_is_meant_holds(
    stated: tuple[Tolerance, ...], weights: str, expected: Tolerance
) -> None:
    assert described(tensor(), tolerances=stated).tolerance(tensor(), weights) == expected


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int64", "bool"])
def test_whole_numbers_have_to_be_the_same_but_for_a_few(dtype: Any) -> None:
    found = described(tensor()).tolerance(tensor(dtype=dtype), "onnx")
    assert (found.relative, found.absolute, found.per_million) == (0, 0, 1000)
    stated = described(tensor(), tolerances=(ALL,)).tolerance(tensor(dtype=dtype), "onnx")
    assert stated == ALL


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_fractions_may_differ_by_what_the_format_allows(dtype: Any) -> None:
    found = described(tensor()).tolerance(tensor(dtype=dtype), "onnx")
    assert (found.relative, found.absolute, found.per_million) == (1e-3, 1e-3, 100)


def test_what_runs_first_needs_the_least() -> None:
    """ONNX needs no further package and no consent; a state dict needs torch and code."""
    assert RUNNABLE[0] == "onnx"
    assert RUNNABLE.index("torchscript") < RUNNABLE.index("pytorch_state_dict")
    assert "tensorflow_js" not in RUNNABLE
    for name in RUNNABLE:
        Weights(format=name, file=File(source="w"))


def test_a_description_goes_through_plain_values_and_back() -> None:
    found = described(tensor(steps=(Sigmoid(), star((2, 2)))), objects=star((1, 1)), notes=("a note",))
    assert ModelDescription.model_validate_json(found.model_dump_json()) == found
