"""Boxes and their classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.boxes import Boxes
from veriscope.core.prediction import Prediction
from veriscope.errors import PixelValueError, ShapeMismatchError

NAMES = ("red", "white")


def _boxes() -> Boxes:
    return Boxes(np.array([[0, 0, 2, 2], [0, 3, 2, 5]], np.float32), np.array([1, 0]), NAMES)


def test_boxes_are_taken_with_their_classes() -> None:
    turned = _boxes().take(np.array([1, 0]))
    assert [turned.class_of(index) for index in range(2)] == ["red", "white"]
    assert turned.edges[0].tolist() == [0, 3, 2, 5]


def test_classes_have_to_fit() -> None:
    with pytest.raises(ShapeMismatchError, match="one row of y0, x0, y1, x1"):
        Boxes(np.zeros((2, 4), np.float32), np.array([0]), NAMES)


def test_a_prediction_keeps_boxes_in_the_order_of_its_labels() -> None:
    labels = np.zeros((2, 5), np.int32)
    labels[:, 3:] = 1
    labels[:, :2] = 2
    found = Prediction(labels, "yx", boxes=_boxes().take(np.array([1, 0]))).in_order()
    assert found.labels[0].tolist() == [1, 1, 0, 2, 2]
    assert found.boxes is not None
    assert found.boxes.edges[:, 1].tolist() == [0, 3]


def test_a_prediction_refuses_boxes_of_another_number() -> None:
    with pytest.raises(ShapeMismatchError, match="1 objects has 2 boxes"):
        Prediction(np.ones((2, 2), np.int32), "yx", boxes=_boxes())


@pytest.mark.parametrize(("classes", "wrong"), [([-1, 0], -1), ([0, 2], 2), ([1, 99], 99)])
def test_a_class_without_a_name_is_refused(classes: list[int], wrong: int) -> None:
    """-1 would be the last name."""
    with pytest.raises(PixelValueError) as caught:
        Boxes(np.zeros((2, 4), np.float32), np.array(classes), NAMES)
    assert str(caught.value) == f"class {wrong} of a box is not one of 2 names; count them from 0"


def test_no_box_is_allowed_even_without_names() -> None:
    none = Boxes(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), ())
    assert len(none) == len(none.take(np.zeros(0, np.int64))) == 0


@given(classes=st.lists(st.integers(0, 1), max_size=6), data=st.data())
def test_taking_all_in_another_order_and_back_changes_nothing(
    classes: list[int], data: st.DataObject
) -> None:
    edges = np.arange(4.0 * len(classes), dtype=np.float32).reshape(-1, 4)
    boxes = Boxes(edges, np.array(classes, np.int64), NAMES)
    order = np.array(data.draw(st.permutations(range(len(classes)))), np.int64)
    back = boxes.take(order).take(np.argsort(order))
    np.testing.assert_array_equal(back.edges, boxes.edges)
    assert [back.class_of(i) for i in range(len(back))] == [NAMES[c] for c in classes]
