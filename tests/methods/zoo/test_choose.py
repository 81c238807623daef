"""Which channel is the objects, and which weights run: clear, or refused with what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from veriscope.errors import MethodError
from veriscope.methods.zoo.choose import Maps, choose_maps, choose_weights
from veriscope.methods.zoo.description import Axis, File, ModelDescription, Tensor, Weights
from veriscope.methods.zoo.object_steps import StarDistPostprocessing
from veriscope.methods.zoo.zoo_model import InstalledModel, ZooModelParameters

PLANE = (Axis(name="y"), Axis(name="x"))


def image(name: str, *channels: str, size: int | None = None) -> Tensor:
    channel = [Axis(name="channel", channels=channels, size=size)] if channels or size else []
    return Tensor(id=name, axes=(Axis(name="batch"), *channel, *PLANE))


def described(*outputs: Tensor, **more: Any) -> ModelDescription:
    weights = (Weights(format="onnx", file=File(source="w.onnx")),)
    return ModelDescription(
        format_version="0.5.3", name="m", inputs=(image("raw"),), outputs=outputs, weights=weights, **more
    )


@pytest.mark.parametrize(
    ("channels", "foreground", "boundary"),
    [
        (("foreground", "boundary"), 0, 1),
        (("background", "foreground"), 1, None),
        (("Boundaries", "Nuclei"), 1, 0),
        (("mask",), 0, None),
        (("nuclei", "cell membrane"), 0, 1),
        (("mask", "cell border"), 0, 1),
        (("mask", "cell_border", "background"), 0, 1),
        (("cell", "cell_contour"), 0, 1),
        (("object outline", "object interior"), 1, 0),
        (("anything",), 0, None),
        (("anything", "edges"), 0, 1),
    ],
)
def test_names_say_what_a_channel_is(
    channels: tuple[str, ...], foreground: int, boundary: int | None
) -> None:
    """A border of cells was taken for the cells themselves where the other channel was called mask."""
    found = choose_maps(described(image("out", *channels)), ZooModelParameters())
    assert found == Maps("out", foreground, boundary)


@pytest.mark.parametrize(
    ("channels", "listed"),
    [
        (("a", "b"), "0 (a), 1 (b)"),
        (("cell one", "cell two"), "0 (cell one), 1 (cell two)"),
        (("background", "border", "other"), "0 (background), 1 (border), 2 (other)"),
        (("cell boundary",), "0 (cell boundary)"),
        (("membrane",), "0 (membrane)"),
    ],
)
def test_what_is_not_clear_is_asked_for(channels: tuple[str, ...], listed: str) -> None:
    """A model that gives borders alone used to have them taken for objects if they were those of cells."""
    with pytest.raises(MethodError) as error:
        choose_maps(described(image("out", *channels)), ZooModelParameters())
    assert str(error.value) == (
        "m: which channel of output 'out' is high in objects? Say it with the parameter foreground (and "
        f"boundary, if one is high where objects touch): {listed}"
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"foreground": "a"}, Maps("out", 0, None)),
        ({"foreground": 1}, Maps("out", 1, None)),
        ({"foreground": "1", "boundary": "a"}, Maps("out", 1, 0)),
        ({"foreground": "a", "boundary": 2}, Maps("out", 0, 2)),
        ({"boundary": 0, "foreground": "border"}, Maps("out", 2, 0)),
        ({"foreground": "border"}, Maps("out", 2, None)),
    ],
)
def test_the_user_decides(options: dict[str, Any], expected: Maps) -> None:
    names = ("a", "b", "border")
    found = choose_maps(described(image("out", *names)), ZooModelParameters(**options))
    wanted = expected
    if "boundary" not in options and expected.foreground != 2:
        wanted = Maps("out", expected.foreground, 2)  # the name says so
    assert found == wanted


@pytest.mark.parametrize("wanted", ["c", "3", "-1", "²", "1.0", "A"])
@pytest.mark.parametrize("what", ["foreground", "boundary"])
def test_a_channel_that_is_not_there_is_refused_with_those_that_are(what: str, wanted: str) -> None:
    options = ZooModelParameters(**{"foreground": "a", what: wanted})
    with pytest.raises(MethodError) as error:
        choose_maps(described(image("out", "a", "b", "d")), options)
    assert str(error.value) == f"{what}: there is no channel {wanted!r}; the channels are a, b, d"


def test_channels_without_names_are_numbered() -> None:
    tensor = image("out", size=3)
    found = choose_maps(described(tensor), ZooModelParameters(foreground=2))
    assert found == Maps("out", 2, None)
    with pytest.raises(MethodError, match=r"0 \(channel0\), 1 \(channel1\), 2 \(channel2\)$"):
        choose_maps(described(tensor), ZooModelParameters())
    assert choose_maps(described(image("probability")), ZooModelParameters()) == Maps("probability", 0, None)


def test_the_output_is_the_first_image_or_the_one_named() -> None:
    table = Tensor(id="table", axes=(Axis(name="batch"), Axis(name="index")))
    description = described(table, image("first", "cells"), image("second", "nuclei"))
    assert choose_maps(description, ZooModelParameters()).output == "first"
    assert choose_maps(description, ZooModelParameters(output="second")).output == "second"
    for name in ("table", "third"):
        with pytest.raises(MethodError) as error:
            choose_maps(description, ZooModelParameters(output=name))
        assert str(error.value) == (
            f"m: has no output {name!r} that is an image; its outputs are table, first, second"
        )
    with pytest.raises(MethodError, match=r"^m: has no output that is an image; its outputs are table$"):
        choose_maps(described(table), ZooModelParameters())


def test_a_package_that_says_how_objects_are_made_needs_no_choice() -> None:
    objects = StarDistPostprocessing(prob_threshold=0.5, nms_threshold=0.4, grid=(1, 1))
    description = described(image("out", size=33), objects=objects)
    assert choose_maps(description, ZooModelParameters()) == Maps("out", 0, None)
    assert choose_maps(description, ZooModelParameters(foreground="channel5")).foreground == 5


def installed(files: tuple[str, ...], *formats: str) -> InstalledModel:
    weights = tuple(
        Weights(format=name, file=File(source=f"{name}.bin"))  # type: ignore[arg-type]
        for name in formats
    )
    description = described(image("out", "cells")).model_copy(update={"weights": weights})
    return InstalledModel(
        name="zoo:m", folder=Path("/nowhere"), description=description, hashes=dict.fromkeys(files, "0" * 64)
    )


@pytest.mark.parametrize(
    ("formats", "files", "wanted", "chosen"),
    [
        (("torchscript", "onnx"), ("torchscript.bin", "onnx.bin"), None, "onnx"),
        (("torchscript", "onnx"), ("torchscript.bin",), None, "torchscript"),
        (("onnx", "torchscript"), ("torchscript.bin", "onnx.bin"), "torchscript", "torchscript"),
        (("tensorflow_js", "keras_hdf5"), ("tensorflow_js.bin", "keras_hdf5.bin"), None, "keras_hdf5"),
    ],
)
def test_the_weights_that_run(
    formats: tuple[str, ...], files: tuple[str, ...], wanted: str | None, chosen: str
) -> None:
    assert choose_weights(installed(files, *formats), wanted).format == chosen


@pytest.mark.parametrize(
    ("formats", "files", "wanted", "message"),
    [
        (("onnx",), ("onnx.bin",), "torchscript", "zoo:m: has no weights 'torchscript'; it has onnx"),
        (("onnx",), (), "onnx", "zoo:m: the file onnx.bin of its onnx weights is missing"),
        (
            ("tensorflow_js",),
            ("tensorflow_js.bin",),
            None,
            "zoo:m: has weights as tensorflow_js, of which none can be run here; Veriscope runs onnx, "
            "torchscript, pytorch_state_dict, keras_v3, keras_hdf5, tensorflow_saved_model_bundle whose "
            "files are in the package. Get the package anew, or ask its authors for ONNX weights",
        ),
    ],
)
def test_weights_that_do_not_run_are_refused_with_what_to_do(
    formats: tuple[str, ...], files: tuple[str, ...], wanted: str | None, message: str
) -> None:
    with pytest.raises(MethodError) as error:
        choose_weights(installed(files, *formats), wanted)
    assert str(error.value) == message


@pytest.mark.parametrize("wanted", [None, "tensorflow_js"])
def test_a_format_that_cannot_run_is_refused_also_when_wanted(wanted: str | None) -> None:
    with pytest.raises(MethodError, match="none can be run here"):
        choose_weights(installed(("tensorflow_js.bin",), "tensorflow_js"), wanted)
