"""Networks that tell classes of images, on tiny ones whose probabilities can be worked out."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.core.source import ArraySource
from veriscope.errors import AxesError, InputError, MethodError, PixelValueError
from veriscope.methods.networks.class_network import ClassNetwork, ClassParameters, continued, shrunk
from veriscope.methods.networks.normalise import ContrastSurvey

from .conftest import Made, mean_classifier

NAMES = ("empty", "full")
RISING = mean_classifier(np.array([[0.0], [4.0]]), np.array([1.0, 0.0]))
"""Logits 1 and four times the mean of the normalised image."""


def network(made: Made, content: bytes = RISING, **settings: Any) -> ClassNetwork:
    options = {"architecture": "classifier", "head": "classification", "classes": NAMES} | settings
    package = made(content, **options)
    return ClassNetwork.of(package, name="network:tiny")(ClassParameters(engine="onnxruntime"))


def halves(share: float, *, shape: tuple[int, int] = (20, 40), dtype: str = "u2") -> Image:
    """Background 100, and from the left a share at 1100."""
    pixels = np.full(shape, 100, dtype)
    pixels[:, : round(share * shape[1])] = 1100 if np.dtype(dtype).itemsize > 1 else 200
    return Image(pixels, "yx", name="halves.tif")


def softmax(logits: list[float]) -> list[float]:
    powers = np.exp(np.array(logits) - max(logits))
    return list(powers / powers.sum())


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4", "f8", ">u2"])
def test_probabilities_are_those_of_the_network_on_the_normalised_image(
    made: Made, share: float, dtype: str
) -> None:
    """The dark percentile becomes 0 and the bright one 1, so that the mean is the share."""
    found = network(made).classify(halves(share, dtype=dtype))
    np.testing.assert_allclose(found.values, softmax([1, 4 * share]), atol=1e-5)
    assert found.names == NAMES
    assert found.name == ("full" if share > 0.25 else "empty"), "of equal ones the first"
    assert found.details["engine"].startswith("onnxruntime ")


def test_equally_probable_classes_give_the_first(made: Made) -> None:
    flat = mean_classifier(np.zeros((2, 1)), np.zeros(2))
    found = network(made, flat).classify(halves(0.3))
    assert (found.number, found.name) == (0, "empty")
    assert found.values.tolist() == [0.5, 0.5]


def test_the_order_of_the_axes_and_of_classes_is_kept(made: Made) -> None:
    """Each class looks at one channel; the channels lie between the axes of the plane, too."""
    each = mean_classifier(5 * np.eye(3), np.zeros(3))
    method = network(made, each, channels=("a", "b", "c"), classes=("A", "B", "C"))
    pixels = np.zeros((3, 24, 30), np.uint16)
    for channel, share in enumerate((0.2, 0.6, 0.4)):
        pixels[channel, :, : round(share * 30)] = 4000
    found = method.classify(Image(pixels, "cyx", channels=("a", "b", "c")))
    np.testing.assert_allclose(found.values, softmax([1, 3, 2]), atol=1e-5)
    assert found.name == "B"
    order = [2, 0, 1]
    other = method.classify(Image(pixels[order], "cyx", channels=("a", "b", "c")))
    np.testing.assert_allclose(other.values, found.values[order], atol=1e-6)


def test_one_brightness_for_all_channels_keeps_a_dim_one_dim(made: Made) -> None:
    each = mean_classifier(5 * np.eye(2), np.zeros(2))
    method = network(made, each, channels=("a", "b"))
    pixels = np.zeros((2, 20, 20), np.uint16)
    pixels[0, :10], pixels[1, :10] = 1000, 500
    found = method.classify(Image(pixels, "cyx", channels=("a", "b")))
    np.testing.assert_allclose(found.values, softmax([2.5, 1.25]), atol=1e-5)


@given(flips=st.tuples(st.booleans(), st.booleans(), st.booleans()), seed=st.integers(0, 99))
def test_scaling_by_a_zoom_knows_no_direction(flips: tuple[bool, bool, bool], seed: int) -> None:
    values = np.random.default_rng(seed).random((2, 21, 34), dtype=np.float32)
    turned = values[:, :: -1 if flips[0] else 1, :: -1 if flips[1] else 1]
    turned = turned.transpose(0, 2, 1) if flips[2] else turned
    for zoom in (0.3, 0.5, 1.7):
        found = shrunk(np.ascontiguousarray(turned), zoom)
        back = found.transpose(0, 2, 1) if flips[2] else found
        back = back[:, :: -1 if flips[0] else 1, :: -1 if flips[1] else 1]
        np.testing.assert_allclose(back, shrunk(values, zoom), atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "zoom", "expected"),
    [((20, 30), 1.0, (20, 30)), ((20, 30), 0.5, (10, 15)), ((3, 2), 0.1, (1, 1)), ((7, 9), 2.5, (18, 22))],
)
def test_a_zoom_gives_so_many_pixels_and_at_least_one(
    shape: tuple[int, int], zoom: float, expected: tuple[int, int]
) -> None:
    values = np.full((2, *shape), 3.25, np.float32)
    found = shrunk(values, zoom)
    assert found.shape == (2, *expected)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 3.25, rtol=1e-6)
    assert (shrunk(values, zoom) is values) == (zoom == 1)


def test_fine_detail_does_not_turn_into_a_pattern_when_an_image_is_shrunk() -> None:
    """Lines of one pixel seen at a third: without smoothing every third of them is met."""
    stripes = np.tile(np.arange(90) % 2, (90, 1)).astype(np.float32)[None]
    assert shrunk(stripes, 0.31)[:, 3:-3, 3:-3].std() < 0.05


def test_a_small_image_is_continued_at_its_edges() -> None:
    values = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    found = continued(values, 5)
    assert found.shape == (1, 5, 5)
    np.testing.assert_array_equal(found[0, 1:3, 1:4], values[0])
    assert found[0, 0].tolist() == [0, 0, 1, 2, 2]
    assert found[0, 4].tolist() == [3, 3, 4, 5, 5]
    assert continued(values, 2) is values
    assert continued(values, 3).shape == (1, 3, 3), "one side alone"


@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (1, 9), (3, 3)])
def test_the_smallest_images_have_a_class(made: Made, shape: tuple[int, int]) -> None:
    pixels = np.zeros(shape, np.uint8)
    pixels.flat[-1] = 255
    image = Image(pixels, "yx")
    found = network(made, smallest_side=8).classify(image)
    seen = ContrastSurvey.measure(ArraySource(image)).normalise(pixels)
    wide = continued(seen[None], 8)
    np.testing.assert_allclose(found.values, softmax([1, 4 * float(wide.mean())]), atol=1e-5)


@pytest.mark.parametrize("value", [0, 7, 65535])
@pytest.mark.parametrize("shape", [(1, 1), (12, 9)])
def test_an_image_without_contrast_is_refused(made: Made, value: int, shape: tuple[int, int]) -> None:
    with pytest.raises(PixelValueError) as error:
        network(made).classify(Image(np.full(shape, value, np.uint16), "yx", name="blank.tif"))
    assert str(error.value) == (
        f"blank.tif: all pixels are {value}, so there is nothing to tell a class by; leave it out"
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_refused(made: Made, value: float) -> None:
    pixels = np.zeros((8, 8), np.float32)
    pixels[2, 3] = value
    with pytest.raises(PixelValueError, match=r"^a\.tif: "):
        network(made).check(Image(pixels, "yx", name="a.tif"))


def test_other_axes_and_channels_are_refused(made: Made) -> None:
    one = network(made)
    with pytest.raises(AxesError) as error:
        one.check(Image(np.zeros((3, 8, 8), np.uint8), "zyx", name="stack.tif"))
    assert str(error.value) == "stack.tif: network:tiny takes 2D images, this one has axes 'zyx'"
    with pytest.raises(AxesError, match=r"takes one channel and the image has 2 \(a, b\); choose one with"):
        one.check(Image(np.zeros((2, 8, 8), np.uint8), "cyx", channels=("a", "b")))
    two = network(made, mean_classifier(np.eye(2), np.zeros(2)), channels=("a", "b"))
    with pytest.raises(AxesError) as error:
        two.check(Image(np.zeros((8, 8), np.uint8), "yx", name="a.tif"))
    assert str(error.value) == (
        "a.tif: network:tiny takes 2 channels and the image has one channel; give images with 2 channels, "
        "or use a method that takes one"
    )


def test_a_network_of_colours_takes_photographs_alone(made: Made) -> None:
    colours = network(
        made, mean_classifier(np.eye(3), np.zeros(3)), channels=RGB_CHANNELS, classes=tuple("abc")
    )
    pixels = np.random.default_rng(0).integers(0, 255, (3, 9, 9)).astype(np.uint8)
    colours.check(Image(pixels, "cyx", channels=RGB_CHANNELS))
    with pytest.raises(AxesError) as error:
        colours.check(Image(pixels, "cyx", channels=("DAPI", "GFP", "Cy5"), name="stains.tif"))
    assert str(error.value) == (
        "stains.tif: network:tiny takes colour photographs (red, green, blue) and the channels of the image "
        "are DAPI, GFP, Cy5; other stains need another network"
    )


def test_objects_are_refused_with_what_to_do(made: Made) -> None:
    with pytest.raises(MethodError) as error:
        network(made).predict(halves(0.5))
    assert str(error.value) == (
        "network:tiny gives the class of an image, not objects: veriscope predict writes a table of classes; "
        "studies take methods that find objects"
    )


def test_the_record_names_classes_and_weights_and_not_what_runs_them(made: Made) -> None:
    method = network(made)
    found = method.describe()
    assert found["classes"] == list(NAMES)
    assert found["task"] == "classification"
    assert found["parameters"] == {}
    assert len(found["weights_sha256"]) == 64
    other = type(method)(ClassParameters(engine="auto"))
    assert other.describe() == found


def test_a_copy_opens_a_network_of_its_own_and_says_the_same(made: Made) -> None:
    method = network(made)
    image = halves(0.7)
    first = method.classify(image)
    copy = pickle.loads(pickle.dumps(method))
    assert copy._opened is None
    copy.limit_threads(1)
    np.testing.assert_array_equal(copy.classify(image).values, first.values)
    assert copy.describe() == method.describe()


@pytest.mark.parametrize("classes", [("one", "two", "three"), ("one",)])
def test_a_package_that_names_other_classes_than_its_network_gives_is_refused(
    made: Made, classes: tuple[str, ...]
) -> None:
    with pytest.raises(InputError, match=rf"do not fit {len(classes)} classes; needed is one for each"):
        network(made, classes=classes).classify(halves(0.5))


def test_an_unknown_engine_is_refused_before_the_first_image() -> None:
    with pytest.raises(InputError, match="engine"):
        ClassParameters.parse({"engine": "tensorrt"}, where="options")
