"""A package's card says what its description says, and that nothing is known of your data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from veriscope.methods.zoo.card import card_of, channel_count, channel_names
from veriscope.methods.zoo.description import Axis, File, ModelDescription, Tensor, Tolerance, Weights
from veriscope.methods.zoo.zoo_model import InstalledModel


def plane(*channels: str, spacing: float | None = None, size: int | None = None, z: bool = False) -> Tensor:
    spatial = [Axis(name=name, spacing=spacing) for name in (("z", "y", "x") if z else ("y", "x"))]  # type: ignore[arg-type]
    channel = [Axis(name="channel", channels=channels, size=size)] if channels or size else []
    return Tensor(id="raw", axes=(Axis(name="batch"), *channel, *spatial))


def described(tensor: Tensor | None = None, **more: Any) -> ModelDescription:
    onnx = Weights(format="onnx", file=File(source="w"))
    inputs, outputs = (tensor or plane(),), (plane("cells"),)
    facts: dict[str, Any] = {"inputs": inputs, "outputs": outputs, "weights": (onnx,)}
    return ModelDescription(**({"format_version": "0.5.3", "name": "m"} | facts | more))


def card(tensor: Tensor | None = None, states: dict[str, Any] | None = None, **more: Any) -> Any:
    return card_of(
        InstalledModel(
            name="zoo:m",
            folder=Path("/none"),
            description=described(tensor, **more),
            hashes={},
            states=states,
        )
    )


def test_what_is_stated_is_said_and_what_is_not_is_said_too() -> None:
    bare = card()
    assert bare.summary == "m"
    assert (bare.training_data, bare.licence) == ("not stated", "not stated")
    assert (bare.objects, bare.modalities, bare.figures, bare.citation) == ((), (), (), "")
    assert bare.limits == (
        "Works on your data: unknown, until an audit of your own images says so.",
        "Its pixel size is not stated: images are given to it as they are.",
    )
    full = card(
        plane("DAPI", spacing=0.5),
        summary="Finds nuclei.",
        licence="MIT",
        training_data="BBBC039",
        citations=("A (2020)", "B (2021)"),
        memory="8 GB",
        notes=("A note.",),
    )
    assert (full.summary, full.licence, full.training_data) == ("Finds nuclei.", "MIT", "BBBC039")
    assert (full.citation, full.channels, full.dimensions) == ("A (2020); B (2021)", "DAPI", (2,))
    assert full.limits[1:] == ("Memory, as its authors state: 8 GB", "A note.")


@pytest.mark.parametrize(
    ("tags", "objects", "modalities"),
    [
        (("Nuclei", "fluorescence-light-microscopy"), ("nucleus",), ("fluorescence",)),
        (("cells", "membrane"), ("cell",), ()),
        (("nucleus-segmentation", "histology"), ("nucleus",), ("histology",)),
        (("mitochondria", "electron-microscopy"), ("mitochondrion",), ("electron-microscopy",)),
        (("DSB2018", "fluorescence"), (), ("fluorescence",)),
        (("2d", "unet"), (), ()),
    ],
)
def test_tags_say_what_it_is_for(
    tags: tuple[str, ...], objects: tuple[str, ...], modalities: tuple[str, ...]
) -> None:
    found = card(tags=tags)
    assert (found.objects, found.modalities) == (objects, modalities)


@pytest.mark.parametrize(
    ("tensor", "count", "names", "said"),
    [
        (plane(), 1, (), "1 channel(s)"),
        (plane("a", "b"), 2, ("a", "b"), "a, b"),
        (plane(size=3), 3, (), "3 channel(s)"),
        (
            Tensor(id="raw", axes=(Axis(name="channel", smallest=2), Axis(name="y"), Axis(name="x"))),
            2,
            (),
            "2 ",
        ),
    ],
)
def test_channels_are_counted(tensor: Tensor, count: int, names: tuple[str, ...], said: str) -> None:
    assert channel_count(tensor) == count
    assert channel_names(tensor) == names
    assert card(tensor).channels.startswith(said)


def test_stacks_and_optional_inputs() -> None:
    assert card(plane(z=True)).dimensions == (3,)
    optional = plane("prompt", spacing=1.0).model_copy(update={"id": "prompt", "optional": True})
    assert card(inputs=(optional, plane("raw one", z=True))).channels == "raw one"


def test_figures_are_those_of_the_authors_tensors_and_nothing_else() -> None:
    text = "2 of 2 outputs reproduced"
    assert card(states={"output_reproduced": {"tests": 2, "text": text}}).figures == (
        f"Test tensors of its authors: {text}",
    )
    assert card(states={"output_reproduced": {"tests": 0, "text": text}}).figures == ()
    assert card(states={}).figures == ()


@pytest.mark.parametrize(
    ("output", "weights", "expected"),
    [
        ("cells", "onnx", (0.5, 0.0)),
        ("cells", "torchscript", (0.25, 0.0)),
        ("other", "onnx", (1e-3, 1e-3)),
        ("counts", "onnx", (0.0, 0.0)),
    ],
)
def test_the_tolerance_is_the_authors_own_where_it_is_for_this_output_and_format(
    output: str, weights: str, expected: tuple[float, float]
) -> None:
    tolerances = (
        Tolerance(relative=0.5, absolute=0.0, formats=("onnx",), outputs=("cells",)),
        Tolerance(relative=0.25, absolute=0.0, outputs=("cells",)),
    )
    dtype: Any = "int32" if output == "counts" else "float32"
    tensor = plane().model_copy(update={"id": output, "dtype": dtype})
    found = described(outputs=(tensor,), tolerances=tolerances).tolerance(tensor, weights)
    assert (found.relative, found.absolute) == expected
    assert found.per_million == (1000 if output == "counts" else 100)


def test_a_coarser_axis_is_the_one_before_an_enlargement() -> None:
    axis = Axis(name="x", size=256, ratio=1.0, offset=-8.0, halo=17)
    found = axis.coarser(4)
    assert (found.size, found.ratio, found.offset, found.halo) == (64, 0.25, -2.0, 5)
    assert found.exact_ratio == 0.25
    assert Axis(name="x", ratio=1 / 3).exact_ratio.denominator == 3
