"""Curves of detections, one threshold after the other: every point counted from the list of detections."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_curve

from veriscope.errors import InputError
from veriscope.validate.metrics.detection.average_precision import (
    COCO_RECALLS,
    average_precision,
    interpolated_average_precision,
)
from veriscope.validate.metrics.detection.froc import FROC_RATES, froc_curve, froc_score, sensitivity_at_fppi
from veriscope.validate.metrics.detection.intervals import bootstrap_by_image, jackknife_by_image
from veriscope.validate.metrics.detection.ranked import RankedDetections

Detection = tuple[float, bool, int]
"""Confidence, whether it has an object of its own, image."""


@st.composite
def studies(draw: st.DrawFn) -> tuple[RankedDetections, list[Detection], list[int]]:
    """Detections of a few images, many of equal confidence; images may have no object or no detection."""
    n_images = draw(st.integers(1, 4))
    given_list = [
        (draw(st.integers(0, 4)) / 4, draw(st.booleans()), draw(st.integers(0, n_images - 1)))
        for _ in range(draw(st.integers(0, 14)))
    ]
    found = sorted(given_list, key=lambda one: -one[0])
    hits = [sum(hit for _, hit, image in found if image == k) for k in range(n_images)]
    n_reference = [n + draw(st.integers(0, 3)) for n in hits]
    ranked = RankedDetections(
        np.array([one[0] for one in found]),
        np.array([one[1] for one in found], dtype=bool),
        np.array([one[2] for one in found], dtype=np.intp),
        np.array(n_reference, dtype=float),
    )
    return ranked, found, n_reference


def points(found: list[Detection], n_reference: list[int]) -> list[tuple[float, float, float]]:
    """Threshold, false positives per image and sensitivity, from taking nothing to taking all."""
    total = sum(n_reference)
    listed = []
    for threshold in [math.inf, *sorted({one[0] for one in found}, reverse=True)]:
        taken = [hit for score, hit, _ in found if score >= threshold]
        sensitivity = sum(taken) / total if total else math.nan
        listed.append((threshold, (len(taken) - sum(taken)) / len(n_reference), sensitivity))
    return listed


@given(studies())
@settings(max_examples=100, deadline=None)
def test_froc_is_a_point_for_each_threshold(
    study: tuple[RankedDetections, list[Detection], list[int]],
) -> None:
    ranked, found, n_reference = study
    curve = froc_curve(ranked)
    thresholds, rates, sensitivities = (
        list(column) for column in zip(*points(found, n_reference), strict=True)
    )
    assert curve.thresholds.tolist() == thresholds
    assert curve.false_positives_per_image.tolist() == pytest.approx(rates)
    assert curve.sensitivity.tolist() == pytest.approx(sensitivities, nan_ok=True)


@given(studies(), st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0]), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_sensitivity_at_a_rate_is_the_best_point_that_keeps_to_it(
    study: tuple[RankedDetections, list[Detection], list[int]], rates: list[float]
) -> None:
    ranked, found, n_reference = study
    wanted = [
        max((sens for _, fp, sens in points(found, n_reference) if fp <= rate), default=math.nan)
        for rate in rates
    ]
    assert sensitivity_at_fppi(ranked, rates=rates).tolist() == pytest.approx(wanted, nan_ok=True)
    assert float(froc_score(ranked, rates=rates)) == pytest.approx(np.mean(wanted), nan_ok=True)


@given(studies())
@settings(max_examples=60, deadline=None)
def test_allowing_more_false_positives_never_finds_less(
    study: tuple[RankedDetections, list[Detection], list[int]],
) -> None:
    values = sensitivity_at_fppi(study[0], rates=FROC_RATES)
    assert np.isnan(values).all() or (np.diff(values) >= 0).all()


@given(studies())
@settings(max_examples=80, deadline=None)
def test_average_precision_is_the_area_under_the_steps(
    study: tuple[RankedDetections, list[Detection], list[int]],
) -> None:
    ranked, found, n_reference = study
    value, total, before = 0.0, sum(n_reference), 0
    for threshold in sorted({one[0] for one in found}, reverse=True):
        taken = [hit for score, hit, _ in found if score >= threshold]
        value += (sum(taken) - before) / total * sum(taken) / len(taken) if total else math.nan
        before = sum(taken)
    assert float(average_precision(ranked)) == pytest.approx(value if total else math.nan, nan_ok=True)


@given(studies(), st.sampled_from([COCO_RECALLS, tuple(np.linspace(0, 1, 11)), (0.0,), (1.0,), (0.5, 0.9)]))
@settings(max_examples=60, deadline=None)
def test_interpolation_takes_the_best_precision_at_that_recall_or_higher(
    study: tuple[RankedDetections, list[Detection], list[int]], recalls: tuple[float, ...]
) -> None:
    ranked, found, n_reference = study
    total = sum(n_reference)
    if not total or not found:
        expected = 0.0 if total else math.nan
        assert float(interpolated_average_precision(ranked)) == pytest.approx(expected, nan_ok=True)
        return
    # Objects without a detection get one below all others, which no threshold here reaches.
    hits = np.array([one[1] for one in found] + [True] * (total - sum(one[1] for one in found)))
    scores = np.array([one[0] for one in found] + [-1.0] * (len(hits) - len(found)))
    precision, recall, thresholds = precision_recall_curve(hits, scores)
    real = thresholds >= 0
    steps = list(zip(recall[:-1][real], precision[:-1][real], strict=True))
    expected = np.mean([max((p for r, p in steps if r >= level), default=0.0) for level in recalls])
    assert float(interpolated_average_precision(ranked, recalls=recalls)) == pytest.approx(expected)


# ---- intervals of any statistic of weights

FOUND, OBJECTS = np.array([8.0, 3.0, 5.0, 9.0, 2.0]), np.array([10.0, 9.0, 8.0, 11.0, 4.0])


def recall_of(weights: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return ((weights @ FOUND) / (weights @ OBJECTS))[:, None]


def test_the_jackknife_leaves_out_one_image_at_a_time() -> None:
    asked: list[np.ndarray] = []

    def statistic(weights: np.ndarray) -> np.ndarray:
        asked.append(weights)
        return recall_of(weights)

    (found,) = jackknife_by_image(statistic, OBJECTS, weights=np.array([1.0, 2, 1, 1, 3]))
    assert asked[0].tolist() == [[1, 2, 1, 1, 3]]
    assert asked[1].tolist() == (np.array([1.0, 2, 1, 1, 3]) * (1 - np.eye(5))).tolist()
    assert found.value == (8 + 6 + 5 + 9 + 6) / (10 + 18 + 8 + 11 + 12)
    assert (found.n_units, found.unit) == (5, "image")


def test_resamples_draw_as_many_images_as_there_are() -> None:
    sums: list[np.ndarray] = []

    def statistic(weights: np.ndarray) -> np.ndarray:
        sums.append(weights.sum(axis=1))
        return recall_of(weights)

    bootstrap_by_image(statistic, OBJECTS, n_resamples=200, seed=5)
    assert len(sums[-1]) == 200 and (sums[-1] == 5).all()


def test_several_statistics_at_once_are_those_one_by_one() -> None:
    def both(weights: np.ndarray) -> np.ndarray:
        return np.concatenate([recall_of(weights), recall_of(weights) / 2], axis=1)

    for function in (jackknife_by_image, bootstrap_by_image):
        together = function(both, OBJECTS)
        (first,) = function(recall_of, OBJECTS)
        assert len(together) == 2 and together[0] == first
        assert together[1].value == first.value / 2


@pytest.mark.parametrize("level", [0.5, 0.8, 0.99])
def test_a_higher_level_is_a_wider_interval_around_the_same_value(level: float) -> None:
    for function in (jackknife_by_image, bootstrap_by_image):
        (narrow,), (wide,) = (
            function(recall_of, OBJECTS, level=level - 0.1),
            function(recall_of, OBJECTS, level=level),
        )
        assert narrow.value == wide.value and wide.level == level
        assert narrow.low is not None and wide.low is not None
        assert narrow.high is not None and wide.high is not None
        assert wide.low < narrow.low < narrow.high < wide.high


def test_images_of_no_size_say_nothing() -> None:
    sizes = np.array([10.0, 9, 8, 11, 0])
    (found,) = jackknife_by_image(recall_of, sizes)
    assert found.n_units == 4
    (none,) = jackknife_by_image(lambda weights: np.full((len(weights), 1), np.nan), np.zeros(5))
    assert (none.low, none.high, none.n_units) == (None, None, 0)


@pytest.mark.parametrize("n_resamples", [-1, 0, 1])
def test_a_spread_needs_two_resamples(n_resamples: int) -> None:
    with pytest.raises(InputError) as caught:
        bootstrap_by_image(recall_of, OBJECTS, n_resamples=n_resamples)
    assert str(caught.value) == (f"n_resamples {n_resamples} is not allowed; use at least 2, such as 1000")
