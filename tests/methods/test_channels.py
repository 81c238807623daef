"""A method sees one channel, chosen by the user or the only one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.errors import AxesError
from veriscope.methods.channels import analysis_channel

PURPLE, PINK, WHITE = (90, 60, 140), (230, 160, 190), (255, 255, 255)
"""Colours of hematoxylin, of eosin, and of the empty slide."""


def photograph(*colours: tuple[int, int, int]) -> Image:
    """One row of pixels of the given colours, axes cyx."""
    return Image(np.array([colours], np.uint8).transpose(2, 0, 1), "cyx", channels=RGB_CHANNELS, name="he")


def test_an_image_without_channels_is_taken_as_it_is() -> None:
    image = Image(np.zeros((2, 2)), "yx")
    assert analysis_channel(image, None) is image
    assert analysis_channel(image, "luminance") is image, "a grey image among colour ones"


@pytest.mark.parametrize("channel", [None, 0, "0", "luminance", "dapi"])
def test_a_single_channel_is_taken_whatever_its_name(channel: str | int | None) -> None:
    image = Image(np.arange(4).reshape(1, 2, 2), "cyx", {"y": 0.5, "x": 0.5}, ("DAPI",))
    chosen = analysis_channel(image, channel)
    np.testing.assert_array_equal(chosen.pixels, [[0, 1], [2, 3]])
    assert (chosen.axes, chosen.channels, chosen.spacing) == ("yx", (), {"y": 0.5, "x": 0.5})


def test_luminance_weighs_the_colours_as_the_eye_does() -> None:
    image = photograph((255, 0, 0), (0, 255, 0), (0, 0, 255), WHITE)
    luminance = analysis_channel(image, "Luminance")
    assert luminance.axes == "yx"
    assert luminance.pixels.dtype == np.float32
    np.testing.assert_allclose(luminance.pixels, [[54.213, 182.376, 18.411, 255]], rtol=1e-5)


@pytest.mark.parametrize("axes", ["tcyx", "czyx"])
def test_colour_axes_are_found_wherever_they_are(axes: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, [3 if letter == "c" else 4 for letter in axes])
    image = Image(pixels.astype(np.uint8), axes, channels=RGB_CHANNELS)
    luminance = analysis_channel(image, "luminance")
    assert luminance.axes == axes.replace("c", "")
    red, green, blue = (image.select_channel(i).pixels.astype(float) for i in range(3))
    np.testing.assert_allclose(luminance.pixels, 0.2126 * red + 0.7152 * green + 0.0722 * blue, rtol=1e-5)


def test_hematoxylin_is_bright_in_nuclei_and_dark_in_eosin_and_on_the_slide() -> None:
    nucleus, eosin, slide = analysis_channel(photograph(PURPLE, PINK, WHITE), "hematoxylin").pixels[0]
    assert nucleus > 3 * max(eosin, slide)
    assert slide == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    "convert",
    [
        lambda pixels: pixels / 255,
        lambda pixels: (pixels / 255).astype(np.float32),
        lambda pixels: pixels.astype(np.uint16) * 257,
        lambda pixels: pixels.astype(np.uint16) * 16,
    ],
    ids=["float64 of 0 to 1", "float32 of 0 to 1", "16 bit", "12 bit"],
)
def test_hematoxylin_does_not_depend_on_the_pixel_type_where_the_slide_is_white(convert: Any) -> None:
    image = photograph(PURPLE, PINK, WHITE)
    other = Image(convert(image.pixels), "cyx", channels=RGB_CHANNELS)
    expected: NDArray[Any] = analysis_channel(image, "hematoxylin").pixels
    np.testing.assert_allclose(analysis_channel(other, "hematoxylin").pixels, expected, atol=1e-5)


def test_a_channel_that_is_named_like_a_computed_one_is_taken_itself() -> None:
    image = Image(np.arange(8).reshape(2, 2, 2), "cyx", channels=("Hematoxylin", "DAB"))
    np.testing.assert_array_equal(analysis_channel(image, "hematoxylin").pixels, [[0, 1], [2, 3]])


@pytest.mark.parametrize(
    ("image", "channel", "message"),
    [
        (
            Image(np.zeros((2, 2, 2)), "cyx", channels=("DAPI", "actin"), name="a"),
            None,
            "a: has 2 channels and the analysis takes one; choose with --channel: 0 (DAPI), 1 (actin)",
        ),
        (
            photograph(PINK),
            None,
            "he: has 3 channels and the analysis takes one; choose with --channel: 0 (red), 1 (green), "
            "2 (blue); or --channel luminance or hematoxylin for a colour image",
        ),
        (
            Image(np.zeros((2, 2, 2)), "cyx", name="a"),
            "luminance",
            "a: luminance needs a colour image with channels red, green, blue",
        ),
        (
            Image(np.zeros((2, 2)), "yx", name="a"),
            "hematoxylin",
            "a: hematoxylin needs a colour image with channels red, green, blue",
        ),
        (
            photograph(PINK),
            "dapi",
            "he: no channel 'dapi'; the channels are 0 (red), 1 (green), 2 (blue)",
        ),
    ],
)
def test_a_choice_that_is_missing_or_impossible_is_said(
    image: Image, channel: str | None, message: str
) -> None:
    with pytest.raises(AxesError) as caught:
        analysis_channel(image, channel)
    assert str(caught.value) == message


def test_a_grey_picture_saved_in_colours_needs_no_choice() -> None:
    grey = photograph((7, 7, 7), (90, 90, 90))
    assert analysis_channel(grey, None).pixels.tolist() == [[7, 90]]
    with pytest.raises(AxesError, match="has 3 channels and the analysis takes one"):
        analysis_channel(photograph((7, 7, 7), (90, 90, 91)), None)
