"""Training of tools: what is refused before anything starts, and the way through the command line.

A made-up tool is trained; the real ones are in `test_real_tools.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from veriscope.cli.app import app
from veriscope.core.image import Image
from veriscope.errors import InputError, MethodError, ShapeMismatchError
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image
from veriscope.workflow.tool_training import train_tool
from veriscope.zoo import train_external as module
from veriscope.zoo.train_external import CellposeTraining, ExternalTraining, train_external

IMAGE, LABELS = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.int32)


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        ("ilastik", "cannot be trained here; cellpose and stardist can"),
        ("stardist", "1 images to train on and 0 to validate with"),
        ("cellpose", "make it with: veriscope models install cellpose"),
    ],
)
def test_what_cannot_be_trained_is_told(
    tool: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERISCOPE_EXTERNAL", str(tmp_path))
    with pytest.raises(MethodError, match=message):
        train_external(tool, [IMAGE], [LABELS], tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_wrong_data_and_options_are_told(tmp_path: Path) -> None:
    with pytest.raises(ShapeMismatchError):
        train_external("cellpose", [IMAGE], [LABELS[:9]], tmp_path / "model")
    with pytest.raises(MethodError, match="1 images and 2 label images"):
        train_external("cellpose", [IMAGE], [LABELS, LABELS], tmp_path / "model")
    with pytest.raises(MethodError, match=r"image 0 has 3 axes; it is trained on \(y, x\)"):
        train_external("cellpose", [IMAGE[None]], [LABELS[None]], tmp_path / "model")
    with pytest.raises(MethodError, match="stardist takes StarDistTraining, not CellposeTraining"):
        train_external("stardist", [IMAGE], [LABELS], tmp_path / "model", options=CellposeTraining())


@pytest.fixture
def fake(fake_installed: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The made-up tool, which can be trained."""
    monkeypatch.setitem(module._OPTIONS, "fake", ExternalTraining)
    return "fake"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Six pairs of images and labels, one without an object."""
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.mkdir()
    labels.mkdir()
    for number in range(6):
        image = discs_image((40, 48 + number), seed=number).pixels.astype(np.uint16)
        truth = (image > 60).astype(np.uint16) * (number != 3)
        tifffile.imwrite(images / f"{number}.tif", image)
        tifffile.imwrite(labels / f"{number}.tif", truth)
    return images, labels


def test_a_trained_model_is_a_method_and_its_record_lies_beside_it(fake: str, tmp_path: Path) -> None:
    image, truth = discs_image((40, 48)).pixels, np.ones((40, 48), np.uint8)
    found = train_external(fake, [image], [truth], tmp_path / "model", options=ExternalTraining(epochs=2))
    assert found["method"] == f"fake:{tmp_path / 'model'}" and found["version"] == "1.2"
    assert found["seen"] == {"image-0": [40, 48, "float32"], "label-0": [40, 48, "int32"]}
    assert found["options"]["epochs"] == found["told"]["epochs"] == 2
    assert json.loads((tmp_path / "model.training.json").read_text())["losses"] == [3.0, 1.0]
    assert make_method(found["method"]).predict(Image(image, "yx")).n_objects > 0


def test_a_failed_training_leaves_nothing_and_keeps_what_was_there(fake: str, tmp_path: Path) -> None:
    image, truth = discs_image((40, 48)).pixels, np.ones((40, 48), np.uint8)
    (tmp_path / "model").write_text("mine")
    with pytest.raises(MethodError, match="RuntimeError: loss is not a number"):
        train_external(fake, [image], [truth], tmp_path / "model", options=ExternalTraining(epochs=13))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model").read_text() == "mine"


def test_whole_images_are_held_out_and_the_seed_says_which(
    fake: str, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    seen = []
    for seed in range(4):
        found = train_tool(fake, *folders, tmp_path / f"model{seed}", settings={"seed": seed})
        kept, held_out = found["files"], found["held_out"]
        assert sorted(kept + held_out) == [str(number) for number in range(6)]
        assert len(held_out) == 1 and held_out != ["3"], "one that has no object says nothing"
        widths = {shape[1] for name, shape in found["seen"].items() if name.startswith("validation_image")}
        assert widths == {48 + int(held_out[0])}
        seen.append(tuple(held_out))
    assert len(set(seen)) > 1
    again = train_tool(fake, *folders, tmp_path / "again", settings={"seed": 0})
    assert tuple(again["held_out"]) == seen[0]


def test_the_command_line_trains(fake: str, folders: tuple[Path, Path], tmp_path: Path) -> None:
    line = ["models", "train", fake, *map(str, folders), "-o", str(tmp_path / "model"), "-p", "epochs=3"]
    done = CliRunner().invoke(app, [*line, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["schema"] == "veriscope/external-training/1" and found["options"]["epochs"] == 3
    again = CliRunner().invoke(app, line)
    assert again.exit_code == 1 and isinstance(again.exception, InputError | SystemExit)
    (tmp_path / "model").unlink()
    said = CliRunner().invoke(app, line)
    assert said.exit_code == 0
    words = " ".join(said.output.split())
    assert "on 5 images; 1 others chose" in words and f"veriscope predict fake:{tmp_path}" in words.replace(
        "fake: ", "fake:"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"epoch": 3}, r"training of fake: wrong options.*Options are: epochs"), ({"epochs": 0}, "epochs")],
)
def test_wrong_options_are_told_before_anything_is_read(
    fake: str, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=f"(?s){message}"):
        train_tool(fake, tmp_path / "nowhere", tmp_path / "nowhere", tmp_path / "model", settings=settings)


def test_too_few_images_with_objects(fake: str, folders: tuple[Path, Path], tmp_path: Path) -> None:
    for path in folders[1].glob("*.tif"):
        if path.stem != "0":
            tifffile.imwrite(path, np.zeros_like(tifffile.imread(path)))
    with pytest.raises(InputError, match="6 pairs, 5 of them without an object: at least two images"):
        train_tool(fake, *folders, tmp_path / "model")
    with pytest.raises(MethodError, match="ilastik cannot be trained here"):
        train_tool("ilastik", *folders, tmp_path / "model")
