"""Methods that tell the class of an image: what they state, what they refuse."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest

from veriscope.core.classes import ClassProbabilities
from veriscope.core.image import Image
from veriscope.errors import AxesError, MethodError, PixelValueError, ShapeMismatchError
from veriscope.methods.base import Card
from veriscope.methods.classification import ClassificationMethod


class Brightness(ClassificationMethod):
    """The brighter the mean of an image of 8 bits, the likelier it is bright."""

    name: ClassVar[str] = "brightness"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(summary="Bright or dark.", objects=(), modalities=(), dimensions=(2, 3))
    classes: ClassVar[tuple[str, ...]] = ("dark", "bright")

    def _classify(self, image: Image) -> ClassProbabilities:
        share = float(image.pixels.mean()) / 255
        return ClassProbabilities(self.classes, np.array([1 - share, share]), {"mean": share * 255})


@pytest.mark.parametrize(
    ("value", "name", "number"), [(0, "dark", 0), (127, "dark", 0), (128, "bright", 1), (255, "bright", 1)]
)
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (2, 3, 4)])
def test_the_most_probable_class_is_the_one_named(
    value: int, name: str, number: int, shape: tuple[int, ...]
) -> None:
    found = Brightness().classify(Image(np.full(shape, value, np.uint8), "zyx"[-len(shape) :]))
    assert (found.name, found.number, found.names) == (name, number, ("dark", "bright"))
    np.testing.assert_allclose(found.values, [1 - value / 255, value / 255])
    assert found.details == {"mean": pytest.approx(value)}


def test_images_are_checked_as_for_every_method() -> None:
    method = Brightness()
    with pytest.raises(AxesError, match=r"^a\.tif: brightness takes single time points"):
        method.classify(Image(np.zeros((2, 3, 4)), "tyx", name="a.tif"))
    with pytest.raises(PixelValueError, match=r"^a\.tif: 1 of 4 pixels are NaN or infinite"):
        method.classify(Image(np.array([[0, np.nan], [1, 2]]), "yx", name="a.tif"))


def test_it_finds_no_objects_and_says_what_to_do() -> None:
    with pytest.raises(MethodError) as error:
        Brightness().predict(Image(np.zeros((3, 4), np.uint8), "yx"))
    assert str(error.value) == (
        "brightness gives the class of an image, not objects: veriscope predict writes a table of classes; "
        "studies take methods that find objects"
    )
    assert Brightness().describe()["task"] == "classification"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ([1.0], ShapeMismatchError),
        ([0.2, 0.3, 0.5], ShapeMismatchError),
        ([0.2, 0.7], PixelValueError),
        ([-0.1, 1.1], PixelValueError),
        ([np.nan, 1.0], PixelValueError),
    ],
)
def test_what_are_no_probabilities_of_its_classes_is_refused(
    values: list[float], error: type[Exception]
) -> None:
    class Wrong(Brightness):
        def _classify(self, image: Image) -> ClassProbabilities:
            return ClassProbabilities(self.classes, np.array(values))

    with pytest.raises(error):
        Wrong().classify(Image(np.zeros((3, 4), np.uint8), "yx"))
