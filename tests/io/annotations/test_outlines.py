"""From outlines to labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.io.annotations.outlines import Outline, Window, draw_outlines


def box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=float)


corner = st.integers(-5, 15)


@given(left=corner, top=corner, width=st.integers(1, 12), height=st.integers(1, 12))
def test_a_rectangle_covers_exactly_its_pixels(left: int, top: int, width: int, height: int) -> None:
    labels, _ = draw_outlines([Outline((box(left, top, left + width, top + height),))], Window((10, 11)))
    expected = np.zeros((10, 11), bool)
    expected[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = True
    np.testing.assert_array_equal(labels > 0, expected)


@given(row=st.integers(0, 6), column=st.integers(0, 6))
def test_a_window_is_a_part_of_the_whole(row: int, column: int) -> None:
    angle = np.linspace(0, 2 * np.pi, 30)[:-1]
    outlines = [
        Outline((np.column_stack([x + 3.3 * np.cos(angle), y + 2.7 * np.sin(angle)]),))
        for x, y in [(4.2, 3.9), (9.6, 8.1)]
    ]
    whole, _ = draw_outlines(outlines, Window((12, 14)))
    part, _ = draw_outlines(outlines, Window((6, 8), (row, column)))
    np.testing.assert_array_equal(part > 0, whole[row : row + 6, column : column + 8] > 0)


def test_a_path_within_another_is_a_hole() -> None:
    ring = Outline((box(0, 0, 6, 6), box(2, 2, 4, 4)))
    labels, notes = draw_outlines([ring], Window((6, 6)))
    assert (labels > 0).sum() == 36 - 4
    assert labels[2, 2] == labels[3, 3] == 0
    assert notes == []


def test_an_ellipse_has_its_area_and_fits_its_box() -> None:
    corners = np.array([[10.0, 20.0], [50.0, 80.0]])
    labels, _ = draw_outlines([Outline((corners,), ellipse=True)], Window((100, 60)))
    rows, columns = np.nonzero(labels)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 79, 10, 49)
    assert labels.sum() == pytest.approx(np.pi * 20 * 30, rel=0.01)


def test_later_over_earlier_and_what_is_lost_is_told() -> None:
    outlines = [
        Outline((box(1, 1, 3, 3),)),
        Outline((box(0, 0, 5, 5),)),
        Outline((box(4, 4, 8, 8),)),
        Outline((box(30, 30, 40, 40),)),
    ]
    labels, notes = draw_outlines(outlines, Window((10, 10)))
    assert labels.dtype == np.int32
    assert [(labels == i).sum() for i in (1, 2)] == [24, 16]
    assert labels.max() == 2
    assert notes == [
        "1 of 4 objects have no pixel in this part of the image",
        "2 of 4 objects overlap earlier ones and are drawn over them",
        "1 object is hidden by later ones and lost",
    ]


def test_degenerate_outlines_and_none() -> None:
    line = Outline((np.array([[1.0, 1.0], [5.0, 5.0]]),))
    labels, notes = draw_outlines([line, Outline((np.empty((0, 2)),))], Window((8, 8)))
    assert not labels.any()
    assert notes == ["2 of 2 objects have no pixel in this part of the image"]
    labels, notes = draw_outlines([], Window((3, 4)))
    assert labels.shape == (3, 4)
    assert (labels.sum(), notes) == (0, [])
