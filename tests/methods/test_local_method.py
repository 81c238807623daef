"""Methods that work part by part: parts and their cuts, and what the whole is made of."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.source import ArraySource, PixelSource, Region
from veriscope.errors import AxesError, PixelValueError
from veriscope.methods.base import Card
from veriscope.methods.local_method import Footprint, LocalMethod, Part, Survey


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


def test_every_object_of_a_part_smaller_than_the_reach_is_near_its_cuts() -> None:
    labels = np.array([[1, 0, 2], [0, 3, 0]])
    inner = Part(Image(np.zeros((2, 3)), "yx"), (slice(4, 6), slice(0, 3)), (10, 3))
    assert inner.near_cut(labels, 50).tolist() == [False, True, True, True]
    assert inner.near_cut(labels, 1).tolist() == [False, True, True, True]
    below = Part(Image(np.zeros((2, 3)), "yx"), (slice(8, 10), slice(0, 3)), (10, 3))
    assert below.near_cut(labels, 1).tolist() == [False, True, True, False]
    assert below.near_cut(labels, 0).tolist() == [False] * 4


def test_a_part_without_objects_has_none_near_its_cuts() -> None:
    part = Part(Image(np.zeros((2, 3)), "yx"), (slice(4, 6), slice(0, 3)), (10, 3))
    assert part.near_cut(np.zeros((2, 3), np.int32), 5).tolist() == [False]


class Level(LocalMethod):
    """Objects are the pixels above the mean of the whole; says nothing of memory."""

    name: ClassVar[str] = "level"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(summary="Level.", objects=("pixel",), modalities=())

    class SurveyType(Survey):
        mean: float = 0.0

    def survey(self, source: PixelSource) -> Any:
        whole = tuple(slice(0, size) for size in source.shape)
        return self.SurveyType(mean=float(source.read(whole).mean()))

    def footprint(self, survey: Any) -> Footprint:
        return Footprint(1, 1)

    def _predict_part(self, part: Part, survey: Any) -> Prediction:
        bright = part.image.pixels > survey.mean
        return Prediction((np.cumsum(bright).reshape(bright.shape) * bright).astype(np.int32), "yx")


def test_a_part_is_checked_as_a_whole_image_is() -> None:
    method = Level()
    pixels = np.zeros((6, 6))
    pixels[0, 0] = np.nan
    source = ArraySource(Image(pixels, "yx", name="a.tif"))
    region = (slice(0, 2), slice(0, 2))
    with pytest.raises(PixelValueError, match="1 of 4 pixels are NaN"):
        method.predict_part(Part(source.image(region), region, source.shape), method.SurveyType())
    good = (slice(2, 6), slice(0, 6))
    assert (
        method.predict_part(Part(source.image(good), good, source.shape), method.SurveyType()).n_objects == 0
    )
    assert (method.survey_bytes((9, 9)), method.details(method.SurveyType())) == (0.0, {})


def test_the_whole_is_a_part_of_which_nothing_is_cut_off() -> None:
    pixels = np.random.default_rng(2).integers(0, 50, (6, 9))
    seen, method = Image(pixels, "yx"), Level()
    whole = method.predict(seen)
    np.testing.assert_array_equal(whole.labels > 0, pixels > pixels.mean())
    survey = method.survey(ArraySource(seen))
    again = method.predict_part(Part.whole(seen), survey)
    np.testing.assert_array_equal(again.in_order().labels, whole.labels)


def test_a_part_is_judged_by_the_whole_image_and_not_by_itself() -> None:
    """The right half is brighter than the left; alone, each half would be split at its own mean."""
    pixels = np.repeat([[0, 10, 100, 200]], 4, axis=0)
    source = ArraySource(Image(pixels, "yx"))
    method = Level()
    survey = method.survey(source)
    for columns, n in ((slice(0, 2), 0), (slice(2, 4), 8)):
        region = (slice(0, 4), columns)
        part = Part(source.image(region), region, source.shape)
        assert method.predict_part(part, survey).n_objects == n


def test_other_axes_are_refused_of_a_part_too() -> None:
    method = Level()
    stack = Image(np.zeros((2, 3, 4)), "zyx", name="a.tif")
    with pytest.raises(AxesError) as error:
        method.predict_part(Part.whole(stack), method.SurveyType())
    assert str(error.value) == "a.tif: level takes 2D images, this one has axes 'zyx'"


def test_memory_goes_by_pixels_unless_a_method_knows_better() -> None:
    method = Level()
    assert method.whole_bytes((1000, 2000)) == 2_000_000 * method.bytes_per_pixel
    assert method.part_bytes(method.SurveyType()) == method.bytes_per_pixel == 400
    assert method.survey_bytes((10**6, 10**6)) == 0, "in blocks"
    assert method.details(method.SurveyType()) == {}


@pytest.mark.parametrize("value", [0.25, -3.0, float("inf"), float("nan")])
def test_a_survey_travels_as_plain_values(value: float) -> None:
    """Constant and empty images have surveys with numbers that are none; they are kept."""
    survey = Level.SurveyType(mean=value)
    again = pickle.loads(pickle.dumps(survey))
    np.testing.assert_equal(again.mean, value)
    np.testing.assert_equal(Level.SurveyType.model_validate(survey.model_dump()).mean, value)
