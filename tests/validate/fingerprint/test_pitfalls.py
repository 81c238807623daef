"""Pitfalls: each appears just where it should, and the numbers of its example hold."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from veriscope.validate.contingency import contingency
from veriscope.validate.fingerprint.items import CATEGORIES, Fingerprint
from veriscope.validate.fingerprint.pitfalls import PITFALLS, Group, find_pitfalls
from veriscope.validate.matching import match
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.classification.calibration import expected_calibration_error
from veriscope.validate.metrics.classification.confusion import accuracy
from veriscope.validate.metrics.classification.multi_threshold import auroc
from veriscope.validate.metrics.classification.per_class import (
    negative_predictive_value,
    one_versus_rest,
    positive_predictive_value,
)
from veriscope.validate.metrics.instance.detection import ap, f1, precision, recall
from veriscope.validate.metrics.restoration.squirrel import rse, rsp
from veriscope.validate.metrics.semantic.boundary import boundary_distances, hausdorff
from veriscope.validate.metrics.semantic.overlap import dice, iou
from veriscope.validate.units import count_unit


def keys(category: Any, **answers: Any) -> set[str]:
    """Pitfalls of a problem of a category that was said."""
    return {each.key for each in find_pitfalls(Fingerprint(category=category, **answers), category)}


ALWAYS = {
    "classification": set(),
    "semantic": {"related_metrics"},
    "detection": {"pooled_or_averaged"},
    "instance": {"pooled_or_averaged"},
    "restoration": set(),
    "tracking": set(),
}
SHAPES, OBJECTS = {"semantic", "instance"}, {"detection", "instance"}
MATCHED = SHAPES | OBJECTS
WHERE: list[tuple[str, dict[str, Any], set[str]]] = [
    ("small_as_segmentation", {"small_structures": True}, SHAPES),
    ("small_structures", {"small_structures": True}, MATCHED),
    ("overlap_hides_boundary", {"boundaries_matter": True}, SHAPES),
    ("volume_is_not_overlap", {"volume_matters": True}, SHAPES),
    ("overlap_hides_gaps", {"tubular": True}, SHAPES),
    ("overlap_hides_gaps", {"connections_matter": True}, SHAPES),
    ("overlap_hides_gaps", {"centre_interest": "centre line"}, SHAPES),
    ("length_hides_gaps", {"tubular": True, "connections_matter": True}, SHAPES),
    ("equal_costs", {"costlier_error": "misses"}, MATCHED),
    ("equal_costs", {"costlier_error": "false positives"}, MATCHED),
    ("lost_order", {"classes": "ordinal"}, {"classification"}),
    ("large_dominate", {"size_variability": True}, {"semantic"}),
    ("merged_neighbours", {"touching": True}, SHAPES),
    ("pieces_counted_apart", {"disconnected": True}, OBJECTS),
    ("imbalance", {"class_imbalance": True}, {"classification", "semantic"}),
    ("prevalence", {"prevalence_representative": False}, {"classification"}),
    ("noisy_reference", {"noisy_reference": True}, set(CATEGORIES)),
    ("reference_outliers", {"reference_outliers": True}, SHAPES),
    ("coarse_reference", {"coarse_reference": True}, MATCHED),
    ("raw_reference", {"only_raw_reference": True}, {"restoration"}),
    ("dependent_cases", {"dependent_cases": True}, set(CATEGORIES)),
    ("empty_images", {"reference_may_be_empty": True}, MATCHED),
    ("empty_predictions", {"prediction_may_be_empty": True}, MATCHED),
    ("overlapping_predictions", {"overlapping_predictions": True}, {"instance"}),
    ("invalid_outputs", {"invalid_outputs": True}, set(CATEGORIES)),
    ("missing_scores", {"calibration_wanted": True}, set(CATEGORIES)),
    ("threshold_on_the_test", {"scores_available": True, "decision": "threshold"}, set(CATEGORIES)),
    ("threshold_on_the_test", {"scores_available": True, "decision": "not yet"}, set(CATEGORIES)),
    ("calibration_by_ece", {"scores_available": True, "calibration_wanted": True}, set(CATEGORIES)),
    ("two_kinds_of_ap", {"scores_available": True}, OBJECTS),
]


@pytest.mark.parametrize(("pitfall", "answers", "where"), WHERE)
def test_a_pitfall_is_told_in_its_categories_and_in_no_other(
    pitfall: str, answers: dict[str, Any], where: set[str]
) -> None:
    found = {category for category in CATEGORIES if pitfall in keys(category, **answers)}
    assert found == where
    assert all(pitfall not in keys(category) for category in CATEGORIES)


def test_every_pitfall_is_looked_at_here() -> None:
    of_answers = {pitfall for pitfall, _, _ in WHERE}
    of_categories = set().union(*ALWAYS.values())
    assert of_answers | of_categories | {"other_category"} == set(PITFALLS)


@pytest.mark.parametrize("category", CATEGORIES)
def test_without_an_answer_only_what_always_holds_is_told(category: Any) -> None:
    assert keys(category) == ALWAYS[category]


@pytest.mark.parametrize(
    ("category", "answers", "pitfall"),
    [
        ("semantic", {"small_structures": True, "boundaries_matter": True}, "small_as_segmentation"),
        ("semantic", {"tubular": True}, "length_hides_gaps"),
        ("instance", {"connections_matter": True}, "length_hides_gaps"),
        ("detection", {"calibration_wanted": True, "scores_available": True}, "missing_scores"),
        ("detection", {"decision": "threshold"}, "threshold_on_the_test"),
        ("detection", {"scores_available": True, "decision": "largest score"}, "threshold_on_the_test"),
        ("classification", {"scores_available": True}, "calibration_by_ece"),
    ],
)
def test_half_of_the_reasons_is_not_enough(category: Any, answers: dict[str, Any], pitfall: str) -> None:
    assert pitfall not in keys(category, **answers)


def test_pitfalls_come_in_their_order_and_once() -> None:
    everything = {
        item: True for item in Fingerprint.items() if Fingerprint.model_fields[item].annotation is bool
    }
    found = [each.key for each in find_pitfalls(Fingerprint(**everything), "semantic")]
    assert found == [key for key in PITFALLS if key in found]
    assert found[0] == "other_category"  # these answers speak of tracking
    assert {each.group for each in PITFALLS.values()} == set(get_args(Group))


# The examples, worked out with the metrics themselves.


def counts(tp: float, fp: float, fn: float) -> Counts:
    return Counts.from_columns(np.array([tp, fp, fn, 0.0, tp + fn, tp + fp]))


def told(key: str, *numbers: str) -> bool:
    return all(number in PITFALLS[key].example for number in numbers)


def disc(radius: float, size: int = 121) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - size // 2
    return y**2 + x**2 <= radius**2


def test_examples_of_overlap() -> None:
    small, shifted = np.zeros((6, 6), bool), np.zeros((6, 6), bool)
    small[1:4, 1:4], shifted[1:4, 2:5] = True, True
    assert iou(small, shifted) == 0.5 and told("small_as_segmentation", "IoU 6/12 = 0.5")
    assert round(iou(disc(50), disc(51)), 2) == 0.96 and told("overlap_hides_boundary", "0.96")
    assert round(iou(disc(10), disc(11)), 2) == pytest.approx(0.83, abs=0.015)
    assert round((11 / 10) ** 2 - 1, 2) == 0.21 and told("volume_is_not_overlap", "0.83", "21 %")
    assert told("small_structures", "0.89", "0.999")
    assert (round(8 / 9, 2), round(899 / 900, 3)) == (0.89, 0.999)
    assert round(disc(60.5).mean(), 2) == round(np.pi / 4, 2) == 0.79
    assert told("coarse_reference", "0.79")
    found, value = np.zeros(1100, bool), np.ones((1, 1100), bool)
    found[:1000] = True
    assert round(dice(value, found[None]), 2) == 0.95 and told("large_dominate", "DSC 0.95")
    assert told("related_metrics", "DSC 0.8 is IoU 0.67") and round(0.8 / (2 - 0.8), 2) == 0.67


def test_examples_of_matching() -> None:
    cells = np.repeat([[1, 2]], 10, axis=1)
    merged = contingency(cells, np.ones_like(cells))
    assert dice(cells > 0, np.ones_like(cells) > 0) == 1
    assert merged.ious.tolist() == [0.5, 0.5] and match(merged).tp == 1
    assert told("merged_neighbours", "DSC of the class 1, IoU 0.5 with each")
    pieces = np.repeat([[1, 2]], [7, 3], axis=1)
    unit = count_unit(np.ones((1, 10), int), pieces)
    assert (unit.tp[0], unit.fp[0], unit.sum_iou[0]) == (1, 1, 0.7)
    assert told("pieces_counted_apart", "70 % and 30 %", "IoU 0.7")
    for tp, fp, fn in ((9, 3, 1), (9, 1, 3)):
        assert round(float(f1(counts(tp, fp, fn))), 2) == 0.82
    assert told("equal_costs", "9 found, 1 missed, 3 invented", "F1 0.82")
    eight = counts(8, 2, 2)
    assert round(float(ap(eight)), 2) == 0.67 and precision(eight) == recall(eight) == 0.8
    assert told("two_kinds_of_ap", "0.67", "0.8")
    assert round(91 / 102, 2) == 0.89 and pytest.approx(0.7) == (0.9 + 0.5) / 2
    assert float(recall(counts(91, 0, 11))) == pytest.approx(91 / 102)
    assert told("pooled_or_averaged", "0.89 pooled, 0.70 averaged")


def test_examples_of_classes_and_probabilities() -> None:
    assert accuracy([[99, 0], [1, 0]]) == 0.99 and told("imbalance", "accuracy 0.99")
    even = one_versus_rest([[90, 10], [10, 90]])
    assert positive_predictive_value(even) == 0.9
    assert round(float(positive_predictive_value(even, prevalence=0.01)), 2) == 0.08
    assert negative_predictive_value(even) == 0.9
    assert told("prevalence", "precision 0.9", "0.08 with one in a hundred")
    outcomes, stated = np.arange(10) < 3, np.full(10, 0.3)
    assert expected_calibration_error(outcomes, stated) == pytest.approx(0, abs=1e-12)
    assert auroc(outcomes, stated) == 0.5
    assert told("calibration_by_ece", "Stating 0.3", "ECE 0")


def test_examples_of_distances_and_images() -> None:
    reference, prediction = np.zeros((130, 9), bool), np.zeros((130, 9), bool)
    reference[3:6, 3:6] = prediction[3:6, 3:6] = True
    reference[105, 4] = True
    assert hausdorff(boundary_distances(reference, prediction)) == 100
    assert told("reference_outliers", "100 pixels away", "Hausdorff distance 100")
    raw = np.random.default_rng(0).random((24, 24))
    assert rse(raw, raw) == pytest.approx(0, abs=1e-9) and rsp(raw, raw) == pytest.approx(1)
    assert told("raw_reference", "RSE 0 and RSP 1")
    assert np.isinf(hausdorff(boundary_distances(reference, np.zeros_like(reference))))
    assert told("empty_predictions", "mean of what is left is 2.5") and (2 + 3) / 2 == 2.5
