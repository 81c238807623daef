"""Heads are made to suit the images: boxes by the sizes of the first class, classes by their numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from veriscope.core.boxes import Boxes
from veriscope.core.image import Image
from veriscope.errors import InputError, MethodError
from veriscope.training.heads.boxes import BoxHead
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.semantic import SemanticHead
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.networks.build import box_sizes, fitting_augmentation, make_head, median_size

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


def test_the_brightness_of_classes_is_kept() -> None:
    found = fitting_augmentation(lit(10, 0), SemanticHead(2), n_channels=1)
    assert (found.style, found.stain) == ("brightfield", 0)
    assert (
        fitting_augmentation(lit(3, 0), ClassificationHead(("a", "b")), n_channels=1).style == "fluorescence"
    )


def test_what_does_not_suit_the_head_is_refused() -> None:
    with pytest.raises(InputError, match="1 of 2 images have no boxes; --head boxes takes a table"):
        make_head("boxes", [boxed([(4, 4)]), without_boxes()])
    with pytest.raises(MethodError, match="no head named 'rings'; there are flow, "):
        make_head("rings", [without_boxes()])
