"""Dense targets: what they are on shapes that are known, and what holds on any labels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from veriscope.training.heads.flow_targets import dense_targets


def disc(radius: float, *, side: int = 41) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - side // 2
    return (np.hypot(y, x) < radius).astype(np.int32)


def test_a_disc_flows_to_its_centre_and_its_distance_falls_to_the_border() -> None:
    labels = disc(15)
    foreground, distance, contact, flow_y, flow_x = dense_targets(labels)
    assert np.array_equal(foreground, labels)
    assert not contact.any()
    assert distance[20, 20] == distance.max() == 1
    assert (np.diff(distance[20, 20:]) <= 0).all()
    y, x = np.mgrid[:41, :41] - 20
    outside_the_middle = (labels > 0) & (np.hypot(y, x) > 2)
    inwards = -(flow_y * y + flow_x * x) / np.maximum(np.hypot(y, x), 1)
    assert inwards[outside_the_middle].min() > 0.95


def test_where_objects_are_closer_than_two_pixels_they_touch() -> None:
    labels = np.zeros((20, 30), np.int32)
    labels[2:18, 2:12], labels[2:18, 13:25] = 1, 2
    contact = dense_targets(labels)[2]
    assert sorted(set(np.nonzero(contact)[1])) == [11, 13]
    labels[:, 12:14] = 0
    assert not dense_targets(labels)[2].any()


def test_from_everywhere_in_a_bent_object_the_flow_leads_to_one_place() -> None:
    labels = np.zeros((50, 50), np.int32)
    labels[5:45, 5:15], labels[35:45, 5:45] = 1, 1
    flow = dense_targets(labels)[3:]
    y, x = (values.astype(float) for values in np.nonzero(labels))
    for _ in range(200):
        step = flow[:, np.rint(y).astype(int), np.rint(x).astype(int)]
        y, x = y + 0.5 * step[0], x + 0.5 * step[1]
    assert (labels[np.rint(y).astype(int), np.rint(x).astype(int)] == 1).all()
    assert max(np.ptp(y), np.ptp(x)) < 3


def test_pieces_apart_are_objects_of_their_own_whatever_their_number() -> None:
    one, two = np.zeros((30, 30), np.int32), np.zeros((30, 30), np.int32)
    one[2:10, 2:10] = one[15:28, 15:25] = 7
    two[2:10, 2:10], two[15:28, 15:25] = 900, 3
    assert np.array_equal(dense_targets(one), dense_targets(two))


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1)])
def test_objects_of_one_pixel_or_one_line_give_numbers(shape: tuple[int, int]) -> None:
    labels = np.pad(np.ones(shape, np.int32), 3)
    found = dense_targets(labels)
    assert np.isfinite(found).all()
    assert (found[1][labels > 0] > 0).all()


def test_an_object_that_fills_the_image_has_no_border_and_flows_to_the_middle() -> None:
    _, distance, contact, *flow = dense_targets(np.full((15, 21), 4, np.int32))
    assert (distance == 1).all()
    assert not contact.any()
    y, x = np.mgrid[:15, :21] - np.array([7, 10])[:, None, None]
    inwards = -(flow[0] * y + flow[1] * x)
    assert inwards[np.hypot(y, x) > 2].min() > 0


def test_an_image_without_objects_has_nothing_to_learn() -> None:
    found = dense_targets(np.zeros((12, 9), np.int32))
    assert found.shape == (5, 12, 9)
    assert found.dtype == np.float32
    assert not found.any()


any_labels = arrays.arrays(
    np.int32, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 3)
)


@given(any_labels)
@settings(deadline=None, max_examples=60)
def test_what_holds_on_any_labels(labels: np.ndarray) -> None:
    found = dense_targets(labels)
    inside = labels > 0
    assert np.isfinite(found).all()
    assert not found[:, ~inside].any()
    assert (found[0] == inside).all()
    assert ((found[1] > 0) == inside).all() and found[1].max(initial=0) <= 1
    assert set(np.unique(found[2])) <= {0.0, 1.0}
    assert np.hypot(*found[3:]).max(initial=0) < 1 + 1e-5
    for number in set(labels[inside].tolist()):
        assert found[1][labels == number].max() == 1


@given(any_labels)
@settings(deadline=None, max_examples=30)
def test_distance_and_contact_of_the_mirror_image_are_the_mirror_images(labels: np.ndarray) -> None:
    found, mirrored = dense_targets(labels), dense_targets(labels[:, ::-1])
    np.testing.assert_allclose(mirrored[:3], found[:3, :, ::-1], atol=1e-6)
