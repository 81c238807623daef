"""Perimeters against the estimator written out pixel by pixel, and against lengths known by hand."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.measure import runs as runs_module
from veriscope.measure.perimeter import measure_perimeters
from veriscope.measure.runs import find_runs

STRAIGHT, DIAGONAL, MIXED = 1.0, sqrt(2), (1 + sqrt(2)) / 2
WEIGHTS = {5: STRAIGHT, 7: STRAIGHT, 15: STRAIGHT, 17: STRAIGHT, 25: STRAIGHT, 27: STRAIGHT}
WEIGHTS |= {21: DIAGONAL, 33: DIAGONAL, 13: MIXED, 23: MIXED}


def slow_perimeter(mask: NDArray[np.bool_]) -> float:
    """Benkrid and Crookes: border pixels, each weighted by the border pixels around it."""
    framed = np.pad(mask, 2)
    inside = framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]
    border = np.pad(framed[1:-1, 1:-1] & ~inside, 1)
    total = 0.0
    for y, x in np.argwhere(border):
        straight = sum(border[y + dy, x + dx] for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)))
        diagonal = sum(border[y + dy, x + dx] for dy in (1, -1) for dx in (1, -1))
        total += WEIGHTS.get(1 + 2 * int(straight) + 10 * int(diagonal), 0.0)
    return total


def perimeters(labels: NDArray[np.int64]) -> list[float]:
    return measure_perimeters(labels, find_runs(labels)).tolist()


label_images = hnp.arrays(
    np.int64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 1, 1, 2, 2])
)


@settings(max_examples=120, deadline=None)
@given(labels=label_images)
def test_each_object_has_the_perimeter_of_its_mask(labels: NDArray[np.int64]) -> None:
    expected = [slow_perimeter(labels == label) for label in np.unique(labels) if label]
    assert perimeters(labels) == pytest.approx(expected)


@settings(max_examples=40, deadline=None)
@given(labels=label_images)
def test_flips_and_turns_change_nothing(labels: NDArray[np.int64]) -> None:
    plain = perimeters(labels)
    for changed in (labels[::-1].copy(), labels[:, ::-1], labels.T, np.rot90(labels)):
        assert perimeters(changed) == pytest.approx(plain)


@pytest.mark.parametrize("side", [3, 4, 10, 25])
def test_a_square_is_as_long_as_its_border_pixels_are_apart(side: int) -> None:
    labels = np.zeros((30, 31), int)
    labels[2 : 2 + side, 3 : 3 + side] = 9
    assert perimeters(labels) == pytest.approx([4 * (side - 1)])


@pytest.mark.parametrize("side", [3, 6])
def test_a_hole_adds_its_outline(side: int) -> None:
    labels = np.ones((20, 20), int)
    full = perimeters(labels)[0]
    labels[7 : 7 + side, 7 : 7 + side] = 0
    # The border of a square hole are its 4 · side neighbours, joined across the corners by diagonals.
    assert perimeters(labels)[0] == pytest.approx(full + 4 * (side - 2) + 4 * 2 * MIXED)


def test_one_and_two_pixels_have_no_outline() -> None:
    labels = np.zeros((8, 8), int)
    labels[1, 1], labels[3, 3:5], labels[6:8, 6] = 1, 2, 3
    assert perimeters(labels) == [0, 0, 0]


def test_an_object_at_the_edge_is_closed_there() -> None:
    inside, at_edge = np.zeros((12, 12), int), np.zeros((12, 12), int)
    inside[3:8, 4:9], at_edge[:5, 7:] = 1, 1
    assert perimeters(inside) == perimeters(at_edge) == pytest.approx([16])


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_blocks_of_rows_change_nothing(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.random.default_rng(2).choice([0, 1, 1, 2], (13, 9))
    whole = perimeters(labels)
    monkeypatch.setattr(runs_module, "BLOCK_PIXELS", rows * labels.shape[1])
    assert perimeters(labels) == pytest.approx(whole)
