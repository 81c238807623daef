"""Distances along rays and centrality, on shapes where they are known."""

import numpy as np
import pytest

from veriscope.training.star_targets import (
    fibonacci_directions,
    plane_directions,
    star_distances,
    star_probability,
)


def ball(shape: tuple[int, ...], radius: float) -> np.ndarray:
    centre = [(size - 1) / 2 for size in shape]
    away = sum((i - c) ** 2 for i, c in zip(np.indices(shape), centre, strict=True))
    return (away <= radius**2).astype(np.int32)


@pytest.mark.parametrize("shape", [(41, 41), (25, 41, 41)])
def test_from_the_middle_of_a_ball_all_rays_are_as_long_as_the_radius(shape: tuple[int, ...]) -> None:
    directions = plane_directions(32) if len(shape) == 2 else fibonacci_directions(48)
    labels = ball(shape, 10)
    found = star_distances(labels, directions)
    assert found.shape == (*shape, len(directions))
    assert found.dtype == np.float32
    assert np.abs(found[tuple(size // 2 for size in shape)] - 10.5).max() < 1
    assert not found[labels == 0].any()


def test_rays_end_at_other_objects_and_at_the_edge_of_the_image() -> None:
    labels = np.repeat([[1, 1, 1, 2, 2, 2]], 5, axis=0)
    found = star_distances(labels, plane_directions(4))
    np.testing.assert_allclose(found[2, 1], [1.5, 2.5, 1.5, 2.5], atol=1e-6)
    np.testing.assert_allclose(found[2, 3], [2.5, 2.5, 0.5, 2.5], atol=1e-6)


def test_a_stride_measures_some_of_the_pixels() -> None:
    labels = ball((40, 37), 12)
    whole = star_distances(labels, plane_directions(16))
    np.testing.assert_array_equal(star_distances(labels, plane_directions(16), stride=2), whole[::2, ::2])
    np.testing.assert_array_equal(star_distances(labels, plane_directions(16), stride=(1, 4)), whole[:, ::4])


def test_directions_have_length_one_and_turn_from_x_to_y() -> None:
    np.testing.assert_allclose(plane_directions(4), [[0, 1], [1, 0], [0, -1], [-1, 0]], atol=1e-6)
    thick = fibonacci_directions(60, spacing=(4, 1, 1))
    np.testing.assert_allclose(np.linalg.norm(thick, axis=1), 1, atol=1e-6)
    assert np.abs(thick[:, 0]).mean() < np.abs(fibonacci_directions(60)[:, 0]).mean()


def test_probability_is_one_in_the_middle_also_of_objects_at_the_edge() -> None:
    labels = np.zeros((9, 20), np.int32)
    labels[2:7, 2:7], labels[0:3, 10:13] = 3, 7
    found = star_probability(labels)
    assert found[4, 4] == found[1, 11] == 1
    assert found[2, 2] == pytest.approx(1 / 3)
    assert not found[labels == 0].any()


def test_no_objects() -> None:
    empty = np.zeros((4, 5), np.int32)
    assert not star_distances(empty, plane_directions(8)).any()
    assert not star_probability(empty).any()
