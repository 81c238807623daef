"""What a network has to be given later, as the images say that it learned from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import DTypeLike

from veriscope.core.image import Image
from veriscope.training.packaging.inputs import InputImages


def image(dtype: DTypeLike = np.uint8, spacing: Mapping[str, float] | None = None) -> Image:
    return Image(np.zeros((4, 5), dtype), "yx", spacing)


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        ([np.uint8, np.uint16], "uint16"),
        ([np.bool_], "uint16"),
        ([np.uint16, np.float32], "float32"),
        ([np.uint32], "float32"),
        ([np.int16], "float32"),
    ],
)
def test_the_type_of_number_holds_all_pixels(dtypes: list[DTypeLike], expected: str) -> None:
    assert InputImages.of([image(dtype) for dtype in dtypes]).dtype == expected


@pytest.mark.parametrize(
    ("sizes", "spacing", "sentence"),
    [
        ([0.5, 0.502], 0.501, "Its training images had pixels of 0.501 µm."),
        ([0.5, 0.65], None, "Its training images had pixels of 0.5 to 0.65 µm."),
        ([0.5, None], None, "The pixel size of its training images is not stated."),
    ],
)
def test_a_pixel_size_is_stated_where_all_images_have_it(
    sizes: list[float | None], spacing: float | None, sentence: str
) -> None:
    found = InputImages.of([image(spacing=None if one is None else {"y": one, "x": one}) for one in sizes])
    assert found.limits() == (sentence,)
    expected = None if spacing is None else pytest.approx({"y": spacing, "x": spacing})
    assert found.spacing == expected


def test_pixels_that_are_not_square_are_stated_by_axis() -> None:
    found = InputImages.of([image(spacing={"y": 0.5, "x": 0.25})] * 2)
    assert found.spacing == {"y": 0.5, "x": 0.25}
    assert found.limits() == ("Its training images had pixels of 0.5 × 0.25 µm.",)


@pytest.mark.parametrize(
    ("channel", "rgb"),
    [
        (None, "luminance"),
        ("luminance", "luminance"),
        ("Hematoxylin", "hematoxylin"),
        ("DAPI", "refuse"),
        (0, "refuse"),
    ],
)
def test_colour_images_give_what_was_learned_from_or_are_refused(channel: str | int | None, rgb: str) -> None:
    found = InputImages.of([image()], channel)
    assert found.rgb == rgb
    assert found.of_colours == (str(channel).lower() == rgb)
    said = [f"Learned from the channel {channel} of its images: give it the same one."]
    assert list(found.limits()[:-1]) == ([] if channel is None else said)
