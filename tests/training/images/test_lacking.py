"""Classes that a part of the images lacks."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.core.classes import ImageClass
from veriscope.core.image import Image
from veriscope.errors import InputError
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.semantic import SemanticHead
from veriscope.training.images.lacking import check_classes
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.split import Split

KINDS = ("ring", "disc")
TELLER = ClassificationHead(KINDS, zoom=1.0, side=32)


def pixels_of(*classes: int) -> LabelledImage:
    labels = np.zeros((4, 4), np.int32)
    labels[0, : len(classes)] = classes
    return LabelledImage("a", Image(np.zeros((4, 4), np.uint8), "yx"), labels, "a", "0")


def whole(kind: int | None) -> LabelledImage:
    named = None if kind is None else ImageClass(kind, KINDS)
    image = Image(np.zeros((4, 4), np.uint8), "yx")
    return LabelledImage("a", image, np.ones((4, 4), np.int32), "a", "0", kind=named)


def said(split: Split, head: FlowHead | SemanticHead | ClassificationHead) -> list[str]:
    told: list[str] = []
    check_classes(split, head, told.append)
    return told


def test_classes_that_all_parts_have_are_passed_over() -> None:
    assert (
        said(Split((pixels_of(1, 2),), (pixels_of(2, 1),), (pixels_of(2), pixels_of(1)), ""), SemanticHead(3))
        == []
    )
    both = (whole(0), whole(1))
    assert said(Split(both, both, both, ""), TELLER) == []


def test_every_class_is_told_with_the_parts_that_lack_it() -> None:
    split = Split((pixels_of(1, 2),), (pixels_of(1),), (pixels_of(0),), "")
    assert said(split, SemanticHead(3)) == [
        "class 1 is in none of the images locked: nothing is known of it there",
        "class 2 is in none of the images to choose by and locked: nothing is known of it there",
    ]
    told = said(Split((whole(0), whole(1)), (whole(1), whole(None)), (whole(0),), ""), TELLER)
    assert [sentence.split(":")[0] for sentence in told] == [
        "class ring is in none of the images to choose by",
        "class disc is in none of the images locked",
    ]


def test_what_cannot_be_learned_is_refused_with_what_to_do() -> None:
    seen = (pixels_of(1, 2),)
    with pytest.raises(InputError, match=r"class 2 is in none .* or number the classes without gaps"):
        said(Split((pixels_of(1),), seen, seen, ""), SemanticHead(3))
    with pytest.raises(InputError, match=r"class disc is in none .* or leave its images out of the table"):
        said(Split((whole(0),), (whole(1),), (whole(1),), ""), TELLER)


def test_the_background_and_pixels_that_are_not_known_are_no_class() -> None:
    with pytest.raises(InputError, match="class 1 is in none of the images to learn from"):
        said(Split((pixels_of(-1, 0),), (pixels_of(1),), (pixels_of(1),), ""), SemanticHead(2))


def test_heads_for_objects_have_no_classes_that_must_be_seen() -> None:
    none = (pixels_of(0),)
    assert said(Split(none, none, none, ""), FlowHead()) == []
