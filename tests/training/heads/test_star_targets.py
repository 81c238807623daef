"""Distances along rays and centrality, on shapes where they are known."""

import numpy as np
import pytest

from veriscope.methods.networks.star_polyhedra import Sphere
from veriscope.training.heads.star_targets import plane_directions, star_distances, star_probability


def sphere_directions(n_rays: int) -> np.ndarray:
    return Sphere.spiral(n_rays).directions.astype(np.float32)


def ball(shape: tuple[int, ...], radius: float) -> np.ndarray:
    centre = [(size - 1) / 2 for size in shape]
    away = sum((i - c) ** 2 for i, c in zip(np.indices(shape), centre, strict=True))
    return (away <= radius**2).astype(np.int32)


@pytest.mark.parametrize("shape", [(41, 41), (25, 41, 41)])
def test_from_the_middle_of_a_ball_all_rays_are_as_long_as_the_radius(shape: tuple[int, ...]) -> None:
    directions = plane_directions(32) if len(shape) == 2 else sphere_directions(48)
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


def test_a_stride_may_begin_anywhere() -> None:
    labels = ball((40, 37), 12)
    whole = star_distances(labels, plane_directions(16))
    for first in [(0, 1), (1, 0), (1, 1)]:
        found = star_distances(labels, plane_directions(16), stride=2, first=first)
        np.testing.assert_array_equal(found, whole[first[0] :: 2, first[1] :: 2])


def follow(labels: np.ndarray, start: tuple[int, ...], direction: np.ndarray) -> float:
    """Walk along one ray, as the definition says."""
    moved = np.zeros(labels.ndim, np.float32)
    while True:
        moved = moved + direction
        at = tuple(np.rint(start + moved.astype(float)).astype(int))
        outside = any(not 0 <= one < size for one, size in zip(at, labels.shape, strict=True))
        if outside or labels[at] != labels[start]:
            back = np.float32(0.5) / np.abs(direction).max() - np.float32(1)
            return float(np.sqrt(((moved + back * direction) ** 2).sum()))


@pytest.mark.parametrize(("shape", "most"), [((60, 71), 40), ((9, 40, 33), 30), ((50, 50), 70000)])
def test_all_pixels_together_give_what_each_ray_gives_alone(shape: tuple[int, ...], most: int) -> None:
    rng = np.random.default_rng(most)
    labels = np.zeros(shape, np.int32)
    for _ in range(25):  # blobs that overlap, reach over the edge and fall to pieces
        centre, radius = rng.uniform(0, 1, len(shape)) * shape, rng.uniform(2, 14)
        away = sum((i - c) ** 2 for i, c in zip(np.indices(shape), centre, strict=True))
        labels[away < radius**2] = rng.integers(1, most)
    directions = plane_directions(8) if len(shape) == 2 else sphere_directions(12)
    found = star_distances(labels, directions)
    inside = np.argwhere(labels)
    for place in inside[rng.integers(len(inside), size=40)]:
        alone = [follow(labels, tuple(place), direction) for direction in directions]
        np.testing.assert_array_equal(found[tuple(place)], np.float32(alone))


def test_directions_turn_from_x_to_y() -> None:
    np.testing.assert_allclose(plane_directions(4), [[0, 1], [1, 0], [0, -1], [-1, 0]], atol=1e-6)


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
    assert star_distances(empty[:0], plane_directions(8)).shape == (0, 5, 8)
