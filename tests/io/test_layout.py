"""What the user says of axes and pixel size, against what the file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import AxesError
from veriscope.io.images import read_header, read_image
from veriscope.io.layout import arrange, plan_layout
from veriscope.io.reader import StoredLevel, StoredSeries


def stored(axes: str, *shapes: tuple[int, ...], **more: Any) -> StoredSeries:
    levels = tuple(StoredLevel(shape, dict(more.get("spacing", {}))) for shape in shapes)
    kept = {name: value for name, value in more.items() if name != "spacing"}
    return StoredSeries(axes=axes, dtype=np.dtype(np.uint8), levels=levels, **kept)


def plan(series: StoredSeries, **options: Any) -> Any:
    return plan_layout(series, **({"axes": None, "spacing": None, "level": 0, "where": "FILE"} | options))


@given(order=st.permutations("tczyx"), sizes=st.tuples(*[st.integers(1, 4)] * 5))
def test_every_pixel_lands_where_its_axes_say(order: list[str], sizes: tuple[int, ...]) -> None:
    axes = "".join(order)
    pixels = np.arange(np.prod(sizes)).reshape(sizes)
    layout = plan(stored(axes, sizes))
    image = arrange(pixels, layout)
    assert image.shape == layout.shape
    assert layout.axes == "".join(
        letter for letter in "tczyx" if letter in "yx" or sizes[axes.index(letter)] > 1
    )
    for place in np.ndindex(*image.shape):
        at = dict(zip(layout.axes, place, strict=True))
        assert image[place] == pixels[tuple(at.get(letter, 0) for letter in axes)]


@given(order=st.permutations("tczyx"), sizes=st.tuples(*[st.integers(2, 4)] * 5))
def test_what_the_user_says_is_as_good_as_what_the_file_says(
    order: list[str], sizes: tuple[int, ...]
) -> None:
    axes = "".join(order)
    pixels = np.arange(np.prod(sizes)).reshape(sizes)
    told = plan(stored("???yx"[:5], sizes), axes=axes)
    said = plan(stored(axes, sizes))
    np.testing.assert_array_equal(arrange(pixels, told), arrange(pixels, said))
    assert told.notes[0] == f"axes {axes!r} as given; the file does not say"


@pytest.mark.parametrize(
    ("axes", "shape", "samples", "channels", "note"),
    [
        ("yxs", (2, 3, 3), "rgb", ("red", "green", "blue"), ""),
        ("syx", (3, 2, 5), "rgb", ("red", "green", "blue"), ""),
        ("yxs", (2, 3, 4), "rgba", ("red", "green", "blue"), "the alpha channel (transparency) is left out"),
        ("yxs", (2, 3, 2), "grey-alpha", (), "the alpha channel (transparency) is left out"),
        ("yxs", (2, 3, 2), "other", ("channel-0", "channel-1"), ""),
        ("yxs", (2, 3, 5), "other", tuple(f"channel-{i}" for i in range(5)), ""),
    ],
)
def test_samples_are_channels(
    axes: str, shape: tuple[int, ...], samples: str, channels: tuple[str, ...], note: str
) -> None:
    layout = plan(stored(axes, shape, samples=samples))
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    image = arrange(pixels, layout)
    assert layout.channels == channels
    assert (note in layout.notes) == bool(note)
    first = pixels.take(0, axis=axes.index("s"))
    np.testing.assert_array_equal(image[0] if channels else image, first)


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (("DAPI", "GFP"), ("DAPI", "GFP")),
        (("DAPI", ""), ("DAPI", "channel-1")),
        (("A", "a"), ("A-0", "a-1")),
        (("channel-1", ""), ("channel-1-0", "channel-1-1")),
        (("one",), ("channel-0", "channel-1")),
        ((), ("channel-0", "channel-1")),
    ],
)
def test_channels_have_one_name_each(names: tuple[str, ...], read: tuple[str, ...]) -> None:
    assert plan(stored("cyx", (2, 3, 4), channels=names)).channels == read


def test_two_hundred_channels_of_one_name_are_told_apart() -> None:
    channels = plan(stored("cyx", (200, 1, 1), channels=("DAPI",) * 200)).channels
    assert len({name.lower() for name in channels}) == 200
    assert (channels[0], channels[199]) == ("DAPI-0", "DAPI-199")


@pytest.mark.parametrize(
    ("spacing", "message"),
    [
        ("a", "spacing y=a, x=a is not a positive number of µm for each spatial axis"),
        ({"y": None, "x": 1}, "spacing y=None, x=1 is not a positive number of µm for each spatial axis"),
        (0, "spacing y=0.0 is not a positive number of µm"),
        (-0.5, "spacing y=-0.5 is not a positive number of µm"),
        (float("nan"), "spacing y=nan is not a positive number of µm"),
        ({"y": 1, "x": float("inf")}, "spacing x=inf is not a positive number of µm"),
        (
            {"y": 1, "x": 1, "z": 2},
            "spacing is given for axes 'yxz' but the image has 'yx'; "
            "give one value in µm for each spatial axis",
        ),
    ],
)
def test_pixel_sizes_that_are_none_are_refused(tmp_path: Path, spacing: Any, message: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 5), np.uint8))
    for read in (read_image, read_header):
        with pytest.raises(AxesError) as caught:
            read(tmp_path / "a.tif", spacing=spacing)
        assert str(caught.value) == f"{tmp_path / 'a.tif'}: {message}"


def test_a_stated_pixel_size_is_that_of_the_full_resolution() -> None:
    levels = (StoredLevel((700, 900), {"y": 0.5, "x": 0.5}), StoredLevel((350, 300), {"y": 1.0, "x": 1.5}))
    series = StoredSeries(axes="yx", dtype=np.dtype(np.uint8), levels=levels)
    lower = plan(series, level=1, spacing={"x": 3.0})
    assert lower.spacing == {"y": 1.0, "x": 9.0}
    assert lower.notes == ("spacing as given; the file says x 1.5 µm",)
    assert plan(series, level=1, spacing=0.5).notes == ()  # the same as the file says


def test_a_size_for_some_axes_leaves_the_image_uncalibrated_and_says_which() -> None:
    layout = plan(stored("zyx", (2, 3, 4), spacing={"y": 0.5, "x": 0.5}))
    assert layout.spacing is None
    assert layout.notes == (
        "uncalibrated: the pixel size is stated for y 0.5, x 0.5 µm but not for z; give it with --spacing",
    )
    assert plan(stored("zyx", (2, 3, 4), spacing={"y": 0.5, "x": 0.5}), spacing={"z": 2}).spacing == {
        "z": 2.0,
        "y": 0.5,
        "x": 0.5,
    }


def test_channels_of_colours_are_refused() -> None:
    with pytest.raises(AxesError) as caught:
        plan(stored("cyxs", (2, 3, 4, 3), samples="rgb"))
    assert str(caught.value) == (
        "FILE: has 2 channels and 3 colours in each; save one of the two, for example with Fiji (Image > "
        "Color > Split Channels)"
    )
