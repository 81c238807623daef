"""Targets of crops against counting pixel by pixel: rims, distances, centrality and boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from veriscope.training.heads.boxes import box_targets
from veriscope.training.heads.distance import border_targets
from veriscope.training.heads.flow_targets import dense_targets
from veriscope.training.heads.semantic import SemanticHead
from veriscope.training.heads.star_targets import plane_directions, star_distances, star_probability

small_labels = arrays.arrays(
    np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 2)
)
TURNS: dict[str, Any] = {
    "mirrored": lambda image: image[..., ::-1],
    "upside down": lambda image: image[..., ::-1, :],
    "transposed": lambda image: np.swapaxes(image, -1, -2),
}


def counted_rim(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    rim = np.zeros(labels.shape, bool)
    for y, x in np.argwhere(labels > 0):
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            near = (y + dy, x + dx)
            if 0 <= near[0] < labels.shape[0] and 0 <= near[1] < labels.shape[1]:
                rim[y, x] |= labels[near] != labels[y, x]
    return rim


@given(small_labels)
@hypothesis_settings(max_examples=60)
def test_rims_and_distances_are_those_that_are_counted(labels: NDArray[np.int32]) -> None:
    foreground, rim, distance = border_targets(labels)
    expected = counted_rim(labels)
    np.testing.assert_array_equal(foreground, labels > 0)
    np.testing.assert_array_equal(rim, expected)
    outside = np.argwhere((labels == 0) | expected)
    for y, x in np.ndindex(*labels.shape):
        if labels[y, x] == 0:
            steps = 0.0
        elif not expected.any():
            steps = 10.0
        else:
            steps = min(10.0, 1 + np.hypot(*(outside - (y, x)).T).min())
        assert distance[y, x] == pytest.approx(steps)


@given(small_labels, st.sampled_from(sorted(TURNS)))
@hypothesis_settings(max_examples=30)
def test_the_targets_of_a_turned_crop_are_the_turned_targets(labels: NDArray[np.int32], turn: str) -> None:
    turned = TURNS[turn]
    for make in (border_targets, star_probability):
        np.testing.assert_allclose(make(np.ascontiguousarray(turned(labels))), turned(make(labels)))  # type: ignore[operator]


@given(small_labels)
@hypothesis_settings(max_examples=30)
def test_numbers_of_objects_do_not_matter(labels: NDArray[np.int32]) -> None:
    other = np.array([0, 70_000, 3], np.int32)[labels]
    rays = plane_directions(6)
    np.testing.assert_array_equal(border_targets(labels), border_targets(other))
    np.testing.assert_array_equal(star_probability(labels), star_probability(other))
    np.testing.assert_array_equal(star_distances(labels, rays), star_distances(other, rays))
    np.testing.assert_array_equal(dense_targets(labels), dense_targets(other))


@given(small_labels)
@hypothesis_settings(max_examples=40)
def test_how_central_a_pixel_is_is_its_distance_to_another_value_over_the_largest(
    labels: NDArray[np.int32],
) -> None:
    wide = np.pad(labels, 1)
    found = star_probability(labels)
    assert not found[labels == 0].any()
    for number in set(labels[labels > 0].tolist()):
        others = np.argwhere(wide != number)
        inside = np.argwhere(wide == number)
        steps = [np.hypot(*(others - place).T).min() for place in inside]
        np.testing.assert_allclose(found[labels == number], np.array(steps) / max(steps), rtol=1e-6)


@given(small_labels)
@hypothesis_settings(max_examples=30)
def test_rays_along_the_axes_count_the_pixels_left_in_the_object(labels: NDArray[np.int32]) -> None:
    found = star_distances(labels, np.array([[0, 1], [1, 0], [0, -1], [-1, 0]], np.float32))
    for y, x in np.argwhere(labels > 0):
        for ray, (dy, dx) in enumerate([(0, 1), (1, 0), (0, -1), (-1, 0)]):
            steps, near = 0, (y, x)
            while (
                0 <= near[0] < labels.shape[0]
                and 0 <= near[1] < labels.shape[1]
                and labels[near] == labels[y, x]
            ):
                steps, near = steps + 1, (near[0] + dy, near[1] + dx)
            # Half of the step that left the object is taken back.
            assert found[y, x, ray] == pytest.approx(steps - 0.5)


def test_classes_of_a_crop_are_its_labels_as_one_channel() -> None:
    labels = np.array([[0, 2], [1, 0]], np.int32)
    given_back = SemanticHead(3).crop_targets(np.zeros((0, 2, 2), np.float32), labels)
    assert given_back.dtype == np.float32
    np.testing.assert_array_equal(given_back, labels[None])


box = st.tuples(*[st.floats(-20, 84, allow_nan=False, width=32)] * 2, *[st.floats(1, 60, width=32)] * 2).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(st.lists(st.tuples(box, st.integers(0, 1)), max_size=5))
@hypothesis_settings(max_examples=60)
def test_what_is_asked_of_boxes_leads_back_to_the_boxes(
    given_boxes: list[tuple[tuple[float, ...], int]],
) -> None:
    boxes = np.array([one for one, _ in given_boxes], float).reshape(-1, 4)
    kinds = np.array([kind for _, kind in given_boxes], np.int64)
    found = box_targets(boxes, kinds, 2, 64)
    assert found.shape == (7, 16, 16) and found.dtype == np.float32
    assert 0 <= found[:2].min() <= found[:2].max() <= 1
    seen = np.clip(boxes, 0, 64)
    shares = np.prod(seen[:, 2:] - seen[:, :2], axis=1) / np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    centres = (seen[:, :2] + seen[:, 2:]) / 8
    cells = {
        (int(y), int(x))
        for (y, x), share in zip(np.minimum(centres, 15), shares, strict=True)
        if share > 0.35
    }
    assert cells >= {tuple(cell) for cell in np.argwhere(found[6]).tolist()}
    assert not found[2:6][:, found[6] == 0].any()
    for y, x in np.argwhere(found[6]):
        assert found[:2, y, x].max() == 1  # where a box is asked for, one of the classes has a peak
        half = np.exp(found[2:4, y, x]) / 2
        centre = (found[4:6, y, x] + (y, x)) * 4
        edges = np.concatenate([centre - half, centre + half])
        # Sides below a pixel are asked for as one.
        near = np.abs(seen - edges).max(1) if len(seen) else np.array([np.inf])
        assert near.min() < 0.51


def test_of_two_objects_in_one_cell_the_last_one_is_asked_for_and_both_have_a_peak() -> None:
    boxes = np.array([[10.0, 10, 16, 16], [9, 9, 18, 18]])
    found = box_targets(boxes, np.array([0, 1]), 2, 32)
    assert np.argwhere(found[6]).tolist() == [[3, 3]]
    assert found[0, 3, 3] == found[1, 3, 3] == 1
    np.testing.assert_allclose(np.exp(found[2:4, 3, 3]), [9, 9], rtol=1e-6)


@pytest.mark.parametrize(("side", "sigma"), [(8.0, 0.6), (64.0, 2.4)])
def test_a_peak_is_as_wide_as_its_object_but_never_narrower_than_a_cell(side: float, sigma: float) -> None:
    middle = 64.0
    found = box_targets(np.array([[middle - side / 2] * 2 + [middle + side / 2] * 2]), np.array([0]), 1, 128)
    place = np.arange(32) - 16
    np.testing.assert_allclose(found[0, 16], np.exp(-0.5 * (place / sigma) ** 2), atol=1e-6)
    np.testing.assert_allclose(found[0], found[0].T)


def test_no_boxes_ask_for_nothing() -> None:
    assert not box_targets(np.zeros((0, 4)), np.zeros(0, np.int64), 3, 32).any()
