"""A start is suited to the images before its first step, and what comes out goes on that way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
import yaml
from tests.training.conftest import disc_images, draw_discs
from torch import nn

from veriscope.core.image import Image
from veriscope.registry import make_method
from veriscope.training.heads.base import Head
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.semantic import SemanticHead
from veriscope.training.heads.star import StarHead
from veriscope.training.images.light import Augmentation
from veriscope.training.loop.lesson import Lesson
from veriscope.training.loop.suit import suit_start
from veriscope.training.networks.known import KnownNetwork, find_network
from veriscope.training.settings import TrainSettings
from veriscope.training.supervised import train_files


def lesson(start: KnownNetwork, head: Head, **options: Any) -> Lesson:
    settings = TrainSettings.parse({"start": start.name, "steps": 1} | options, where="test")
    return Lesson(head, 1, settings, "cpu", start, Augmentation())


def crops() -> torch.Tensor:
    return torch.from_numpy(np.stack([image.pixels for image in disc_images(dark=True)]))


def normalisations(network: nn.Module) -> int:
    return sum(isinstance(one, nn.BatchNorm2d) for one in network.modules())


def test_a_start_sees_density_says_so_and_says_of_the_images_what_its_package_would(
    brightness: KnownNetwork,
) -> None:
    said: list[str] = []
    network, shown = suit_start(lesson(brightness, FlowHead()), disc_images(dark=True), crops(), said.append)
    assert network.sees == "density"
    assert shown["density"] > 0.99
    (sentence,) = said
    assert sentence.startswith(f"{brightness.name} is shown the optical density of these images: there it ")
    assert sentence.endswith("in their light in 0%")
    assert normalisations(network) == 5
    plain = brightness.network(1, FlowHead(), sees="density")
    with torch.no_grad():
        torch.testing.assert_close(network.eval()(crops()), plain(crops()), atol=1e-3, rtol=1e-3)


def test_images_that_the_start_knows_change_nothing_and_nothing_is_said(brightness: KnownNetwork) -> None:
    said: list[str] = []
    network, shown = suit_start(lesson(brightness, FlowHead()), disc_images(), crops(), said.append)
    assert network.sees == "light"
    assert shown["light"] > shown["density"]
    assert not said


def test_another_head_for_objects_is_suited_by_what_the_start_says(brightness: KnownNetwork) -> None:
    network, shown = suit_start(lesson(brightness, StarHead()), disc_images(dark=True), crops())
    assert network.sees == "density"
    assert set(shown) == {"light", "density"}


def test_classes_of_pixels_are_no_objects_to_choose_by(brightness: KnownNetwork) -> None:
    network, shown = suit_start(lesson(brightness, SemanticHead(3)), disc_images(dark=True), crops())
    assert (network.sees, shown) == ("light", {})
    absorbs = replace(brightness, settings={**brightness.settings, "sees": "density"})
    assert suit_start(lesson(absorbs, SemanticHead(3)), disc_images(), crops())[0].sees == "density"


def test_a_start_learns_more_slowly_than_new_weights(brightness: KnownNetwork) -> None:
    rates = {tune: lesson(brightness, FlowHead(), tune=tune).rate() for tune in ("all", "head")}
    new = replace(lesson(brightness, FlowHead()), start=None).rate()
    assert 0 < rates["head"] < rates["all"] < new
    assert lesson(brightness, FlowHead(), rate=0.01).rate() == 0.01


def test_where_the_head_alone_learns_the_rest_stays_as_it_was_packaged(brightness: KnownNetwork) -> None:
    network, _ = suit_start(lesson(brightness, FlowHead(), tune="head"), disc_images(dark=True), crops())
    assert normalisations(network) == 0
    assert network.sees == "density"
    learned = {name.split(".")[0] for name, one in network.named_parameters() if one.requires_grad}
    assert learned == {"head"}


@pytest.fixture(scope="module")
def tuned(brightness: KnownNetwork, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A network for dark discs on bright ground, made from one that knows bright discs."""
    folder = tmp_path_factory.mktemp("dark")
    for name in ("images", "labels"):
        (folder / name).mkdir()
    for number in range(6):
        pixels, labels = draw_discs(number)
        tifffile.imwrite(folder / "images" / f"field{number}.tif", pixels.max() - pixels)
        tifffile.imwrite(folder / "labels" / f"field{number}.tif", labels)
    options = {"start": str(brightness.folder), "steps": 60, "crop": 64, "batch": 4, "device": "cpu"}
    settings = TrainSettings.parse(options, where="test")
    return train_files(folder / "images", folder / "labels", folder / "tuned", settings) | {"folder": folder}


def test_the_package_of_a_start_that_sees_density_finds_dark_objects(tuned: dict[str, Any]) -> None:
    assert tuned["figures"]["f1@0.5"]["value"] > 0.8
    assert tuned["states"] == {"format_valid": "yes", "output_reproduced": "yes"}
    assert any("optical density" in note for note in tuned["notes"])
    method = make_method(tuned["method"])
    pixels, labels = draw_discs(50)
    found = method.predict(Image(pixels.max() - pixels, "yx")).labels
    assert abs(int(found.max()) - int(labels.max())) <= 2
    assert (found[labels == 0] == 0).mean() > 0.9


def test_the_package_says_what_its_layers_see_and_how_that_was_chosen(tuned: dict[str, Any]) -> None:
    own = yaml.safe_load((Path(tuned["package"]) / "bioimageio.yaml").read_text())["config"]["veriscope"]
    assert own["network"]["sees"] == "density"
    assert own["training"]["start"]["shown"]["density"] > 0.99
    assert own["training"]["start"]["shown"]["light"] < 0.01


def test_a_training_that_goes_on_from_it_keeps_what_it_sees(tuned: dict[str, Any]) -> None:
    known = find_network(tuned["package"])
    assert known.sees == "density"
    network, _ = suit_start(lesson(known, FlowHead()), disc_images(dark=True), crops())
    assert network.sees == "density"
    assert known.network(1, FlowHead()).sees == "density"
