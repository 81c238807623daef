"""What users are told of a metric of classes is what its function does: range, best value, empty case."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.validate.metrics.classification.catalogue import DESCRIPTIONS
from veriscope.validate.metrics.classification.confusion import confusion_matrix
from veriscope.validate.metrics.classification.per_class import one_versus_rest
from veriscope.validate.metrics.description import Description

K = 3
COSTS = 1 - np.eye(K)
OPTIONS: dict[str, dict[str, Any]] = {
    "expected_cost": {"costs": COSTS},
    "net_benefit": {"risk_threshold": 0.2},
    **{f"{a}_at_{b}": {"at_least": 0.8} for a, b in (("sensitivity", "specificity"), ("ppv", "sensitivity"))},
    **{f"{a}_at_{b}": {"at_least": 0.8} for a, b in (("specificity", "sensitivity"), ("sensitivity", "ppv"))},
}
OF_COUNTS = [each for each in DESCRIPTIONS if each.function.startswith("metrics.classification.confusion")]
OF_DECISIONS = [each for each in DESCRIPTIONS if each.function.startswith("metrics.classification.per_class")]
OF_SCORES = [each for each in DESCRIPTIONS if "multi_threshold" in each.function]
OF_PROBABILITIES = [
    each for each in DESCRIPTIONS if each.function.startswith("metrics.classification.calibration")
]


def function_of(each: Description) -> Callable[..., Any]:
    module, name = each.function.rsplit(".", 1)
    found: Callable[..., Any] = getattr(import_module(f"veriscope.validate.{module}"), name)
    return found


def value_of(each: Description, *given: Any) -> float:
    found = function_of(each)(*given, **OPTIONS.get(each.key, {}))
    return float(getattr(found, "value", found))


def tables(seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    return random.integers(0, K, 30), random.integers(0, K, 30)


def expect_range(each: Description, value: float) -> None:
    assert np.isnan(value) or each.low - 1e-12 <= value <= each.high + 1e-12


@pytest.mark.parametrize("each", OF_COUNTS + OF_DECISIONS, ids=lambda each: each.key)
def test_decisions_stay_in_the_stated_range_and_the_right_ones_are_best(each: Description) -> None:
    def given(reference: NDArray[np.int64], prediction: NDArray[np.int64]) -> Any:
        counts = confusion_matrix(reference, prediction, n_classes=K)
        return counts if each in OF_COUNTS else one_versus_rest(counts, positive=1)

    for seed in range(40):
        expect_range(each, value_of(each, given(*tables(seed))))
    reference, _ = tables(0)
    perfect = value_of(each, given(reference, reference))
    if each.key == "net_benefit":  # at most the prevalence, which only a class of all cases brings to 1
        assert perfect == pytest.approx((reference == 1).mean())
        reference = np.ones_like(reference)
        perfect = value_of(each, given(reference, reference))
    assert perfect == each.best
    none = np.empty(0, np.int64)
    assert np.isnan(value_of(each, given(none, none))) and "undefined" in each.empty


@pytest.mark.parametrize("each", OF_SCORES, ids=lambda each: each.key)
def test_scores_stay_in_the_stated_range_and_separate_classes_are_best(each: Description) -> None:
    for seed in range(40):
        reference, scores = tables(seed)
        expect_range(each, value_of(each, reference == 1, scores))
    reference = np.array([0, 1, 0, 1, 1])
    assert value_of(each, reference, reference * 0.5) == each.best
    assert np.isnan(value_of(each, [], []))


@pytest.mark.parametrize("each", OF_PROBABILITIES, ids=lambda each: each.key)
def test_probabilities_stay_in_the_stated_range_and_right_certainty_is_best(each: Description) -> None:
    for seed in range(40):
        random = np.random.default_rng(seed)
        reference, stated = random.integers(0, K, 30), random.dirichlet(np.full(K, 0.4), 30)
        if each.key == "expected_calibration_error":
            expect_range(each, value_of(each, reference == 1, stated[:, 1]))
        else:
            expect_range(each, value_of(each, reference, stated))
    reference = np.arange(30) % 2
    sure = reference if each.key == "expected_calibration_error" else np.eye(2)[reference]
    assert value_of(each, reference, sure.astype(float)) == pytest.approx(0, abs=1e-12)
    assert each.best == 0 or each.key == "squared_kernel_calibration_error"


def test_every_metric_of_this_room_is_tried_here() -> None:
    tried = {each.key for each in OF_COUNTS + OF_DECISIONS + OF_SCORES + OF_PROBABILITIES}
    here = {each.key for each in DESCRIPTIONS if each.function.startswith("metrics.classification")}
    assert tried == here and len(tried) >= 20
