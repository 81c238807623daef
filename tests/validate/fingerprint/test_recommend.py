"""Which metrics written-out problems of biology get, and what can never be recommended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.validate.assign import AssignmentMethod
from veriscope.validate.catalogue import catalogue
from veriscope.validate.fingerprint.choices import METRICS_OF
from veriscope.validate.fingerprint.items import CATEGORIES, Fingerprint
from veriscope.validate.fingerprint.pitfalls import PITFALLS
from veriscope.validate.fingerprint.recommend import recommend
from veriscope.validate.localise.objects import CriterionKey
from veriscope.validate.metrics.instance.catalogue import instance_metrics
from veriscope.validate.metrics.semantic.centreline import centreline_dice
from veriscope.validate.metrics.semantic.overlap import dice
from veriscope.validate.metrics.topology.lines import line_gaps
from veriscope.validate.metrics.topology.matching import betti_matching_error


@dataclass(frozen=True)
class Problem:
    """A problem, what is answered, and what must come out (metrics exactly, pitfalls exactly)."""

    name: str
    answers: dict[str, Any]
    category: str
    metrics: str
    pitfalls: str
    avoided: str = ""
    criteria: str = ""


PROBLEMS = [
    Problem(
        "nuclei counting in culture",
        {"instances_matter": True, "touching": True},
        "instance",
        "f1@0.5 pq mean_matched_iou@0.5 count_bias split_merge",
        "merged_neighbours pooled_or_averaged",
        avoided="dice aji accuracy",
        criteria="mask_iou greedy_by_overlap",
    ),
    Problem(
        "area of nuclei after a treatment",
        {"instances_matter": True, "volume_matters": True, "dependent_cases": True},
        "instance",
        "f1@0.5 pq mean_matched_iou@0.5 count_bias",
        "volume_is_not_overlap dependent_cases pooled_or_averaged",
    ),
    Problem(
        "membrane intensity of touching epithelial cells",
        {"instances_matter": True, "touching": True, "boundaries_matter": True},
        "instance",
        "f1 mean_matched_iou@0.5 boundary_iou count_bias split_merge",
        "overlap_hides_boundary merged_neighbours pooled_or_averaged",
        criteria="boundary_iou hungarian",
    ),
    Problem(
        "bacteria of a few pixels, counted with a scoring method",
        {"instances_matter": True, "small_structures": True, "scores_available": True},
        "instance",
        "f1 average_precision mean_matched_iou@0.5 count_bias",
        "small_as_segmentation small_structures two_kinds_of_ap pooled_or_averaged",
        criteria="intersection_over_reference greedy_by_score",
    ),
    Problem(
        "neurites of single neurons, traced",
        {"instances_matter": True, "tubular": True, "overlapping_predictions": True},
        "instance",
        "f1@0.5 centreline_dice mean_matched_iou@0.5 count_bias",
        "overlap_hides_gaps overlapping_predictions pooled_or_averaged",
        criteria="mask_iou hungarian",
    ),
    Problem(
        "glands whose shape is graded, drawn differently by two pathologists",
        {"instances_matter": True, "boundaries_matter": True, "noisy_reference": True},
        "instance",
        "f1@0.5 pq mean_matched_iou@0.5 nsd count_bias",
        "overlap_hides_boundary noisy_reference pooled_or_averaged",
        criteria="mask_iou greedy_by_overlap",
    ),
    Problem(
        "cells cut into pieces by a section",
        {"instances_matter": True, "disconnected": True},
        "instance",
        "f1@0.5 pq mean_matched_iou@0.5 count_bias",
        "pieces_counted_apart pooled_or_averaged",
    ),
    Problem(
        "parasites in cells, most images without any, misses are worse",
        {
            "instances_matter": True,
            "reference_may_be_empty": True,
            "prediction_may_be_empty": True,
            "costlier_error": "misses",
        },
        "instance",
        "f_beta mean_matched_iou@0.5 count_bias",
        "equal_costs empty_images empty_predictions pooled_or_averaged",
    ),
    Problem(
        "vessel length in a light-sheet volume",
        {"tubular": True, "centre_interest": "centre line", "class_imbalance": True},
        "semantic",
        "centreline_dice dice",
        "overlap_hides_gaps imbalance related_metrics",
        avoided="accuracy iou",
    ),
    Problem(
        "volume of the endoplasmic reticulum in EM",
        {"volume_matters": True},
        "semantic",
        "dice",
        "volume_is_not_overlap related_metrics",
    ),
    Problem(
        "thickness of a tissue layer",
        {"boundaries_matter": True, "boundary_errors": "average"},
        "semantic",
        "dice masd",
        "overlap_hides_boundary related_metrics",
    ),
    Problem(
        "margin of a tumour, worst place counts, stray pixels in the reference",
        {"boundaries_matter": True, "boundary_errors": "worst", "reference_outliers": True},
        "semantic",
        "dice hausdorff_percentile",
        "overlap_hides_boundary reference_outliers related_metrics",
        avoided="accuracy iou hausdorff",
    ),
    Problem(
        "wound closure, worst place of a clean outline",
        {"boundaries_matter": True, "boundary_errors": "worst"},
        "semantic",
        "dice hausdorff",
        "overlap_hides_boundary related_metrics",
    ),
    Problem(
        "plaques of a few pixels, raters disagree",
        {"small_structures": True, "noisy_reference": True},
        "semantic",
        "nsd",
        "small_as_segmentation small_structures noisy_reference related_metrics",
        avoided="accuracy iou dice hausdorff",
    ),
    Problem(
        "area of fibrosis, drawn as polygons, inventions are worse",
        {"coarse_reference": True, "boundaries_matter": True, "costlier_error": "false positives"},
        "semantic",
        "f_beta",
        "overlap_hides_boundary equal_costs coarse_reference related_metrics",
        avoided="accuracy iou dice nsd",
    ),
    Problem(
        "lipid droplets of all sizes, as a class, with probabilities",
        {"size_variability": True, "scores_available": True, "calibration_wanted": True},
        "semantic",
        "dice brier_score class_wise_calibration_error",
        "large_dominate calibration_by_ece related_metrics",
    ),
    Problem(
        "mitosis detection in slides with dots as reference",
        {
            "shape_needed": False,
            "coarse_reference": True,
            "scores_available": True,
            "reference_may_be_empty": True,
        },
        "detection",
        "f1 average_precision count_bias",
        "coarse_reference empty_images two_kinds_of_ap pooled_or_averaged",
        avoided="accuracy auroc dice",
        criteria="point_in_mask greedy_by_score",
    ),
    Problem(
        "screen for rare infected cells, false alarms per image are what annoys",
        {
            "shape_needed": False,
            "scores_available": True,
            "false_positives_per_image": True,
            "decision": "threshold",
        },
        "detection",
        "f1 froc count_bias",
        "threshold_on_the_test two_kinds_of_ap pooled_or_averaged",
        criteria="mask_iou greedy_by_score",
    ),
    Problem(
        "spots of single RNA molecules",
        {"shape_needed": False, "small_structures": True, "centre_interest": "centre"},
        "detection",
        "f1 count_bias",
        "small_structures pooled_or_averaged",
        criteria="centre_distance hungarian",
    ),
    Problem(
        "gland grading",
        {"whole_image_label": True, "classes": "ordinal", "noisy_reference": True},
        "classification",
        "weighted_kappa f_beta",
        "lost_order noisy_reference",
        avoided="accuracy",
    ),
    Problem(
        "phenotype of a drug, classes as frequent as in the screen, mostly no effect",
        {
            "whole_image_label": True,
            "classes": "unordered",
            "class_imbalance": True,
            "scores_available": True,
        },
        "classification",
        "matthews_correlation f_beta average_precision",
        "imbalance",
        avoided="accuracy auroc",
    ),
    Problem(
        "stage of an embryo, balanced",
        {"whole_image_label": True, "classes": "unordered"},
        "classification",
        "accuracy f_beta",
        "",
    ),
    Problem(
        "biopsy to be sent on: benefit against cost, probabilities are used",
        {
            "whole_image_label": True,
            "costs_known": True,
            "decision": "cost and benefit",
            "scores_available": True,
            "calibration_wanted": True,
        },
        "classification",
        "expected_cost net_benefit auroc brier_score class_wise_calibration_error",
        "calibration_by_ece",
        avoided="accuracy expected_calibration_error",
    ),
    Problem(
        "disease in a case-control collection",
        {"whole_image_label": True, "prevalence_representative": False, "calibration_wanted": True},
        "classification",
        "balanced_accuracy positive_likelihood_ratio",
        "prevalence missing_scores",
        avoided="accuracy f_beta",
    ),
    Problem(
        "rare cell types that should count alike",
        {"whole_image_label": True, "classes": "unordered", "compensate_imbalance": True},
        "classification",
        "balanced_accuracy f_beta",
        "",
    ),
    Problem(
        "denoising of low-light images",
        {"image_output": True, "invalid_outputs": True},
        "restoration",
        "scale_invariant_psnr micro_ssim",
        "invalid_outputs",
        avoided="psnr ssim",
    ),
    Problem(
        "lineages in a growing embryo",
        {"identity_over_time": True, "instances_matter": True, "touching": True},
        "tracking",
        "det tra chota division_f1 seg",
        "",
    ),
    Problem(
        "particles followed by their centre",
        {"identity_over_time": True, "shape_needed": False, "objects_divide": False},
        "tracking",
        "det tra hota",
        "",
    ),
    Problem(
        "gaps in membranes of neurons, in sections of electron microscopy",
        {"tubular": True, "connections_matter": True},
        "semantic",
        "centreline_dice dice betti_matching_error line_gaps",
        "overlap_hides_gaps length_hides_gaps related_metrics",
        avoided="accuracy iou betti_error",
    ),
    Problem(
        "how a vessel network is connected, raters disagree",
        {
            "tubular": True,
            "centre_interest": "centre line",
            "connections_matter": True,
            "noisy_reference": True,
        },
        "semantic",
        "centreline_dice dice betti_matching_error line_gaps",
        "overlap_hides_gaps length_hides_gaps noisy_reference related_metrics",
        avoided="accuracy iou hausdorff betti_error",
    ),
    Problem(
        "lumens of organoids, each a hole in a closed epithelium",
        {"connections_matter": True},
        "semantic",
        "dice betti_matching_error",
        "overlap_hides_gaps related_metrics",
        avoided="accuracy iou betti_error",
    ),
    Problem(
        "a vessel network drawn as polygons, which have no gaps to compare with",
        {"tubular": True, "connections_matter": True, "coarse_reference": True},
        "semantic",
        "centreline_dice dice",
        "overlap_hides_gaps length_hides_gaps coarse_reference related_metrics",
    ),
    Problem(
        "breaks in single neurites",
        {"instances_matter": True, "tubular": True, "connections_matter": True},
        "instance",
        "f1@0.5 pq centreline_dice mean_matched_iou@0.5 betti_matching_error line_gaps count_bias",
        "overlap_hides_gaps length_hides_gaps pooled_or_averaged",
        avoided="dice aji accuracy betti_error",
    ),
    Problem(
        "denoising of live-cell movies, of which there is no cleaner recording",
        {"image_output": True, "only_raw_reference": True, "dependent_cases": True},
        "restoration",
        "rsp rse",
        "raw_reference dependent_cases",
        avoided="psnr scale_invariant_psnr ssim micro_ssim",
    ),
    Problem(
        "denoising of live-cell movies whose fluorescence will be measured",
        {"image_output": True, "intensities_measured": True},
        "restoration",
        "psnr ssim",
        "",
        avoided="scale_invariant_psnr",
    ),
    Problem(
        "filaments at the limit of resolution, restored from low light",
        {"image_output": True, "fine_detail_matters": True},
        "restoration",
        "scale_invariant_psnr micro_ssim frc_resolution spectral_error",
        "",
        avoided="psnr ssim",
    ),
    Problem(
        "lineage tracing of stem cells marked by points, many fields of one dish",
        {
            "identity_over_time": True,
            "shape_needed": False,
            "objects_divide": True,
            "dependent_cases": True,
        },
        "tracking",
        "det tra chota division_f1",
        "dependent_cases",
        avoided="accuracy",
    ),
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_problems_get_the_metrics_that_fit(problem: Problem) -> None:
    found = recommend(Fingerprint.parse(problem.answers, where=problem.name))

    assert found.category == problem.category
    assert " ".join(found.keys) == problem.metrics
    assert {pitfall.key for pitfall in found.pitfalls} == set(problem.pitfalls.split())
    if problem.avoided:
        assert [each.key for each in found.avoided] == problem.avoided.split()
    if problem.criteria:
        assert " ".join(choice.key for choice in found.criteria) == problem.criteria


def test_the_problems_trigger_every_pitfall_but_the_contradiction() -> None:
    triggered = {key for problem in PROBLEMS for key in problem.pitfalls.split()}

    assert set(PITFALLS) - triggered == {"other_category"}


def test_whatever_is_recommended_or_avoided_is_in_the_catalogue() -> None:
    known = {description.key.partition("@")[0] for description in catalogue()}
    named = {key for problem in PROBLEMS for key in (*problem.metrics.split(), *problem.avoided.split())}

    assert {key.partition("@")[0] for key in named} <= known


def test_keys_of_instances_are_those_of_the_catalogue() -> None:
    computed = {keyed.key for keyed in instance_metrics([0.5])}

    assert {"f1@0.5", "pq", "mean_matched_iou@0.5", "count_bias", "split_merge"} <= computed
    assert {"f1@0.5", "pq", "mean_matched_iou@0.5", "count_bias"} <= METRICS_OF["instance"]


def test_the_problems_need_every_metric_that_can_be_chosen() -> None:
    needed = {key for problem in PROBLEMS for key in problem.metrics.split()}

    assert set().union(*METRICS_OF.values()) - needed == set()


def answer_of(item: str) -> st.SearchStrategy[Any]:
    choices = {
        "category": [None, *CATEGORIES],
        "boundary_errors": ["share", "average", "worst"],
        "centre_interest": ["none", "centre", "centre line"],
        "classes": ["one", "unordered", "ordinal"],
        "costlier_error": ["none", "misses", "false positives"],
        "decision": ["largest score", "threshold", "cost and benefit", "not yet"],
    }
    return st.sampled_from(choices.get(item, [False, True]))


fingerprints = st.fixed_dictionaries(
    {}, optional={item: answer_of(item) for item in Fingerprint.items()}
).map(lambda answers: Fingerprint(**answers))


@given(fingerprints)
def test_every_fingerprint_gets_metrics_of_its_own_category(fingerprint: Fingerprint) -> None:
    found = recommend(fingerprint)

    assert found.metrics
    assert set(found.keys) <= METRICS_OF[found.category]
    assert len(set(found.keys)) == len(found.keys)
    assert not set(found.keys) & {each.key for each in found.avoided}
    assert len({each.key for each in found.avoided}) == len(found.avoided)
    assert {choice.rule for choice in found.metrics} <= {"S2", "S3", "S4", "S5", "S6", "S7", "ours"}
    assert bool(found.criteria) == (found.category in {"detection", "instance"})
    if found.criteria:
        place, assignment = (choice.key for choice in found.criteria)
        assert place in get_args(CriterionKey)
        assert assignment in get_args(AssignmentMethod)
    if fingerprint.category is not None:
        assert found.category == fingerprint.category


@given(fingerprints)
def test_pixels_and_objects_are_never_judged_by_image_labels(fingerprint: Fingerprint) -> None:
    found = recommend(fingerprint)
    needs_negatives = {
        "accuracy",
        "balanced_accuracy",
        "matthews_correlation",
        "auroc",
        "positive_likelihood_ratio",
        "net_benefit",
    }

    if found.category != "classification":
        assert not needs_negatives & set(found.keys)
    if not fingerprint.connections_matter:
        assert not {"betti_matching_error", "line_gaps"} & set(found.keys)
    if found.category == "detection":
        assert not {"dice", "nsd", "centreline_dice", "pq"} & set(found.keys)
    assert {"S4", "S5"}.isdisjoint(choice.rule for choice in found.metrics) or fingerprint.scores_available


@given(fingerprints)
def test_a_recommendation_is_plain_and_repeatable(fingerprint: Fingerprint) -> None:
    plain = recommend(fingerprint).to_dict()

    assert json.loads(json.dumps(plain))["category"] == plain["category"]
    assert plain == recommend(Fingerprint.model_validate(fingerprint.model_dump())).to_dict()


def test_a_category_is_kept_and_the_contradiction_is_told() -> None:
    found = recommend(Fingerprint(category="semantic", touching=True))

    assert found.category == "semantic"
    assert found.pitfalls[0] is PITFALLS["other_category"]
    assert found.category_reason == (
        "said; but objects touch or overlap, so a mask of the class would merge them, which would be instance"
    )


@pytest.mark.parametrize(
    ("answers", "contradicted"),
    [
        ({"category": "instance"}, False),
        ({"category": "instance", "instances_matter": False}, True),
        ({"category": "instance", "shape_needed": False}, True),
        ({"category": "detection", "touching": True}, False),
        ({"category": "detection", "shape_needed": True}, True),
        ({"category": "classification", "identity_over_time": True}, True),
        ({"category": "tracking"}, False),
    ],
)
def test_questions_that_nobody_answered_contradict_nothing(
    answers: dict[str, Any], contradicted: bool
) -> None:
    found = recommend(Fingerprint(**answers))

    assert (PITFALLS["other_category"] in found.pitfalls) is contradicted
    if not contradicted:
        assert found.category_reason == "said"


def test_our_own_metrics_are_marked() -> None:
    ours = {
        choice.key
        for problem in PROBLEMS
        for choice in recommend(Fingerprint.parse(problem.answers, where=problem.name)).metrics
        if choice.rule == "ours"
    }

    assert ours == METRICS_OF["restoration"] | METRICS_OF["tracking"] | {
        "count_bias",
        "split_merge",
        "betti_matching_error",
        "line_gaps",
    }


def test_examples_of_gaps_hold() -> None:
    vessel = np.zeros((20, 110), dtype=np.bool_)
    vessel[8:13, 5:105] = True
    cut = vessel.copy()
    cut[:, 50:52] = False

    assert round(dice(vessel, cut), 2) == round(centreline_dice(vessel, cut), 2) == 0.99
    assert betti_matching_error(vessel, cut) == line_gaps(vessel, cut) == 1


def test_our_own_categories_are_marked() -> None:
    ours = [name for name in CATEGORIES if recommend(Fingerprint(category=name)).extends_the_paper]

    assert ours == ["restoration", "tracking"]


def test_the_beta_follows_the_costlier_error() -> None:
    def reason(error: str) -> str:
        answers = {"category": "semantic", "costlier_error": error}
        return recommend(Fingerprint.parse(answers, where="x")).metrics[0].reason

    assert reason("misses") == "beta above 1, such as 2: misses are worse, for pixels"
    assert reason("false positives") == "beta below 1, such as 0.5: inventions are worse, for pixels"


@pytest.mark.parametrize("pitfall", PITFALLS.values(), ids=PITFALLS)
def test_pitfalls_are_explained_in_one_sentence(pitfall: Any) -> None:
    assert pitfall.explanation.endswith(".") and ". " not in pitfall.explanation
    assert pitfall.example.endswith(".")
