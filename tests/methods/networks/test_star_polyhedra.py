"""Choosing and drawing star-convex polyhedra: the same as StarDist 0.9 on stored outputs, and known shapes.

`data/stardist_3d.npz` holds dense outputs for simulated objects with planes twice as far apart as pixels, and
what StarDist made of them (`benchmarks/peers/stardist_objects.py`).
"""

from pathlib import Path

import numpy as np
import pytest

from veriscope.methods.networks.star_convex import Polygons
from veriscope.methods.networks.star_polyhedra import (
    Sphere,
    find_polyhedra,
    polyhedra_to_labels,
    suppress_polyhedra,
)

SPACING = (2.0, 1.0, 1.0)


def test_the_same_polyhedra_and_voxels_as_stardist() -> None:
    with np.load(Path(__file__).parent / "data" / "stardist_3d.npz") as file:
        stored = dict(file)
    shape, places = tuple(stored["shape"]), tuple(stored["places"].T)
    probability = np.zeros(shape, np.float32)
    probability[places] = stored["probability"]
    distances = np.ones((*shape, stored["distances"].shape[1]), np.float32)
    distances[places] = stored["distances"]
    sphere = Sphere.spiral(distances.shape[-1], spacing=SPACING)
    found = find_polyhedra(probability, distances, sphere, threshold=float(stored["threshold"]), overlap=0.4)
    assert {tuple(p) for p in found.points.tolist()} == {tuple(p) for p in stored["points"].tolist()}
    labels = polyhedra_to_labels(found, sphere, shape)
    np.testing.assert_array_equal(labels > 0, stored["labels"] > 0)
    pairs = np.unique(np.stack([labels.ravel(), stored["labels"].ravel()]), axis=1)
    assert pairs.shape[1] == len(found) + 1


def test_directions_have_length_one_and_lie_denser_in_thick_planes() -> None:
    thick, even = (Sphere.spiral(60, spacing=(z, 1, 1)).directions for z in (4, 1))
    np.testing.assert_allclose(np.linalg.norm(thick, axis=1), 1, atol=1e-6)
    assert np.abs(thick[:, 0]).mean() < np.abs(even[:, 0]).mean()


def test_a_ball_has_its_volume_and_its_voxels() -> None:
    sphere = Sphere.spiral(200)
    distances = np.full((1, 200), 8, np.float32)
    whole = 4 / 3 * np.pi * 8**3
    assert sphere.volumes(distances)[0] == pytest.approx(whole, rel=0.05)
    ball = Polygons(np.array([[10, 10, 10]]), distances, np.ones(1, np.float32))
    labels = polyhedra_to_labels(ball, sphere, (21, 21, 21))
    assert labels.sum() == pytest.approx(whole, rel=0.06)
    away = np.sqrt(((np.indices(labels.shape) - 10) ** 2).sum(0))
    assert labels[away < 7].all()
    assert not labels[away > 8.01].any()


def test_polyhedra_at_the_edge_are_cut_and_the_most_probable_is_on_top() -> None:
    sphere = Sphere.spiral(40)
    two = Polygons(
        np.array([[0, 5, 5], [3, 5, 5]]), np.full((2, 40), 4, np.float32), np.array([0.6, 0.9], np.float32)
    )
    labels = polyhedra_to_labels(two, sphere, (8, 11, 11))
    assert labels[0, 5, 5] == 2
    assert labels[0, 5, 8] == 1


def test_of_two_that_share_too_much_the_first_stays() -> None:
    sphere = Sphere.spiral(40)
    points = np.array([[10, 10, 10], [10, 10, 12], [10, 10, 22]])
    distances = np.full((3, 40), 6, np.float32)
    assert suppress_polyhedra(points, distances, sphere, overlap=0.4).tolist() == [0, 2]
    assert suppress_polyhedra(points, distances, sphere, overlap=0.95).tolist() == [0, 1, 2]
    assert not len(suppress_polyhedra(points[:0], distances[:0], sphere, overlap=0.4))
