"""Counts of images: F-beta, pooling, clusters, weights."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit
from scipy.stats import binom

from veriscope.errors import InputError
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.detection.counts import DetectionCounts, mean_of_images, pooled
from veriscope.validate.metrics.detection.f_beta import f_beta, f_beta_metric
from veriscope.validate.metrics.instance.detection import F1, RECALL

IMAGES = (
    DetectionCounts("a", tp=8, fp=2, fn=0),
    DetectionCounts("b", tp=1, fp=0, fn=3),
    DetectionCounts("c", tp=0, fp=0, fn=0),
)
TABLES = st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=1, max_size=8)
"""TP, FP and FN of a few images."""


def test_f_beta_by_hand_and_in_its_limits() -> None:
    counts = Counts.from_columns(np.array([IMAGES[0].row(), IMAGES[1].row(), IMAGES[2].row()]))
    assert f_beta(counts, beta=2)[:2] == pytest.approx([40 / 42, 5 / (5 + 12)])
    assert np.isnan(f_beta(counts, beta=2)[2])
    assert np.array_equal(f_beta(counts, beta=1), F1.function(counts), equal_nan=True)
    assert f_beta(counts, beta=1e6)[0] == pytest.approx(1)
    assert f_beta(counts, beta=1e-6)[0] == pytest.approx(0.8)
    with pytest.raises(InputError, match="beta 0 is not allowed; use a number above 0"):
        f_beta_metric(0)


def test_pooled_and_mean() -> None:
    assert pooled(IMAGES, RECALL).value == 9 / 12
    assert pooled(IMAGES, RECALL).n_units == 2
    assert mean_of_images(IMAGES, RECALL).value == (1 + 0.25) / 2
    assert pooled(IMAGES, f_beta_metric(2)).value == pytest.approx(45 / (45 + 12 + 2))
    assert np.isnan(pooled([], RECALL).value) and pooled([], RECALL).low is None


def test_weights_and_clusters() -> None:
    twice = pooled([replace(IMAGES[0], weight=2.0), IMAGES[1]], RECALL)
    assert twice.value == pooled([IMAGES[0], IMAGES[0], IMAGES[1]], RECALL).value
    wells = [replace(image, cluster=name) for image, name in zip(IMAGES, "xyx", strict=True)]
    assert pooled(wells, RECALL, unit="well").n_units == 2
    assert mean_of_images(wells, RECALL).value == (1 + 0.25) / 2
    with pytest.raises(InputError) as error:
        pooled([wells[0], IMAGES[1]], RECALL)
    assert str(error.value) == (
        "1 of 2 images have no cluster, the first is 'b'; give every image a cluster, or none"
    )
    with pytest.raises(InputError, match=r"^a: weight 0\.0 is not allowed; use a number above 0"):
        replace(IMAGES[0], weight=0.0)


# ---- what one image says, and intervals computed on their own


def test_an_image_tells_its_counts_as_json() -> None:
    image = DetectionCounts("well A1", tp=4, fp=1, fn=2, cluster="A", weight=2.5)
    assert json.loads(json.dumps(image.to_dict())) == {
        "name": "well A1",
        "n_reference": 6,
        "n_prediction": 5,
        "tp": 4,
        "fp": 1,
        "fn": 2,
        "cluster": "A",
        "weight": 2.5,
    }
    assert image.row()[:3] == (4, 1, 2) and image.row()[4:] == (6, 5)
    assert np.isnan(image.row()[3]), "without outlines there is no IoU"


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_is_a_number_above_0(weight: float) -> None:
    with pytest.raises(InputError) as caught:
        DetectionCounts("a", 1, 1, 1, weight=weight)
    assert str(caught.value) == f"a: weight {weight!r} is not allowed; use a number above 0"


@given(TABLES)
@settings(max_examples=60, deadline=None)
def test_pooled_is_the_ratio_of_sums_with_its_jackknife(table: list[tuple[int, int, int]]) -> None:
    images = [DetectionCounts(str(i), *row) for i, row in enumerate(table)]
    found = pooled(images, F1)

    def f1_of(rows: list[tuple[int, int, int]]) -> float:
        tp, fp, fn = (sum(column) for column in zip(*rows, strict=True)) if rows else (0, 0, 0)
        return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else float("nan")

    assert found.value == pytest.approx(f1_of(table), nan_ok=True)
    telling = [i for i, row in enumerate(table) if any(row)]
    assert found.n_units == len(telling)
    if len(telling) < 2:
        assert found.low is None
        return
    left_out = np.array([f1_of(table[:i] + table[i + 1 :]) for i in telling])
    if np.ptp(left_out) > 1e-9 and 0 < found.value < 1:
        error = np.sqrt((len(left_out) - 1) * left_out.var())
        assert found.low is not None and found.high is not None
        # On the logit scale both ends are as far away, by t times the error of the delta method.
        steps = np.diff(logit([found.low, found.value, found.high]))
        assert steps[0] == pytest.approx(steps[1], rel=1e-6)
        slope = found.value * (1 - found.value)
        assert steps[0] >= 1.95 * error / slope


@given(TABLES)
@settings(max_examples=60, deadline=None)
def test_the_mean_gives_every_image_that_has_a_value_the_same_weight(
    table: list[tuple[int, int, int]],
) -> None:
    images = [DetectionCounts(str(i), *row, weight=1.0 + i) for i, row in enumerate(table)]
    recalls = [tp / (tp + fn) for tp, _, fn in table if tp + fn]
    found = mean_of_images(images, RECALL)
    assert (found.n_units, found.aggregation) == (len(recalls), "mean")
    assert found.value == pytest.approx(np.mean(recalls) if recalls else np.nan, nan_ok=True)


@given(TABLES, st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_a_whole_weight_is_an_image_repeated_in_the_value(
    table: list[tuple[int, int, int]], weight: int
) -> None:
    images = [DetectionCounts(str(i), *row) for i, row in enumerate(table)]
    weighted = pooled([replace(images[0], weight=float(weight)), *images[1:]], F1)
    repeated = pooled([images[0]] * weight + images[1:], F1)
    assert weighted.value == pytest.approx(repeated.value, nan_ok=True)


def test_intervals_by_image_cover_and_by_object_do_not() -> None:
    """Images differ in how many objects are found; a binomial interval of the objects does not know that."""
    rng = np.random.default_rng(1)
    covered = by_object = 0
    for _ in range(300):
        tp = rng.binomial(25, rng.beta(8, 2, 10))  # mean 0.8
        images = [DetectionCounts(str(i), int(n), 0, 25 - int(n)) for i, n in enumerate(tp)]
        found = pooled(images, RECALL)
        assert found.low is not None and found.high is not None
        covered += found.low <= 0.8 <= found.high
        low, high = binom.interval(0.95, 250, tp.sum() / 250)
        by_object += low / 250 <= 0.8 <= high / 250
    assert covered >= 0.91 * 300
    assert by_object < 0.75 * 300
