"""Pictures against the same drawn pixel by pixel, of odd planes and windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from tests.server.conftest import Running

from veriscope.server.pictures import (
    Channel,
    Window,
    default_channels,
    draw_labels,
    draw_pixels,
    plane_region,
    stretch_limits,
)
from veriscope.server.problems import ProblemError
from veriscope.workflow.study import Study


@dataclass
class Plane:
    """What a picture needs of an image, in memory and at one resolution."""

    pixels: Any
    axes: str = "yx"
    levels: list[Any] = field(default_factory=list)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        return (self.pixels.shape,)

    @property
    def dtype(self) -> Any:
        return self.pixels.dtype

    def level_for(self, _: float) -> int:
        return 0

    def read(self, level: int, region: Any) -> Any:
        assert level == 0
        return self.pixels[region]


def drawn(
    store: Plane, *channels: Channel, box: Any = (None,) * 4, width: int | None = None, **at: Any
) -> Any:
    window = Window.within(store, box, width)  # type: ignore[arg-type]
    return draw_pixels(store, window, channels or [Channel(0)], **at)  # type: ignore[arg-type]


@given(
    values=st.lists(st.integers(0, 65_535), min_size=6, max_size=6),
    low=st.integers(0, 60_000),
    span=st.integers(1, 65_535),
    gamma=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_brightness_of_each_pixel(values: list[int], low: int, span: int, gamma: float) -> None:
    pixels = np.array(values, np.uint16).reshape(2, 3)
    picture = drawn(Plane(pixels), Channel(0, low, low + span, gamma, "ff8000"))
    for place in np.ndindex(2, 3):
        part = min(1.0, max(0.0, (int(pixels[place]) - low) / span)) ** gamma
        for shown, full in zip(picture[place].tolist(), (255, 128, 0), strict=True):
            assert abs(shown - part * full) <= 1


def test_colours_of_channels_are_added_and_end_at_full() -> None:
    store = Plane(np.array([[[10, 0]], [[10, 10]], [[10, 0]]], np.uint8), "cyx")
    channels = [
        Channel(0, 0, 10, 1.0, "ff0000"),
        Channel(1, 0, 10, 1.0, "00ff00"),
        Channel(2, 0, 20, 1.0, "ff00ff"),
    ]
    assert drawn(store, *channels).tolist() == [[[255, 255, 127], [0, 255, 0]]]


def test_a_window_is_a_part_of_the_whole() -> None:
    store = Plane(np.arange(30, dtype=np.uint8).reshape(5, 6))
    channel = Channel(0, 0, 29)
    whole = drawn(store, channel)
    np.testing.assert_array_equal(drawn(store, channel, box=(1, 2, 4, 6)), whole[1:4, 2:6])
    np.testing.assert_array_equal(
        drawn(store, channel, box=(3, 4, 99, 99)), whole[3:, 4:]
    )  # cut to the image
    larger = drawn(store, channel, box=(1, 2, 3, 4), width=4)
    np.testing.assert_array_equal(larger, whole[1:3, 2:4].repeat(2, 0).repeat(2, 1))


@pytest.mark.parametrize("box", [(5, 0, 9, 9), (0, 6, 9, 9), (2, 2, 2, 4), (3, 0, 1, 6), (0, 5, 5, 1)])
def test_windows_without_a_pixel_are_refused(box: tuple[int, ...]) -> None:
    with pytest.raises(ProblemError) as caught:
        drawn(Plane(np.zeros((5, 6), np.uint8)), box=box)
    assert caught.value.problem.detail == f"The window {list(box)} has no pixel of the image (5 × 6)."


@pytest.mark.parametrize(
    ("shape", "width", "size"),
    [
        ((1, 1), None, (1, 1)),
        ((1, 3000), None, (1024, 1)),
        ((100, 50), 25, (25, 50)),
        ((3, 1000), 10, (10, 1)),
    ],
)
def test_sizes_of_pictures(shape: tuple[int, int], width: int | None, size: tuple[int, int]) -> None:
    store = Plane(np.ones(shape, np.uint8))
    assert Window.within(store, (None,) * 4, width).size == size  # type: ignore[arg-type]
    assert drawn(store, width=width).shape == (size[1], size[0], 3)


def test_a_picture_that_fills_the_memory_is_refused() -> None:
    with pytest.raises(ProblemError) as caught:
        drawn(Plane(np.ones((5000, 1), np.uint8)), width=100)
    assert caught.value.problem.action == "Ask for a smaller width."


def test_planes_of_a_stack() -> None:
    stack = Plane(np.array([[[0, 5]], [[3, 1]]], np.uint8), "zyx")
    channel = Channel(0, 0, 5)
    assert drawn(stack, channel, z=1)[0, :, 0].tolist() == [153, 51]
    assert drawn(stack, channel, z="max")[0, :, 0].tolist() == [153, 255]
    assert drawn(stack, channel, z="mean")[0, :, 0].tolist() == [76, 153]
    for z in (2, 10**6):
        with pytest.raises(ProblemError) as caught:
            drawn(stack, channel, z=z)
        assert caught.value.problem.detail == f"There is no z = {z}; the image has 2."
        assert caught.value.problem.action == "Give 0 to 1."
    with pytest.raises(ProblemError, match="This cannot be done"):
        drawn(Plane(np.zeros((2, 3, 4), np.uint8), "cyx"), Channel(2))
    window = Window(0, 0, 1, 2, 2)
    assert plane_region(stack, window, 0, channel=None, z=0, t=7) == (slice(0, 1), slice(0, 1), slice(0, 2))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        (np.array([False, True]), (0.01, 0.998)),
        (np.zeros(4, bool), (0.0, 1.0)),
        (np.full(9, 7, np.uint8), (7.0, 8.0)),
        (np.array([np.nan, np.inf, -np.inf], np.float32), (0.0, 1.0)),
        (np.array([np.nan, 2.0, 2.0]), (2.0, 3.0)),
        (np.array([-128, 127], np.int8), (-125.45, 126.49)),
        (np.arange(1001, dtype=np.uint16), (10.0, 998.0)),
    ],
)
def test_what_is_black_and_what_is_white(values: Any, limits: tuple[float, float]) -> None:
    assert stretch_limits(values) == pytest.approx(limits)


@pytest.mark.parametrize(
    "pixels",
    [
        np.eye(4, dtype=bool),
        np.full((4, 4), np.nan, np.float32),
        np.where(np.eye(4) > 0, np.inf, 1.0).astype(np.float32),
        np.full((4, 4), -3, np.int16),
    ],
    ids=["mask", "nan", "infinite", "negative"],
)
@pytest.mark.filterwarnings("error")
def test_odd_planes_are_drawn(pixels: Any) -> None:
    picture = drawn(Plane(pixels), width=4)
    assert (picture.shape, picture.dtype) == ((4, 4, 3), np.uint8)
    if pixels.dtype == bool:
        assert (picture[..., 0] > 200).tolist() == pixels.tolist()


@pytest.mark.parametrize(
    ("names", "colours"),
    [
        ([], ["ffffff"]),
        (["DNA"], ["ffffff"]),
        (["red", "green", "blue"], ["ff0000", "00ff00", "0000ff"]),
        (["a", "b"], ["ffffff", "00ff00"]),
    ],
)
def test_channels_at_first(names: list[str], colours: list[str]) -> None:
    assert [channel.colour for channel in default_channels(names)] == colours


def test_of_two_hundred_channels_the_first_are_shown() -> None:
    found = default_channels([f"c{i}" for i in range(200)])
    assert [channel.index for channel in found] == list(range(7))
    assert len({channel.colour for channel in found}) == 7


def test_outlines_lie_inside_their_objects() -> None:
    labels = np.zeros((12, 14), np.int32)
    labels[2:8, 3:9], labels[2:8, 9:12] = 1, 2  # two that touch
    window = Window.within(Plane(labels), (None,) * 4, None)  # type: ignore[arg-type]
    shown = draw_labels(Plane(labels), window, contour=1)[..., 3] > 0  # type: ignore[arg-type]
    for y, x in np.ndindex(10, 12):
        y, x = y + 1, x + 1
        near = labels[y - 1 : y + 2, x - 1 : x + 2]
        cross = [near[0, 1], near[2, 1], near[1, 0], near[1, 2]]
        assert shown[y, x] == (labels[y, x] > 0 and any(other != labels[y, x] for other in cross))
    filled = draw_labels(Plane(labels), window, contour=0)  # type: ignore[arg-type]
    np.testing.assert_array_equal(filled[..., 3], np.where(labels > 0, 128, 0))
    assert filled[4, 5, :3].tolist() != filled[4, 10, :3].tolist()


@pytest.mark.parametrize("in_place", [False, True])
def test_a_black_and_white_image_in_the_app(
    tmp_path: Path, launch: Callable[..., Running], in_place: bool
) -> None:
    tifffile.imwrite(tmp_path / "mask.tif", np.eye(40, 50, dtype=bool), photometric="minisblack")
    Study.new(
        tmp_path / "ws" / "small", images=str(tmp_path / "mask.tif"), object="cell",
        methods=("otsu-watershed",), in_place=in_place,
    )  # fmt: skip
    client = launch(tmp_path / "ws").client()
    for what in ("thumbnail", "tile", "histogram", "quality"):
        found = client.get(f"/api/studies/small/images/mask/{what}")
        assert found.status_code == 200, what
    counts = client.get("/api/studies/small/images/mask/histogram").json()["counts"]
    assert (counts[0], counts[-1], sum(counts)) == (40 * 50 - 40, 40, 40 * 50)
