"""Curves over confidence with their intervals: means over classes, and what each is computed from."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.validate.localise.boxes import box_iou
from veriscope.validate.metrics.detection.average_precision import average_precision, coco_average_precision
from veriscope.validate.metrics.detection.curves import ImagesOfClass, curve_metrics
from veriscope.validate.metrics.detection.froc import FROC_RATES, froc_score, sensitivity_at_fppi
from veriscope.validate.metrics.detection.ranked import rank_detections

N_IMAGES = 6


def images(seed: int, *, found: float = 0.8, invented: int = 2) -> ImagesOfClass:
    """Boxes of which some are found, a little off, and some invented, which mostly have lower scores."""
    random = np.random.default_rng(seed)
    pairs, scores = [], []
    for _ in range(N_IMAGES):
        corner = 20.0 * np.arange(random.integers(2, 6))[:, None] * [0, 1]
        boxes = np.concatenate([corner, corner + 10], axis=1)
        seen = boxes[random.random(len(boxes)) < found] + random.normal(0, 0.8, (1, 4))
        false = np.array([[100.0, 20 * i, 110, 20 * i + 10] for i in range(random.integers(0, invented + 1))])
        predicted = np.concatenate([seen, false.reshape(-1, 4)])
        pairs.append(box_iou(boxes, predicted))
        scores.append(random.random(len(predicted)) + 0.5 * (np.arange(len(predicted)) < len(seen)))
    return ImagesOfClass(pairs, scores)


NONE = ImagesOfClass([box_iou([], [])] * N_IMAGES, [np.empty(0)] * N_IMAGES)


def test_values_are_those_of_the_functions_and_means_over_classes() -> None:
    one, two = images(1), images(2, found=0.5)
    metrics = curve_metrics(one, [one, two], threshold=0.5, coco=True)
    ranked = [rank_detections(each.pairs, each.scores, threshold=0.5) for each in (one, two)]
    expected = np.mean([float(average_precision(each)) for each in ranked])
    assert metrics["average_precision"].value == pytest.approx(expected)
    coco = np.mean([float(coco_average_precision(each.pairs, each.scores)) for each in (one, two)])
    assert metrics["coco_average_precision"].value == pytest.approx(coco)
    assert metrics["froc"].value == pytest.approx(float(froc_score(ranked[0])))
    for rate, value in zip(FROC_RATES, sensitivity_at_fppi(ranked[0]), strict=True):
        assert metrics[f"sensitivity@{rate:g}_fppi"].value == pytest.approx(value)
    for key, interval in metrics.items():
        assert interval.low is not None and interval.high is not None
        assert 0 <= interval.low <= interval.value <= interval.high <= 1, key


def test_a_class_without_a_reference_object_is_no_class() -> None:
    one = images(3)
    alone = curve_metrics(one, [one], threshold=0.5, coco=True)
    with_none = curve_metrics(one, [one, NONE], threshold=0.5, coco=True)
    for key in ("average_precision", "coco_average_precision"):
        assert with_none[key] == alone[key]
    nothing = curve_metrics(NONE, [NONE], threshold=0.5, coco=True)
    assert nothing.keys() == alone.keys()
    assert all(np.isnan(interval.value) and interval.low is None for interval in nothing.values())


def test_without_an_iou_there_is_no_value_of_coco() -> None:
    one = images(4)
    assert "coco_average_precision" not in curve_metrics(one, [one], threshold=0.5, coco=False)


@pytest.mark.parametrize("key", ["average_precision", "coco_average_precision", "froc", "sensitivity@1_fppi"])
def test_weights_clusters_and_the_order_of_images(key: str) -> None:
    one = images(5)

    def of(order: list[int], **options: object) -> object:
        taken = ImagesOfClass([one.pairs[i] for i in order], [one.scores[i] for i in order])
        return curve_metrics(taken, [taken], threshold=0.5, coco=True, **options)[key]  # type: ignore[arg-type]

    order = list(range(N_IMAGES))
    plain = of(order)
    assert of(order[::-1]).value == pytest.approx(plain.value)  # type: ignore[attr-defined]
    twice = of([0, 0, *order[1:]])
    weighted = of(order, weights=np.array([2.0] + [1.0] * (N_IMAGES - 1)))
    assert weighted.value == pytest.approx(twice.value)  # type: ignore[attr-defined]
    clustered = of(order, clusters=list("aabbcc"), unit="well")
    assert (clustered.n_units, clustered.unit) == (3, "well")  # type: ignore[attr-defined]
    assert clustered.value == pytest.approx(plain.value)  # type: ignore[attr-defined]


def test_the_same_seed_gives_the_same_intervals() -> None:
    one = images(6)
    first = curve_metrics(one, [one], threshold=0.5, coco=False, seed=3)
    assert curve_metrics(one, [one], threshold=0.5, coco=False, seed=3) == first
    other = curve_metrics(one, [one], threshold=0.5, coco=False, seed=4)
    assert other["froc"].low == pytest.approx(first["froc"].low, abs=0.1)
    assert other["average_precision"] == first["average_precision"]
