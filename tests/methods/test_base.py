"""What every method refuses, and which objects of a part may be wrong because it was cut."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import Field, ValidationError

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.core.source import ArraySource, PixelSource, Region
from veriscope.errors import AxesError, MethodError, PixelValueError, VeriscopeError
from veriscope.methods.base import Card, Method
from veriscope.methods.local_method import Footprint, LocalMethod, Part, Survey
from veriscope.methods.restoration import RestorationMethod, Restored


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


def part_of(labels: np.ndarray, region: Region, shape: tuple[int, ...]) -> tuple[Part, np.ndarray]:
    cut = labels[region]
    return Part(Image(np.zeros(cut.shape), "zyx"[-cut.ndim :]), region, shape), cut


@given(
    labels=hnp.arrays(
        np.int32, hnp.array_shapes(min_dims=2, max_dims=3, max_side=7), elements=st.integers(0, 6)
    ),
    reach=st.integers(0, 4),
    data=st.data(),
)
def test_objects_near_a_cut_are_those_with_a_pixel_within_reach_of_it(
    labels: np.ndarray, reach: int, data: st.DataObject
) -> None:
    """An edge of the image is no cut: nothing is missing there."""
    region = []
    for size in labels.shape:
        start = data.draw(st.integers(0, size - 1))
        region.append(slice(start, data.draw(st.integers(start + 1, size))))
    part, cut = part_of(labels, tuple(region), labels.shape)
    expected = np.zeros(int(cut.max()) + 1, bool)
    for place in np.argwhere(cut):
        for p, side, size in zip(place, region, labels.shape, strict=True):
            length = side.stop - side.start
            if (side.start > 0 and p < reach) or (side.stop < size and length - 1 - p < reach):
                expected[cut[tuple(place)]] = True
    np.testing.assert_array_equal(part.near_cut(cut, reach), expected)


def test_a_whole_image_has_no_cuts() -> None:
    whole = Part.whole(Image(np.zeros((3, 4, 5)), "czyx"[-3:]))
    assert (whole.shape, whole.region) == ((3, 4, 5), (slice(0, 3), slice(0, 4), slice(0, 5)))
    assert not whole.near_cut(np.ones((3, 4, 5), np.int32), 100).any()
    assert Part.whole(Image(np.zeros((2, 4, 5)), "cyx")).shape == (4, 5), "channels are no place"


class Doubled(RestorationMethod):
    """Twice the values, less the median of the whole."""

    name: ClassVar[str] = "doubled"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(summary="Twice.", objects=(), modalities=(), dimensions=(2, 3))

    class SurveyType(Survey):
        median: float

    def survey(self, source: PixelSource) -> Any:
        whole = tuple(slice(0, size) for size in source.shape)
        return self.SurveyType(median=float(np.median(source.read(whole))))

    def regions(self, shape: tuple[int, ...], survey: Any, *, side: int) -> list[Region]:
        raise NotImplementedError

    def restore_region(self, source: PixelSource, survey: Any, region: Region) -> Any:
        return (2 * source.read(region) - survey.median).astype(np.float32)

    def bytes_at_once(self, shape: tuple[int, ...], survey: Any) -> int:
        return 0

    def details(self, survey: Any) -> dict[str, Any]:
        return {"median": survey.median}


@pytest.mark.parametrize("axes", ["yx", "zyx"])
def test_an_image_is_restored_whole(axes: str) -> None:
    pixels = np.arange(24).reshape((4, 6) if axes == "yx" else (2, 3, 4)).astype(np.uint8)
    found = Doubled().restore(Image(pixels, axes))
    assert isinstance(found, Restored)
    assert (found.axes, found.details, found.pixels.dtype) == (axes, {"median": 11.5}, np.float32)
    np.testing.assert_array_equal(found.pixels, 2.0 * pixels - 11.5)


def test_a_method_that_restores_finds_no_objects_and_refuses_what_others_do() -> None:
    method = Doubled()
    assert method.describe()["task"] == "restoration"
    with pytest.raises(MethodError) as error:
        method.predict(image((3, 4), "yx"))
    assert str(error.value) == (
        "doubled gives images, not objects: veriscope predict writes them; studies take methods that find "
        "objects"
    )
    for wrong in (image((2, 3, 4), "cyx"), Image(np.full((2, 2), np.nan), "yx")):
        with pytest.raises(VeriscopeError):
            method.restore(wrong)


class Level(LocalMethod):
    """Says nothing of memory."""

    name: ClassVar[str] = "level"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(summary="Level.", objects=("pixel",), modalities=())

    def survey(self, source: PixelSource) -> Survey:
        return Survey()

    def footprint(self, survey: Any) -> Footprint:
        return Footprint(1, 1)

    def _predict_part(self, part: Part, survey: Any) -> Prediction:
        return Prediction((part.image.pixels > 0).astype(np.int32), "yx")


def test_a_part_is_checked_as_a_whole_image_is() -> None:
    method = Level()
    pixels = np.zeros((6, 6))
    pixels[0, 0] = np.nan
    source = ArraySource(Image(pixels, "yx", name="a.tif"))
    region = (slice(0, 2), slice(0, 2))
    with pytest.raises(PixelValueError, match="1 of 4 pixels are NaN"):
        method.predict_part(Part(source.image(region), region, source.shape), Survey())
    good = (slice(2, 6), slice(0, 6))
    assert method.predict_part(Part(source.image(good), good, source.shape), Survey()).n_objects == 0
    assert (method.survey_bytes((9, 9)), method.details(Survey())) == (0.0, {})
