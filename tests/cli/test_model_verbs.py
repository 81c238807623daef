"""The verbs on model packages, as a user gives them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from .conftest import Veriscope


@pytest.fixture
def unet(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the real package without its TorchScript weights, and an empty cache."""
    monkeypatch.setenv("VERISCOPE_CACHE", str(tmp_path / "cache"))
    source, target = data_dir / "zoo" / "unet2d_nuclei_broad", tmp_path / "unet"
    target.mkdir()
    for name in ("bioimageio.yaml", "weights.onnx", "test_input.npy", "test_output.npy"):
        shutil.copyfile(source / name, target / name)
    return target


@pytest.mark.real_data
def test_add_show_list_predict_and_remove(veriscope: Veriscope, unet: Path, tmp_path: Path) -> None:
    added = veriscope("models", "add", unet, "--json")
    assert (added.code, added.err) == (0, "")
    assert added.json["schema"] == "veriscope/model-add/1"
    name = added.json["name"]
    assert name == "zoo:unet-2d-nuclei-broad"
    states = {key: value["status"] for key, value in added.json["states"].items()}
    assert states["output_reproduced"] == "yes"
    assert states["works_on_your_data"] == "unknown"

    shown = veriscope("models", "show", name)
    assert "output reproduced: yes (onnx probability: 0 of 262144 values differ by more than" in shown.out
    assert "works on your data: unknown (only an audit of your own images says so)" in shown.out
    assert "Python code: unet2d.py (UNet2d), SHA-256 d00721e7d00f5522" in shown.out
    assert veriscope("models", "show", "otsu-watershed", "--json").json["name"] == "otsu-watershed"

    listed = veriscope("models", "--structure", "nucleus", "--licence", "MIT", "--json")
    assert listed.json["schema"] == "veriscope/models/1"
    (item,) = (item for item in listed.json["models"] if item["where"] == "added")
    assert (item["name"], item["reproduced"]) == (name, "yes")
    everything = veriscope("models").out
    assert "otsu-watershed" in everything
    assert "veriscope models --refresh" in everything

    images = tmp_path / "images"
    images.mkdir()
    tifffile.imwrite(images / "a.tif", np.load(unet / "test_input.npy")[0, 0, :300, :280])
    made = veriscope("predict", name, images, "-o", tmp_path / "out", "--json")
    assert (made.code, made.err) == (0, "")
    assert 20 < made.json["n_objects"] < 60
    assert made.json["method"]["package"]["states"]["output_reproduced"]["status"] == "yes"

    assert veriscope("models", "remove", name).out == f"{name} was removed\n"
    gone = veriscope("predict", name, images, "-o", tmp_path / "out2", "--json")
    assert gone.code == 1
    assert gone.message.startswith(f"no model package named {name!r}; added are: none.")


@pytest.mark.real_data
def test_a_package_is_a_candidate_of_a_study(veriscope: Veriscope, unet: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for index in range(2):
        part = np.load(unet / "test_input.npy")[0, 0, 200 * index : 200 * index + 200, :200]
        tifffile.imwrite(images / f"{index}.tif", part)
    assert veriscope("models", "add", unet).code == 0
    line = ("new", tmp_path / "study", "--images", images, "--object", "nucleus")
    candidates = ("--method", "zoo:unet-2d-nuclei-broad", "--method", "otsu-watershed")
    made = veriscope(*line, *candidates, "--json")
    assert (made.code, made.err) == (0, "")
    assert "id: zoo-unet-2d-nuclei-broad" in (tmp_path / "study" / "study.yaml").read_text()
    assert veriscope("run", tmp_path / "study", "-q").code == 0
    assert (tmp_path / "study" / "predictions" / "zoo-unet-2d-nuclei-broad").is_dir()


@pytest.mark.real_data
def test_what_is_wrong_is_said_and_nothing_kept(veriscope: Veriscope, unet: Path, tmp_path: Path) -> None:
    np.save(unet / "test_output.npy", np.zeros((1, 1, 512, 512), np.float32))
    said = veriscope("models", "add", unet, "--json")
    assert said.code == 1
    assert "test_output.npy: has SHA-256" in said.message
    assert not list((tmp_path / "cache").rglob("*.json"))
    assert veriscope("models", "add", "file:///etc/passwd").code == 1
    assert veriscope("models", "--colour", "red").code == 2


def test_a_model_for_click_to_segment_is_added_listed_shown_and_removed(
    veriscope: Veriscope, tiny_segmenter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERISCOPE_CACHE", str(tmp_path / "cache"))
    added = veriscope("models", "add", tiny_segmenter, "--name", "tiny", "--licence", "CC0-1.0", "-q")
    assert (added.code, added.err) == (0, "")
    assert "segmenter:tiny was added" in added.out
    assert "works on your data: unknown (see for yourself" in added.out
    assert "Use it: veriscope serve STUDY, then the tool Model on a tile of the audit" in added.out

    listed = veriscope("models", "--licence", "CC0", "--json").json["models"]
    assert [item["name"] for item in listed if item["where"] == "added"] == ["segmenter:tiny"]
    (item,) = veriscope("models", "--task", "click-to-segment", "--json").json["models"]
    assert (item["name"], item["licence"], item["reproduced"]) == ("segmenter:tiny", "CC0-1.0", "not tested")
    shown = veriscope("models", "show", "segmenter:tiny")
    assert "licence: CC0-1.0" in shown.out and "file: decoder.onnx" in shown.out
    as_json = veriscope("models", "show", "segmenter:tiny", "--json").json
    assert as_json["schema"] == "veriscope/model-card/1"
    assert as_json["states"]["output_reproduced"]["status"] == "not tested"

    assert veriscope("models", "remove", "segmenter:tiny").out == "segmenter:tiny was removed\n"
    assert veriscope("models", "show", "segmenter:tiny").code == 1
    (tmp_path / "package").mkdir()
    refused = veriscope("models", "add", tmp_path / "package", "--licence", "MIT", "--json")
    assert (refused.code, refused.message) == (
        1,
        "--licence is for models for click-to-segment; a model package states its own licence: leave it out",
    )
