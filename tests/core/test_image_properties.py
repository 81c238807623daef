"""What holds for an image of any axes: sizes by axis, channels by name and number, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.axes import check_axes, check_spacing, spatial_axes
from veriscope.core.image import Image
from veriscope.errors import AxesError, InputError, VeriscopeError

NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)


@st.composite
def images(draw: st.DrawFn) -> Image:
    axes = "".join(letter for letter in "tcz" if draw(st.booleans())) + "yx"
    shape = tuple(draw(st.integers(1, 4)) for _ in axes)
    spacing = None
    if draw(st.booleans()):
        spacing = {axis: draw(st.floats(1e-3, 1e3)) for axis in draw(st.permutations(spatial_axes(axes)))}
    channels: tuple[str, ...] = ()
    if "c" in axes and draw(st.booleans()):
        n = shape[axes.index("c")]
        channels = tuple(draw(st.lists(NAMES, min_size=n, max_size=n, unique=True)))
    pixels = np.arange(int(np.prod(shape)), dtype=np.uint16).reshape(shape)
    return Image(pixels, axes, spacing, channels, "a")


@given(images())
def test_sizes_are_those_of_the_pixels(image: Image) -> None:
    assert tuple(image.sizes.values()) == image.shape == image.pixels.shape
    assert "".join(image.sizes) == image.axes
    assert image.spatial_shape == tuple(image.sizes[axis] for axis in spatial_axes(image.axes))
    if image.spacing is None:
        assert image.spacing_text == "uncalibrated"
    else:
        assert list(image.spacing) == list(spatial_axes(image.axes)), "in the order of the axes"
        assert image.spacing_text.endswith(" µm")
    if "c" in image.axes:
        assert len(image.channels) == image.sizes["c"] and len(set(image.channels)) == len(image.channels)


@given(images())
def test_each_channel_by_its_number_and_by_its_name(image: Image) -> None:
    for number in range(image.sizes.get("c", 1)):
        found = image.select_channel(number)
        assert "c" not in found.axes and found.spacing == image.spacing
        wanted = image.pixels
        if "c" in image.axes:
            wanted = np.take(image.pixels, number, axis=image.axes.index("c"))
            name = image.channels[number]
            assert np.array_equal(image.select_channel(name).pixels, wanted)
        assert np.array_equal(found.pixels, wanted)
        assert np.shares_memory(found.pixels, image.pixels)


@given(images(), st.integers(4, 100))
def test_a_channel_that_there_is_not_is_refused(image: Image, number: int) -> None:
    for channel in (number, -1, "no such channel"):
        if channel in image.channels:
            continue
        with pytest.raises(VeriscopeError) as caught:
            image.select_channel(channel)
        assert str(channel) in str(caught.value)


@given(images())
def test_what_does_not_fit_is_refused(image: Image) -> None:
    wrong: list[dict[str, Any]] = [
        {"axes": image.axes + "x"},
        {"axes": image.axes[::-1]},
        {"axes": image.axes.upper()},
        {"axes": image.axes[1:]},
        {"spacing": {"y": 1.0}},
        {"spacing": {"y": 0.0, "x": 1.0, "z": 1.0}},
        {"channels": tuple(map(str, range(image.sizes.get("c", 0) + 1)))},
    ]
    for change in wrong:
        with pytest.raises((AxesError, InputError)):
            replace(image, **change)


@given(st.permutations("zyx"), st.floats(1e-6, 1e6))
def test_any_order_of_pixel_sizes_is_the_same(order: list[str], size: float) -> None:
    found = check_spacing({axis: size * (1 + "zyx".index(axis)) for axis in order}, "zyx")
    assert found == {"z": size, "y": 2 * size, "x": 3 * size} and list(found) == ["z", "y", "x"]
    assert check_axes("zyx", 3) == "zyx"
