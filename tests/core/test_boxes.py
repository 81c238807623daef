"""Boxes and their classes."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.core.boxes import Boxes
from veriscope.core.prediction import Prediction
from veriscope.errors import ShapeMismatchError

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
