"""Risk and coverage by hand, ties, order."""

from __future__ import annotations

import json
import math
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import PixelValueError
from veriscope.validate.confidence.risk_coverage import risk_coverage


def test_risk_and_coverage_by_hand() -> None:
    found = risk_coverage([0, 1, 0, 1], [0.9, 0.5, 0.7, 0.5])
    assert found.thresholds.tolist() == [0.9, 0.7, 0.5]
    assert found.coverage.tolist() == [0.25, 0.5, 1.0]
    assert found.risk.tolist() == [0, 0, 0.5]
    # The two cases of 0.5 in random order: means of 0, 0, 1/3 and 1/2 for the first 1, 2, 3 and 4 cases.
    assert found.area == pytest.approx((1 / 3 + 1 / 2) / 4)
    assert json.loads(json.dumps(found.to_dict()))["area"] == found.area


def test_area_without_ties_is_the_mean_risk() -> None:
    random = np.random.default_rng(0)
    losses, confidence = random.random(50), random.random(50)
    ordered = losses[np.argsort(-confidence)]
    assert risk_coverage(losses, confidence).area == pytest.approx(
        np.mean([ordered[: k + 1].mean() for k in range(50)])
    )


def test_risk_of_nothing_and_of_one() -> None:
    assert math.isnan(risk_coverage([], []).area) and risk_coverage([], []).to_dict()["area"] is None
    assert risk_coverage([0.3], [2.0]).area == pytest.approx(0.3)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), min_size=1, max_size=30))
def test_confidence_in_order_of_the_losses_is_best(cases: list[tuple[float, int]]) -> None:
    losses = np.array([case[0] for case in cases])
    confidence = np.array([case[1] for case in cases], dtype=float)
    found = risk_coverage(losses, confidence)
    assert found.risk[-1] == pytest.approx(losses.mean()) and found.coverage[-1] == 1
    assert (np.diff(found.coverage) > 0).all()
    assert risk_coverage(losses, -losses).area - 1e-9 <= found.area
    assert found.area <= risk_coverage(losses, losses).area + 1e-9
    assert found.area == pytest.approx(risk_coverage(losses[::-1], 3 * confidence[::-1] - 1).area)


@pytest.mark.parametrize(
    ("losses", "confidence", "message"),
    [
        ([0.1, math.nan], [1, 2], "losses: 1 of 2 values are NaN; leave these cases out"),
        ([0.1, 0.2], [1, math.inf], "confidence must be finite; leave out cases that have infinite ones"),
        ([math.inf, 0.2], [1, 2], "losses must be finite; leave out cases that have infinite ones"),
    ],
)
def test_cases_that_are_refused(losses: list[float], confidence: list[float], message: str) -> None:
    with pytest.raises(PixelValueError) as caught:
        risk_coverage(losses, confidence)
    assert str(caught.value) == message


@settings(max_examples=60, deadline=None)
@given(
    cases=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=6),
)
def test_the_area_is_the_mean_over_all_orders_of_equal_confidence(cases: list[tuple[int, int]]) -> None:
    areas = []
    for order in permutations(cases):
        if all(one[1] >= other[1] for one, other in pairwise(order)):
            kept = np.cumsum([loss for loss, _ in order]) / np.arange(1, len(order) + 1)
            areas.append(kept.mean())
    found = risk_coverage([loss for loss, _ in cases], [sure for _, sure in cases])
    assert found.area == pytest.approx(np.mean(areas))


@settings(max_examples=60, deadline=None)
@given(
    cases=st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 5)), min_size=1, max_size=12),
    data=st.data(),
)
def test_only_the_order_of_confidence_matters(cases: list[tuple[int, int]], data: st.DataObject) -> None:
    losses, sure = (list(column) for column in zip(*cases, strict=True))
    plain = risk_coverage(losses, sure)
    order = data.draw(st.permutations(range(len(cases))))
    turned = risk_coverage([losses[i] for i in order], [math.exp(sure[i]) for i in order])
    assert turned.thresholds == pytest.approx(np.exp(plain.thresholds))
    for name in ("coverage", "risk"):
        assert getattr(turned, name) == pytest.approx(getattr(plain, name))
    assert turned.area == pytest.approx(plain.area)
    scaled = risk_coverage([2.5 * loss for loss in losses], sure)
    assert scaled.area == pytest.approx(2.5 * plain.area)
