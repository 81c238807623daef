"""Every built-in method keeps the contract; a broken one is caught."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from scipy import ndimage

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.core.prediction import Prediction
from veriscope.core.source import PixelSource
from veriscope.errors import AxesError, InputError, MethodError
from veriscope.methods.base import Card, Method
from veriscope.methods.local_method import Footprint, LocalMethod, Part, Survey
from veriscope.methods.pixels.pixel_forest import PixelForest
from veriscope.registry import get_method, make_method, method_names
from veriscope.testing.methods import check_method, discs_image

READY = [name for name in method_names() if not get_method(name).needs_training]


@pytest.mark.parametrize("name", READY)
def test_built_in_methods_keep_the_contract(name: str) -> None:
    if 2 not in get_method(name).card.dimensions:
        return check_method(make_method(name))
    image = discs_image()
    n_channels = get_method(name).n_channels
    if n_channels > 1:
        # As a photograph in transmitted light, where objects are dark.
        dark = np.repeat(255 - image.pixels[None], n_channels, axis=0)
        image = Image(dark, "cyx", channels=RGB_CHANNELS, name="discs")
    elif get_method(name).card.modalities == ("phase-contrast",):  # cells that adhere are dark
        image = Image(image.pixels.max() - image.pixels, "yx", name="discs")
    check_method(make_method(name), image=image)


def test_trained_forest_keeps_the_contract() -> None:
    image = discs_image()
    labels = make_method("otsu-watershed").predict(image).labels
    check_method(PixelForest().fit([image], [labels]))


@pytest.mark.parametrize("name", method_names())
def test_cards_say_what_matters(name: str) -> None:
    card = get_method(name).card
    assert card.summary.endswith(".")
    assert card.objects
    assert card.limits, "a method without a known limit has not been looked at"


class Careless(Method):
    """Breaks one rule at a time."""

    name: ClassVar[str] = "careless"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(summary="Breaks the contract.", objects=("disc",), modalities=())
    fault: str = ""
    calls: int = 0

    def _predict(self, image: Image) -> Prediction:
        labels = np.zeros(image.shape, np.int32)
        if self.fault != "finds nothing" and np.ptp(image.pixels) > 0:
            labels[image.pixels > image.pixels.mean()] = 1
        if self.fault == "finds something in a constant image":
            labels[0, 0] = 1
        if self.fault == "changes the input" and image.pixels.flags.writeable:
            image.pixels[:] = 0
        if self.fault == "differs between calls":
            self.calls += 1
            labels[: 10 * self.calls] = 0
        return Prediction(labels, image.axes)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("finds nothing", "found nothing"),
        ("finds something in a constant image", "a constant image has objects"),
        ("changes the input", "changed its input"),
        ("differs between calls", "two different results"),
    ],
)
def test_check_method_catches(fault: str, message: str) -> None:
    method = Careless()
    method.fault = fault
    with pytest.raises(AssertionError, match=message):
        check_method(method)


def test_check_method_accepts_a_sound_plugin() -> None:
    check_method(Careless())


def test_unknown_method_names_the_closest() -> None:
    with pytest.raises(MethodError, match="did you mean 'otsu-watershed'"):
        get_method("otsu-watersheds")


def test_wrong_options_are_all_named() -> None:
    with pytest.raises(InputError) as error:
        make_method("otsu-watershed", {"diameter": -3, "colour": "red"})
    assert str(error.value).splitlines() == [
        "method otsu-watershed: wrong options",
        "  - diameter: Input should be greater than 1 (got -3)",
        "  - colour: Extra inputs are not permitted (got 'red')",
        "Options are: diameter, foreground, smoothing",
    ]


def test_colour_image_is_refused_with_the_remedy() -> None:
    image = Image(np.zeros((3, 8, 8), np.uint8), "cyx", channels=("red", "green", "blue"), name="a.png")
    with pytest.raises(AxesError) as error:
        make_method("otsu-watershed").predict(image)
    assert str(error.value) == (
        "a.png: otsu-watershed takes one channel and the image has 3 (red, green, blue); choose one with "
        "--channel, or --channel luminance for the brightness of a colour image"
    )


def test_parameters_of_another_method_are_refused() -> None:
    with pytest.raises(MethodError, match="parameters must be OtsuWatershedParameters"):
        get_method("otsu-watershed")(get_method("log-spots").Parameters())


class Narrow(LocalMethod):
    """Claims to look less far than it does, or measures block by block."""

    name: ClassVar[str] = "narrow"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(summary="Looks 9 pixels far.", objects=("disc",), modalities=())

    class SurveyType(Survey):
        level: float

    fault: str = ""

    def survey(self, source: PixelSource) -> Survey:
        blocks = [block.pixels[block.core] for block in source.blocks()]
        level = blocks[0].mean() if self.fault == "measures a block" else 60 if np.ptp(blocks[0]) else 1e9
        return self.SurveyType(level=level)

    def footprint(self, survey: Survey) -> Footprint:
        return Footprint(0 if self.fault == "looks too far" else 10, 20)

    def _predict_part(self, part: Part, survey: Any) -> Prediction:
        mean = ndimage.uniform_filter(part.image.pixels.astype(float), 19)
        mask = (part.image.pixels > survey.level) & (part.image.pixels > mean)
        return Prediction(ndimage.label(mask)[0].astype(np.int32), part.image.axes)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("looks too far", "a part has objects that the whole has not"),
        ("measures a block", "the survey depends on how the image is cut into blocks"),
    ],
)
def test_check_method_catches_what_would_leave_seams(fault: str, message: str) -> None:
    method = Narrow()
    method.fault = fault
    with pytest.raises(AssertionError, match=message):
        check_method(method)


def test_check_method_accepts_a_sound_local_plugin() -> None:
    check_method(Narrow())
