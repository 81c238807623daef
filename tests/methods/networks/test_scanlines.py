"""Many polygons drawn at once are those that scikit-image draws one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import polygon

from veriscope.methods.networks.scanlines import draw_polygons


def one_by_one(corners: np.ndarray, numbers: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    labels = np.zeros(shape, np.int32)
    for points, number in zip(corners, numbers, strict=True):
        labels[polygon(points[:, 0], points[:, 1], shape)] = number
    return labels


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), whole=st.booleans(), n=st.integers(3, 24))
def test_any_polygons_also_with_corners_and_edges_on_pixels(seed: int, whole: bool, n: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-8, 40, (5, 1, 2)) + rng.normal(0, 6, (5, n, 2))
    corners = np.rint(corners) if whole else corners.astype(np.float32).astype(np.float64)
    numbers = rng.permutation(5) + 1
    shape = (31, 27)
    np.testing.assert_array_equal(draw_polygons(corners, numbers, shape), one_by_one(corners, numbers, shape))


def test_the_border_belongs_to_the_polygon() -> None:
    square = np.array([[[1.0, 1], [1, 3], [3, 3], [3, 1]]])
    assert draw_polygons(square, np.array([7]), (5, 5)).sum() == 9 * 7


@pytest.mark.parametrize("shape", [(0, 5), (5, 5)])
def test_nothing_to_draw(shape: tuple[int, int]) -> None:
    assert not draw_polygons(np.zeros((0, 4, 2)), np.zeros(0, int), shape).any()
