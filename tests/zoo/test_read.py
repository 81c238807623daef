"""Descriptions of both formats, whole and damaged in every place."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from veriscope.errors import UnreadableFileError, VeriscopeError
from veriscope.methods.zoo.description import ModelDescription
from veriscope.methods.zoo.fixed_steps import FixedZeroMeanUnitVariance, ScaleLinear
from veriscope.methods.zoo.measured_steps import ZeroMeanUnitVariance
from veriscope.methods.zoo.zoo_model import InstalledModel, model_class
from veriscope.zoo.read import read_description

from .conftest import described


def read(tmp_path: Path, content: Any) -> ModelDescription:
    path = tmp_path / "rdf.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return read_description(path)


def test_both_formats_say_the_same(tmp_path: Path) -> None:
    old, new = (read(tmp_path, described(version)) for version in ("0.4.9", "0.5.3"))
    assert [axis.name for axis in old.inputs[0].axes] == ["batch", "channel", "y", "x"]
    for one, other in zip(old.inputs[0].spatial, new.inputs[0].spatial, strict=True):
        assert (one.size, one.smallest, one.step) == (other.size, other.smallest, other.step) == (None, 16, 8)
    for one, other in zip(old.outputs[0].spatial, new.outputs[0].spatial, strict=True):
        assert (one.ratio, one.offset, one.halo) == (other.ratio, other.offset, other.halo) == (1, 0, 2)
    assert old.inputs[0].steps == new.inputs[0].steps
    assert old.licence == new.licence == "CC0-1.0"


def test_fixed_and_data_set_normalisation_of_0_4(tmp_path: Path) -> None:
    content = described("0.4.9")
    content["inputs"][0]["shape"] = [1, 2, 64, 64]
    content["inputs"][0]["preprocessing"] = [
        {
            "name": "zero_mean_unit_variance",
            "kwargs": {"mode": "fixed", "axes": "yx", "mean": [1, 2], "std": [3, 4]},
        },
        {"name": "zero_mean_unit_variance", "kwargs": {"mode": "per_dataset", "axes": "yx"}},
        {"name": "scale_linear", "kwargs": {"axes": "yx", "gain": [2, 3], "offset": 1.0}},
    ]
    found = read(tmp_path, content)
    assert found.inputs[0].steps == (
        FixedZeroMeanUnitVariance(mean=(1, 2), std=(3, 4), axis="channel"),
        ZeroMeanUnitVariance(axes=("y", "x")),
        ScaleLinear(gain=(2, 3), offset=1, axis="channel"),
    )
    assert found.notes == ("Its brightness is to be normalised over a data set; here it is over each image.",)


def test_sizes_of_0_5(tmp_path: Path) -> None:
    content = described("0.5.3")
    y, x = content["inputs"][0]["axes"][2:]
    y |= {"size": 48, "unit": "nanometer", "scale": 250}
    x["size"] = {"tensor_id": "image", "axis_id": "y"}
    out_y = content["outputs"][0]["axes"][2]
    out_y |= {"scale": 500, "size": {"tensor_id": "image", "axis_id": "y", "offset": -4}}
    found = read(tmp_path, content)
    assert [(axis.size, axis.tied, axis.spacing) for axis in found.inputs[0].spatial] == [
        (48, False, 0.25),
        (48, True, None),
    ]
    assert (found.outputs[0].axes[2].ratio, found.outputs[0].axes[2].offset) == (0.5, -4)


def test_tolerances_of_the_authors(tmp_path: Path) -> None:
    stated = [{"relative_tolerance": 0.1, "absolute_tolerance": 0.2, "weights_formats": ["onnx"]}]
    content = described("0.5.3", config={"bioimageio": {"reproducibility_tolerance": stated}})
    found = read(tmp_path, content)
    own = found.tolerance(found.outputs[0], "onnx")
    assert (own.relative, own.absolute, own.per_million) == (0.1, 0.2, 100)
    usual = found.tolerance(found.outputs[0], "torchscript")
    assert (usual.relative, usual.absolute) == (1e-3, 1e-3)
    whole = found.outputs[0].model_copy(update={"dtype": "uint16"})
    assert found.tolerance(whole, "torchscript").per_million == 1000


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give every place in nested values."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


WRONG: tuple[Any, ...] = (None, [], {"a": 1}, -1, 1.5, "x", [1, "a"], 10**30)


@pytest.mark.parametrize("version", ["0.4.9", "0.5.3"])
def test_every_damage_is_a_message_not_a_crash(tmp_path: Path, version: str) -> None:
    whole = described(version)
    n_refused = 0
    for place in places(whole):
        for wrong in ("delete", *WRONG):
            content = copy.deepcopy(whole)
            parent = content
            for key in place[:-1]:
                parent = parent[key]
            if wrong == "delete":
                del parent[place[-1]]
            else:
                parent[place[-1]] = wrong
            try:
                found = read(tmp_path, content)
                model_class(InstalledModel("zoo:x", found, tmp_path, {}))
            except VeriscopeError as error:
                n_refused += 1
                assert str(tmp_path) in str(error) or "zoo:x" in str(error), (place, wrong, str(error))
    assert n_refused > 200


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("0.3.6", r"has format version '0\.3\.6'; readable are 0\.4 and 0\.5\. Older ones"),
        ("0.6.0", r"newer ones need a newer Veriscope"),
        ("latest", r"has format version 'latest'"),
    ],
)
def test_other_versions(tmp_path: Path, version: str, message: str) -> None:
    with pytest.raises(UnreadableFileError, match=message):
        read(tmp_path, described("0.5.3") | {"format_version": version})


@pytest.mark.parametrize("name", ["batch", "channel"])
def test_an_axis_that_stands_twice_is_told(tmp_path: Path, name: str) -> None:
    content = described("0.5.3")
    content["inputs"][0]["axes"].append({"type": name})
    with pytest.raises(UnreadableFileError, match=f"tensor 'image' has the axis '{name}' twice"):
        read(tmp_path, content)
    old = described("0.4.9")
    old["outputs"][0] |= {"axes": "bcyy"}
    with pytest.raises(UnreadableFileError, match="tensor 'mean' has the axis 'y' twice"):
        read(tmp_path, old)
