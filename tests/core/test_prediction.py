"""A prediction's parts fit each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from veriscope.core.prediction import Prediction
from veriscope.errors import AxesError, InputError, PixelValueError, ShapeMismatchError

LABELS = np.array([[0, 1, 1], [2, 0, 3]], np.int32)


def test_objects_are_counted_and_may_have_probabilities() -> None:
    chances = np.array([0.9, 0.5, 1.0], np.float32)
    prediction = Prediction(LABELS, "yx", chances, np.zeros((2, 3), np.float32), {"diameter_px": 1.5})
    assert prediction.n_objects == 3


def test_an_empty_prediction_has_no_objects_and_no_probabilities() -> None:
    assert Prediction(np.zeros((2, 3), np.int32), "yx", np.zeros(0, np.float32)).n_objects == 0


def test_predictions_do_not_share_their_details() -> None:
    first, second = Prediction(LABELS, "yx"), Prediction(LABELS, "yx")
    first.details["diameter_px"] = 12
    assert second.details == {}


@pytest.mark.parametrize(
    ("labels", "options", "kind", "message"),
    [
        (
            LABELS,
            {"probabilities": np.ones(2, np.float32)},
            ShapeMismatchError,
            "a prediction of 3 objects has 2 probabilities",
        ),
        (
            LABELS,
            {"probability_map": np.zeros((3, 2), np.float32)},
            ShapeMismatchError,
            "probability map (3, 2) does not fit labels (2, 3)",
        ),
        (
            LABELS[None],
            {},
            AxesError,
            "the prediction: axes 'yx' name 2 dimensions but the array has 3",
        ),
        (
            -LABELS,
            {},
            PixelValueError,
            "the prediction: has negative values; labels are 0 (background) and positive numbers",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(
    labels: Any, options: dict[str, Any], kind: type[InputError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        Prediction(labels, "yx", **options)
    assert str(caught.value) == message
