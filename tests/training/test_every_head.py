"""Each head from images to labels, the way a user goes: train, add, predict, compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from typer.testing import CliRunner

from veriscope.training.settings import TrainSettings
from veriscope.training.supervised import train_files

TINY: dict[str, Any] = {"widths": (8, 16), "crop": 64, "batch": 4, "rate": 0.01, "seed": 1, "device": "cpu"}
"""Options of a training of seconds."""
WAYS: dict[str, dict[str, Any]] = {
    "flow": {"steps": 120},
    "star": {"head": "star", "widths": (8, 16, 16), "steps": 150},
    "distance": {"head": "distance", "steps": 100},
    "semantic": {"head": "semantic", "steps": 80},
    "boxes": {"head": "boxes", "widths": (8, 16, 24, 24), "crop": 96, "steps": 200},
    "vit": {"architecture": "vit", "widths": (32, 32), "crop": 96, "batch": 2, "steps": 100},
}


def call(*words: str | Path) -> dict[str, Any]:
    """Run a command line, and give the one object that it prints."""
    from veriscope.cli.app import app

    done = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def classes(discs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The labels of the discs as one class."""
    folder = tmp_path_factory.mktemp("classes")
    for path in (discs / "labels").iterdir():
        tifffile.imwrite(folder / path.name, (tifffile.imread(path) > 0).astype(np.uint8))
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_a_head_is_trained_added_and_predicts_what_it_learned(
    way: str, discs: Path, classes: Path, tmp_path: Path
) -> None:
    labels = classes if way == "semantic" else discs / "labels"
    settings = TrainSettings.parse(TINY | WAYS[way], where="test")
    trained = train_files(discs / "images", labels, tmp_path / "made", settings, objects="disc")
    assert trained["states"] == {"format_valid": "yes", "output_reproduced": "yes"}
    assert next(iter(trained["figures"].values()))["value"] > 0.7

    name = f"discs-{way}"
    added = call("models", "add", tmp_path / "made", "--name", name)
    assert added["states"]["output_reproduced"]["status"] == "yes"
    predicted = call("predict", f"network:{name}", discs / "images", "-o", tmp_path / "found")
    assert predicted["n_images"] == 8
    judged = call("compare", discs / "labels", tmp_path / "found")
    assert judged["metrics"]["f1@0.5"]["value"] > 0.8
    if way == "boxes":
        table = pd.read_csv(tmp_path / "found" / "boxes.csv")
        assert set(table["class"]) == {"disc"}
        sides = table[["xmax", "ymax"]].to_numpy() - table[["xmin", "ymin"]].to_numpy()
        assert 9 < np.median(sides) < 17  # discs of radius 5 to 8
