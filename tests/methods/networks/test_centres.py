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


@given(
    n_classes=st.integers(1, 3),
    shape=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    step=st.sampled_from([1, 2, 4]),
    seed=st.integers(0, 2**32 - 1),
)
def test_boxes_by_definition(n_classes: int, shape: tuple[int, int], step: int, seed: int) -> None:
    """Cell by cell: as high as all eight neighbours in its class, and as the threshold."""
    rng = np.random.default_rng(seed)
    dense = rng.integers(0, 5, (n_classes + 4, *shape)).astype(np.float32) / 4
    expected = []
    for kind, y, x in np.ndindex(n_classes, *shape):
        around = dense[kind, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        score = float(dense[kind, y, x])
        if score >= 0.5 and score == around.max():
            height, width, dy, dx = (float(value) for value in dense[n_classes:, y, x])
            cy, cx = (y + dy) * step, (x + dx) * step
            half = np.exp(height) / 2, np.exp(width) / 2
            expected.append((-score, kind, cy - half[0], cx - half[1], cy + half[0], cx + half[1]))
    edges, scores, kinds = boxes_at_peaks(dense, n_classes, step=step, threshold=0.5)
    ordered = sorted(expected, key=lambda box: box[0])  # equal scores stay in the order of the grid
    np.testing.assert_allclose(scores, [-box[0] for box in ordered])
    np.testing.assert_array_equal(kinds, [box[1] for box in ordered])
    np.testing.assert_allclose(edges, np.reshape([box[2:] for box in ordered], (-1, 4)), rtol=1e-5)


@given(
    boxes=st.lists(
        st.tuples(st.floats(-4, 12), st.floats(-4, 12), st.floats(0.5, 9), st.floats(0.5, 9)), max_size=5
    )
)
def test_ellipses_by_definition(boxes: list[tuple[float, float, float, float]]) -> None:
    """Pixel by pixel: the nearest centre, in half axes, of the ellipses that it lies in."""
    edges = np.array([(y, x, y + h, x + w) for y, x, h, w in boxes], np.float32).reshape(-1, 4)
    labels, drawn = ellipse_labels(edges, (9, 11))
    best = np.zeros((9, 11), int)
    nearest = np.full((9, 11), np.inf)
    near_tie = np.zeros((9, 11), bool)
    for index, (y0, x0, y1, x1) in enumerate(edges.astype(float)):
        rows, columns = np.indices((9, 11)) + 0.5
        half = max((y1 - y0) / 2, 0.5), max((x1 - x0) / 2, 0.5)
        far = ((rows - (y0 + y1) / 2) / half[0]) ** 2 + ((columns - (x0 + x1) / 2) / half[1]) ** 2
        inside = (
            (rows > np.floor(y0)) & (rows < np.ceil(y1)) & (columns > np.floor(x0)) & (columns < np.ceil(x1))
        )
        near_tie |= inside & ((np.abs(far - 1) < 1e-5) | (np.abs(far - nearest) < 1e-5))
        closer = inside & (far <= 1) & (far < nearest)
        best[closer], nearest[closer] = index + 1, far[closer]
    sure = ~near_tie
    number = np.concatenate([[0], drawn + 1])
    np.testing.assert_array_equal(number[labels][sure], best[sure])
    assert labels.max(initial=0) == len(drawn)


@pytest.mark.parametrize("kind", ["f4", "f8", ">f4"])
def test_outputs_of_any_type_give_the_same_boxes(kind: str) -> None:
    dense = np.zeros((5, 6, 7), np.float32)
    dense[0, 2, 3], dense[0, 4, 5] = 0.75, 0.5
    dense[1:3], dense[3:] = 1.5, 0.25
    wanted = boxes_at_peaks(dense, 1, step=2, threshold=0.5)
    found = boxes_at_peaks(np.asfortranarray(dense.astype(kind)), 1, step=2, threshold=0.5)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
        assert one.dtype == other.dtype


def test_sizes_far_beyond_any_image_are_bounded() -> None:
    dense = np.zeros((5, 3, 3), np.float32)
    dense[0, 1, 1] = 1
    dense[1], dense[2] = 1e6, -1e6
    ((y0, x0, y1, x1),) = boxes_at_peaks(dense, 1, step=1, threshold=0.5)[0]
    assert 1000 < y1 - y0 < 10_000
    assert 0.1 < x1 - x0 < 1
