"""Our own rules: counts, connections, restored images and tracks, answer by answer."""

from __future__ import annotations

from typing import Any

import pytest

from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.validate.fingerprint.ours import connections, count, restoration, splits, tracking
from veriscope.validate.fingerprint.recommend import recommend


def keys(rule: Any, **answers: Any) -> list[str]:
    found = list(rule(Fingerprint(**answers)))
    assert all(choice.rule == "ours" and choice.reason for choice in found)
    return [choice.key for choice in found]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, []),
        ({"tubular": True}, []),
        ({"connections_matter": True}, ["betti_matching_error"]),
        ({"connections_matter": True, "tubular": True}, ["betti_matching_error", "line_gaps"]),
        (
            {"connections_matter": True, "centre_interest": "centre line"},
            ["betti_matching_error", "line_gaps"],
        ),
        ({"connections_matter": True, "centre_interest": "centre"}, ["betti_matching_error"]),
        ({"connections_matter": True, "tubular": True, "coarse_reference": True}, []),
    ],
)
def test_connections(answers: dict[str, Any], expected: list[str]) -> None:
    assert keys(connections, **answers) == expected


def test_numbers_are_always_counted_and_splits_where_objects_touch() -> None:
    assert keys(count) == keys(count, touching=True) == ["count_bias"]
    assert keys(splits) == []
    assert keys(splits, touching=True) == ["split_merge"]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, ["scale_invariant_psnr", "micro_ssim"]),
        ({"intensities_measured": True}, ["psnr", "ssim"]),
        (
            {"fine_detail_matters": True},
            ["scale_invariant_psnr", "micro_ssim", "frc_resolution", "spectral_error"],
        ),
        (
            {"fine_detail_matters": True, "intensities_measured": True},
            ["psnr", "ssim", "frc_resolution", "spectral_error"],
        ),
        (
            {"only_raw_reference": True, "fine_detail_matters": True, "intensities_measured": True},
            ["rsp", "rse"],
        ),
    ],
)
def test_restored_images(answers: dict[str, Any], expected: list[str]) -> None:
    assert keys(restoration, **answers) == expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, ["det", "tra", "chota", "division_f1", "seg"]),
        ({"objects_divide": False}, ["det", "tra", "hota", "seg"]),
        ({"shape_needed": False}, ["det", "tra", "chota", "division_f1"]),
        ({"shape_needed": False, "objects_divide": False}, ["det", "tra", "hota"]),
    ],
)
def test_tracks(answers: dict[str, Any], expected: list[str]) -> None:
    assert keys(tracking, **answers) == expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, ["psnr", "ssim"]),
        ({"intensities_measured": True}, ["scale_invariant_psnr"]),
        ({"only_raw_reference": True}, ["psnr", "scale_invariant_psnr", "ssim", "micro_ssim"]),
    ],
)
def test_what_restored_images_are_better_not_judged_by(answers: dict[str, Any], expected: list[str]) -> None:
    advice = recommend(Fingerprint(category="restoration", **answers))
    assert [each.key for each in advice.avoided] == expected
    assert all(each.reason for each in advice.avoided)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, []),
        ({"class_imbalance": True}, ["accuracy"]),
        ({"class_imbalance": True, "scores_available": True}, ["accuracy", "auroc"]),
        ({"prevalence_representative": False}, ["accuracy", "f_beta"]),
        ({"classes": "ordinal"}, ["accuracy"]),
        ({"costs_known": True}, ["accuracy"]),
        ({"calibration_wanted": True, "scores_available": True}, ["expected_calibration_error"]),
    ],
)
def test_what_labels_of_images_are_better_not_judged_by(answers: dict[str, Any], expected: list[str]) -> None:
    advice = recommend(Fingerprint(category="classification", **answers))
    assert [each.key for each in advice.avoided] == expected


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, ["accuracy", "iou"]),
        ({"costlier_error": "misses"}, ["accuracy", "iou", "dice"]),
        ({"small_structures": True, "noisy_reference": True}, ["accuracy", "iou", "dice", "hausdorff"]),
        ({"reference_outliers": True}, ["accuracy", "iou", "hausdorff"]),
        ({"coarse_reference": True}, ["accuracy", "iou", "nsd"]),
        ({"connections_matter": True}, ["accuracy", "iou", "betti_error"]),
    ],
)
def test_what_masks_are_better_not_judged_by(answers: dict[str, Any], expected: list[str]) -> None:
    advice = recommend(Fingerprint(category="semantic", **answers))
    assert [each.key for each in advice.avoided] == expected
