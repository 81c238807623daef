"""What every method refuses, and in which order its objects come."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field, ValidationError

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.errors import AxesError, MethodError, PixelValueError
from veriscope.methods.base import Card, Method


class Options(Settings):
    level: float = Field(default=5.0, gt=0)


class Backwards(Method):
    """Numbers objects from the last to the first, with gaps."""

    name: ClassVar[str] = "backwards"
    version: ClassVar[str] = "7"
    Parameters: ClassVar[type[Settings]] = Options
    card: ClassVar[Card] = Card(summary="Backwards.", objects=("pixel",), modalities=(), dimensions=(2, 3))

    def _predict(self, image: Image) -> Prediction:
        bright = image.pixels > self.parameters.level
        labels = np.zeros(image.shape, np.int32)
        labels[bright] = 2 * np.arange(bright.sum(), 0, -1)
        chances = np.full(2 * int(bright.sum()), -1, np.float32)
        chances[labels[bright] - 1] = image.pixels[bright] / 100
        return Prediction(labels, image.axes, probabilities=chances if bright.any() else None)


class TwoDyes(Backwards):
    """Sees two channels."""

    name: ClassVar[str] = "two-dyes"
    n_channels: ClassVar[int] = 2
    card: ClassVar[Card] = Card(summary="Two.", objects=("cell",), modalities=(), channels="DAPI and actin")


def image(shape: tuple[int, ...], axes: str, **options: Any) -> Image:
    return Image(np.zeros(shape), axes, name="a.tif", **options)


def test_objects_come_out_in_the_order_of_their_first_pixels_with_what_is_known_of_each() -> None:
    found = Backwards().predict(Image(np.array([[0, 30, 0], [10, 0, 20]]), "yx"))
    assert found.labels.tolist() == [[0, 1, 0], [2, 0, 3]]
    assert found.probabilities is not None
    np.testing.assert_allclose(found.probabilities, [0.3, 0.1, 0.2])
    assert Backwards().predict(image((2, 2), "yx")).n_objects == 0


@pytest.mark.parametrize(
    ("method", "wrong", "message"),
    [
        (
            Backwards(),
            image((2, 3, 4), "cyx", channels=("DAPI", "actin")),
            "a.tif: backwards takes one channel and the image has 2 (DAPI, actin); choose one with --channel",
        ),
        (
            Backwards(),
            image((3, 3, 4), "cyx", channels=RGB_CHANNELS),
            "a.tif: backwards takes one channel and the image has 3 (red, green, blue); choose one with "
            "--channel, or --channel luminance for the brightness of a colour image",
        ),
        (
            Backwards(),
            image((2, 3, 4), "tyx"),
            "a.tif: backwards takes single time points and the image has axis t",
        ),
        (
            TwoDyes(),
            image((3, 3, 4), "cyx", channels=("a", "b", "c")),
            "a.tif: two-dyes takes DAPI and actin and the image has a, b, c; give images with 2 channels, or "
            "use a method that takes one",
        ),
        (
            TwoDyes(),
            image((3, 4), "yx"),
            "a.tif: two-dyes takes DAPI and actin and the image has one channel; give images with "
            "2 channels, or use a method that takes one",
        ),
        (
            TwoDyes(),
            image((2, 3, 3, 4), "czyx"),
            "a.tif: two-dyes takes 2D images, this one has axes 'czyx'",
        ),
    ],
)
def test_images_of_other_axes_are_refused_before_any_work(method: Method, wrong: Image, message: str) -> None:
    for call in (method.check, method.predict):
        with pytest.raises(AxesError) as error:
            call(wrong)
        assert str(error.value) == message


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_pixel_that_is_no_number_is_refused(value: float) -> None:
    pixels = np.zeros((4, 5), np.float32)
    pixels[1, 2] = value
    with pytest.raises(PixelValueError, match=r"^a\.tif: 1 of 20 pixels are NaN or infinite; replace them"):
        Backwards().predict(Image(pixels, "yx", name="a.tif"))


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)])
def test_what_the_card_lists_is_taken(shape: tuple[int, ...]) -> None:
    assert Backwards().predict(image(shape, "zyx"[-len(shape) :])).labels.shape == shape


def test_parameters_are_of_the_method_and_stay_as_they_are() -> None:
    method = Backwards(Options(level=50))
    assert method.describe() == {
        "name": "backwards",
        "version": "7",
        "task": "instance",
        "parameters": {"level": 50.0},
    }
    with pytest.raises(ValidationError, match="frozen"):
        method.parameters.level = 3
    for wrong in (Settings(), {"level": 3}, 3):
        with pytest.raises(MethodError, match="backwards: parameters must be Options, got "):
            Backwards(wrong)  # type: ignore[arg-type]
    again = pickle.loads(pickle.dumps(method))
    assert again.describe() == method.describe()


def test_a_method_that_says_nothing_of_itself_has_safe_defaults() -> None:
    """It sees one channel and promises nothing of its memory; limits that it has not change nothing."""
    method = Backwards()
    assert (method.n_channels, method.colour_channel, method.finds_boxes) == (1, None, False)
    assert (method.task, method.needs_training) == ("instance", False)
    assert method.whole_bytes((1000, 1000)) is None
    seen = Image(np.array([[0, 30], [10, 0]]), "yx")
    before = method.predict(seen).labels
    method.limit_threads(1)
    method.limit_memory(1)
    method.make_ready()
    np.testing.assert_array_equal(method.predict(seen).labels, before)


@pytest.mark.parametrize("dtype", ["?", "u1", ">u2", "i8", "f4"])
def test_the_image_is_not_changed_even_where_it_could_be(dtype: str) -> None:
    pixels = (np.arange(12).reshape(3, 4) % 7).astype(dtype)
    before = pixels.copy()
    Backwards().predict(Image(pixels, "yx"))
    np.testing.assert_array_equal(pixels, before)
    pixels.flags.writeable = False
    assert Backwards().predict(Image(pixels, "yx")).labels.shape == (3, 4)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"diameter_px": (1.0,)}, "diameter_px"),
        ({"foreground": "grey"}, "foreground"),
        ({"summary": None}, "summary"),
        ({"license": "MIT"}, "license"),
    ],
)
def test_a_card_knows_its_fields_and_never_changes(wrong: dict[str, Any], named: str) -> None:
    fields: dict[str, Any] = {"summary": "One.", "objects": (), "modalities": ()}
    with pytest.raises(ValidationError, match=named):
        Card.model_validate(fields | wrong)
    card = Card.model_validate(fields)
    assert (card.licence, card.dimensions, card.training_data) == ("BSD-3-Clause", (2,), "none")
    with pytest.raises(ValidationError, match="frozen"):
        card.summary = "Two."
