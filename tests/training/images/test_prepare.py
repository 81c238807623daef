"""What the loop of training is given of an image: its channels, its brightness, and what is known of it."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.core.boxes import Boxes
from veriscope.core.classes import ImageClass
from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.errors import AxesError, PixelValueError, ShapeMismatchError
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.semantic import SemanticHead
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.prepare import (
    channels_first,
    median_diameter,
    prepare,
    prepare_boxes,
    prepare_class,
    seen_by,
)

RNG = np.random.default_rng(0)
GREY = Image(RNG.poisson(500, (24, 30)).astype(np.uint16), "yx", name="grey")
COLOUR = Image(
    RNG.integers(0, 255, (3, 24, 30)).astype(np.uint8), "cyx", channels=RGB_CHANNELS, name="colour"
)
DYES = Image(RNG.poisson(500, (2, 24, 30)).astype(np.uint16), "cyx", channels=("DAPI", "GFP"), name="dyes")


def test_a_grey_image_is_repeated_where_a_network_sees_colours() -> None:
    found = channels_first(GREY, 3)
    assert found.shape == (3, 24, 30) and found.dtype == np.uint16
    assert (found == GREY.pixels).all()
    assert channels_first(GREY, 1).shape == (1, 24, 30)


def test_channels_are_taken_as_they_are_where_their_number_fits() -> None:
    found = channels_first(DYES, 2)
    assert np.array_equal(found, DYES.pixels)


def test_a_network_of_one_channel_sees_the_one_chosen_and_colours_as_luminance() -> None:
    assert np.array_equal(channels_first(DYES, 1, "GFP")[0], DYES.pixels[1])
    assert np.array_equal(channels_first(DYES, 1, 0)[0], DYES.pixels[0])
    grey = channels_first(COLOUR, 1)
    assert grey.shape == (1, 24, 30)
    weights = np.array([0.2126, 0.7152, 0.0722])[:, None, None]
    assert np.abs(grey[0] - (weights * COLOUR.pixels).sum(0)).max() <= 1


def test_channels_and_axes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(AxesError, match="dyes: has 2 channels, the network sees 3"):
        channels_first(DYES, 3)
    with pytest.raises(AxesError, match="dyes: has 2 channels and the analysis takes one"):
        channels_first(DYES, 1)
    stack = Image(np.zeros((4, 8, 8), np.uint8), "zyx", name="stack")
    with pytest.raises(AxesError, match="stack: has axes zyx; training takes 2D images"):
        channels_first(stack, 3)


def test_colour_and_grey_are_exchanged_for_what_a_network_sees() -> None:
    assert seen_by(COLOUR, 1).axes == "yx"
    three = seen_by(GREY, 3)
    assert three.is_rgb and three.name == "grey"
    assert (three.pixels == GREY.pixels).all()
    assert seen_by(GREY, 1) is GREY
    assert seen_by(COLOUR, 3) is COLOUR
    assert seen_by(DYES, 2) is DYES


def test_an_image_is_brought_to_scale_and_what_is_not_known_stays_negative() -> None:
    labels = np.zeros((24, 30), np.int16)
    labels[4:12, 5:15], labels[:, 25:] = 7, -1
    found = prepare(GREY, labels, FlowHead(), weight=2.5)
    assert found.pixels.dtype == np.float32 and found.pixels.shape == (1, 24, 30)
    assert -0.5 < np.median(found.pixels) < 1
    assert found.labels.dtype == np.int32 and np.array_equal(found.labels, labels)
    assert found.targets.shape == (5, 24, 30)
    assert np.array_equal(found.targets[0], labels > 0)
    assert found.diameter == pytest.approx(2 * np.sqrt(80 / np.pi))
    assert found.weight == 2.5
    assert prepare(GREY, labels, SemanticHead(8)).targets.shape == (0, 24, 30)


def test_labels_of_another_size_are_told() -> None:
    with pytest.raises(
        ShapeMismatchError, match=r"grey: the labels have \(24, 29\) pixels, the image \(24, 30\)"
    ):
        prepare(GREY, np.zeros((24, 29), np.int32), FlowHead())


def test_the_diameter_is_the_median_and_thirty_without_objects() -> None:
    labels = np.zeros((40, 40), np.int32)
    labels[:2, :2], labels[5:9, 5:9], labels[10:30, 10:30] = 3, 9, 100
    assert median_diameter(labels) == pytest.approx(2 * np.sqrt(16 / np.pi))
    assert median_diameter(np.zeros((3, 3), np.int32)) == 30
    assert median_diameter(np.full((3, 3), -1, np.int32)) == 30


def boxed(classes: list[int], names: tuple[str, ...]) -> LabelledImage:
    edges = np.array([[1, 2, 9, 12]] * len(classes), np.float32).reshape(-1, 4)
    boxes = Boxes(edges=edges, classes=np.array(classes, np.int32), names=names)
    return LabelledImage("a", GREY, np.zeros((24, 30), np.int32), "a", "0", boxes=boxes)


@pytest.mark.parametrize(
    ("classes", "names", "weight"),
    [
        ([0, 0], ("common", "rare"), 1.0),
        ([0, 1], ("common", "rare"), 1.5),
        ([0], ("cell",), 1.0),
        ([], ("cell",), 1.0),
    ],
)
def test_images_with_a_rare_class_are_drawn_more_often(
    classes: list[int], names: tuple[str, ...], weight: float
) -> None:
    found = prepare_boxes(boxed(classes, names), n_channels=1)
    assert found.weight == weight
    assert found.boxes.shape == (len(classes), 4) and found.boxes.dtype == np.float64
    assert found.classes.tolist() == classes
    assert found.pixels.dtype == np.float32


def test_an_image_with_a_class_is_brought_to_the_scale_of_the_network() -> None:
    whole = np.ones((24, 30), np.int32)
    kind = ImageClass(1, ("a", "b"))
    found = prepare_class(LabelledImage("f", COLOUR, whole, "f", "0", kind=kind), n_channels=3, zoom=0.5)
    assert found.pixels.shape == (3, 12, 15)
    assert found.number == 1
    blank = Image(np.full((24, 30), 9, np.uint8), "yx")
    with pytest.raises(
        PixelValueError, match="f: all pixels are 9, and its class is b; there is nothing to tell"
    ):
        prepare_class(LabelledImage("f", blank, whole, "f", "0", kind=kind), n_channels=1, zoom=1)
