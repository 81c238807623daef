"""Networks of a study, finished and on their way."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.networks import study_networks


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    package = tmp_path / "networks" / "mine"
    package.mkdir(parents=True)
    training = {"minutes": 3.0, "steps": 40, "figures": {"f1@0.5": {"value": 0.9, "low": 0.8, "high": 1.0}}}
    content = {"name": "mine", "config": {"veriscope": {"training": training}}}
    (package / "bioimageio.yaml").write_text(yaml.safe_dump(content))
    (package / "weights.onnx").write_bytes(b"weights" * 1000)
    os.utime(package, (1000, 1000))
    return StudyFolder(tmp_path)


def test_no_network_is_no_fault(tmp_path: Path) -> None:
    assert study_networks(StudyFolder(tmp_path)) == []


def test_finished_and_unfinished_the_newest_first(folder: StudyFolder) -> None:
    going = folder.root / "networks" / "next.unfinished"
    going.mkdir()
    (going / "progress.json").write_text(json.dumps({"stage": "learn", "part": 0.5, "step": 7}))
    found = study_networks(folder)
    assert [(item.name, item.is_finished) for item in found] == [("next", False), ("mine", True)]
    assert found[0].progress["step"] == 7 and found[1].training["steps"] == 40


@pytest.mark.parametrize("text", [None, "", "{", "[1]", '"x"'])
def test_a_training_that_said_nothing_readable_yet(folder: StudyFolder, text: str | None) -> None:
    going = folder.root / "networks" / "next.unfinished"
    going.mkdir()
    if text is not None:
        (going / "progress.json").write_text(text)
    assert study_networks(folder)[0].progress == {}


@pytest.mark.parametrize("text", ["", "name: x", "config: {veriscope: 3}", "config: [", "\x00"])
def test_a_folder_that_is_no_package_is_left_out(folder: StudyFolder, text: str) -> None:
    (folder.root / "networks" / "mine" / "bioimageio.yaml").write_text(text)
    assert study_networks(folder) == []
