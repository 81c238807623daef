"""Comparison of detections over images: pooling, classes, intervals, wrong input, real boxes and points."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.testing.label_images import disks
from veriscope.validate.detections import DetectionComparison, DetectionSettings, compare_detections
from veriscope.validate.localise.objects import Criterion, Detections

BOX = DetectionSettings(Criterion("box_iou"))
NEAR = DetectionSettings(Criterion("centre_distance", tolerance=3))


def row_of_boxes(n: int, *, shift: float = 0.0) -> np.ndarray:
    x = 10.0 * np.arange(n) + shift
    return np.stack([np.zeros(n), x, np.full(n, 8.0), x + 8], axis=1)


def values(found: DetectionComparison) -> dict[str, float]:
    return {key: interval.value for key, interval in found.metrics.items()}


def perturbed(
    rng: np.random.Generator, boxes: np.ndarray, classes: np.ndarray, *, noise: float = 0.05
) -> Detections:
    """Drop some boxes, move the others, invent a few."""
    kept = rng.random(len(boxes)) < 0.85
    size = (boxes[kept, 2:] - boxes[kept, :2]).mean(axis=1, keepdims=True)
    corners = rng.uniform(0, 400, (rng.poisson(3), 2))
    found = np.concatenate(
        [
            boxes[kept] + rng.normal(0, noise, (kept.sum(), 4)) * size,
            np.concatenate([corners, corners + rng.uniform(20, 80, corners.shape)], axis=1),
        ]
    )
    scores = np.concatenate([rng.normal(2, 1, kept.sum()), rng.normal(0, 1, len(corners))])
    numbers = np.concatenate([classes[kept], rng.choice(np.unique(classes), len(corners))])
    return Detections(boxes=found, scores=scores, classes=numbers)


def test_counts_and_curves_by_hand() -> None:
    """Two images of 3 and 1 boxes; one missed, one invented with the lowest score, one doubled."""
    references = [Detections(boxes=row_of_boxes(3)), Detections(boxes=row_of_boxes(1))]
    doubled = np.concatenate([row_of_boxes(2), row_of_boxes(1, shift=0.5)])
    predictions = [
        Detections(boxes=doubled, scores=[0.9, 0.8, 0.7]),
        Detections(boxes=np.concatenate([row_of_boxes(1), [[50, 50, 60, 60]]]), scores=[0.6, 0.5]),
    ]
    found = compare_detections(references, predictions, DetectionSettings(Criterion("box_iou"), beta=2))
    assert [(image.tp, image.fp, image.fn) for image in found.images] == [(2, 1, 1), (1, 1, 0)]
    assert found.settings.assignment == "greedy_by_score"
    shown = values(found)
    assert shown["precision"] == pytest.approx(3 / 5)
    assert shown["recall"] == pytest.approx(3 / 4)
    assert shown["f1"] == pytest.approx(6 / 9)
    assert shown["f_beta"] == pytest.approx(15 / (15 + 4 + 2))
    assert shown["count_bias"] == pytest.approx(1 / 4)
    assert shown["average_precision"] == pytest.approx((1 + 1 + 3 / 4) / 4)
    assert shown["coco_average_precision"] == pytest.approx((51 + 25 * 3 / 4) / 101)
    assert shown["sensitivity@0.25_fppi"] == pytest.approx(1 / 2)
    assert shown["sensitivity@0.5_fppi"] == pytest.approx(3 / 4)
    assert shown["froc"] == pytest.approx((2 * 1 / 2 + 5 * 3 / 4) / 7)
    assert found.metrics_per_image["recall"].value == pytest.approx((2 / 3 + 1) / 2)
    assert found.curve is not None and found.curve.sensitivity.max() == 3 / 4


def test_without_scores_there_are_no_curves() -> None:
    points = Detections(points=[[1, 1], [9, 9]])
    found = compare_detections([points], [Detections(points=[[1, 3]])], NEAR)
    assert list(found.metrics) == ["f1", "precision", "recall", "count_bias"]
    assert (found.curve, found.settings.assignment) == (None, "hungarian")
    assert found.metrics["recall"].value == 0.5
    assert (
        "coco_average_precision"
        not in compare_detections([points], [Detections(points=[[1, 3]], scores=[1])], NEAR).metrics
    )


def test_objects_match_within_their_class_only() -> None:
    """A right place with the wrong class is missed and invented; AP is the mean over classes."""
    reference = Detections(boxes=row_of_boxes(4), classes=["a", "a", "b", "b"])
    prediction = Detections(boxes=row_of_boxes(4), classes=["a", "a", "b", "c"], scores=[4, 3, 2, 1])
    found = compare_detections([reference] * 2, [prediction] * 2, BOX)
    assert (found.images[0].tp, found.images[0].fp, found.images[0].fn) == (3, 1, 1)
    assert list(found.per_class) == ["a", "b", "c"]
    assert found.per_class["a"]["f1"].value == 1
    assert found.per_class["b"]["recall"].value == 0.5
    assert found.per_class["b"]["average_precision"].value == 0.5
    assert np.isnan(found.per_class["c"]["average_precision"].value)
    assert values(found)["average_precision"] == pytest.approx((1 + 0.5) / 2)
    assert values(found)["sensitivity@1_fppi"] == pytest.approx(3 / 4)


@pytest.mark.parametrize(
    ("reference", "prediction", "expected"),
    [
        (0, 0, {"f1": None, "precision": None, "recall": None, "average_precision": None, "froc": None}),
        (2, 0, {"f1": 0, "precision": None, "recall": 0, "average_precision": 0, "froc": 0}),
        (0, 2, {"f1": 0, "precision": 0, "recall": None, "average_precision": None, "froc": None}),
    ],
    ids=["nothing on either side", "nothing predicted", "nothing to find"],
)
def test_empty_cases(reference: int, prediction: int, expected: dict[str, float | None]) -> None:
    found = compare_detections(
        [Detections(boxes=row_of_boxes(reference))] * 3,
        [Detections(boxes=row_of_boxes(prediction), scores=np.arange(prediction))] * 3,
        BOX,
    )
    shown = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert {key: shown["metrics"][key]["value"] for key in expected} == expected
    assert len(shown["images"]) == shown["n_images"] == 3


def test_no_image_at_all() -> None:
    found = compare_detections([], [], BOX)
    assert found.n_images == 0
    assert "f1" in found.metrics
    assert all(np.isnan(interval.value) for interval in found.metrics.values())
    json.dumps(found.to_dict(), allow_nan=False)


def test_identical_is_perfect_and_the_interval_admits_what_was_not_seen() -> None:
    sides = [Detections(boxes=row_of_boxes(n), scores=np.ones(n)) for n in (120, 2, 0, 5)]
    found = compare_detections(sides, sides, DetectionSettings(Criterion("box_iou"), max_detections=None))
    assert all(value == (key != "count_bias") for key, value in values(found).items())
    assert found.metrics["f1"].low == pytest.approx(0.025 ** (1 / 3))
    assert found.metrics["froc"].low == pytest.approx(0.025 ** (1 / 4))
    limited = compare_detections(sides, sides, BOX)
    assert values(limited)["coco_average_precision"] < 1 == values(limited)["average_precision"]


def test_clusters_are_the_units_of_the_intervals() -> None:
    rng = np.random.default_rng(0)
    references, predictions = [], []
    for n in (5, 8, 3, 9, 6, 4):
        references.append(Detections(boxes=row_of_boxes(n), classes=["a"] * n))
        predictions.append(perturbed(rng, row_of_boxes(n), np.array(["a"] * n), noise=0.02))
    wells = ["x", "x", "y", "y", "z", "z"]
    plain = compare_detections(references, predictions, BOX)
    clustered = compare_detections(references, predictions, BOX, clusters=wells)
    for key, interval in clustered.metrics.items():
        assert (interval.n_units, interval.unit) == (3, "cluster")
        assert interval.value == plain.metrics[key].value
    weighted = compare_detections(references, predictions, BOX, weights=[2] + [1] * 5)
    twice = compare_detections([references[0], *references], [predictions[0], *predictions], BOX)
    assert values(weighted) == pytest.approx(values(twice))


def test_clusters_that_are_all_missing_are_none() -> None:
    """One cluster named None would hold all images, and nothing could be told of curves."""
    references, predictions = (
        [Detections(boxes=[[0, 0, 4, 4]])] * 3,
        [Detections(boxes=[[0, 0, 4, 4]], scores=[1])] * 3,
    )
    plain = compare_detections(references, predictions, BOX)
    assert compare_detections(references, predictions, BOX, clusters=[None] * 3).to_dict() == plain.to_dict()
    with pytest.raises(InputError) as caught:
        compare_detections(references, predictions, BOX, clusters=["a", None, "b"], names=["x", "y", "z"])
    assert str(caught.value) == (
        "1 of 3 images have no cluster, the first is 'y'; give every image a cluster, or none"
    )


def test_label_images_and_points_can_be_compared() -> None:
    labels = disks(3)
    found = compare_detections(
        [Detections(labels=labels)] * 2,
        [Detections(labels=np.where(labels == 5, 0, labels), scores=np.arange(8))] * 2,
        DetectionSettings(Criterion("mask_iou", threshold=0.9)),
    )
    assert values(found)["recall"] == values(found)["average_precision"] == 8 / 9
    assert values(found)["coco_average_precision"] == pytest.approx(89 / 101)  # up to 0.88
    centres = Detections(labels=labels).centres()
    half = [Detections(points=centres[:6])]
    inside = compare_detections(
        [Detections(labels=labels)], half, DetectionSettings(Criterion("point_in_mask"))
    )
    assert values(inside)["recall"] == pytest.approx(6 / 9)


@given(st.integers(0, 10**6), st.sampled_from(["hungarian", "greedy_by_overlap", "greedy_by_score"]))
@settings(max_examples=15, deadline=None)
def test_order_swapping_and_inventing(seed: int, assignment: Any) -> None:
    rng = np.random.default_rng(seed)
    boxes = rng.uniform(0, 60, (8, 2))
    boxes = np.concatenate([boxes, boxes + rng.uniform(5, 20, (8, 2))], axis=1)
    reference = Detections(boxes=boxes, classes=["a"] * 8)
    prediction = perturbed(rng, boxes, np.array(["a"] * 8))
    options = DetectionSettings(Criterion("box_iou"), assignment=assignment)
    plain = compare_detections([reference] * 2, [prediction] * 2, options)

    order = rng.permutation(len(prediction))
    moved = Detections(
        boxes=np.asarray(prediction.boxes)[order],
        scores=np.asarray(prediction.scores)[order],
        classes=np.asarray(prediction.classes)[order],
    )
    assert values(compare_detections([reference] * 2, [moved] * 2, options)) == values(plain)

    if assignment != "greedy_by_score":
        back = compare_detections([prediction] * 2, [reference] * 2, options)
        assert (back.metrics["precision"], back.metrics["recall"]) == (
            plain.metrics["recall"],
            plain.metrics["precision"],
        )

    invented = Detections(
        boxes=np.concatenate([np.asarray(prediction.boxes), [[900, 900, 910, 910]]]),
        scores=np.append(np.asarray(prediction.scores), rng.normal()),
        classes=[*np.asarray(prediction.classes), "a"],
    )
    worse = values(compare_detections([reference] * 2, [invented] * 2, options))
    for key in ("f1", "precision", "recall", "average_precision", "coco_average_precision", "froc"):
        assert worse[key] <= values(plain)[key] + 1e-12


def test_all_images_at_fault_are_named_together() -> None:
    good, bare = Detections(points=[[1, 1]], scores=[1]), Detections(points=[[1, 1]])
    with pytest.raises(InputError) as error:
        compare_detections([bare] * 3, [good, bare, Detections(boxes=[[0, 0, 1, 1]])], BOX, names="abc")
    assert str(error.value) == (
        "3 of 3 images cannot be compared:\n"
        "  - a: box_iou does not go with points and points; give boxes on both sides\n"
        "  - b: its predictions have no scores, those of others do; give all or none\n"
        "  - c: its predictions have no scores, those of others do; give all or none"
    )
    with pytest.raises(InputError, match=r"^image 1: objects without classes, others have some; give all"):
        compare_detections([Detections(points=[[1, 1]], classes=["a"])], [bare], NEAR)
    with pytest.raises(InputError, match=r"^1 predictions are given for 2 references; give one"):
        compare_detections([bare] * 2, [bare], NEAR)
    with pytest.raises(InputError, match=r"^image 1: greedy_by_score needs scores"):
        compare_detections(
            [bare], [bare], DetectionSettings(Criterion("centre_distance", tolerance=1), "greedy_by_score")
        )
    with pytest.raises(InputError, match=r"^a: weight -1\.0 is not allowed"):
        compare_detections([bare], [bare], NEAR, names=["a"], weights=[-1])


@pytest.mark.real_data
def test_real_boxes_of_blood_cells(data_dir: Path) -> None:
    """References of 40 smears, every seventh dropped, the rest moved a little, and one invented in each."""
    table = pd.read_csv(data_dir / "bccd_blood_detection" / "boxes.csv")
    rng = np.random.default_rng(0)
    references, predictions, n_kept = [], [], 0
    for _, part in list(table.groupby("image"))[:40]:
        boxes, classes = part[["ymin", "xmin", "ymax", "xmax"]].to_numpy(float), part["class"].to_numpy()
        kept = np.arange(len(boxes)) % 7 != 3
        size = (boxes[kept, 2:] - boxes[kept, :2]).mean(axis=1, keepdims=True)
        moved = boxes[kept] + rng.normal(0, 0.02, (kept.sum(), 4)) * size
        references.append(Detections(boxes=boxes, classes=classes))
        predictions.append(
            Detections(
                boxes=np.concatenate([moved, [[900, 900, 940, 940]]]),
                scores=np.append(rng.normal(3, 1, kept.sum()), 0.0),
                classes=[*classes[kept], "RBC"],
            )
        )
        n_kept += int(kept.sum())
    found = compare_detections(references, predictions, BOX)
    n_reference = sum(len(side) for side in references)
    assert n_reference > 400 and sorted(found.per_class) == ["Platelets", "RBC", "WBC"]
    assert values(found)["recall"] == n_kept / n_reference
    assert values(found)["precision"] == n_kept / (n_kept + 40)
    assert values(found)["sensitivity@1_fppi"] == n_kept / n_reference
    assert found.metrics["recall"].n_units == 40
    # Boxes moved by 2 % of their size have an IoU near 0.9, so COCO's mean up to 0.95 is a little lower.
    assert 0.5 < values(found)["coco_average_precision"] < values(found)["average_precision"] < 0.9


@pytest.mark.real_data
def test_real_points_of_nuclei(data_dir: Path) -> None:
    """More than 100 points per image; moved by one pixel they are found within three, not within none."""
    table = pd.read_csv(data_dir / "bone_marrow_points" / "points.csv")
    references = [part[["y", "x"]].to_numpy() for _, part in table.groupby("image")]
    assert len(references) == 6 and max(map(len, references)) > 100
    sides = [[Detections(points=points + shift) for points in references] for shift in (0.0, 1.0)]
    assert values(compare_detections(sides[0], sides[1], NEAR))["f1"] == 1
    exactly = DetectionSettings(Criterion("centre_distance", tolerance=0))
    assert values(compare_detections(sides[0], sides[1], exactly))["f1"] < 0.01
