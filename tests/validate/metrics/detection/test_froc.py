"""FROC: hand-computed points, rates that are reached exactly, images without objects, empty cases."""

from __future__ import annotations

import json

import numpy as np
import pytest

from veriscope.errors import InputError
from veriscope.validate.metrics.detection.froc import (
    FROC_RATES,
    froc_curve,
    froc_score,
    sensitivity_at_fppi,
)
from veriscope.validate.metrics.detection.ranked import RankedDetections


def ranked(
    scores: list[float], hits: list[int], image: list[int], n_reference: list[int]
) -> RankedDetections:
    return RankedDetections(
        np.array(scores, dtype=float),
        np.array(hits, dtype=bool),
        np.array(image, dtype=np.intp),
        np.array(n_reference, dtype=float),
    )


@pytest.fixture
def example() -> RankedDetections:
    """Four images, one without objects; 5 objects, of which 4 are found; two detections are tied."""
    return ranked([0.9, 0.8, 0.7, 0.7, 0.5, 0.4], [1, 0, 1, 0, 1, 1], [0, 3, 1, 1, 0, 2], [2, 1, 2, 0])


def test_points_by_hand(example: RankedDetections) -> None:
    curve = froc_curve(example)
    assert curve.thresholds.tolist() == [np.inf, 0.9, 0.8, 0.7, 0.5, 0.4]
    assert curve.false_positives_per_image.tolist() == [0, 0, 0.25, 0.5, 0.5, 0.5]
    assert curve.sensitivity.tolist() == [0, 0.2, 0.2, 0.4, 0.6, 0.8]
    assert json.loads(json.dumps(curve.to_dict()))["thresholds"][0] is None


def test_sensitivity_is_that_of_a_threshold_that_can_be_set(example: RankedDetections) -> None:
    found = sensitivity_at_fppi(example, rates=(0, 0.24, 0.25, 0.49, 0.5, 8))
    assert found.tolist() == [0.2, 0.2, 0.2, 0.2, 0.8, 0.8]
    assert froc_score(example) == pytest.approx((0.2 + 0.2 + 5 * 0.8) / 7)
    assert FROC_RATES == (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8)


def test_images_without_objects_count_for_false_positives(example: RankedDetections) -> None:
    """Two more such images without a detection: the same false positives are fewer per image."""
    more = RankedDetections(
        example.scores, example.hits, example.image, np.append(example.n_reference, [0, 0])
    )
    assert sensitivity_at_fppi(more, rates=(1 / 6, 1 / 3)).tolist() == [0.2, 0.8]


def test_nothing_is_taken_where_no_threshold_keeps_to_the_rate() -> None:
    first_is_false = ranked([0.9, 0.8], [0, 1], [0, 0], [1])
    assert sensitivity_at_fppi(first_is_false, rates=(0.5, 1)).tolist() == [0, 1]


def test_the_curve_never_falls_and_ends_with_everything(example: RankedDetections) -> None:
    curve = froc_curve(example)
    assert (np.diff(curve.false_positives_per_image) >= 0).all()
    assert (np.diff(curve.sensitivity) >= 0).all()
    assert curve.sensitivity[-1] == example.hits.sum() / example.n_reference.sum()


def test_weights_are_images_of_the_study(example: RankedDetections) -> None:
    weighted = froc_curve(example, weights=[1, 1, 1, 2])
    assert weighted.false_positives_per_image.tolist() == pytest.approx([0, 0, 0.4, 0.6, 0.6, 0.6])
    assert sensitivity_at_fppi(example, weights=np.eye(4)).shape == (4, 7)
    assert np.isnan(sensitivity_at_fppi(example, weights=np.eye(4))[3]).all()


def test_empty_cases() -> None:
    assert froc_score(ranked([], [], [], [3])) == 0
    assert np.isnan(froc_score(ranked([], [], [], [0])))
    assert np.isnan(froc_score(ranked([1], [0], [0], [0])))
    assert np.isnan(froc_score(ranked([], [], [], [])))
    curve = froc_curve(ranked([], [], [], [0]))
    assert curve.to_dict() == {
        "thresholds": [None],
        "false_positives_per_image": [0.0],
        "sensitivity": [None],
    }


def test_wrong_options_are_refused(example: RankedDetections) -> None:
    with pytest.raises(InputError, match=r"rates \(-1,\) are not allowed; use numbers of at least 0"):
        sensitivity_at_fppi(example, rates=(-1,))
    with pytest.raises(InputError, match=r"rates \(\) are not allowed"):
        froc_score(example, rates=())
    with pytest.raises(InputError, match=r"weights of shape \(4, 4\) are not allowed here"):
        froc_curve(example, weights=np.eye(4))
