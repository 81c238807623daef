"""Methods that make an image of an image: as a whole, by parts, and what they refuse."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.core.source import ArraySource, PixelSource, Region, grid
from veriscope.errors import MethodError, VeriscopeError
from veriscope.methods.base import Card
from veriscope.methods.local_method import Survey
from veriscope.methods.restoration import RestorationMethod, Restored


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
        return list(grid(shape, (side,) * len(shape)))

    def restore_region(self, source: PixelSource, survey: Any, region: Region) -> Any:
        return (2 * source.read(region) - survey.median).astype(np.float32)

    def bytes_at_once(self, shape: tuple[int, ...], survey: Any) -> int:
        return 8 * int(np.prod(shape))

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
        method.predict(Image(np.zeros((3, 4)), "yx"))
    assert str(error.value) == (
        "doubled gives images, not objects: veriscope predict writes them; studies take methods that find "
        "objects"
    )
    for wrong in (Image(np.zeros((2, 3, 4)), "cyx"), Image(np.full((2, 2), np.nan), "yx")):
        with pytest.raises(VeriscopeError):
            method.restore(wrong)


@pytest.mark.parametrize("side", [1, 2, 3, 50])
def test_regions_put_together_are_the_whole(side: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 99, (5, 7)).astype(np.uint8)
    method, source = Doubled(), ArraySource(Image(pixels, "yx"))
    survey = method.survey(source)
    joined = np.full((5, 7), np.nan, np.float32)
    for region in method.regions(source.shape, survey, side=side):
        assert np.isnan(joined[region]).all(), "a pixel lies in two regions"
        joined[region] = method.restore_region(source, survey, region)
    np.testing.assert_array_equal(joined, method.restore(Image(pixels, "yx")).pixels)


def test_the_image_given_is_not_changed_and_one_pixel_is_enough() -> None:
    pixels = np.array([[7]], np.uint8)
    pixels.flags.writeable = False
    assert Doubled().restore(Image(pixels, "yx")).pixels.tolist() == [[7.0]]
