"""Heads are made to suit the images: boxes by the sizes of the first class, classes by their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from veriscope.core.boxes import Boxes
from veriscope.core.classes import ImageClass
from veriscope.core.image import Image
from veriscope.errors import InputError, MethodError
from veriscope.training.heads.boxes import BoxHead
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.semantic import SemanticHead
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.networks.build import (
    box_sizes,
    choose_device,
    fitting_augmentation,
    make_head,
    make_network,
    median_size,
)

NAMES = ("cell", "debris")


def boxed(sides: Sequence[tuple[float, float]], classes: Sequence[int] = ()) -> LabelledImage:
    edges = np.array([(1, 2, 1 + height, 2 + width) for height, width in sides], np.float32).reshape(-1, 4)
    kinds = np.array(classes or [0] * len(sides), np.int64)
    image = Image(np.zeros((8, 8), np.uint8), "yx")
    return LabelledImage("a", image, np.zeros((8, 8), np.int32), "", "", Boxes(edges, kinds, NAMES))


def without_boxes() -> LabelledImage:
    return LabelledImage("b", Image(np.zeros((8, 8), np.uint8), "yx"), np.ones((8, 8), np.int32), "", "")


def test_sizes_are_those_of_the_first_class_in_all_images() -> None:
    pairs = [boxed([(4, 9), (50, 50)], [0, 1]), without_boxes(), boxed([(16, 16)])]
    np.testing.assert_allclose(box_sizes(pairs), [6, 16])
    assert box_sizes([without_boxes()]).shape == (0,)
    assert box_sizes([]).shape == (0,)


@pytest.mark.parametrize(
    ("side", "zoom"), [(12, 2), (2, 8), (24, 1), (40, 1), (48, 1), (96, 0.5), (400, 0.12)]
)
def test_boxes_are_brought_to_the_size_that_a_network_sees_best(side: float, zoom: float) -> None:
    head = make_head("boxes", [boxed([(side, side)] * 3), boxed([(900, 900)], [1])])
    assert isinstance(head, BoxHead)
    assert (head.classes, head.zoom) == (NAMES, zoom)


def test_without_a_box_of_the_first_class_small_ones_are_expected() -> None:
    head = make_head("boxes", [boxed([(30, 30)], [1])])
    assert isinstance(head, BoxHead) and head.zoom == 8


def test_the_smallest_and_the_largest_image_say_how_large_objects_are() -> None:
    pairs = []
    for sides in ((2, 3, 3), (9, 9, 1), ()):
        labels = np.zeros((40, 40), np.int32)
        for number, side in enumerate(sides):
            labels[13 * number : 13 * number + side, :side] = 3 * number + 1
        labels[39] = -1
        pairs.append(LabelledImage("a", Image(np.zeros((40, 40), np.uint8), "yx"), labels, "", ""))
    assert median_size(pairs) == pytest.approx((2 * (9 / np.pi) ** 0.5, 2 * (81 / np.pi) ** 0.5))
    assert median_size(pairs[2:]) == median_size([]) == (30, 30)


def lit(n_dark: int, n_bright: int) -> list[LabelledImage]:
    """Images of an object on grey ground, of which so many are dark and so many bright."""
    labels = np.zeros((8, 8), np.int32)
    labels[2:5, 3:6] = 1
    return [
        LabelledImage("a", Image(np.where(labels, value, 100).astype(np.uint8), "yx"), labels, "", "")
        for value in [30] * n_dark + [200] * n_bright
    ]


@pytest.mark.parametrize(
    ("n_dark", "n_bright", "style", "empty"),
    [
        (0, 10, "fluorescence", 0.04),
        (1, 9, "fluorescence", 0.04),
        (2, 8, "any", 0),
        (5, 5, "any", 0),
        (8, 2, "any", 0),
        (9, 1, "brightfield", 0),
        (10, 0, "brightfield", 0),
    ],
)
def test_images_are_changed_after_what_they_are_of(
    n_dark: int, n_bright: int, style: str, empty: float
) -> None:
    found = fitting_augmentation(lit(n_dark, n_bright), FlowHead(), n_channels=1)
    assert (found.style, found.empty) == (style, empty)
    colour = fitting_augmentation(lit(n_dark, n_bright), FlowHead(), n_channels=3)
    assert colour.style == "brightfield"


def test_without_objects_nothing_is_taken_for_dark() -> None:
    (pair,) = lit(1, 0)
    empty = LabelledImage("b", pair.image, np.zeros_like(pair.labels), "", "")
    assert fitting_augmentation([empty], FlowHead(), n_channels=1).style == "fluorescence"
    assert fitting_augmentation([], FlowHead(), n_channels=1).style == "fluorescence"
    assert fitting_augmentation([empty, *lit(1, 0)], FlowHead(), n_channels=1).style == "brightfield"


def test_where_nothing_around_objects_is_known_nothing_is_said_of_their_brightness() -> None:
    (dark,) = lit(1, 0)
    partly = replace(dark, labels=np.where(dark.labels > 0, 1, -1).astype(np.int32))
    full = replace(dark, labels=np.ones_like(dark.labels))
    for unknown in (partly, full):
        assert fitting_augmentation([unknown], FlowHead(), n_channels=1).style == "fluorescence"
        found = fitting_augmentation([unknown, *lit(2, 0)], FlowHead(), n_channels=1)
        assert found.style == "brightfield"  # not one of three, which would make it "any"


def test_channels_together_say_whether_objects_are_dark() -> None:
    (pair,) = lit(0, 1)
    two = np.stack(
        [pair.image.pixels, np.full((8, 8), 255, np.uint8) - 2 * (pair.labels > 0).astype(np.uint8)]
    )
    found = fitting_augmentation([replace(pair, image=Image(two, "cyx"))], FlowHead(), n_channels=1)
    assert found.style == "fluorescence"


def classed(*kinds: int | None, side: int = 8) -> list[LabelledImage]:
    """Images of a class each, or of none."""
    image = Image(np.zeros((side // 2, side), np.uint8), "yx")
    labels = np.ones((side // 2, side), np.int32)
    return [
        LabelledImage("c", image, labels, "", "", kind=None if kind is None else ImageClass(kind, ("x", "y")))
        for kind in kinds
    ]


@pytest.mark.parametrize(
    ("side", "crop", "zoom", "seen"),
    [
        (8, 192, 1.0, 32),  # never less than 32 pixels are looked at
        (100, 192, 1.0, 112),  # a multiple of 16
        (192, 192, 1.0, 192),
        (384, 192, 0.5, 192),
        (1000, 96, 0.096, 96),
        (64, 40, 0.625, 48),
    ],
)
def test_images_are_brought_to_the_side_that_a_network_for_classes_looks_at(
    side: int, crop: int, zoom: float, seen: int
) -> None:
    head = make_head("classification", classed(0, 1, side=side), crop=crop)
    assert isinstance(head, ClassificationHead)
    assert (head.classes, head.zoom, head.side, head.temperature) == (("x", "y"), zoom, seen, 1.0)


def test_classes_of_pixels_are_counted_from_zero() -> None:
    labels = np.array([[0, 4], [-1, 2]], np.int32)
    pair = LabelledImage("a", Image(np.zeros((2, 2), np.uint8), "yx"), labels, "", "")
    head = make_head("semantic", [pair, without_boxes()], topology=0.5)
    assert isinstance(head, SemanticHead)
    assert (head.n_out, head.topology) == (5, 0.5)


@pytest.mark.parametrize("name", ["flow", "star", "distance"])
def test_heads_for_objects_need_no_images(name: str) -> None:
    assert make_head(name, []).name == name


@pytest.mark.parametrize(
    ("architecture", "head", "n_channels", "shape"),
    [
        ("unet", "flow", 1, (1, 5, 16, 16)),
        ("unet", "star", 3, (1, 33, 16, 16)),
        ("unet", "distance", 1, (1, 3, 16, 16)),
        ("vit", "flow", 3, (1, 5, 96, 96)),
        ("vit", "star", 1, (1, 33, 96, 96)),
        ("boxes", "boxes", 3, (1, 6, 4, 4)),
        ("classifier", "classification", 1, (1, 2)),
    ],
)
@pytest.mark.parametrize("norm", [True, False])
def test_a_network_takes_the_channels_and_gives_what_the_head_asks_for(
    architecture: str, head: str, n_channels: int, shape: tuple[int, ...], norm: bool
) -> None:
    asked = make_head(head, classed(0, 1) if head == "classification" else [boxed([(4, 4)])])
    widths = {"vit": (32,), "boxes": (4, 8, 8)}.get(architecture, (4, 8))
    network = make_network(architecture, n_channels, asked, widths=widths, norm=norm).eval()
    side = 96 if architecture == "vit" else 16
    with torch.no_grad():
        assert network(torch.zeros(1, n_channels, side, side)).shape == shape
    has_norm = any(isinstance(one, torch.nn.BatchNorm2d) for one in network.modules())
    assert has_norm == norm
    assert network.widths == widths


@pytest.mark.parametrize(
    ("there", "asked", "deterministic", "taken"),
    [
        (True, "auto", False, "cuda"),
        (True, "auto", True, "cpu"),
        (True, "cpu", False, "cpu"),
        (True, "cuda", False, "cuda"),
        (False, "auto", False, "cpu"),
        (False, "cpu", True, "cpu"),
    ],
)
def test_a_gpu_is_taken_where_there_is_one_and_nothing_speaks_against_it(
    monkeypatch: pytest.MonkeyPatch, there: bool, asked: Any, deterministic: bool, taken: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert choose_device(asked, deterministic=deterministic) == taken


def test_a_gpu_that_is_not_there_is_not_replaced_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MethodError) as error:
        choose_device("cuda", deterministic=False)
    assert str(error.value) == (
        "--device cuda: torch sees no GPU here; install torch with CUDA, or leave the option out"
    )


def test_objects_of_sizes_beyond_the_usual_widen_what_scaling_may_lead_to() -> None:
    labels = np.zeros((120, 120), np.int32)
    labels[:100, :100] = 1
    large = LabelledImage("a", Image(labels.astype(np.uint8), "yx"), labels, "", "")
    dots = np.zeros((20, 20), np.int32)
    dots[2:4, 2:4] = 1
    small = LabelledImage("b", Image(dots.astype(np.uint8), "yx"), dots, "", "")
    found = fitting_augmentation([large, small], FlowHead(), n_channels=1)
    assert found.diameters == pytest.approx(((16 / np.pi) ** 0.5, 1.5 * (40_000 / np.pi) ** 0.5))
    assert fitting_augmentation(lit(0, 1), FlowHead(), n_channels=1).diameters[1] == 100


def test_the_brightness_of_classes_is_kept() -> None:
    found = fitting_augmentation(lit(10, 0), SemanticHead(2), n_channels=1)
    assert (found.style, found.stain) == ("brightfield", 0)
    assert (
        fitting_augmentation(lit(3, 0), ClassificationHead(("a", "b")), n_channels=1).style == "fluorescence"
    )


def test_what_does_not_suit_the_head_is_refused() -> None:
    with pytest.raises(InputError) as error:
        make_head("classification", classed(0, None, None))
    assert str(error.value) == (
        "2 of 3 images have no class; --head classification takes a table with the columns image and class"
    )
    many = LabelledImage(
        "a", Image(np.zeros((1, 40), np.uint8), "yx"), np.arange(40, dtype=np.int32)[None], "", ""
    )
    with pytest.raises(InputError) as error:
        make_head("semantic", [many])
    assert str(error.value) == (
        "the labels reach 39, which are objects and no classes; use --head flow, or write class images with "
        "0 for the background and 1 to 31 for the classes"
    )
    with pytest.raises(InputError, match="1 of 2 images have no boxes; --head boxes takes a table"):
        make_head("boxes", [boxed([(4, 4)]), without_boxes()])
    with pytest.raises(MethodError, match="no head named 'rings'; there are flow, "):
        make_head("rings", [without_boxes()])
