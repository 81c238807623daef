"""Boxes and points against boxes, points and label images: values by hand, and tables that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.errors import InputError
from veriscope.io.labels import write_labels
from veriscope.workflow.comparison.folders import compare_folders

Folder = Callable[..., Path]
Refusal = Callable[..., str]
Write = Callable[..., Path]
BOXES, POINTS = "image,xmin,ymin,xmax,ymax", "image,x,y"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Give a function that writes a table from lines."""

    def lines(name: str, *text: str) -> Path:
        (tmp_path / name).write_text("\n".join(text) + "\n")
        return tmp_path / name

    return lines


def compare(*paths: Path, **options: Any) -> dict[str, Any]:
    return compare_folders(*paths, task="detection", **options)


def values(found: dict[str, Any], *keys: str) -> list[float | None]:
    return [found["metrics"][key]["value"] for key in keys]


def test_boxes_by_hand(write: Write) -> None:
    references = write("r.csv", BOXES, "i1,0,0,10,10", "i1,20,0,30,10", "i2,0,0,10,10")
    # The first has an IoU of 80 / 120, the second one of 50 / 150, and i3 has no object.
    found = compare(references, write("p.csv", BOXES, "i1,2,0,12,10", "i1,25,0,35,10", "i3,0,0,4,4"))
    assert found["n_images"] == 3
    assert values(found, "f1", "precision", "recall") == pytest.approx([2 / 6, 1 / 3, 1 / 3])
    assert found["notes"] == [
        "1 image has predictions and no row in the references (i3): what is not there counts as an image "
        "without an object"
    ]
    loose = compare(references, references.parent / "p.csv", thresholds=(0.3,))
    assert values(loose, "recall") == pytest.approx([2 / 3])


def test_points_within_half_a_diameter(write: Write, refusal: Refusal) -> None:
    references = write("r.csv", POINTS, "i1,10,10", "i1,30,10")
    points = write("p.csv", POINTS, "i1,13,14", "i1,30,17")  # 5 and 7 pixels off
    assert values(compare(references, points, object_size=12), "recall") == [0.5]
    assert values(compare(references, points, object_size=15), "recall") == [1]
    halves = {"y": 0.5, "x": 0.5}
    assert values(compare(references, points, object_size=6, spacing=halves), "recall") == [0.5]
    assert refusal(references, points, task="detection") == (
        "points tell no size, so it is not known how far a found one may lie off; give the typical diameter "
        "with --object-size: half of it is allowed"
    )
    assert "spacing is given for axes 'x'" in refusal(
        references, points, task="detection", object_size=6, spacing={"x": 1}
    )


def test_label_images_as_references(write: Write, folder: Folder, refusal: Refusal) -> None:
    labels = np.zeros((40, 60), np.uint16)
    labels[5:15, 5:15], labels[20:30, 40:50] = 1, 7
    references = folder("labels", i1=labels, i2=labels * 0)
    points = write("p.csv", POINTS, "i1,7,7", "i1,7,30", "i2,1,1")
    assert values(compare(references, points), "precision", "recall") == pytest.approx([1 / 3, 1 / 2])
    boxes = write("b.csv", BOXES, "i1,5,5,15,15", "i1,40,20,50,31")
    assert values(compare(references, boxes), "f1") == [1], "objects of labels have boxes"
    assert values(compare(references, boxes, thresholds=(0.95,)), "f1") == [0.5]
    assert refusal(references, references, task="detection") == (
        "labels: has label images, as the references; compare with --task instance, or say with "
        "--criterion when an object counts as found"
    )
    some = write("r.csv", BOXES, "i1,5,5,15,15", "i9,0,0,4,4")
    assert refusal(some, references, task="detection") == (
        "labels: has no label image i9; add it, an empty one if nothing is there"
    )


def test_a_detector_that_finds_nothing_misses_everything(write: Write) -> None:
    found = compare(write("r.csv", BOXES, "i1,0,0,10,10"), write("p.csv", BOXES))
    assert values(found, "f1", "recall", "precision") == [0, 0, None]


def test_scores_give_curves(write: Write) -> None:
    references = write("r.csv", BOXES, "i1,0,0,10,10", "i2,0,0,10,10")
    found = compare(
        references, write("p.csv", BOXES + ",score", "i1,0,0,10,10,.9", "i1,50,0,60,10,.8", "i2,0,0,10,10,.7")
    )
    # Recall 1/2 at precision 1, recall 1 at precision 2/3.
    assert values(found, "average_precision") == pytest.approx([(1 + 2 / 3) / 2])
    known = {row["item"]: row["answer"] for row in found["advice"]["fingerprint"]}
    assert known["scores_available"] is True


def test_faults_of_all_candidates_come_together(write: Write, refusal: Refusal) -> None:
    references = write("r.csv", BOXES + ",class", "i1,0,0,10,10,cell")
    a = write("a.csv", BOXES, "k,0,0,10,10")
    b = write("b.csv", BOXES + ",class", "i1,0,0,10,10,Cell")
    assert refusal(references, a, b, task="detection").splitlines() == [
        "3 candidates do not fit the references:",
        "  - a.csv: shares no image with the references; images go by their names",
        "  - a.csv: lacks the column class; add it there, or remove it from both",
        "  - b.csv: predicts Cell, not among the reference's cell; name classes alike",
    ]
    assert refusal(
        references, "none.csv", write("w.csv", "image,w", "i1,2"), task="detection"
    ).splitlines() == [
        "2 of 3 sources cannot be used:",
        "  - none.csv: no such file or folder; check the name",
        "  - w.csv: has neither boxes (columns xmin, ymin, xmax, ymax) nor points (columns x, y); it has "
        "image, w",
    ]


@pytest.mark.real_data
def test_real_blood_cells_with_lost_boxes(data_dir: Path, write: Write) -> None:
    source = data_dir / "bccd_blood_detection/boxes.csv"
    header, *rows = source.read_text().splitlines()
    found = compare(source, write("p.csv", header, *rows[::2]))
    assert values(found, "precision", "recall") == pytest.approx([1, len(rows[::2]) / len(rows)])


def test_label_images_are_compared_by_the_criterion_that_is_said(tmp_path: Path) -> None:
    """A square found with one side too short: IoU 0.6, its rim fits less, its centre lies near."""
    reference, prediction = np.zeros((2, 40, 40), np.uint16)
    reference[10:20, 10:20] = 1
    prediction[10:20, 10:16] = 1
    for side, labels in (("labels", reference), ("predicted", prediction)):
        write_labels(tmp_path / side / "a.tif", labels)
    folders = (tmp_path / "labels", tmp_path / "predicted")

    def f1(criterion: str, **options: Any) -> float:
        found = compare_folders(*folders, task="detection", criterion=criterion, **options)
        return float(found["metrics"]["f1"]["value"])

    assert f1("mask_iou") == f1("intersection_over_reference") == f1("point_in_mask") == 1
    assert f1("mask_iou", thresholds=(0.7,)) == 0
    assert f1("boundary_iou", boundary_tolerance=1.0) == 0
    assert f1("centre_distance", object_size=5.0) == 1  # two pixels off, half of five are allowed
    assert f1("centre_distance", object_size=3.0) == 0
    with pytest.raises(InputError) as error:
        compare_folders(*folders, task="detection")
    assert str(error.value) == (
        "predicted: has label images, as the references; compare with --task instance, or say with "
        "--criterion when an object counts as found"
    )
