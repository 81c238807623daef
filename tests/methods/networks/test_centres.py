"""Boxes from heat maps: known peaks, rivals, and what is drawn of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.methods.networks.centres import boxes_at_peaks, ellipse_labels, keep_apart


def _dense(*peaks: tuple[int, int, int, float, float, float]) -> np.ndarray:
    """Dense outputs of two classes on a grid of 8 × 10 with (class, y, x, score, height, width)."""
    dense = np.zeros((6, 8, 10), np.float32)
    for kind, y, x, score, height, width in peaks:
        dense[kind, y, x] = score
        dense[2:4, y, x] = np.log([height, width])
        dense[4:6, y, x] = 0.5, 0.25
    return dense


def test_a_peak_becomes_a_box_around_its_centre() -> None:
    edges, scores, classes = boxes_at_peaks(_dense((1, 3, 4, 0.9, 8, 6)), 2, step=4, threshold=0.3)
    assert edges.tolist() == [[10, 14, 18, 20]]  # centre 4 · (3.5, 4.25)
    assert scores.tolist() == pytest.approx([0.9])
    assert classes.tolist() == [1]


def test_weak_cells_and_neighbours_of_a_peak_are_no_boxes() -> None:
    dense = _dense((0, 3, 4, 0.9, 8, 8), (0, 3, 5, 0.7, 8, 8), (0, 6, 8, 0.2, 8, 8))
    assert len(boxes_at_peaks(dense, 2, step=4, threshold=0.3)[0]) == 1


def test_boxes_come_by_falling_score() -> None:
    dense = _dense((0, 1, 1, 0.5, 4, 4), (1, 5, 7, 0.8, 4, 4))
    _, scores, classes = boxes_at_peaks(dense, 2, step=4, threshold=0.3)
    assert scores.tolist() == pytest.approx([0.8, 0.5])
    assert classes.tolist() == [1, 0]


def test_a_better_box_drops_one_that_overlaps_it_also_of_another_class() -> None:
    edges = np.array([[0, 0, 10, 10], [0, 2, 10, 12], [0, 9, 10, 19]], np.float32)
    found = (edges, np.array([0.9, 0.8, 0.7], np.float32), np.array([0, 1, 0]))
    assert keep_apart(found, overlap=0.5).tolist() == [0, 2]
    assert keep_apart(found, overlap=0.7).tolist() == [0, 1, 2]


def test_a_box_that_was_dropped_drops_no_other() -> None:
    edges = np.array([[0, 0, 10, 10], [0, 3, 10, 13], [0, 6, 10, 16]], np.float32)
    found = (edges, np.array([0.9, 0.8, 0.7], np.float32), np.zeros(3, np.int64))
    assert keep_apart(found, overlap=0.5).tolist() == [0, 2]


@given(st.integers(0, 40), st.integers(0, 1000))
def test_suppression_is_the_greedy_one(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 60, (n, 2))
    edges = np.concatenate([corner, corner + rng.uniform(3, 25, (n, 2))], 1).astype(np.float32)
    found = (edges, np.linspace(1, 0.5, n).astype(np.float32), np.zeros(n, np.int64))
    kept: list[int] = []
    for index in range(n):
        if all(_iou(edges[index], edges[other]) <= 0.4 for other in kept):
            kept.append(index)
    assert keep_apart(found, overlap=0.4).tolist() == kept


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(float), b.astype(float)
    both = np.prod(np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None))
    return float(both / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both))


def test_an_ellipse_fills_its_box() -> None:
    labels, drawn = ellipse_labels(np.array([[2, 4, 22, 34]], np.float32), (30, 40))
    assert drawn.tolist() == [0]
    y, x = np.nonzero(labels)
    assert (y.min(), y.max(), x.min(), x.max()) == (2, 21, 4, 33)
    assert (labels > 0).sum() == pytest.approx(np.pi * 10 * 15, rel=0.02)


def test_overlapping_ellipses_share_by_the_nearer_centre_whatever_their_order() -> None:
    edges = np.array([[0, 0, 20, 20], [0, 10, 20, 30]], np.float32)
    labels, _ = ellipse_labels(edges, (20, 30))
    turned, _ = ellipse_labels(edges[::-1], (20, 30))
    assert (labels == 1).sum() == (labels == 2).sum()
    assert np.array_equal(labels > 0, turned > 0)
    assert labels[10, 12] == 1
    assert labels[10, 17] == 2


def test_a_box_outside_or_without_pixels_of_its_own_is_left_out() -> None:
    edges = np.array([[0, 0, 9, 9], [0, 0, 9, 9], [50, 50, 60, 60]], np.float32)
    labels, drawn = ellipse_labels(edges, (20, 20))
    assert drawn.tolist() == [0]
    assert labels.max() == 1


def test_nothing_found_draws_nothing() -> None:
    none = np.zeros((0, 4), np.float32)
    labels, drawn = ellipse_labels(none, (5, 6))
    assert labels.shape == (5, 6)
    assert not labels.any()
    assert len(drawn) == 0
    assert len(keep_apart((none, np.zeros(0, np.float32), np.zeros(0, np.int64)), overlap=0.5)) == 0
