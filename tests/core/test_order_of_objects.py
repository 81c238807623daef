"""Numbers of objects: by first pixels, row by row, with probabilities and boxes that go along."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from veriscope.core.boxes import Boxes
from veriscope.core.finite import FiniteCheck
from veriscope.core.labels import first_pixels, relabel_sequential, smallest_label_dtype
from veriscope.core.prediction import Prediction
from veriscope.core.source import grid, grow, within

label_images = arrays.arrays(
    np.int32,
    st.one_of(
        st.tuples(st.integers(1, 7), st.integers(1, 7)),
        st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)),
    ),
    elements=st.integers(0, 5),
)


def predicted(labels: NDArray[np.int32]) -> Prediction:
    """A prediction whose probabilities and boxes carry the number of their object."""
    n = int(labels.max(initial=0))
    numbers = np.arange(1, n + 1)
    boxes = Boxes(np.repeat(numbers[:, None], 4, 1).astype(np.float32), np.zeros(n, np.int64), ("cell",))
    axes = "yx" if labels.ndim == 2 else "zyx"
    return Prediction(labels, axes, (numbers / 10).astype(np.float32), boxes=boxes)


def first_by_counting(labels: NDArray[np.int32]) -> list[int]:
    flat = labels.ravel().tolist()
    return [flat.index(n) if n in flat else len(flat) for n in range(1, max(flat, default=0) + 1)]


@given(label_images)
@hypothesis_settings(max_examples=80)
def test_first_pixels_are_those_that_are_counted(labels: NDArray[np.int32]) -> None:
    assert first_pixels(labels).tolist() == first_by_counting(labels)


@given(label_images)
@hypothesis_settings(max_examples=80)
def test_in_order_each_object_keeps_its_pixels_probability_and_box(labels: NDArray[np.int32]) -> None:
    before = labels.copy()
    found = predicted(labels).in_order()
    assert np.array_equal(labels, before)
    present = sorted(set(labels[labels > 0].tolist()), key=lambda n: first_by_counting(labels)[n - 1])
    assert found.n_objects == len(present)
    first = first_pixels(np.ascontiguousarray(found.labels))
    assert all(one < other for one, other in itertools.pairwise(first.tolist()))
    assert found.probabilities is not None and found.boxes is not None
    for new, old in enumerate(present, start=1):
        assert np.array_equal(found.labels == new, labels == old)
        assert found.probabilities[new - 1] == np.float32(old / 10)
        assert found.boxes.edges[new - 1].tolist() == [old] * 4
    assert len(found.probabilities) == len(found.boxes) == len(present)


@given(label_images)
@hypothesis_settings(max_examples=40)
def test_what_is_in_order_stays_the_same_object(labels: NDArray[np.int32]) -> None:
    once = predicted(labels).in_order()
    assert once.in_order() is once


@given(label_images, st.permutations(range(1, 6)))
@hypothesis_settings(max_examples=40)
def test_how_objects_were_numbered_does_not_show(labels: NDArray[np.int32], numbers: list[int]) -> None:
    full = relabel_sequential(labels)
    n = int(full.max(initial=0))
    other = np.array([0, *[one for one in numbers if one <= n]], np.int32)[full]
    assert np.array_equal(predicted(full).in_order().labels, predicted(other).in_order().labels)


def test_without_probabilities_and_boxes_there_are_none_afterwards() -> None:
    found = Prediction(np.array([[2, 0, 1]], np.int32), "yx", details={"diameter": 9}).in_order()
    assert found.labels.tolist() == [[1, 0, 2]]
    assert (found.probabilities, found.boxes, found.details) == (None, None, {"diameter": 9})


@given(st.integers(0, 2**32 - 1))
def test_labels_fit_the_type_they_are_saved_in(n_objects: int) -> None:
    dtype = smallest_label_dtype(n_objects)
    assert int(np.array(n_objects, dtype)) == n_objects
    assert dtype == np.uint16 or n_objects > 65_535


def test_labels_of_any_integers_are_renumbered_alike() -> None:
    labels = np.array([[0, 5, 5], [9, 0, 70]])
    for dtype in (np.uint8, np.int16, np.uint16, np.int64, np.uint64, np.float32, np.float64):
        found = relabel_sequential(labels.astype(dtype))
        assert found.dtype == np.int32
        assert found.tolist() == [[0, 1, 1], [2, 0, 3]]
    far = np.array([[0, 2**62, 2**62 - 1], [2**40, 0, 7]], np.uint64)
    assert relabel_sequential(far).tolist() == [[0, 4, 3], [2, 0, 1]]
    assert relabel_sequential(far[:1, 1:]).tolist() == [[2, 1]]
    assert relabel_sequential(np.zeros((0, 3), np.int32)).shape == (0, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_no_pixels_at_all_are_no_fault(dtype: type) -> None:
    check = FiniteCheck()
    check.add(np.zeros((0, 4), dtype))
    check.add(np.ones((2, 2), dtype))
    check.require("image")
    assert (check.size, check.not_finite, check.beyond) == (4, 0, 0)


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(1, 12)), min_size=1, max_size=3),
    st.integers(0, 9),
)
@hypothesis_settings(max_examples=50)
def test_parts_with_their_surroundings_hold_the_part_where_it_is_said_to_be(
    axes: list[tuple[int, int]], halo: int
) -> None:
    shape, sides = (tuple(one[k] for one in axes) for k in (0, 1))
    image = np.arange(np.prod(shape)).reshape(shape)
    seen = np.zeros(shape, int)
    for core in grid(shape, sides):
        crop = grow(core, halo, shape)
        inner = within(core, crop)
        assert np.array_equal(image[crop][inner], image[core])
        for part, around, size in zip(core, crop, shape, strict=True):
            assert around.start == max(0, part.start - halo)
            assert around.stop == min(size, part.stop + halo)
        seen[core] += 1
    assert (seen == 1).all()
