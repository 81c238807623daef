"""What is done with a model: described without being run, exported, added, and refused where it is none."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from veriscope.errors import InputError, MethodError, VeriscopeError
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence
from veriscope.registry import get_method, method_names
from veriscope.workflow.model_list import list_all_models
from veriscope.workflow.models import (
    MODEL_SCHEMA,
    add_to_models,
    describe_model,
    export_model,
    remove_from_models,
)

SHIPPED = Path(str(NucleiFluorescence.package.folder))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERISCOPE_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", sorted(method_names()))
def test_every_method_is_described_by_its_card(name: str) -> None:
    found = describe_model(name)
    assert (found["schema"], found["name"]) == (MODEL_SCHEMA, name)
    card = get_method(name).card
    assert found["card"] == card.model_dump(mode="json")
    assert found["card"]["summary"] and found["card"]["limits"], "no method is without limits"
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("name", ["nope", "", "zoo:nope", "network:/nowhere", "segmenter:nope", "../x"])
def test_what_is_no_model_is_said(name: str) -> None:
    with pytest.raises(VeriscopeError) as caught:
        describe_model(name)
    assert name.rpartition(":")[2] in str(caught.value)


@pytest.mark.parametrize("name", ["otsu-watershed", "log-spots", "pixel-forest"])
def test_what_is_no_network_has_no_package(name: str, tmp_path: Path) -> None:
    with pytest.raises(MethodError) as caught:
        export_model(name, tmp_path / "a.zip")
    assert str(caught.value).startswith(f"{name}: is no network, so there is no package of it; ")
    assert list(tmp_path.glob("*.zip")) == []


def test_an_exported_network_is_one_package(tmp_path: Path) -> None:
    target = tmp_path / "a.zip"
    export_model("nuclei-fluorescence", target)
    with zipfile.ZipFile(target) as file:
        assert file.testzip() is None
        names = set(file.namelist())
    assert {"bioimageio.yaml"} <= {Path(name).name for name in names}
    assert any(name.endswith(".onnx") for name in names)
    assert not any(name.startswith("/") or ".." in name for name in names)


def test_a_licence_is_for_models_that_state_none(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        add_to_models(str(SHIPPED), licence="MIT")
    assert str(caught.value) == (
        "--licence is for models for click-to-segment; a model package states its own licence: leave it out"
    )
    assert "network:" not in json.dumps(list_all_models()["models"])


def test_a_model_that_was_added_is_known_by_both_of_its_names_until_it_is_removed() -> None:
    added = add_to_models(str(SHIPPED), name="my nuclei")
    assert added["method"] == "network:my-nuclei"
    assert describe_model("network:my-nuclei") == describe_model("my-nuclei")
    found = describe_model("my-nuclei")
    assert found["files"] and all(len(sha256) == 64 for sha256 in found["files"].values())
    lines = found["would_run"]
    assert lines[0].startswith("input ") and any(line.startswith("network: ") for line in lines)
    assert any(line.startswith("output ") for line in lines)
    remove_from_models("my-nuclei")
    with pytest.raises(VeriscopeError):
        describe_model("my-nuclei")
    with pytest.raises(VeriscopeError, match="my-nuclei"):
        remove_from_models("my-nuclei")


def test_the_same_added_again_is_the_same() -> None:
    add_to_models(str(SHIPPED), name="mine")
    before, names = describe_model("mine"), [item["name"] for item in list_all_models()["models"]]
    add_to_models(str(SHIPPED), name="mine")
    assert describe_model("mine") == before
    assert [item["name"] for item in list_all_models()["models"]] == names


def test_a_model_for_click_to_segment_goes_the_same_way(tiny_segmenter: Path) -> None:
    added = add_to_models(str(tiny_segmenter), name="tiny", licence="CC0-1.0")
    assert added["name"] == "segmenter:tiny" and added["card"]["licence"] == "CC0-1.0"
    found = describe_model("segmenter:tiny")
    assert found == added
    assert {state["status"] for state in found["states"].values()} == {"yes", "not tested", "unknown"}
    assert any("not calibrated" in text for text in found["card"]["limits"])
    (listed,) = (item for item in list_all_models()["models"] if item["name"] == "segmenter:tiny")
    assert (listed["tags"], listed["where"], listed["licence"]) == (["click-to-segment"], "added", "CC0-1.0")
    remove_from_models("segmenter:tiny")
    with pytest.raises(VeriscopeError, match="tiny"):
        describe_model("segmenter:tiny")


def test_a_model_for_click_to_segment_without_a_licence_says_that_none_is_stated(
    tiny_segmenter: Path,
) -> None:
    add_to_models(str(tiny_segmenter), name="tiny")
    assert describe_model("segmenter:tiny")["card"]["licence"] == "not stated"


@pytest.mark.parametrize("size", [0, -1, float("nan"), float("inf")])
def test_pixel_sizes_that_there_are_not(size: float) -> None:
    with pytest.raises(InputError, match=r"--pixel-size .* is not above 0; give µm, such as 0\.65"):
        list_all_models(pixel_size=size)


def test_a_package_that_is_damaged_hides_no_other_and_is_named(tmp_path: Path) -> None:
    add_to_models(str(SHIPPED), name="whole")
    add_to_models(str(SHIPPED), name="broken")
    (weights,) = [path for path in (tmp_path / "cache").rglob("*.onnx") if "broken" in path.parts]
    weights.chmod(0o600)
    weights.write_bytes(b"no weights")
    found = list_all_models()
    names = [item["name"] for item in found["models"]]
    assert "network:whole" in names and set(method_names()) <= set(names)
    assert "network:broken" in names or any("broken" in fault for fault in found["faults"])
