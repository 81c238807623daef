"""What authors of plugins run: sound methods pass, and a broken one is told which rule it breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.errors import AxesError
from veriscope.methods.base import Card, Method
from veriscope.registry import make_method
from veriscope.testing.methods import check_method, discs_image


class Options(Settings):
    """Options of the method below."""

    level: float = 0.5
    """Share of the range above which a pixel is an object's."""


class Threshold(Method):
    """A sound method; a fault is put into what it gives, or comes before it."""

    name: ClassVar[str] = "threshold"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(summary="Half of the range.", objects=("disc",), modalities=())
    Parameters: ClassVar[type[Settings]] = Options
    before: Callable[[Image], None] = staticmethod(lambda image: None)
    after: Callable[[Prediction, Image], Any] = staticmethod(lambda found, image: found)

    def _predict(self, image: Image) -> Any:
        self.before(image)
        pixels = image.pixels.astype(np.float64)
        low, high = pixels.min(), pixels.max()
        share = (pixels - low) / max(high - low, 1e-9)
        labels, n = ndimage.label(share > self.parameters.level)
        return self.after(
            Prediction(
                labels.astype(np.int32),
                image.axes,
                probabilities=np.full(n, 0.75, np.float32),
                probability_map=share.astype(np.float32),
                details={"level": float(self.parameters.level)},
            ),
            image,
        )


def faulty(**parts: Any) -> Method:
    """A method with one thing changed."""
    return type("Faulty", (Threshold,), {key: staticmethod(part) for key, part in parts.items()})()


def test_a_sound_method_passes() -> None:
    check_method(Threshold())
    check_method(Threshold(Options(level=0.3)), image=discs_image((60, 90), diameter=11, seed=4))


def refuse(error: Exception) -> Callable[[Image], None]:
    def before(image: Image) -> None:
        if image.shape == (3, 5):
            raise error

    return before


def differ(found: Prediction, image: Image) -> Prediction:
    noise = np.random.default_rng().random(found.n_objects).astype(np.float32)
    return replace(found, probabilities=noise)


GIVES: dict[str, Callable[[Prediction, Image], Any]] = {
    "labels are int64, the contract says int32": lambda found, image: replace(
        found, labels=found.labels.astype(np.int64)
    ),
    "labels do not have the shape of the image": lambda found, image: Prediction(
        np.pad(found.labels, 1), found.axes
    ),
    "a probability is NaN or infinite": lambda found, image: replace(
        found, probabilities=np.full(found.n_objects, np.nan, np.float32)
    ),
    "a probability is outside 0 to 1": lambda found, image: replace(
        found, probability_map=found.probability_map * 255
    ),
    "the same image gave two different probabilities": differ,
    "the method found nothing in an image with objects": lambda found, image: Prediction(
        np.zeros_like(found.labels), found.axes
    ),
    "a constant image has objects": lambda found, image: (
        found if np.ptp(image.pixels) else Prediction(np.ones_like(found.labels), found.axes)
    ),
    "a map of probability comes with some images and not with a constant one": lambda found, image: (
        found if np.ptp(image.pixels) else replace(found, probability_map=None)
    ),
    "details are not plain values, so no record can keep them": lambda found, image: replace(
        found, details={"level": np.float32(0.5)}
    ),
}


@pytest.mark.parametrize("message", GIVES)
def test_what_a_method_must_not_give_is_named(message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_method(faulty(after=GIVES[message]))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "error", [ValueError("zero-size array"), IndexError("out of bounds"), RuntimeError("?")]
)
def test_a_failure_is_told_with_the_image_it_fails_on(error: Exception) -> None:
    """It used to come through as whatever the method raised, without a word about the image."""
    with pytest.raises(AssertionError) as caught:
        check_method(faulty(before=refuse(error)))
    assert str(caught.value) == (
        f"the method fails on an image of 3 × 5 pixels: {type(error).__name__}: {error}"
    )


def change(image: Image) -> None:
    if image.pixels.flags.writeable:
        image.pixels[0, 0] += 1


def write(image: Image) -> None:
    image.pixels[0, 0] = image.pixels[0, 0]


@pytest.mark.parametrize(
    ("before", "message"),
    [
        (change, "the method changed its input"),
        (write, "the method fails on an image that must not be changed: ValueError"),
    ],
)
def test_input_is_not_to_be_touched(before: Callable[[Image], None], message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_method(faulty(before=before))
    assert message in str(caught.value)


class Trusting(Threshold):
    """Skips the check of the contract, as a method does that overrides `predict`."""

    error: type[Exception] | None = None

    def predict(self, image: Image) -> Prediction:
        """Predict whatever comes."""
        if self.error is not None and not (image.axes == "yx" and np.isfinite(image.pixels).all()):
            raise self.error("no")
        pixels = np.nan_to_num(image.pixels)
        while pixels.ndim > 2:
            pixels = pixels[0]
        return self._predict(Image(pixels, "yx"))


def test_images_that_must_be_refused_are_named() -> None:
    with pytest.raises(AssertionError) as caught:
        check_method(Trusting())
    assert str(caught.value) == "the method accepted an image with NaN; it must raise PixelValueError"


@pytest.mark.parametrize("error", [ValueError, KeyError, AxesError])
def test_images_are_refused_with_the_error_that_the_platform_knows(error: type[Exception]) -> None:
    method = Trusting()
    method.error = error
    with pytest.raises(AssertionError) as caught:
        check_method(method)
    assert str(caught.value).startswith(f"the method refused an image with NaN with {error.__name__} (")
    assert str(caught.value).endswith("it must raise PixelValueError")


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"version": ""}, "the class has no version"),
        ({"name": "", "card": None}, "the class has no name and no card"),
        ({"card": {"summary": "A dict."}}, "card is a dict, the contract says Card"),
        (
            {"describe": lambda self: {"name": self}},
            "describe() gives no plain values, so no record can keep them",
        ),
    ],
)
def test_what_the_registry_and_the_record_need_is_asked_for(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_method(type("Nameless", (Threshold,), attributes)())
    assert message in str(caught.value)


def test_parameters_stay_as_they_were_given() -> None:
    class Learning(Threshold):
        def _predict(self, image: Image) -> Any:
            self.parameters = Options(level=self.parameters.level * 0.99)
            return super()._predict(image)

    with pytest.raises(AssertionError, match="predicting changed the parameters of the method"):
        check_method(Learning())


@settings(max_examples=8, deadline=None)
@given(st.integers(40, 90), st.integers(40, 90), st.integers(0, 99))
def test_discs_are_where_any_rule_finds_them(height: int, width: int, seed: int) -> None:
    image = discs_image((height, width), diameter=12, seed=seed)
    assert (image.axes, image.shape, image.pixels.dtype) == ("yx", (height, width), np.float32)
    whole = (height // 21) * (width // 21)
    assert whole <= Threshold().predict(image).n_objects <= (height // 21 + 1) * (width // 21 + 1)
    assert np.array_equal(image.pixels, discs_image((height, width), diameter=12, seed=seed).pixels)


@pytest.mark.parametrize("options", [{}, {"diameter": 9.0}, {"foreground": "bright"}, {"smoothing": 0.0}])
def test_a_rule_keeps_the_contract_with_any_options(options: dict[str, Any]) -> None:
    check_method(make_method("otsu-watershed", options))
