"""An image says what its pixels mean, or refuses to be made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import AxesError, InputError, PixelValueError
from veriscope.registry import make_method

STACK = np.arange(2 * 3 * 4).reshape(2, 3, 4)


def test_sizes_are_known_by_axis() -> None:
    image = Image(np.zeros((5, 2, 3, 4)), "tcyx", channels=["dapi", "actin"])  # type: ignore[arg-type]
    assert image.shape == (5, 2, 3, 4)
    assert image.sizes == {"t": 5, "c": 2, "y": 3, "x": 4}
    assert image.spatial_shape == (3, 4)
    assert image.channels == ("dapi", "actin")


def test_channels_without_names_are_numbered() -> None:
    assert Image(STACK, "cyx").channels == ("channel-0", "channel-1")
    assert Image(STACK, "zyx").channels == ()


def test_only_red_green_blue_is_a_photograph() -> None:
    colours = np.zeros((3, 2, 2))
    assert Image(colours, "cyx", channels=("red", "green", "blue")).is_rgb
    assert not Image(colours, "cyx").is_rgb
    assert not Image(colours, "zyx").is_rgb


def test_spacing_is_shown_for_people() -> None:
    assert Image(STACK, "zyx").spacing_text == "uncalibrated"
    assert Image(STACK, "zyx", {"x": 0.5, "y": 0.5, "z": 2}).spacing_text == "2 × 0.5 × 0.5 µm"


@pytest.mark.parametrize(
    ("pixels", "axes", "options", "kind", "message"),
    [
        (STACK, "yx", {}, AxesError, "a: axes 'yx' name 2 dimensions but the array has 3"),
        (
            STACK,
            "cyx",
            {"channels": ("dapi",)},
            AxesError,
            "a: 1 channel names for 2 channels",
        ),
        (STACK, "zyx", {"channels": ("dapi",)}, AxesError, "a: 1 channel names for 0 channels"),
        (
            STACK.astype(complex),
            "zyx",
            {},
            PixelValueError,
            "a: pixels of type complex128 cannot be used; allowed are boolean, "
            "integer and floating-point numbers",
        ),
        (np.zeros((0, 4)), "yx", {}, PixelValueError, "a: the image has no pixels (shape (0, 4))"),
        (
            STACK,
            "zyx",
            {"spacing": {"y": 1.0, "x": -1.0, "z": 1.0}},
            AxesError,
            "a: spacing x=-1.0 is not a positive number of µm",
        ),
    ],
)
def test_what_contradicts_the_pixels_is_refused(
    pixels: Any, axes: str, options: dict[str, Any], kind: type[InputError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        Image(pixels, axes, name="a", **options)
    assert str(caught.value) == message


@pytest.mark.parametrize("channel", [1, "1", "actin", "ACTIN"])
def test_a_channel_is_selected_by_index_or_name_without_a_copy(channel: int | str) -> None:
    image = Image(STACK, "cyx", {"y": 0.5, "x": 0.5}, channels=("DAPI", "Actin"))
    selected = image.select_channel(channel)
    np.testing.assert_array_equal(selected.pixels, STACK[1])
    assert np.shares_memory(selected.pixels, STACK)
    assert (selected.axes, selected.channels, selected.spacing) == ("yx", (), {"y": 0.5, "x": 0.5})


def test_a_channel_is_selected_along_its_axis() -> None:
    image = Image(np.arange(24).reshape(2, 3, 2, 2), "tcyx")
    np.testing.assert_array_equal(image.select_channel(2).pixels, image.pixels[:, 2])


def test_the_name_of_a_channel_comes_before_its_index() -> None:
    image = Image(STACK, "cyx", channels=("1", "0"))
    np.testing.assert_array_equal(image.select_channel("0").pixels, STACK[1])
    np.testing.assert_array_equal(image.select_channel(0).pixels, STACK[0])


@pytest.mark.parametrize("channel", [2, -1, "gfp", "1.5", ""])
def test_an_unknown_channel_is_answered_with_the_channels(channel: int | str) -> None:
    with pytest.raises(AxesError) as caught:
        Image(STACK, "cyx", channels=("DAPI", "Actin"), name="a").select_channel(channel)
    assert str(caught.value) == f"a: no channel {channel!r}; the channels are 0 (DAPI), 1 (Actin)"


def test_a_name_of_two_channels_is_not_guessed() -> None:
    with pytest.raises(AxesError) as caught:
        Image(STACK, "cyx", channels=("DAPI", "dapi"), name="a").select_channel("dapi")
    assert str(caught.value) == "a: channels [0, 1] are all named 'dapi'; give the index of one"


def test_an_image_without_channels_is_its_own_channel_zero() -> None:
    image = Image(STACK, "zyx", name="a")
    assert image.select_channel(0) is image
    assert image.select_channel("0") is image
    with pytest.raises(AxesError) as caught:
        image.select_channel("dapi")
    assert str(caught.value) == "a: has no channels, so channel 'dapi' cannot be selected"


def test_pixels_that_are_no_numbers_are_counted() -> None:
    image = Image(np.array([[0.0, np.nan], [np.inf, -np.inf]]), "yx", name="a")
    with pytest.raises(PixelValueError) as caught:
        image.require_finite()
    assert str(caught.value) == (
        "a: 3 of 4 pixels are NaN or infinite; replace them "
        "(for example by the background) before the analysis, or leave the image out"
    )


@pytest.mark.parametrize("value", [1e39, -1e39, np.finfo(np.float64).max, -np.finfo(np.float64).max])
@pytest.mark.parametrize("name", ["otsu-watershed", "nuclei-fluorescence"])
def test_values_that_stand_for_missing_pixels_are_counted(value: float, name: str) -> None:
    """They became infinite in the middle of a method, which ended in an error of NumPy."""
    pixels = np.ones((2, 3))
    pixels[0, 1:] = value
    with pytest.raises(PixelValueError) as caught:
        make_method(name).predict(Image(pixels, "yx", name="a"))
    assert str(caught.value) == (
        "a: 2 of 6 pixels are beyond ±3.4e+38, as values are that stand for missing ones; replace them "
        "(for example by the background) before the analysis, or leave the image out"
    )


def test_the_largest_numbers_that_methods_compute_with_pass() -> None:
    most = np.finfo(np.float32).max
    for dtype in (np.float32, np.float64):
        Image(np.array([[most, -most]], dtype), "yx").require_finite()


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.float16, np.float64])
def test_pixels_that_are_numbers_pass(dtype: type) -> None:
    Image(np.ones((2, 2), dtype), "yx").require_finite()


def test_images_are_compared_and_hashed_by_identity() -> None:
    image, twin = Image(STACK, "zyx"), Image(STACK.copy(), "zyx")
    assert image in (twin, image)
    assert len({image, twin, image}) == 2
