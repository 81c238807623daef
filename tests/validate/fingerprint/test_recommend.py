"""Which metrics written-out problems of biology get, and what can never be recommended."""

from __future__ import annotations

import json
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

from .problems import PROBLEMS, Problem


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
