"""A network that was trained, run the way its users will."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.conftest import draw_discs

from veriscope.core.boxes import Boxes
from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.training.heads.base import Head
from veriscope.training.heads.boxes import BoxHead
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.heads.distance import DistanceHead
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.semantic import SemanticHead
from veriscope.training.heads.star import StarHead
from veriscope.training.images.light import Augmentation
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.split import Split
from veriscope.training.judging.judge import ClassJudge, InstanceJudge
from veriscope.training.judging.judge_boxes import BoxJudge
from veriscope.training.judging.judge_classes import ImageClassJudge
from veriscope.training.loop.lesson import Lesson
from veriscope.training.networks.known import find_network
from veriscope.training.packaging.run import (
    choose_on_validation,
    judge_of,
    make_candidate,
    package_predictor,
    start_predictor,
)
from veriscope.training.settings import TrainSettings

TINY: dict[str, tuple[int, ...]] = {"boxes": (4, 8, 8), "classification": (4, 8, 8)}


def labelled(seed: int) -> LabelledImage:
    pixels, labels = draw_discs(seed, side=64, n=4)
    return LabelledImage(f"f{seed}", Image(pixels, "yx"), labels.astype(np.int32), f"f{seed}", str(seed))


SPLIT = Split((labelled(0), labelled(1)), (labelled(2),), (labelled(3),), "by hand")


def lesson(head: Head, *, n_channels: int = 1) -> Lesson:
    name: Any = head.name
    settings = TrainSettings(head=name, widths=TINY.get(head.name, (4, 8)))
    return Lesson(head, n_channels, settings, "cpu", None, Augmentation())


def candidate(head: Head, folder: Path, *, split: Split = SPLIT, n_channels: int = 1, **more: Any) -> Any:
    one = lesson(head, n_channels=n_channels)
    network = one.network().eval()
    stride = int(network.stride)  # type: ignore[arg-type]
    return make_candidate(one, network, split, folder / head.name, stride=stride, halo=2 * stride, **more)


@pytest.mark.parametrize(
    ("head", "judge"),
    [
        (FlowHead(), InstanceJudge),
        (StarHead(8), InstanceJudge),
        (DistanceHead(), InstanceJudge),
        (SemanticHead(4), ClassJudge),
        (BoxHead(("a", "b")), BoxJudge),
        (ClassificationHead(("a", "b")), ImageClassJudge),
    ],
)
def test_every_head_is_judged_by_what_it_says(head: Head, judge: type) -> None:
    assert type(judge_of(head)) is judge


def test_a_candidate_knows_the_sizes_it_was_trained_with(tmp_path: Path) -> None:
    settings = candidate(FlowHead(), tmp_path).settings
    low, high = settings.diameters
    assert 5 < low < settings.best_diameter < high < 30
    assert (settings.architecture, settings.head, settings.n_channels) == ("unet", "flow", 1)
    assert settings.halo == 2 * settings.stride


def test_sizes_of_classes_of_pixels_say_nothing_of_objects(tmp_path: Path) -> None:
    settings = candidate(SemanticHead(2), tmp_path).settings
    assert settings.diameters == (5.6, 84.0)


def test_a_candidate_for_boxes_is_as_large_as_those_of_the_first_class(tmp_path: Path) -> None:
    edges = np.array([[2, 2, 22, 22], [30, 30, 60, 60], [1, 1, 64, 64]], np.float32)
    boxed = replace(labelled(0), boxes=Boxes(edges, np.array([0, 0, 1]), ("cell", "clump")))
    head = BoxHead(("cell", "clump"), zoom=0.5)
    settings = candidate(head, tmp_path, split=Split((boxed,), (boxed,), (boxed,), "")).settings
    assert settings.classes == ("cell", "clump")
    assert settings.best_diameter == 12.5  # pixels of the network, of which there are half as many
    assert settings.diameters == (20.5, 29.5)
    bare = Split((replace(boxed, boxes=None),), (), (), "")
    assert candidate(head, tmp_path / "bare", split=bare).settings.diameters == (30.0, 30.0)


def test_classes_of_pixels_are_those_with_the_highest_output_at_any_size(tmp_path: Path) -> None:
    package = candidate(SemanticHead(3), tmp_path)
    predict = package_predictor(package)
    for side in (50, 83):
        image = Image(draw_discs(side, side=side)[0], "yx")
        found = predict(image)
        assert isinstance(found, np.ndarray)
        assert found.shape == (side, side) and found.dtype == np.int32
        assert set(np.unique(found)) <= {0, 1, 2}
    colour = Image(np.stack([image.pixels] * 3).astype(np.uint16), "cyx", channels=RGB_CHANNELS)
    assert np.array_equal(predict(colour), found)


def test_nothing_is_chosen_for_classes_and_something_for_objects(tmp_path: Path) -> None:
    package = candidate(SemanticHead(2), tmp_path)
    assert choose_on_validation(package, SPLIT) == (package, {})
    objects = candidate(FlowHead(), tmp_path)
    chosen, record = choose_on_validation(objects, SPLIT)
    assert record["n_images"] == 1 and record["n_objects"] == SPLIT.val[0].n_objects
    assert chosen.folder == objects.folder


@pytest.mark.parametrize(
    ("rgb", "n_channels", "seen"),
    [
        ("luminance", 1, "luminance"),
        ("hematoxylin", 1, "hematoxylin"),
        ("refuse", 1, None),
        ("luminance", 3, None),
    ],
)
def test_colour_images_show_a_grey_network_the_channel_that_it_learned_from(
    tmp_path: Path, rgb: str, n_channels: int, seen: str | None
) -> None:
    package = candidate(FlowHead(), tmp_path, n_channels=n_channels, rgb=rgb)
    assert InstanceNetwork.of(package, name="network").colour_channel == seen


def test_grey_images_go_into_a_network_of_colours(tmp_path: Path) -> None:
    package = candidate(ClassificationHead(("a", "b"), side=32), tmp_path, n_channels=3)
    found = package_predictor(package)(SPLIT.test[0].image)
    assert found.values.sum() == pytest.approx(1, abs=1e-5)
    boxes = package_predictor(candidate(BoxHead(("a",)), tmp_path, n_channels=3))(SPLIT.test[0].image)
    assert boxes.boxes is not None and boxes.boxes.names == ("a",)


def test_a_start_predicts_as_its_package_does(tmp_path: Path) -> None:
    torch.manual_seed(1)
    package = candidate(SemanticHead(2), tmp_path)
    start = find_network(str(package.folder))
    image = SPLIT.test[0].image
    assert np.array_equal(start_predictor(start)(image), package_predictor(package)(image))
