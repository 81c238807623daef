"""Size and place of objects, against sums over their pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.measure.runs import find_runs
from veriscope.measure.size import equivalent_diameter, measure_sizes

label_images = hnp.arrays(
    np.int64, hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6), elements=st.integers(0, 4)
)


@settings(max_examples=120, deadline=None)
@given(labels=label_images)
def test_sizes_are_those_of_the_pixels(labels: NDArray[np.int64]) -> None:
    runs = find_runs(labels)
    sizes = measure_sizes(runs)
    for i, label in enumerate(runs.ids):
        pixels = np.argwhere(labels == label)
        assert sizes.pixels[i] == len(pixels)
        assert sizes.centroid[i] == pytest.approx(pixels.mean(axis=0), abs=1e-12)
        assert sizes.low[i].tolist() == pixels.min(axis=0).tolist()
        assert sizes.high[i].tolist() == (pixels.max(axis=0) + 1).tolist()
        edges = [
            (pixels[:, axis] == place).any()
            for axis, length in enumerate(labels.shape)
            if length > 1
            for place in (0, length - 1)
        ]
        assert sizes.touches_border[i] == any(edges)


@settings(max_examples=40, deadline=None)
@given(labels=label_images, axis=st.integers(0, 2))
def test_a_flip_mirrors_the_place_and_leaves_the_size(labels: NDArray[np.int64], axis: int) -> None:
    axis %= labels.ndim
    plain, flipped = (measure_sizes(find_runs(image)) for image in (labels, np.flip(labels, axis)))
    np.testing.assert_array_equal(plain.pixels, flipped.pixels)
    np.testing.assert_array_equal(plain.touches_border, flipped.touches_border)
    mirrored = plain.centroid.copy()
    mirrored[:, axis] = labels.shape[axis] - 1 - mirrored[:, axis]
    np.testing.assert_allclose(flipped.centroid, mirrored, atol=1e-12)
    np.testing.assert_array_equal(flipped.low[:, axis], labels.shape[axis] - plain.high[:, axis])


def test_an_axis_of_one_plane_has_no_edge() -> None:
    labels = np.zeros((1, 5, 6), int)
    labels[0, 2, 3] = 1
    assert not measure_sizes(find_runs(labels)).touches_border.any()
    assert measure_sizes(find_runs(np.repeat(labels, 2, axis=0))).touches_border.all()


def test_far_from_the_origin_no_digit_of_the_centroid_is_lost() -> None:
    """Summed from the image's corner, three pixels at a million would need 3e6 before the point."""
    labels = np.zeros((1, 3_000_000), np.uint8)
    labels[0, 2_999_990:2_999_993] = 1
    labels[0, 2_999_995] = 1
    assert measure_sizes(find_runs(labels)).centroid[0, 1] == 2_999_990 + (0 + 1 + 2 + 5) / 4


def test_no_object_has_no_size() -> None:
    for shape in ((3, 4), (2, 3, 4), (0, 4), (2, 0, 4)):
        sizes = measure_sizes(find_runs(np.zeros(shape, int)))
        assert sizes.pixels.shape == (0,)
        assert sizes.centroid.shape == sizes.low.shape == sizes.high.shape == (0, len(shape))


@pytest.mark.parametrize("diameter", [1e-9, 0.5, 1.0, 12.0, 1e9])
def test_discs_and_balls_have_the_diameter_that_they_were_made_with(diameter: float) -> None:
    disc, ball = np.pi * diameter**2 / 4, np.pi * diameter**3 / 6
    assert equivalent_diameter(np.array([disc]), 2) == pytest.approx([diameter])
    assert equivalent_diameter(np.array([ball]), 3) == pytest.approx([diameter])
