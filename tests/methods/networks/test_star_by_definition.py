"""Star-convex polygons and polyhedra by their definition: tetrahedra, exact fractions, one pair at a time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from veriscope.methods.networks.polygons import polygon_areas, shared_areas
from veriscope.methods.networks.star_convex import (
    Polygons,
    find_polygons,
    polygon_corners,
    polygons_to_labels,
    suppress_polygons,
)
from veriscope.methods.networks.star_polyhedra import (
    Sphere,
    find_polyhedra,
    polyhedra_to_labels,
    suppress_polyhedra,
)

seeds = st.integers(0, 2**32 - 1)
Points = list[tuple[Fraction, Fraction]]


def exact(corners: np.ndarray) -> Points:
    return [(Fraction(int(y)), Fraction(int(x))) for y, x in corners]


def cut(polygon: Points, a: tuple[Fraction, Fraction], b: tuple[Fraction, Fraction]) -> Points:
    """Keep what lies to one side of the line through two corners (Sutherland and Hodgman)."""

    def side(p: tuple[Fraction, Fraction]) -> Fraction:
        return (b[1] - a[1]) * (p[0] - a[0]) - (b[0] - a[0]) * (p[1] - a[1])

    kept: Points = []
    for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        here, there = side(p), side(q)
        if here >= 0:
            kept.append(p)
        if here * there < 0:
            t = here / (here - there)
            kept.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
    return kept


def area(polygon: Points) -> Fraction:
    turned = polygon[1:] + polygon[:1]
    return (
        abs(sum(((p[1] * q[0] - p[0] * q[1]) for p, q in zip(polygon, turned, strict=True)), Fraction(0))) / 2
    )


def shared(one: np.ndarray, other: np.ndarray) -> Fraction:
    """Area that two convex polygons share, exactly; corners run from the x axis towards the y axis."""
    left = exact(one)
    border = exact(other)
    for a, b in zip(border, border[1:] + border[:1], strict=True):
        left = cut(left, a, b)
    return area(left) if len(left) > 2 else Fraction(0)


def rhombi(seed: int, n: int, rays: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Convex polygons whose corners are whole numbers; all centres differ."""
    rng = np.random.default_rng(seed)
    places = rng.permutation(40 * 40)[:n]
    points = np.stack(np.divmod(places, 40), axis=1) + 20
    return points, rng.integers(6, 18, (n, rays)).astype(np.float32)


@settings(max_examples=40)
@given(seeds, st.integers(2, 6))
def test_shared_areas_are_those_of_exact_clipping(seed: int, n: int) -> None:
    points, distances = rhombi(seed, n)
    corners = polygon_corners(points, distances)
    found, _ = shared_areas(corners[0], corners[1:])
    wanted = [float(shared(corners[0], other)) for other in corners[1:]]
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    np.testing.assert_allclose(polygon_areas(corners), [float(area(exact(one))) for one in corners])


def greedy(corners: np.ndarray, overlap: float, *, chained: bool) -> list[int] | None:
    """The rule in words; None where a share is so near the limit that rounding decides."""
    areas = [float(area(exact(one))) for one in corners]
    kept: list[int] = []
    for one in range(len(corners)):
        beaten = False
        for better in kept if chained else range(one):
            limit = overlap * min(areas[one], areas[better])
            both = float(shared(corners[better], corners[one]))
            if abs(both - limit) < 30:
                return None
            beaten |= both > limit
        if not beaten:
            kept.append(one)
    return kept


@settings(max_examples=40)
@given(seeds, st.integers(1, 9), st.sampled_from([0.2, 0.4, 0.7]), st.booleans())
def test_polygons_are_suppressed_one_pair_at_a_time(seed: int, n: int, overlap: float, chained: bool) -> None:
    points, distances = rhombi(seed, n)
    wanted = greedy(polygon_corners(points, distances), overlap, chained=chained)
    assume(wanted is not None)
    found = suppress_polygons(points, distances, overlap=overlap, chained=chained)
    assert found.tolist() == wanted


@settings(max_examples=25)
@given(seeds, st.sampled_from([0.3, 0.5]))
def test_polygons_of_a_turned_and_of_a_moved_image_stay_alike(seed: int, overlap: float) -> None:
    points, distances = rhombi(seed, 4)
    corners = polygon_corners(points, distances)
    assume(greedy(corners, overlap, chained=True) is not None)
    found = suppress_polygons(points, distances, overlap=overlap)
    moved = points + np.array([300, 7])
    quarter = np.stack([79 - points[:, 1], points[:, 0]], axis=1)  # a ray along x points up, as y then does
    turned = suppress_polygons(quarter, np.roll(distances, -1, axis=1), overlap=overlap)
    np.testing.assert_array_equal(turned, found)
    np.testing.assert_array_equal(suppress_polygons(moved, distances, overlap=overlap), found)


def test_what_a_network_says_of_nothing_and_of_one_place() -> None:
    for shape in ((1, 1), (1, 9), (7, 1)):
        probability = np.full(shape, 0.9, np.float32)
        rays = np.full((*shape, 8), 3, np.float32)
        assert len(find_polygons(probability, rays, threshold=0.5, overlap=0.5)) == 0, "all is border"
        found = find_polygons(probability, rays, threshold=0.5, overlap=0.0, border=0)
        assert polygons_to_labels(found, shape).max() == len(found) >= 1
        assert len(find_polygons(probability, rays, threshold=0.9, overlap=0.5, border=0)) == 0


@pytest.mark.parametrize("kind", ["f2", "f4", ">f4", "f8"])
def test_polygons_of_any_type_and_place_in_memory(kind: str) -> None:
    rng = np.random.default_rng(4)
    probability = (rng.integers(0, 64, (24, 30)) / 64).astype(kind)
    rays = (rng.integers(8, 40, (24, 30, 16)) / 8).astype(kind)
    wanted = find_polygons(
        probability.astype(np.float32), rays.astype(np.float32), threshold=0.6, overlap=0.4
    )
    given_rays = np.asfortranarray(rays)
    probability.flags.writeable = given_rays.flags.writeable = False
    found = find_polygons(probability, given_rays, threshold=0.6, overlap=0.4)
    np.testing.assert_array_equal(found.points, wanted.points)
    np.testing.assert_array_equal(polygons_to_labels(found, (24, 30)), polygons_to_labels(wanted, (24, 30)))


SPHERES = [
    Sphere.spiral(12),
    Sphere.spiral(20, spacing=(3.0, 1.0, 1.0)),
    Sphere(np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])),
]
spheres = st.sampled_from(SPHERES)


def polyhedra(sphere: Sphere, seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    places = rng.permutation(8 * 12 * 12)[:n]
    points = np.stack(np.unravel_index(places, (8, 12, 12)), axis=1)
    return points, rng.uniform(1.2, 5.0, (n, len(sphere.directions))).astype(np.float32)


def depth(sphere: Sphere, offsets: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """How far out a place lies, 1 on the surface: by solving for the tetrahedron that holds it."""
    found = np.full(len(offsets), np.inf)
    for face in sphere.faces:
        tips = (sphere.directions[face] * distances[face, None]).T
        parts = np.linalg.solve(tips, offsets.T.astype(float))
        inside = (parts >= -1e-9).all(0)
        found[inside] = np.minimum(found[inside], parts.sum(0)[inside])
    return found


@settings(max_examples=25)
@given(seeds, spheres)
def test_a_voxel_is_inside_if_one_tetrahedron_holds_it(seed: int, sphere: Sphere) -> None:
    points, distances = polyhedra(sphere, seed, 1)
    shape = (8, 12, 12)
    one = Polygons(points, distances, np.ones(1, np.float32))
    labels = polyhedra_to_labels(one, sphere, shape)
    away = depth(sphere, np.argwhere(np.ones(shape, bool)) - points[0], distances[0]).reshape(shape)
    sure = np.abs(away - 1) > 1e-4
    np.testing.assert_array_equal(labels[sure] == 1, away[sure] < 1)
    assert labels[tuple(points[0])] == 1


@pytest.mark.parametrize("sphere", SPHERES)
def test_volumes_are_those_of_the_hull_where_all_rays_are_alike(sphere: Sphere) -> None:
    n = len(sphere.directions)
    found = sphere.volumes(np.stack([np.full(n, 4), np.full(n, 2)]).astype(np.float32))
    hull = ConvexHull(4 * sphere.directions).volume
    # With thick planes faces are those of even voxels, which leaves dents.
    assert found[0] == pytest.approx(hull, rel=1e-6 if sphere is not SPHERES[1] else 0.12)
    assert found[0] == pytest.approx(8 * found[1], rel=1e-6)


@settings(max_examples=12)
@given(seeds, spheres, st.integers(1, 6), st.sampled_from([0.15, 0.4, 0.75]))
def test_polyhedra_are_suppressed_by_the_voxels_that_they_share(
    seed: int, sphere: Sphere, n: int, overlap: float
) -> None:
    points, distances = polyhedra(sphere, seed, n)
    box = np.argwhere(np.ones((20, 24, 24), bool)) - [6, 6, 6]
    away = np.stack([depth(sphere, box - p, d) for p, d in zip(points, distances, strict=True)])
    assume((np.abs(away - 1) > 1e-5).all())
    inside, volumes = away < 1, sphere.volumes(distances)
    kept: list[int] = []
    for one in range(n):
        shares = [(inside[one] & inside[other]).sum() for other in kept]
        limits = [overlap * min(volumes[one], volumes[other]) for other in kept]
        if not any(share > limit for share, limit in zip(shares, limits, strict=True)):
            kept.append(one)
    assert suppress_polyhedra(points, distances, sphere, overlap=overlap).tolist() == kept


@settings(max_examples=15)
@given(seeds, spheres, st.tuples(*[st.integers(0, 5)] * 3))
def test_polyhedra_of_a_moved_stack_are_the_moved_ones(
    seed: int, sphere: Sphere, shift: tuple[int, int, int]
) -> None:
    points, distances = polyhedra(sphere, seed, 5)
    chances = np.random.default_rng(seed).random(5).astype(np.float32)
    labels = polyhedra_to_labels(Polygons(points, distances, chances), sphere, (8, 12, 12))
    moved = polyhedra_to_labels(Polygons(points + shift, distances, chances), sphere, (13, 17, 17))
    inner = tuple(slice(s, s + size) for s, size in zip(shift, (8, 12, 12), strict=True))
    np.testing.assert_array_equal(moved[inner], labels)
    order = np.random.default_rng(seed).permutation(5)
    again = polyhedra_to_labels(
        Polygons(points[order], distances[order], chances[order]), sphere, (8, 12, 12)
    )
    np.testing.assert_array_equal(np.concatenate([[0], order + 1])[again], labels)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 6, 7), (5, 1, 1)])
def test_stacks_of_one_plane_or_voxel(shape: tuple[int, int, int]) -> None:
    sphere = SPHERES[2]
    probability = np.full(shape, 0.9, np.float32)
    rays = np.full((*shape, 6), 2, np.float32)
    none = find_polyhedra(probability, rays, sphere, threshold=0.5, overlap=0.4)
    assert len(none) == 0 and not polyhedra_to_labels(none, sphere, shape).any(), "all is border"
    found = find_polyhedra(probability, rays, sphere, threshold=0.5, overlap=0.0, border=0)
    assert len(found) >= 1 and polyhedra_to_labels(found, sphere, shape).max() == len(found)
