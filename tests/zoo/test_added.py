"""Models that were added are offered to a study with what is known of them, and let in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.errors import StudyError
from veriscope.methods.external.cellpose import CELLPOSE
from veriscope.methods.external.environment import ENVIRONMENT_SCHEMA, external_folder, venv_python
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.other_methods import OtherMethod, let_in, other_methods
from veriscope.workflow.study import Study
from veriscope.zoo.add import add_model
from veriscope.zoo.added import added_methods, states_of

SHIPPED = Path(str(NucleiFluorescence.package.folder))
pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    images = tmp_path / "images"
    images.mkdir()
    pixels = np.random.default_rng(0).poisson(5, (64, 80)).astype(np.uint8)
    pixels[20:30, 20:30] = 200
    tifffile.imwrite(images / "a.tif", pixels)
    return Study.new(tmp_path / "study", images=images, object="nucleus", methods=("otsu-watershed",))


def others(study: Study) -> dict[str, OtherMethod]:
    folder = StudyFolder(study.path)
    return {item.name: item for item in other_methods(folder, Study(study.path).config)}


def test_packages_and_networks_of_ours_are_named_each_once(package: Any) -> None:
    assert added_methods() == ()
    add_model(str(package()), name="a mean")
    add_model(str(SHIPPED), name="my nuclei")
    assert added_methods() == ("network:my-nuclei", "zoo:a-mean")


def test_an_added_package_is_offered_with_its_states_and_let_in(package: Any, study: Study) -> None:
    add_model(str(package()), name="a mean")
    found = others(study)["zoo:a-mean"]
    assert found.fits
    said = " ".join(found.remarks)
    assert "Output reproduced here: yes." in said and "Works on your data: unknown." in said
    assert "Format valid: " in said
    config = let_in(StudyFolder(study.path), study.config, "zoo:a-mean")
    added = config.candidates[-1]
    assert (added.id, added.method) == ("zoo-a-mean", "zoo:a-mean")
    assert "zoo:a-mean" not in others(study)
    (run,) = Study(study.path).run(only=["zoo-a-mean"])
    assert run.candidate == "zoo-a-mean"


def test_names_that_become_the_same_folder_are_kept_apart(package: Any, study: Study) -> None:
    add_model(str(package()), name="x")
    path = study.path / "study.yaml"
    path.write_text(path.read_text().replace("id: otsu-watershed", "id: Zoo-X"))
    config = let_in(StudyFolder(study.path), Study(study.path).config, "zoo:x")
    assert [item.id for item in config.candidates] == ["Zoo-X", "zoo-x-2"]


def test_a_damaged_package_is_named_and_cannot_be_let_in(package: Any, study: Study, cache: Path) -> None:
    add_model(str(package()), name="broken")
    (weights,) = cache.rglob("weights.onnx")
    weights.write_bytes(b"something else")
    found = others(study)["zoo:broken"]
    assert not found.fits and "broken" in found.remarks[0]
    with pytest.raises(StudyError, match="zoo:broken cannot run here"):
        let_in(StudyFolder(study.path), study.config, "zoo:broken")
    shutil.rmtree(weights.parent)
    assert not others(study)["zoo:broken"].fits


def test_a_record_of_another_version_is_said(package: Any, cache: Path) -> None:
    add_model(str(package()), name="old")
    (record,) = cache.rglob("record.json")
    record.write_text(json.dumps({"schema": "veriscope/other/9"}))
    assert "was written by another version" in states_of("zoo:old")[0]
    assert states_of("otsu-watershed") == []


def test_models_of_tools_are_named_whose_weights_are_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERISCOPE_EXTERNAL", str(tmp_path / "tools"))
    folder = external_folder() / "cellpose"
    (folder / "weights").mkdir(parents=True)
    python = venv_python(folder / "venv")
    python.parent.mkdir(parents=True)
    python.touch()
    record = {"schema": ENVIRONMENT_SCHEMA, "tool": "cellpose", "requirements": CELLPOSE.lines()}
    (folder / "environment.json").write_text(json.dumps(record))
    for name in ("cyto3", "size_cyto3.npy", "nucleitorch_0"):
        (folder / "weights" / name).write_bytes(b"")
    names = [name for name in added_methods() if name.startswith("cellpose:")]
    assert "cellpose:cyto3" in names
    assert "cellpose:nuclei" not in names, "the file of its sizes is missing"
