"""Choosing and drawing star-convex polyhedra: the same as StarDist 0.9 on stored outputs, and known shapes.

`data/stardist_3d.npz` holds dense outputs for simulated objects with planes twice as far apart as pixels, and
what StarDist made of them (`benchmarks/peers/stardist_objects.py`).
"""

from pathlib import Path

import numpy as np
import pytest

from veriscope.errors import MethodError
from veriscope.methods.networks import star_polyhedra
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


def needle(length: float, direction: tuple[int, int, int] = (1, 0, 0)) -> tuple[Sphere, np.ndarray]:
    """A double pyramid along the axes, with one long ray."""
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    distances = np.full(6, 2, np.float32)
    distances[(axes == direction).all(1)] = length
    return Sphere(axes), distances


def drawn(sphere: Sphere, distances: np.ndarray, *, at: tuple[int, int, int] = (4, 6, 6)) -> np.ndarray:
    one = Polygons(np.array([at]), distances[None], np.ones(1, np.float32))
    return polyhedra_to_labels(one, sphere, (9, 13, 13))


def test_a_double_pyramid_has_the_voxels_of_its_equation() -> None:
    """Along the axes the surface is |z|/a + |y|/b + |x|/c = 1, with another length on each side."""
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    lengths = np.array([3.5, 4.5, 5.5, 2.5, 1.5, 3.5], np.float32)
    z, y, x = np.indices((9, 13, 13)) - np.array([4, 6, 6]).reshape(3, 1, 1, 1)
    away = sum(
        np.abs(offset) / np.where(offset >= 0, lengths[axis], lengths[axis + 3])
        for axis, offset in enumerate((z, y, x))
    )
    np.testing.assert_array_equal(drawn(Sphere(axes), lengths) == 1, away <= 1)
    assert Sphere(axes).volumes(lengths[None])[0] == pytest.approx(6.0 * 6.0 * 9.0 / 6)


def test_offsets_beyond_the_table_are_worked_out_to_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """One kept table, none, and one that ends between the polyhedra; whole, and in slabs of a plane."""
    rng = np.random.default_rng(3)
    points = np.stack(np.unravel_index(rng.permutation(8 * 12 * 12)[:12], (8, 12, 12)), axis=1)
    distances = rng.uniform(1, 7, (12, 20)).astype(np.float32)
    chances = rng.random(12).astype(np.float32)

    def found(kept: int, at_once: int) -> tuple[list[int], np.ndarray]:
        monkeypatch.setattr(star_polyhedra, "_MOST_KEPT", kept)
        monkeypatch.setattr(star_polyhedra, "_VOXELS_AT_ONCE", at_once)
        sphere = Sphere.spiral(20, spacing=SPACING)
        stay = suppress_polyhedra(points, distances, sphere, overlap=0.3)
        return stay.tolist(), polyhedra_to_labels(Polygons(points, distances, chances), sphere, (8, 12, 12))

    stay, labels = found(8_000_000, 1_000_000)
    assert 1 < len(stay) < 12
    for kept, at_once in ((0, 1_000_000), (2_000, 1_000_000), (8_000_000, 1), (0, 200)):
        again, same = found(kept, at_once)
        assert again == stay
        np.testing.assert_array_equal(same, labels)


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, -1, 0), (0, 0, 1)])
def test_one_ray_that_leaves_the_stack_by_far_takes_no_table_of_its_cube(axis: tuple[int, int, int]) -> None:
    """A table of all offsets up to 20,000 voxels would have 6e13 places."""
    sphere, distances = needle(20_000.0, axis)
    labels = drawn(sphere, distances)
    line = [
        slice(at, None) if a > 0 else slice(None, at + 1) if a < 0 else at
        for at, a in zip((4, 6, 6), axis, strict=True)
    ]
    assert labels[tuple(line)].all(), "the ray goes on to the edge"
    assert sphere._rays.nbytes + sphere._parts.nbytes <= 8_000_000 * 18
    near = drawn(*needle(2.0, axis))
    assert labels[near > 0].all()


def test_an_object_larger_than_can_be_drawn_is_refused_with_its_size() -> None:
    sphere = Sphere(needle(1)[0].directions)
    huge = np.full(6, 1000, np.float32)
    said = (
        "the network says that an object is 2001 x 2001 x 2001 voxels large (z, y, x), which is more than "
        "the 27,000,000 that are drawn; give images scaled to the voxel size of its card, or choose another "
        "model"
    )
    with pytest.raises(MethodError) as error:
        drawn(sphere, huge)
    assert str(error.value) == said
    probability, distances = np.full((6, 6, 6), 0.9, np.float32), np.full((6, 6, 6, 6), 1000, np.float32)
    with pytest.raises(MethodError) as error:
        find_polyhedra(probability, distances, sphere, threshold=0.5, overlap=0.4)
    assert str(error.value) == said


@pytest.mark.parametrize("n_rays", [1, 3, 4])
def test_too_few_rays_for_a_stack_are_refused(n_rays: int) -> None:
    """Four on the spiral lie so that the centre is on a face: nothing would be all round it."""
    with pytest.raises(MethodError) as error:
        Sphere.spiral(n_rays)
    assert str(error.value) == (
        f"objects of a stack need at least 5 rays, and the network gives {n_rays}; its card is wrong, or it "
        "was made for flat images: choose a model of stacks"
    )


@pytest.mark.parametrize("n_rays", [5, 6, 7, 32])
def test_the_rays_of_a_spiral_go_all_round(n_rays: int) -> None:
    sphere = Sphere.spiral(n_rays, spacing=(5, 1, 1))
    every = np.argwhere(np.ones((5, 5, 5), bool)) - 2
    assert sphere.inside(every, np.full(n_rays, 100, np.float32)).all()
    assert (sphere.volumes(np.ones((1, n_rays), np.float32)) > 0).all()
    assert sphere.inside(np.zeros((1, 3), int), np.full(n_rays, 1e-3, np.float32)).all()
