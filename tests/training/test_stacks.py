"""A network for stacks, from files to a method: it learns planes, and is judged and compared in space."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import yaml
from typer.testing import CliRunner

from veriscope.cli.app import app
from veriscope.core.image import Image
from veriscope.errors import AxesError, InputError
from veriscope.io.images import read_image
from veriscope.methods.networks.stack_network import StackNetwork, StackNetworkParameters
from veriscope.registry import make_method
from veriscope.training.networks.known import find_network
from veriscope.training.packaging.run import start_predictor
from veriscope.training.settings import TrainSettings
from veriscope.training.supervised import train_files
from veriscope.validate.instances import compare_instances

PIXEL = 0.4
APART = 2


def tiny(**options: Any) -> TrainSettings:
    usual = {"widths": (8, 16), "crop": 48, "batch": 4, "rate": 0.01, "seed": 1, "device": "cpu", "steps": 2}
    return TrainSettings.parse(usual | options, where="test")


def draw_balls(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Bright balls that do not touch, every second plane of a cube of 40 pixels, and their labels."""
    rng = np.random.default_rng(seed)
    place = np.indices((40, 40, 40))
    labels = np.zeros((40, 40, 40), np.uint16)
    for number in range(1, 6):
        for _ in range(80):
            centre, radius = rng.uniform(6, 34, 3), rng.uniform(5, 7)
            away = np.sqrt(((place - centre[:, None, None, None]) ** 2).sum(0))
            if not labels[away < radius + 3].any():
                labels[away < radius] = number
                break
    return rng.poisson(200 + 900 * (labels > 0))[::APART].astype(np.uint16), labels[::APART]


def write_stack(path: Path, values: np.ndarray) -> None:
    facts = {"axes": "ZYX", "spacing": APART * PIXEL, "unit": "um"}
    tifffile.imwrite(path, values, imagej=True, metadata=facts, resolution=(1 / PIXEL,) * 2)


@pytest.fixture(scope="module")
def balls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five stacks with labels; not to be changed."""
    folder = tmp_path_factory.mktemp("balls")
    for name in ("images", "labels"):
        (folder / name).mkdir()
    for seed in range(5):
        for name, values in zip(("images", "labels"), draw_balls(seed), strict=True):
            write_stack(folder / name / f"stack{seed}.tif", values)
    return folder


@pytest.fixture(scope="module")
def trained(balls: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A network of enough steps to find balls."""
    target = tmp_path_factory.mktemp("trained") / "balls"
    return train_files(balls / "images", balls / "labels", target, tiny(steps=120), objects="ball")


def settings_of(package: str | Path) -> dict[str, Any]:
    found = yaml.safe_load((Path(package) / "bioimageio.yaml").read_text())["config"]["veriscope"]
    return dict(found)


def test_a_tiny_network_learns_balls_and_is_judged_in_space(trained: dict[str, Any]) -> None:
    assert trained["figures"]["f1@0.5"]["value"] > 0.7
    assert trained["states"] == {"format_valid": "yes", "output_reproduced": "yes"}
    assert [trained["split"][part]["images"] for part in ("train", "val", "test")] == [3, 1, 1]
    assert trained["split"]["test"]["objects"] == 5, "balls, not their sections"
    assert set(trained["envelope"]["changes"]) == {"blur", "noise", "contrast", "scale"}
    json.dumps(trained)


def test_the_package_says_that_it_is_for_stacks(trained: dict[str, Any]) -> None:
    own = settings_of(trained["package"])
    assert own["network"]["dimensions"] == 3
    assert 10 <= own["network"]["best_diameter"] <= 14, "that of balls, in pixels, not of their sections"
    assert own["training"]["choice"]["n_objects"] == 5
    assert own["card"]["dimensions"] == [3]
    assert "in stacks" in own["card"]["summary"]
    assert any(limit.startswith("For stacks.") for limit in own["card"]["limits"])


def test_the_package_is_a_method_for_stacks(trained: dict[str, Any], balls: Path) -> None:
    method = make_method(trained["method"])
    assert isinstance(method, StackNetwork) and method.card.dimensions == (3,)
    image = read_image(balls / "images" / "stack0.tif")
    found = method.predict(image)
    truth = tifffile.imread(balls / "labels" / "stack0.tif")
    assert compare_instances([truth], [found.labels]).metrics["f1@0.5"].value > 0.7
    assert found.details["anisotropy"] == APART
    copy = pickle.loads(pickle.dumps(method))
    np.testing.assert_array_equal(copy.predict(image).labels, found.labels)
    said = method.describe()
    assert said["parameters"]["threshold"] == settings_of(trained["package"])["network"]["threshold"]
    other = make_method(trained["method"], {"threshold": 0.9})
    assert other.describe()["parameters"]["threshold"] == 0.9
    with pytest.raises(AxesError, match="takes 3D images, this one has axes 'yx'"):
        method.predict(Image(image.pixels[0], "yx"))


def test_empty_stacks_have_no_objects_and_sizes_it_knows_are_not_rescaled(trained: dict[str, Any]) -> None:
    method = make_method(trained["method"])
    assert isinstance(method, StackNetwork)
    spacing = {"z": APART * PIXEL, "y": PIXEL, "x": PIXEL}
    constant = Image(np.full((6, 40, 40), 9, np.uint16), "zyx", spacing)
    assert method.predict(constant).labels.max() == 0
    small, large = method.package.settings.diameters
    best = method.package.settings.best_diameter
    assert method._scale(small) == method._scale(large) == 1
    assert method._scale(2 * large) == pytest.approx(best / (2 * large))


def test_the_start_is_compared_in_space(trained: dict[str, Any], balls: Path, tmp_path: Path) -> None:
    images = balls / "images", balls / "labels"
    again = train_files(*images, tmp_path / "again", tiny(start=trained["package"], rate=1e-6))
    assert again["comparison"] is not None and again["recommended"] == "start", "two steps make it no better"
    assert settings_of(again["package"])["network"]["dimensions"] == 3
    assert again["split"]["test"] == trained["split"]["test"], "what was locked stays so"


def test_a_network_for_planes_can_be_started_from(balls: Path) -> None:
    start = find_network("nuclei-stacks")
    assert start.folder == find_network("nuclei-fluorescence").folder
    image = read_image(balls / "images" / "stack1.tif")
    found = start_predictor(start, stacks=True)(image)
    np.testing.assert_array_equal(found, make_method("nuclei-stacks").predict(image).labels)


def test_the_method_for_stacks_of_a_network_for_planes_keeps_its_threshold() -> None:
    method = make_method("nuclei-stacks")
    assert isinstance(method, StackNetwork)
    assert method.package.settings.dimensions == 2
    assert method.describe()["parameters"]["threshold"] == 0.5
    assert StackNetworkParameters().filled(method.package.settings).threshold == 0.5


@pytest.mark.parametrize("head", ["star", "distance", "semantic", "boxes"])
def test_other_heads_refuse_stacks_before_anything_is_made(head: str, balls: Path, tmp_path: Path) -> None:
    said = r"(?s)5 of 5 pairs .*is a stack \(axes zyx\), from which only the head flow learns"
    with pytest.raises(InputError, match=said):
        train_files(balls / "images", balls / "labels", tmp_path / "net", tiny(head=head))
    assert list(tmp_path.iterdir()) == []


def test_the_learning_curve_counts_objects_and_stacks(balls: Path, tmp_path: Path) -> None:
    found = train_files(balls / "images", balls / "labels", tmp_path / "net", tiny(steps=8, curve=True))
    points = found["learning_curve"]["points"]
    assert [(point["images"], point["objects"]) for point in points] == [(1, 5), (2, 10), (3, 15)]
    assert "50 more annotated objects would gain" in found["learning_curve"]["sentence"]


def test_stacks_without_labels_are_learned_from_too(balls: Path, tmp_path: Path) -> None:
    alone = uncalibrated(tmp_path / "more", balls)
    line = balls / "images", balls / "labels", tmp_path / "net", tiny()
    with pytest.raises(AxesError, match=r"stack0, .*how far apart the planes lie is not known"):
        train_files(*line, unlabelled=alone)
    flat = tmp_path / "flat"
    flat.mkdir()
    tifffile.imwrite(flat / "plane.tif", tifffile.imread(alone / "stack0.tif")[5])
    with pytest.raises(InputError, match=r"5 of 6 files are stacks, .* images, such as plane"):
        train_files(*line, unlabelled=flat)
    found = train_files(*line, unlabelled=balls / "images" / "stack4.tif")
    training = settings_of(found["package"])["training"]
    assert training["unlabelled_images"] == 1 and training["steps"] == 2


def uncalibrated(folder: Path, balls: Path) -> Path:
    folder.mkdir()
    for path in (balls / "images").iterdir():
        tifffile.imwrite(folder / path.name, tifffile.imread(path), metadata={"axes": "ZYX"})
    return folder


def test_the_distance_of_planes_can_be_said(balls: Path, trained: dict[str, Any], tmp_path: Path) -> None:
    images, start = uncalibrated(tmp_path / "images", balls), trained["package"]
    words = ["train", images, balls / "labels", "-o", tmp_path / "net", "--from", start, "--steps", "1"]
    line = [*map(str, words), "--json"]
    failed = CliRunner().invoke(app, line)
    assert isinstance(failed.exception, AxesError)
    assert "how far apart the planes lie is not known" in str(failed.exception)
    assert not (tmp_path / "net").exists()
    done = CliRunner().invoke(app, [*line, "--spacing", "z=2,y=1,x=1"])
    assert done.exit_code == 0, done.output
    found = settings_of(json.loads(done.stdout)["package"])["network"]
    assert (found["dimensions"], found["head"]) == (3, "flow")


def test_a_pixel_size_without_labels_has_no_effect_and_is_refused(balls: Path, tmp_path: Path) -> None:
    words = ["train", balls / "images", "-o", tmp_path / "net", "--self-supervised", "n2v", "--spacing", "1"]
    failed = CliRunner().invoke(app, [str(word) for word in words])
    assert "--spacing cannot be given with --self-supervised" in str(failed.exception)


def test_images_and_stacks_together_are_refused(balls: Path, tmp_path: Path) -> None:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
        for number in range(4):
            values = tifffile.imread(balls / name / f"stack{number}.tif")
            write = write_stack if number else tifffile.imwrite
            write(tmp_path / name / f"s{number}.tif", values if number else values[5])
    with pytest.raises(InputError, match=r"3 of 4 files are stacks, such as s1, .* images, such as s0"):
        train_files(tmp_path / "images", tmp_path / "labels", tmp_path / "net", tiny())
