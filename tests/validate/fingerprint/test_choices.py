"""Rules S1 to S9, answer by answer: which metric, which criterion, and which goes before which."""

from __future__ import annotations

from typing import Any

import pytest

from veriscope.validate.fingerprint.choices import (
    METRICS_OF,
    choose_category,
    choose_criteria,
    choose_metrics,
    contradicts,
    overlap_misleads,
)
from veriscope.validate.fingerprint.items import CATEGORIES, Fingerprint

FIRST = ["identity_over_time", "image_output", "whole_image_label"]


def metrics(category: Any, rule: str, **answers: Any) -> list[str]:
    found = choose_metrics(Fingerprint(**answers), category)
    return [choice.key for choice in found if choice.rule == rule]


def criteria(category: Any, **answers: Any) -> list[tuple[str, str]]:
    return [(choice.key, choice.rule) for choice in choose_criteria(Fingerprint(**answers), category)]


@pytest.mark.parametrize(
    ("answers", "category", "reason"),
    [
        ({}, "semantic", "outlines are needed, single objects are not"),
        ({"shape_needed": False}, "detection", "objects are to be found, their outlines are not needed"),
        (
            {"shape_needed": False, "instances_matter": True},
            "detection",
            "objects are to be found, their outlines are not needed",
        ),
        ({"instances_matter": True}, "instance", "each object is counted or measured on its own"),
        (
            {"touching": True},
            "instance",
            "objects touch or overlap, so a mask of the class would merge them",
        ),
        (
            {"overlapping_predictions": True},
            "instance",
            "objects touch or overlap, so a mask of the class would merge them",
        ),
        ({"whole_image_label": True}, "classification", "one answer is given for a whole image"),
        ({"image_output": True}, "restoration", "the output is an image of intensities (category ours)"),
        (
            {"identity_over_time": True},
            "tracking",
            "objects must keep their identity over time (category ours)",
        ),
    ],
)
def test_s1_gives_a_category_and_a_reason(answers: dict[str, Any], category: str, reason: str) -> None:
    assert choose_category(Fingerprint(**answers)) == (category, reason)


@pytest.mark.parametrize(("earlier", "later"), [(0, 1), (0, 2), (1, 2)])
def test_s1_asks_in_an_order(earlier: int, later: int) -> None:
    both = {FIRST[earlier]: True, FIRST[later]: True, "instances_matter": True}
    alone = {FIRST[earlier]: True}
    assert choose_category(Fingerprint(**both)) == choose_category(Fingerprint(**alone))


def test_s1_does_not_listen_to_the_category_that_was_said() -> None:
    assert choose_category(Fingerprint(category="tracking"))[0] == "semantic"


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_category_that_the_answers_lead_to_is_not_contradicted(category: Any) -> None:
    answers = {
        "classification": {"whole_image_label": True},
        "semantic": {},
        "detection": {"shape_needed": False},
        "instance": {"instances_matter": True},
        "restoration": {"image_output": True},
        "tracking": {"identity_over_time": True},
    }[category]
    fingerprint = Fingerprint(**answers)
    assert not contradicts(fingerprint, category)
    others = [other for other in CATEGORIES if other != category]
    if answers:
        # Masks and objects leave room for a category whose question nobody answered.
        expected = {other for other in others if category != "instance" or other == "semantic"}
        assert {other for other in others if contradicts(fingerprint, other)} == expected


@pytest.mark.parametrize(
    ("answers", "key"),
    [
        ({}, "accuracy"),
        ({"class_imbalance": True}, "matthews_correlation"),
        ({"prevalence_representative": False, "class_imbalance": True}, "balanced_accuracy"),
        ({"compensate_imbalance": True}, "balanced_accuracy"),
        ({"costs_known": True, "compensate_imbalance": True}, "expected_cost"),
        ({"classes": "ordinal", "costs_known": True}, "weighted_kappa"),
        ({"classes": "unordered"}, "accuracy"),
    ],
)
def test_s2_one_metric_over_all_classes(answers: dict[str, Any], key: str) -> None:
    assert metrics("classification", "S2", **answers) == [key]


@pytest.mark.parametrize(
    ("answers", "key"),
    [
        ({}, "f_beta"),
        ({"prevalence_representative": False}, "positive_likelihood_ratio"),
        ({"decision": "cost and benefit", "prevalence_representative": False}, "net_benefit"),
    ],
)
def test_s3_one_metric_of_each_class(answers: dict[str, Any], key: str) -> None:
    assert metrics("classification", "S3", **answers) == [key]


@pytest.mark.parametrize(
    ("category", "answers", "keys"),
    [
        ("classification", {}, []),
        ("classification", {"scores_available": True}, ["auroc"]),
        ("classification", {"scores_available": True, "class_imbalance": True}, ["average_precision"]),
        ("detection", {"false_positives_per_image": True}, []),
        ("detection", {"scores_available": True}, ["average_precision"]),
        ("detection", {"scores_available": True, "false_positives_per_image": True}, ["froc"]),
        ("instance", {"scores_available": True, "false_positives_per_image": True}, ["froc"]),
        ("semantic", {"scores_available": True}, []),
    ],
)
def test_s4_needs_scores(category: str, answers: dict[str, Any], keys: list[str]) -> None:
    assert metrics(category, "S4", **answers) == keys


@pytest.mark.parametrize("category", ["classification", "semantic", "detection", "instance"])
def test_s5_needs_scores_and_a_wish(category: str) -> None:
    wanted = {"calibration_wanted": True, "scores_available": True}
    assert metrics(category, "S5", **wanted) == ["brier_score", "class_wise_calibration_error"]
    for item in wanted:
        assert metrics(category, "S5", **{**wanted, item: False}) == []


@pytest.mark.parametrize(
    ("category", "answers", "keys"),
    [
        ("semantic", {}, ["dice"]),
        ("semantic", {"costlier_error": "misses"}, ["f_beta"]),
        ("semantic", {"tubular": True}, ["centreline_dice", "dice"]),
        ("semantic", {"centre_interest": "centre line"}, ["centreline_dice", "dice"]),
        ("semantic", {"centre_interest": "centre"}, ["dice"]),
        ("semantic", {"small_structures": True}, ["dice"]),
        ("semantic", {"small_structures": True, "noisy_reference": True}, []),
        (
            "semantic",
            {"small_structures": True, "noisy_reference": True, "coarse_reference": True},
            ["dice"],
        ),
        ("instance", {}, ["mean_matched_iou@0.5"]),
        ("instance", {"tubular": True}, ["centreline_dice", "mean_matched_iou@0.5"]),
        ("instance", {"small_structures": True, "noisy_reference": True}, []),
        ("instance", {"costlier_error": "misses"}, ["mean_matched_iou@0.5"]),
    ],
)
def test_s6_overlap(category: str, answers: dict[str, Any], keys: list[str]) -> None:
    assert metrics(category, "S6", **answers) == keys


BOUNDARY = {"boundaries_matter": True}


@pytest.mark.parametrize("category", ["semantic", "instance"])
@pytest.mark.parametrize(
    ("answers", "keys"),
    [
        ({}, []),
        (BOUNDARY, ["boundary_iou"]),
        (BOUNDARY | {"boundary_errors": "average"}, ["masd"]),
        (BOUNDARY | {"boundary_errors": "worst"}, ["hausdorff"]),
        (BOUNDARY | {"boundary_errors": "worst", "reference_outliers": True}, ["hausdorff_percentile"]),
        (BOUNDARY | {"boundary_errors": "worst", "noisy_reference": True}, ["hausdorff_percentile"]),
        (BOUNDARY | {"boundary_errors": "average", "noisy_reference": True}, ["nsd"]),
        (BOUNDARY | {"noisy_reference": True}, ["nsd"]),
        (BOUNDARY | {"coarse_reference": True}, []),
        ({"small_structures": True, "noisy_reference": True}, ["nsd"]),
        ({"small_structures": True, "noisy_reference": True, "coarse_reference": True}, []),
        (BOUNDARY | {"small_structures": True, "noisy_reference": True, "boundary_errors": "worst"}, ["nsd"]),
    ],
)
def test_s7_boundaries(category: str, answers: dict[str, Any], keys: list[str]) -> None:
    assert metrics(category, "S7", **answers) == keys


@pytest.mark.parametrize(
    ("category", "answers", "key"),
    [
        ("detection", {}, "mask_iou"),
        ("detection", {"small_structures": True}, "centre_distance"),
        ("detection", {"centre_interest": "centre"}, "centre_distance"),
        ("detection", {"centre_interest": "centre line"}, "mask_iou"),
        ("detection", {"coarse_reference": True, "small_structures": True}, "point_in_mask"),
        ("instance", {}, "mask_iou"),
        ("instance", {"small_structures": True}, "intersection_over_reference"),
        ("instance", {"coarse_reference": True}, "intersection_over_reference"),
        ("instance", {"boundaries_matter": True}, "boundary_iou"),
        ("instance", {"boundaries_matter": True, "noisy_reference": True}, "mask_iou"),
        ("instance", {"boundaries_matter": True, "small_structures": True}, "intersection_over_reference"),
    ],
)
def test_s8_where_an_object_counts_as_found(category: str, answers: dict[str, Any], key: str) -> None:
    assert criteria(category, **answers)[0] == (key, "S8")


@pytest.mark.parametrize(
    ("category", "answers", "key"),
    [
        ("instance", {}, "greedy_by_overlap"),
        ("instance", {"scores_available": True}, "greedy_by_score"),
        ("instance", {"overlapping_predictions": True}, "hungarian"),
        ("instance", {"small_structures": True}, "hungarian"),
        ("detection", {"centre_interest": "centre"}, "hungarian"),
        ("detection", {"centre_interest": "centre", "scores_available": True}, "greedy_by_score"),
    ],
)
def test_s9_which_goes_with_which(category: str, answers: dict[str, Any], key: str) -> None:
    assert criteria(category, **answers)[1] == (key, "S9")


@pytest.mark.parametrize("category", sorted(set(CATEGORIES) - {"detection", "instance"}))
def test_where_nothing_is_matched_there_is_no_criterion(category: str) -> None:
    assert criteria(category, scores_available=True, small_structures=True) == []


@pytest.mark.parametrize(
    ("category", "answers", "keys"),
    [
        ("instance", {}, ["f1@0.5", "pq"]),
        ("instance", {"small_structures": True}, ["f1"]),
        ("instance", {"costlier_error": "misses"}, ["f_beta"]),
        ("instance", {"overlapping_predictions": True}, ["f1@0.5"]),
        ("detection", {}, ["f1"]),
        ("detection", {"costlier_error": "false positives"}, ["f_beta"]),
    ],
)
def test_objects_are_counted_first(category: Any, answers: dict[str, Any], keys: list[str]) -> None:
    assert metrics(category, "S3", **answers) == keys


@pytest.mark.parametrize("category", CATEGORIES)
@pytest.mark.parametrize("answers", [{}, {"shape_needed": False}, {"instances_matter": True}])
def test_metrics_are_of_the_category_asked_for_whatever_the_answers_lead_to(
    category: Any, answers: dict[str, Any]
) -> None:
    found = {choice.key for choice in choose_metrics(Fingerprint(**answers), category)}
    assert found and found <= METRICS_OF[category]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("none", "beta 1: misses and inventions cost the same, for each class"),
        ("misses", "beta above 1, such as 2: misses are worse, for each class"),
        ("false positives", "beta below 1, such as 0.5: inventions are worse, for each class"),
    ],
)
def test_which_beta_is_said_with_its_reason(error: Any, words: str) -> None:
    found = choose_metrics(Fingerprint(costlier_error=error), "classification")
    assert next(choice.reason for choice in found if choice.key == "f_beta") == words


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("coarse", [False, True])
def test_overlap_misleads_only_where_structures_are_small_and_references_noisy(
    small: bool, noisy: bool, coarse: bool
) -> None:
    fingerprint = Fingerprint(small_structures=small, noisy_reference=noisy, coarse_reference=coarse)
    assert overlap_misleads(fingerprint) == ((small, noisy, coarse) == (True, True, False))
