"""Choosing and drawing star-convex polygons: the same as StarDist 0.9, and the rules in words.

`data/stardist.npz` holds dense outputs for simulated objects that touch, and what StarDist made of them
(`benchmarks/peers/stardist_objects.py`).
"""

from pathlib import Path

import numpy as np
import pytest

from veriscope.methods.networks.star_convex import (
    Polygons,
    find_polygons,
    polygons_to_labels,
    suppress_polygons,
)


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "data" / "stardist.npz") as file:
        found = dict(file)
    shape = tuple(found["shape"])
    places = tuple(found["places"].T)
    found["dense"] = np.zeros(shape, np.float32)
    found["dense"][places] = found["probability"]
    found["rays"] = np.ones((*shape, found["distances"].shape[1]), np.float32)
    found["rays"][places] = found["distances"]
    return found


@pytest.mark.parametrize("percent", [30, 50])
def test_the_same_polygons_and_pixels_as_stardist(stored: dict[str, np.ndarray], percent: int) -> None:
    found = find_polygons(stored["dense"], stored["rays"], threshold=0.45, overlap=percent / 100)
    np.testing.assert_array_equal(found.points, stored[f"points_{percent}"])
    labels = polygons_to_labels(found, stored["dense"].shape)
    np.testing.assert_array_equal(labels, stored[f"labels_{percent}"])


def know_nothing(self: object, one: int, rivals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds that leave every pair to clipping."""
    return np.zeros(len(rivals)), np.full(len(rivals), np.inf)


@pytest.mark.parametrize("seed", range(6))
def test_bounds_decide_as_clipping_every_pair_does(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    points = rng.permutation(np.argwhere(np.ones((30, 30))))[:300]
    smooth = 1 + 0.3 * np.sin(np.arange(32) * 2 * np.pi / 32 + rng.uniform(0, 6, (300, 1)))
    rays = (rng.uniform(4, 9, (300, 1)) * smooth + rng.normal(0, 0.1 * seed, (300, 32))).astype(np.float32)
    rays[::50] *= 3  # some are much larger than all others
    rays = np.maximum(rays, 0.5)
    with_bounds = [suppress_polygons(points, rays, overlap=overlap) for overlap in (0.1, 0.4, 0.8)]
    monkeypatch.setattr("veriscope.methods.networks.polygon_suppression.Suppression._bounds", know_nothing)
    for overlap, expected in zip((0.1, 0.4, 0.8), with_bounds, strict=True):
        np.testing.assert_array_equal(suppress_polygons(points, rays, overlap=overlap), expected)


def test_of_equal_ones_the_first_in_reading_order_stays() -> None:
    probability = np.zeros((20, 20), np.float32)
    probability[10, 8:12] = 0.9
    found = find_polygons(probability, np.full((20, 20, 16), 5, np.float32), threshold=0.5, overlap=0.4)
    assert found.points.tolist() == [[10, 8]]


def test_a_part_with_its_offset_gives_the_polygons_of_the_whole(stored: dict[str, np.ndarray]) -> None:
    dense, rays = stored["dense"], stored["rays"]
    whole = find_polygons(dense, rays, threshold=0.45, overlap=0.5, border=0)
    part = find_polygons(dense[:, 30:], rays[:, 30:], threshold=0.45, overlap=0.5, border=0, offset=(0, 30))
    far = whole.points[whole.points[:, 1] > 60].tolist()
    assert far
    assert [point for point in part.points.tolist() if point[1] > 60] == far
    labels = polygons_to_labels(whole, (72, 50), offset=(0, 30))
    np.testing.assert_array_equal(labels, polygons_to_labels(whole, dense.shape)[:, 30:])


def test_stride_and_border() -> None:
    probability = np.ones((6, 6), np.float32)
    found = find_polygons(
        probability, np.full((6, 6, 8), 0.9, np.float32), threshold=0.5, overlap=0.5, stride=2
    )
    assert found.points.min() == 4
    assert found.points.max() == 6
    assert len(found) == 4


def test_no_candidates() -> None:
    found = find_polygons(np.zeros((4, 5)), np.ones((4, 5, 32)), threshold=0.5, overlap=0.5)
    assert len(found) == 0
    assert not polygons_to_labels(found, (4, 5)).any()


def test_the_most_probable_is_drawn_on_top() -> None:
    polygons = Polygons(
        np.array([[8, 8], [8, 12]]), np.full((2, 32), 5, np.float32), np.array([0.7, 0.9], np.float32)
    )
    labels = polygons_to_labels(polygons, (20, 20))
    assert labels[8, 10] == 2
    assert labels[8, 5] == 1


def test_without_chains_each_polygon_depends_on_those_that_overlap_it() -> None:
    """Three in a row: the best drops the second, which would have dropped the third."""
    points = np.array([[20, 20], [20, 26], [20, 32]])
    rays = np.full((3, 32), 6, np.float32)
    assert suppress_polygons(points, rays, overlap=0.3).tolist() == [0, 2]
    assert suppress_polygons(points, rays, overlap=0.3, chained=False).tolist() == [0]
    apart = points * [1, 3]
    assert suppress_polygons(apart, rays, overlap=0.3, chained=False).tolist() == [0, 1, 2]
