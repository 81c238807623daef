"""Whole trainings with a tiny network, through the functions that users call."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
import yaml

from veriscope.core.image import Image
from veriscope.errors import InputError, MethodError
from veriscope.registry import make_method
from veriscope.training.networks.known import find_network
from veriscope.training.settings import TrainSettings
from veriscope.training.supervised import train_files

TINY: dict[str, Any] = {
    "widths": (8, 16),
    "crop": 64,
    "batch": 4,
    "rate": 0.01,
    "seed": 1,
    "device": "cpu",
}


def tiny(**options: Any) -> TrainSettings:
    return TrainSettings.parse(TINY | {"steps": 2} | options, where="test")


def description(package: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((Path(package) / "bioimageio.yaml").read_text())
    return found


@pytest.fixture(scope="module")
def trained(discs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A network of enough steps to find discs."""
    target = tmp_path_factory.mktemp("trained") / "discs"
    return train_files(
        discs / "images",
        discs / "labels",
        target,
        tiny(steps=150, licence="CC0-1.0", data_url="https://example.org/discs"),
        objects="disc",
    )


def test_a_tiny_network_learns_discs(trained: dict[str, Any]) -> None:
    assert trained["figures"]["f1@0.5"]["value"] > 0.8
    assert trained["recommended"] == "new"
    assert trained["comparison"] is None
    assert trained["states"] == {"format_valid": "yes", "output_reproduced": "yes"}
    json.dumps(trained)


def test_the_package_is_a_method(trained: dict[str, Any], discs: Path) -> None:
    method = make_method(trained["method"])
    labels = tifffile.imread(discs / "labels" / "field0.tif")
    found = method.predict(Image(tifffile.imread(discs / "images" / "field0.tif"), "yx")).labels
    assert abs(found.max() - len(np.unique(labels)) + 1) <= 2
    assert method.card.objects == ("disc",)


def test_the_package_says_what_it_was_made_of(trained: dict[str, Any]) -> None:
    content = description(trained["package"])
    training = content["config"]["veriscope"]["training"]
    parts = [set(training["split"][part]["pixel_sha256"]) for part in ("train", "val", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 8
    assert training["cost"]["cpu_s"] > 0
    assert training["environment"]["torch"] == str(torch.__version__)
    (evaluation,) = content["config"]["bioimageio"]["evaluations"]
    assert evaluation["dataset_role"] == "test"
    assert evaluation["dataset_source"] == "https://example.org/discs"
    assert evaluation["metrics"][0] == "f1@0.5"
    value, low, high = evaluation["results"][0]
    figure = trained["figures"]["f1@0.5"]
    assert value == pytest.approx(figure["value"], abs=1e-4)
    assert figure["low"] is None or low <= value <= high
    assert content["license"] == "CC0-1.0"
    changes = training["envelope"]["changes"]
    assert set(changes) == {"blur", "noise", "contrast", "scale"}
    assert all(change["range"][0] <= change["range"][1] for change in changes.values())
    assert not list(Path(trained["package"]).parent.glob("*.unfinished"))


def test_fine_tuning_keeps_what_was_locked_and_compares_with_the_start(
    trained: dict[str, Any], discs: Path, tmp_path: Path
) -> None:
    before = find_network(trained["package"])
    found = train_files(
        discs / "images",
        discs / "labels",
        tmp_path / "tuned",
        tiny(start=trained["package"], tune="head", seed=7, rate=1e-5),
    )
    after = find_network(str(tmp_path / "tuned"))
    assert set(before.hashes("test")) <= set(after.hashes("test"))
    assert not set(before.hashes("train")) & set(after.hashes("test"))
    assert found["head"] == "flow"
    assert found["recommended"] == "start"
    assert "stays recommended" in found["comparison"]["sentence"]
    limits = description(tmp_path / "tuned")["config"]["veriscope"]["card"]["limits"]
    assert limits[0].lower().startswith(found["comparison"]["sentence"][:40].lower())


def test_deterministic_training_gives_the_same_bytes(discs: Path, tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        train_files(discs / "images", discs / "labels", tmp_path / name, tiny(deterministic=True, steps=4))
        made.append((tmp_path / name / "weights.onnx").read_bytes())
    torch.use_deterministic_algorithms(False)
    assert made[0] == made[1]


def test_classes_are_learned_and_a_class_that_a_part_lacks_is_said(discs: Path, tmp_path: Path) -> None:
    said: list[str] = []
    folder = tmp_path / "data"
    shutil.copytree(discs / "images", folder / "images")
    (folder / "labels").mkdir()
    rows = [("stem", "split")]
    for number, path in enumerate(sorted((discs / "labels").iterdir())):
        classes = (tifffile.imread(path) > 0).astype(np.uint8)
        part = ("test", "val")[number] if number < 2 else "train"
        if part != "val":
            classes[:20] *= 2
        tifffile.imwrite(folder / "labels" / path.name, classes)
        rows.append((path.stem, part))
    with (folder / "split.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    found = train_files(
        folder / "images",
        folder / "labels",
        tmp_path / "classes",
        tiny(head="semantic", topology=0.2),
        split=folder / "split.csv",
        say=said.append,
    )
    assert set(found["figures"]) == {"dice", "dice of class 1", "dice of class 2"}
    assert "class 2 is in none of the images to choose by: nothing is known of it there" in said


def test_a_star_convex_network_is_trained_and_trained_further(discs: Path, tmp_path: Path) -> None:
    folders = discs / "images", discs / "labels"
    first = train_files(*folders, tmp_path / "star", tiny(head="star"))
    assert first["states"]["output_reproduced"] == "yes"
    assert description(tmp_path / "star")["config"]["veriscope"]["network"]["head"] == "star"
    tuned = train_files(
        *folders, tmp_path / "tuned", tiny(start=str(tmp_path / "star"), tune="head", steps=1)
    )
    assert (tuned["head"], tuned["comparison"]["start"]) == ("star", str(tmp_path / "star"))


def test_unlabelled_images_are_learned_from_too(discs: Path, tmp_path: Path) -> None:
    found = train_files(
        discs / "images", discs / "labels", tmp_path / "out", tiny(), unlabelled=discs / "images"
    )
    assert found["steps"] == 2
    assert description(tmp_path / "out")["config"]["veriscope"]["training"]["unlabelled_images"] == 8


def test_the_learning_curve_says_what_more_objects_would_bring(discs: Path, tmp_path: Path) -> None:
    found = train_files(
        discs / "images", discs / "labels", tmp_path / "out", tiny(curve=True, steps=40), objects="disc"
    )
    curve = found["learning_curve"]
    assert [point["images"] for point in curve["points"]] == [1, 2, 3, 6]
    objects = [point["objects"] for point in curve["points"]]
    assert objects == sorted(set(objects))
    assert curve["judged_on"] == "validation images"
    sentence = curve["sentence"]
    assert re.match(r"50 more annotated objects would gain about -?\d+\.\d points of f1@0\.5 \(", sentence)
    # One validation image gives no interval, so nothing is advised.
    assert curve["advice"] == "cannot tell"
    assert sentence.endswith(
        "(no interval can be given from so few groups): whether annotating more is worth it cannot be told"
    )
    assert sentence in (tmp_path / "out" / "README.md").read_text()
    assert description(tmp_path / "out")["config"]["veriscope"]["training"]["learning_curve"] == curve


def test_boxes_are_trained_further_and_compared_with_their_start(discs: Path, tmp_path: Path) -> None:
    folders = discs / "images", discs / "labels"
    options = {"head": "boxes", "widths": (4, 8, 8), "steps": 3}
    first = train_files(*folders, tmp_path / "boxes", tiny(**options), objects="disc")
    assert set(first["figures"]) >= {"f1", "precision", "recall"}
    content = description(tmp_path / "boxes")["config"]
    assert content["veriscope"]["network"]["classes"] == ["disc"]
    assert content["bioimageio"]["task"] == "object-detection"
    given = {key: value for key, value in TINY.items() if key != "widths"} | {"steps": 1}
    again = TrainSettings.parse(given | {"start": str(tmp_path / "boxes"), "tune": "head"}, where="test")
    tuned = train_files(*folders, tmp_path / "tuned", again, objects="disc")
    assert (tuned["head"], tuned["comparison"]["metric"]) == ("boxes", "f1")
    with pytest.raises(InputError, match="--unlabelled goes with heads that say something of every pixel"):
        train_files(*folders, tmp_path / "more", tiny(**options), unlabelled=discs / "images")


def empty(labels: np.ndarray) -> np.ndarray:
    return np.zeros_like(labels)


def smaller(labels: np.ndarray) -> np.ndarray:
    return labels[:50]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (empty, "no object is annotated in the 6 images to learn from"),
        (smaller, "8 of 8 pairs cannot be learned from"),
    ],
)
def test_labels_that_teach_nothing_are_refused(
    discs: Path, tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], message: str
) -> None:
    (tmp_path / "labels").mkdir()
    for path in (discs / "labels").iterdir():
        tifffile.imwrite(tmp_path / "labels" / path.name, change(tifffile.imread(path)))
    with pytest.raises(InputError, match=message):
        train_files(discs / "images", tmp_path / "labels", tmp_path / "out", tiny())
    assert not list(tmp_path.glob("out*"))


def test_one_image_is_refused(discs: Path, tmp_path: Path) -> None:
    pair = [str(discs / kind / "field0.tif") for kind in ("images", "labels")]
    with pytest.raises(
        InputError, match="1 image of 1 group cannot be parted: training needs at least three"
    ):
        train_files(*pair, tmp_path / "out", tiny())


def test_damaged_weights_of_the_start_are_refused(trained: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(trained["package"], tmp_path / "start")
    weights = tmp_path / "start" / "weights.onnx"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InputError, match="the weights are damaged or were exchanged"):
        find_network(str(tmp_path / "start"))
    with pytest.raises(MethodError, match="there is no such network; give one that comes with Veriscope"):
        find_network("no-such-network")


def test_a_start_of_another_architecture_is_refused(
    trained: dict[str, Any], discs: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained["package"], tmp_path / "start")
    described = tmp_path / "start" / "bioimageio.yaml"
    content = yaml.safe_load(described.read_text())
    content["config"]["veriscope"]["training"]["widths"] = [8, 16, 32]
    described.write_text(yaml.safe_dump(content))
    with pytest.raises(MethodError, match=r"has \d+ convolutions and linear layers, the architecture"):
        train_files(discs / "images", discs / "labels", tmp_path / "out", tiny(start=str(tmp_path / "start")))


def test_a_folder_that_is_no_package_is_not_replaced(discs: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="exists and is no package of a network; choose another -o"):
        train_files(discs / "images", discs / "labels", tmp_path / "mine", tiny())
    assert (tmp_path / "mine" / "thesis.txt").exists()
