"""A network leaves as one file, which comes back by the way of every package."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.image import Image
from veriscope.errors import InputError, MethodError, UnreadableFileError
from veriscope.registry import make_method
from veriscope.workflow.models import export_model
from veriscope.zoo.add import add_model
from veriscope.zoo.export import exact_scale

from .conftest import Package, blobs


def content_of(package: Path) -> dict[str, Any]:
    with zipfile.ZipFile(package) as archive:
        found: dict[str, Any] = yaml.safe_load(archive.read("bioimageio.yaml"))
    return found


def test_a_package_added_comes_out_and_in_again(package: Package, cache: Path, tmp_path: Path) -> None:
    add_model(str(package()), name="blobs")
    result = tmp_path / "compare.json"
    result.write_text(json.dumps({"schema": "veriscope/compare/1", "f1": 0.9}))
    found = export_model("blobs", tmp_path / "out.zip", evaluations=[result], spacing={"y": 0.5, "x": 0.5})
    states = {name: state["status"] for name, state in found["states"].items()}
    assert states["output_reproduced"] == "yes" and states["format_valid"] in ("yes", "readable")
    content = content_of(tmp_path / "out.zip")
    own = content["config"]["veriscope"]
    assert own["evaluations"] == [{"schema": "veriscope/compare/1", "f1": 0.9}]
    assert own["states"]["output_reproduced"]["status"] == "yes"
    assert any("only an audit" in own["states"][key]["text"] for key in ("works_on_your_data",))
    assert own["card"]["training_data"] and own["card"]["limits"]
    sizes = [axis["scale"] for tensor in ("inputs", "outputs") for axis in content[tensor][0]["axes"][2:]]
    assert sizes == [0.5] * 4
    again = add_model(str(tmp_path / "out.zip"), name="again")
    assert again["states"]["output_reproduced"]["status"] == "yes"
    image = Image(blobs(), "yx", {"y": 0.5, "x": 0.5})
    first, second = (make_method(f"zoo:{name}").predict(image).labels for name in ("blobs", "again"))
    assert np.array_equal(first, second) and first.max() > 0


@given(st.floats(1e-4, 1e4), st.integers(1, 2**29))
def test_whole_pixels_stay_whole_with_the_scale_that_is_stated(size: float, pixels: int) -> None:
    scale = exact_scale(size)
    assert scale == pytest.approx(size, rel=1e-7)
    assert pixels * scale / scale == pixels and pixels * (2 * scale) / scale == 2 * pixels


def test_the_same_package_gives_the_same_bytes(package: Package, cache: Path, tmp_path: Path) -> None:
    folder = package()
    first = export_model(str(folder), tmp_path / "a.zip")
    second = export_model(str(folder), tmp_path / "b.zip")
    assert first["sha256"] == second["sha256"]


def test_a_network_of_veriscope_comes_out_with_its_figures(tmp_path: Path) -> None:
    # With 0.65 a halo of 112 pixels, multiplied and divided by it, is a little less than 112.
    found = export_model("nuclei-fluorescence", tmp_path / "nuclei.zip", spacing={"y": 0.65, "x": 0.65})
    assert found["states"]["output_reproduced"]["status"] == "yes" and not found["left_out"]
    content = content_of(tmp_path / "nuclei.zip")
    card = content["config"]["veriscope"]["card"]
    assert card["figures"] and card["limits"] and "BBBC038" in card["training_data"]
    steps = [step["id"] for step in content["inputs"][0]["preprocessing"]]
    assert steps[-1] == "ensure_dtype", "bioimageio.core gives the network float64 without it"


def test_what_is_not_there_is_left_out_and_said(package: Package, cache: Path, tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["covers"] = ["cover.png"]
        content["documentation"] = "missing.md"
        elsewhere = {"source": "https://example.org/weights.pt", "pytorch_version": "2.0", "sha256": "0" * 64}
        content["weights"]["torchscript"] = elsewhere
        content["weights"]["onnx"]["parent"] = "torchscript"

    found = export_model(str(package(change=change)), tmp_path / "out.zip")
    assert found["left_out"] == ["weights torchscript", "cover.png", "missing.md"]
    content = content_of(tmp_path / "out.zip")
    assert "covers" not in content and content["documentation"] == "README.md"
    assert list(content["weights"]) == ["onnx"] and "parent" not in content["weights"]["onnx"]


def test_wrong_outputs_leave_no_file(package: Package, cache: Path, tmp_path: Path) -> None:
    folder = package()
    np.save(folder / "out.npy", np.load(folder / "out.npy") + 1)
    with pytest.raises(
        MethodError, match="the package made is not right, so it was not kept: output_reproduced"
    ):
        export_model(str(folder), tmp_path / "out.zip")
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".zip"]


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("otsu-watershed", {}, MethodError, "is no network, so there is no package of it"),
        ("PACKAGE", {"spacing": {"z": 1.0}}, InputError, "the model has the axes y, x"),
        ("PACKAGE", {"evaluations": ["PACKAGE/in.npy"]}, UnreadableFileError, "is no JSON file"),
        ("PACKAGE", {"target": "out.tar"}, InputError, "a package is one .zip file"),
    ],
)
def test_bad_wishes_are_told(
    package: Package,
    cache: Path,
    tmp_path: Path,
    name: str,
    options: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    folder = str(package())
    target = tmp_path / options.pop("target", "out.zip")
    given = {
        key: [v.replace("PACKAGE", folder) for v in value] if key == "evaluations" else value
        for key, value in options.items()
    }
    with pytest.raises(error, match=message):
        export_model(name.replace("PACKAGE", folder), target, **given)
    assert not target.exists()


def test_a_pixel_size_stated_by_the_authors_stays(package: Package, cache: Path, tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        for tensor in ("inputs", "outputs"):
            for axis in content[tensor][0]["axes"][2:]:
                axis |= {"scale": 0.3, "unit": "micrometer"}

    folder = package(change=change)
    with pytest.raises(InputError, match=r"the description states 0.3 micrometer; the authors know best"):
        export_model(str(folder), tmp_path / "out.zip", spacing={"y": 0.5, "x": 0.5})
    export_model(str(folder), tmp_path / "out.zip", spacing={"y": 0.3, "x": 0.3})
    assert content_of(tmp_path / "out.zip")["inputs"][0]["axes"][2]["scale"] == 0.3
