"""Convex hulls against a hull taken corner by corner in whole numbers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.measure import convex as convex_module
from veriscope.measure.convex import measure_hull_areas
from veriscope.measure.runs import find_runs

Point = tuple[int, int]


def turn(a: Point, b: Point, c: Point) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def corners(points: list[Point]) -> list[Point]:
    """Andrew's monotone chain, counter-clockwise."""
    ordered = sorted(set(points))
    chains: list[list[Point]] = []
    for part in (ordered, ordered[::-1]):
        chain: list[Point] = []
        for point in part:
            while len(chain) > 1 and turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        chains.append(chain[:-1])
    return chains[0] + chains[1]


def slow_hull_area(mask: NDArray[np.bool_]) -> int:
    """Pixels whose centre lies in or on the hull of the middles of all pixels' edges; all places doubled."""
    steps = ((1, 0), (-1, 0), (0, 1), (0, -1))
    points = [(2 * int(y) + dy, 2 * int(x) + dx) for y, x in np.argwhere(mask) for dy, dx in steps]
    hull = corners(points)
    edges = list(zip(hull, hull[1:] + hull[:1], strict=True))
    centres = product(range(0, 2 * mask.shape[0], 2), range(0, 2 * mask.shape[1], 2))
    return sum(all(turn(a, b, centre) >= 0 for a, b in edges) for centre in centres)


def areas(labels: NDArray[np.int64]) -> list[int]:
    return measure_hull_areas(find_runs(labels)).tolist()


label_images = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 0, 0, 1, 2])
)


@settings(max_examples=120, deadline=None)
@given(labels=label_images)
def test_each_hull_is_that_of_the_object_alone(labels: NDArray[np.int64]) -> None:
    assert areas(labels) == [slow_hull_area(labels == label) for label in np.unique(labels) if label]


@settings(max_examples=50, deadline=None)
@given(labels=label_images)
def test_flips_turns_and_places_change_nothing(labels: NDArray[np.int64]) -> None:
    plain = areas(labels)
    for changed in (labels[::-1].copy(), labels[:, ::-1], labels.T, np.rot90(labels), np.pad(labels, 5)):
        assert areas(changed) == plain


@settings(max_examples=50, deadline=None)
@given(labels=label_images, y=st.integers(0, 8), x=st.integers(0, 8))
def test_a_hull_never_shrinks_as_pixels_are_added(labels: NDArray[np.int64], y: int, x: int) -> None:
    more = np.where(labels > 0, 1, 0)
    if not more.any():
        return
    before = areas(more)[0]
    assert before >= more.sum()
    more[y % more.shape[0], x % more.shape[1]] = 1
    assert areas(more)[0] >= before


@pytest.mark.parametrize("shape", ["square", "line", "diamond", "octagon"])
def test_convex_shapes_are_their_own_hull(shape: str) -> None:
    y, x = np.mgrid[-12:13, -12:13]
    mask = {
        "square": (abs(y) < 7) & (abs(x) < 10),
        "line": (y == 3) & (x > -5),
        "diamond": abs(y) + abs(x) <= 9,
        "octagon": (abs(y) + abs(x) <= 9) & (abs(y) < 7) & (abs(x) < 7),
    }[shape]
    assert areas(mask.astype(np.int64)) == [mask.sum()]


def test_dents_by_hand() -> None:
    u = np.array([[1, 0, 1], [1, 0, 1], [1, 1, 1]])
    assert areas(u) == [9]
    far = np.zeros((5, 5), int)
    far[0, 0] = far[4, 4] = 1  # two pixels: those on the diagonal between them
    assert areas(far) == [5]
    assert areas(np.zeros((4, 4), int)) == []


def test_small_portions_of_work_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.random.default_rng(0).integers(0, 6, (40, 30))
    whole = areas(labels)
    monkeypatch.setattr(convex_module, "_EXTENTS_AT_ONCE", 1)
    monkeypatch.setattr(convex_module, "_ROWS_AT_ONCE", 1)
    assert areas(labels) == whole
