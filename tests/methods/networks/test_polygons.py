"""Shared areas of polygons, against counting on a fine grid and against known cases."""

import numpy as np
import pytest
from skimage.draw import polygon2mask

from veriscope.methods.networks.polygons import polygon_areas, shared_areas, straighten

SQUARE = np.array([[0, 0], [0, 10], [10, 10], [10, 0]])


def star(rng: np.random.Generator, centre: tuple[int, int], radius: float, n: int = 16) -> np.ndarray:
    angle = 2 * np.pi / n * np.arange(n)
    reach = radius * rng.uniform(0.6, 1.2, n)
    return np.trunc(np.array(centre) + (reach * [np.sin(angle), np.cos(angle)]).T).astype(int)


def counted(one: np.ndarray, other: np.ndarray, zoom: int = 4) -> float:
    masks = [polygon2mask((60 * zoom, 60 * zoom), (p + 0.01) * zoom) for p in (one, other)]
    return float((masks[0] & masks[1]).sum()) / zoom**2


def test_areas_of_known_polygons() -> None:
    triangle = np.array([[0, 0], [0, 4], [3, 4], [3, 4]])
    assert polygon_areas(np.stack([SQUARE, SQUARE[::-1], triangle])).tolist() == [100, 100, 6]


@pytest.mark.parametrize("shift", [(5, 5), (0, 5), (10, 0), (0, 0), (-3, 4), (30, 30), (10, 10)])
def test_squares_that_share_edges_and_corners(shift: tuple[int, int]) -> None:
    expected = max(10 - abs(shift[0]), 0) * max(10 - abs(shift[1]), 0)
    for rounded in (False, True):
        areas, _ = shared_areas(SQUARE, (SQUARE + shift)[None], rounded=rounded)
        assert areas == pytest.approx([expected], abs=1e-6)


def test_one_inside_the_other_shares_all_of_it() -> None:
    small = SQUARE // 5 + 4
    assert shared_areas(SQUARE, small[None])[0].tolist() == [4]
    assert shared_areas(small, SQUARE[None])[0].tolist() == [4]


def test_stars_share_what_a_fine_grid_counts() -> None:
    rng = np.random.default_rng(3)
    for _ in range(8):
        one = star(rng, (30, 30), 14)
        others = np.stack([star(rng, tuple(rng.integers(18, 42, 2)), rng.uniform(6, 16)) for _ in range(4)])
        found, _ = shared_areas(one, others)
        expected = [counted(one, other) for other in others]
        np.testing.assert_allclose(found, expected, atol=3)


def test_order_of_the_two_does_not_matter_and_rounding_moves_little() -> None:
    rng = np.random.default_rng(4)
    for _ in range(30):
        one, other = star(rng, (30, 30), 14), star(rng, (34, 27), 14)
        there, crossings = shared_areas(one, other[None])
        back, _ = shared_areas(other, one[None])
        assert there[0] == pytest.approx(back[0], abs=1e-6)
        rounded, _ = shared_areas(straighten(one), straighten(other)[None], rounded=True)
        assert abs(rounded[0] - there[0]) <= 3 * (1 + crossings[0])


def test_corners_on_straight_lines_go_and_the_area_stays() -> None:
    long = np.array([[0, 0], [0, 5], [0, 10], [10, 10], [10, 10], [10, 0], [14, 0], [10, 0]])
    short = straighten(long)
    assert len(short) == len(long)
    assert sorted({tuple(point) for point in short.tolist()}) == [(0, 0), (0, 10), (10, 0), (10, 10)]
    assert polygon_areas(short[None]) == 100
