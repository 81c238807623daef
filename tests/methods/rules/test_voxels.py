"""Lengths along axes whose voxels have other sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.methods.rules.voxels import (
    along,
    farthest,
    pad_planes,
    smoothing_reach,
    steps_of,
    whole_along,
)

sizes = st.lists(st.sampled_from([0.1, 0.5, 1.0, 2.0, 6.5]), min_size=3, max_size=3).map(tuple)


@pytest.mark.parametrize(
    ("shape", "axes", "spacing", "expected"),
    [
        ((4, 5), "yx", None, ()),
        ((4, 5), "yx", {"y": 2.0, "x": 0.5}, ()),
        ((3, 4, 5), "zyx", None, (1.0, 1.0, 1.0)),
        ((3, 4, 5), "zyx", {"z": 2.0, "y": 0.25, "x": 0.5}, (4.0, 0.5, 1.0)),
    ],
)
def test_steps_are_relative_to_x(
    shape: tuple[int, ...], axes: str, spacing: dict[str, float] | None, expected: tuple[float, ...]
) -> None:
    assert steps_of(ArraySource(Image(np.zeros(shape), axes, spacing))) == expected


def test_lengths_by_hand() -> None:
    step = (4.0, 0.5, 1.0)
    assert along(6.0, step) == (1.5, 12.0, 6.0)
    assert along(6.0, ()) == 6.0
    assert whole_along(6.0, step, 3) == (2, 12, 6)
    assert whole_along(0.2, step, 3) == (1, 1, 1)
    assert whole_along(6.4, (), 2) == (6, 6)
    assert farthest(6.0, step) == 12
    assert farthest(6.2, ()) == 7


@given(length=st.floats(0.01, 50), step=sizes)
def test_no_axis_has_more_voxels_than_the_farthest(length: float, step: tuple[float, ...]) -> None:
    lengths = along(length, step)
    assert isinstance(lengths, tuple)
    most = farthest(length, step)
    assert max(lengths) <= most + 1e-9
    assert max(whole_along(length, step, 3)) <= max(most, 1)


@given(sigma=st.floats(0.2, 3), step=sizes)
def test_smoothing_looks_no_farther_than_it_says(sigma: float, step: tuple[float, ...]) -> None:
    reach = smoothing_reach(sigma, step)
    sigmas = along(sigma, step)
    assert isinstance(sigmas, tuple)
    seen = 0
    for own in sigmas:
        point = np.zeros(301)
        point[150] = 1
        seen = max(seen, int(np.flatnonzero(ndimage.gaussian_filter(point, own)).max()) - 150)
    assert min(reach, 150) == seen


def test_objects_end_at_the_sides_of_a_stack_and_go_on_beyond_its_planes() -> None:
    mask = np.ones((2, 3, 3), bool)
    padded, inner = pad_planes(mask, (2.0, 1.0, 1.0))
    assert padded.shape == (2, 5, 5)
    np.testing.assert_array_equal(padded[inner], mask)
    assert padded.sum() == mask.sum()
    flat, inside = pad_planes(mask[0], ())
    assert flat.shape == (5, 5)
    np.testing.assert_array_equal(flat[inside], mask[0])
