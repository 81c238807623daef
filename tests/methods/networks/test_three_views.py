"""What a network for planes says along three axes becomes objects in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.methods.local_method import Part
from veriscope.methods.networks.instance_network import InstanceNetwork, NetworkSurvey
from veriscope.methods.networks.three_views import (
    SECTION,
    SpaceView,
    even_planes,
    objects_in_space,
    see_in_space,
)

SURVEY = NetworkSurvey(bottom=0.0, contrast=1.0)


@given(
    depth=st.integers(1, 9),
    anisotropy=st.floats(0.2, 6),
    seed=st.integers(0, 99),
)
def test_planes_are_evenly_far_apart_and_the_outer_ones_stay(
    depth: int, anisotropy: float, seed: int
) -> None:
    pixels = np.random.default_rng(seed).random((depth, 3, 4)).astype(np.float32)
    found = even_planes(pixels, anisotropy)
    assert len(found) == max(round((depth - 1) * anisotropy) + 1, 1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], pixels[0])
    if len(found) > 1:
        np.testing.assert_allclose(found[-1], pixels[-1], atol=1e-6)
    assert pixels.min() <= found.min() and found.max() <= pixels.max() + 1e-6


def test_between_planes_lies_their_mean() -> None:
    pixels = np.stack([np.full((2, 2), value, np.float32) for value in (0, 4, 2)])
    np.testing.assert_allclose(even_planes(pixels, 2.0)[:, 0, 0], [0, 2, 4, 3, 2])
    assert even_planes(pixels, 1.0) is pixels


def test_a_section_of_a_ball_is_smaller_than_the_ball() -> None:
    """Planes at all distances from the middle: half of the sections are smaller than SECTION diameters."""
    away = np.linspace(0, 1, 100_001)
    assert np.median(np.sqrt(1 - away**2)) == pytest.approx(SECTION, abs=1e-4)


@dataclass
class Said:
    """What a network says of a plane: its pixels as probability, and a flow of its own."""

    maps: NDArray[np.float32]

    def on_image(self, channels: int) -> NDArray[np.float32]:
        assert channels == 3
        return self.maps


class Network(InstanceNetwork):
    """Tells which planes it saw."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def dense(self, part: Part, survey: NetworkSurvey, *, coarse: bool = False) -> Said | None:  # type: ignore[override]
        assert survey is SURVEY and not coarse
        pixels = part.image.pixels
        self.seen.append(pixels.shape)
        if not pixels.any():
            return None
        return Said(np.stack([pixels, pixels * 10, pixels * 100]).astype(np.float32))


def test_every_plane_is_seen_along_each_axis_and_gives_its_two_components() -> None:
    pixels = np.random.default_rng(0).random((4, 5, 6)).astype(np.float32)
    network = Network()
    view = see_in_space(network, pixels, SURVEY)
    assert network.seen == [(5, 6)] * 4 + [(4, 6)] * 5 + [(4, 5)] * 6
    np.testing.assert_allclose(view.foreground, pixels, rtol=1e-6)
    # z is the first axis of both views that show it, y of one, x of none.
    for axis, factor in enumerate((20, 110, 200)):
        np.testing.assert_allclose(view.flow[axis], pixels * factor, rtol=1e-5)


def test_a_plane_without_contrast_says_nothing() -> None:
    pixels = np.zeros((3, 4, 5), np.float32)
    pixels[1, 2, 3] = 1
    view = see_in_space(Network(), pixels, SURVEY)
    assert view.foreground[1, 2, 3] == pytest.approx(1)
    assert np.count_nonzero(view.foreground) == np.count_nonzero(view.flow[0]) == 1
    assert not see_in_space(Network(), np.zeros((2, 3, 4), np.float32), SURVEY).foreground.any()


def ball_view(radius: float = 8) -> tuple[SpaceView, NDArray[np.bool_]]:
    """Two balls that touch."""
    place = np.indices((24, 24, 40)).astype(np.float32)
    centres = np.array([[12, 12, 11], [12, 12, 11 + 2 * radius]], np.float32)
    way = centres[:, :, None, None, None] - place
    away = np.sqrt((way**2).sum(axis=1))
    nearest = away.argmin(axis=0)
    flow = np.where(nearest, way[1], way[0])
    inside = away.min(axis=0) <= radius
    return SpaceView(np.where(inside, 0.9, 0.1).astype(np.float32), flow * inside * 3), inside


def test_balls_that_touch_are_two_objects() -> None:
    view, inside = ball_view()
    labels = objects_in_space(view, diameter=16, threshold=0.5, smallest=10)
    assert labels.dtype == np.int32 and labels.max() == 2
    np.testing.assert_array_equal(labels > 0, inside)
    assert np.bincount(labels.ravel())[1:].min() > 0.4 * inside.sum()


def test_small_objects_and_faint_ones_go() -> None:
    view, inside = ball_view()
    assert objects_in_space(view, diameter=16, threshold=0.95, smallest=1).max() == 0
    assert objects_in_space(view, diameter=16, threshold=0.5, smallest=int(inside.sum())).max() == 0
