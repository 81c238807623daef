"""Detections of tables, label images and points against each other: what fits, and what is said otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.errors import InputError, TableError, UnreadableFileError, VeriscopeError
from veriscope.workflow.comparison.folders import compare_folders

BOXES = {"a": [(2, 3, 12, 13), (20, 20, 30, 34)], "b": [(5, 5, 15, 15)], "c": []}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path


def table(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def boxes(path: Path, shift: int = 0, **more: Any) -> Path:
    rows = [
        f"{name},{y0 + shift},{x0},{y1 + shift},{x1}{''.join(f',{value}' for value in more.values())}"
        for name, found in BOXES.items()
        for y0, x0, y1, x1 in found
    ]
    return table(path, ",".join(["image,y0,x0,y1,x1", *more]), *rows)


def points(path: Path, shift: float = 0) -> Path:
    rows = [
        f"{name},{(y0 + y1) / 2 + shift},{(x0 + x1) / 2}"
        for name, found in BOXES.items()
        for y0, x0, y1, x1 in found
    ]
    return table(path, "image,y,x", *rows)


def labels(folder: Path) -> Path:
    folder.mkdir()
    for name, found in BOXES.items():
        image = np.zeros((40, 40), np.uint16)
        for number, (y0, x0, y1, x1) in enumerate(found, 1):
            image[y0:y1, x0:x1] = number
        tifffile.imwrite(folder / f"{name}.tif", image)
    return folder


def f1(found: dict[str, Any]) -> float:
    return float(found["metrics"]["f1"]["value"])


def detect(*paths: Path, **options: Any) -> dict[str, Any]:
    return compare_folders(*paths, task="detection", **options)


def test_boxes_points_and_label_images_of_the_same_objects_agree(place: Path) -> None:
    as_boxes, as_points, as_labels = boxes(place / "b.csv"), points(place / "p.csv"), labels(place / "l")
    for reference, prediction in (
        (as_boxes, as_boxes.with_name("b2.csv")),
        (as_labels, as_boxes),
        (as_labels, as_points),
        (as_boxes, as_points),
    ):
        if not prediction.exists():
            boxes(prediction)
        found = detect(reference, prediction)
        assert f1(found) == 1 and found["n_reference"] == 3, (reference, prediction)


def test_an_image_without_objects_counts_where_there_is_a_label_image(place: Path) -> None:
    found = detect(labels(place / "l"), boxes(place / "b.csv"))
    assert found["n_images"] == 3 and {row["name"] for row in found["images"]} == {"a", "b", "c"}


@pytest.mark.parametrize(("shift", "score"), [(0, 1), (3, 1), (4, 0), (30, 0)])
def test_boxes_count_as_found_from_the_threshold_on(place: Path, shift: int, score: float) -> None:
    """Of boxes 10 high, moved by d, the overlap is (10 − d) / (10 + d): 0.54 at 3, and 0.43 at 4."""
    found = detect(boxes(place / "r.csv"), boxes(place / "p.csv", shift), thresholds=(0.5,))
    assert f1(found) == score


def test_points_count_as_found_within_half_a_diameter(place: Path) -> None:
    reference = points(place / "r.csv")
    for shift, score in ((4.9, 1), (5.1, 0)):
        found = detect(reference, points(place / "p.csv", shift), object_size=10)
        assert f1(found) == score
    with pytest.raises(
        InputError, match=r"points tell no size, .* give the typical diameter with --object-size"
    ):
        detect(reference, points(place / "p.csv"))


def test_sizes_are_in_the_unit_of_the_pixels(place: Path) -> None:
    reference, prediction = points(place / "r.csv"), points(place / "p.csv", 4.9)
    spacing = {"y": 0.5, "x": 0.5}
    assert f1(detect(reference, prediction, object_size=5, spacing=spacing)) == 1
    assert f1(detect(reference, prediction, object_size=4.5, spacing=spacing)) == 0


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [((0.3, 0.6), "detections are judged at one threshold, and 2 are given; give --threshold once")],
)
def test_several_thresholds_are_refused(place: Path, thresholds: tuple[float, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        detect(boxes(place / "r.csv"), boxes(place / "p.csv"), thresholds=thresholds)


def test_a_threshold_that_would_change_nothing_is_refused(place: Path) -> None:
    with pytest.raises(InputError, match="counts as found by point_in_mask, which has no threshold"):
        detect(labels(place / "l"), points(place / "p.csv"), thresholds=(0.6,))


def test_label_images_on_both_sides_are_another_task(place: Path) -> None:
    with pytest.raises(VeriscopeError, match="has label images, as the references; compare with --task inst"):
        detect(labels(place / "r"), labels(place / "p"))
    assert f1(detect(place / "r", place / "p", criterion="mask_iou")) == 1


def test_tables_that_share_no_image(place: Path) -> None:
    other = table(place / "p.csv", "image,y0,x0,y1,x1", "z,1,1,5,5")
    with pytest.raises(VeriscopeError, match="shares no image with the references; images go by their names"):
        detect(boxes(place / "r.csv"), other)


def test_images_that_the_references_do_not_name_are_said(place: Path) -> None:
    text = boxes(place / "p.csv").read_text()
    (place / "p.csv").write_text(text + "d,1,1,9,9\n")
    found = detect(boxes(place / "r.csv"), place / "p.csv")
    assert any(
        note.startswith("1 image has predictions and no row in the references (d)") for note in found["notes"]
    )
    assert f1(found) < 1


def test_classes_are_on_both_sides_or_on_none(place: Path) -> None:
    plain, kinds = boxes(place / "r.csv"), boxes(place / "p.csv", **{"class": "cell"})
    with pytest.raises(
        VeriscopeError, match="has a column class, and the references have none; add it there"
    ):
        detect(plain, kinds)
    with pytest.raises(VeriscopeError, match="lacks the column class"):
        detect(kinds, plain)
    other = boxes(place / "o.csv", **{"class": "dust"})
    with pytest.raises(
        VeriscopeError, match="predicts dust, not among the reference's cell; name classes alike"
    ):
        detect(kinds, other)


def test_all_faults_of_all_candidates_are_told_at_once(place: Path) -> None:
    one = table(place / "one.csv", "image,y0,x0,y1,x1", "z,1,1,5,5")
    two = boxes(place / "two.csv", **{"class": "cell"})
    with pytest.raises(VeriscopeError) as caught:
        detect(boxes(place / "r.csv"), one, two)
    message = str(caught.value)
    assert message.startswith("2 candidates do not fit the references")
    assert "one.csv: shares no image" in message and "two.csv: has a column class" in message


@pytest.mark.parametrize("name", ["a.png", "a.parquet", "a.json"])
def test_files_that_are_no_tables(place: Path, name: str) -> None:
    (place / name).write_text("x")
    with pytest.raises(
        (UnreadableFileError, TableError), match="detections are read from a CSV table, or a folder"
    ):
        detect(boxes(place / "r.csv"), place / name)


def test_an_image_without_a_label_image_is_named(place: Path) -> None:
    prediction = labels(place / "l")
    (prediction / "b.tif").unlink()
    with pytest.raises(
        VeriscopeError, match="has no label image b; add it, an empty one if nothing is there"
    ):
        detect(boxes(place / "r.csv"), prediction)


def test_scores_give_a_curve(place: Path) -> None:
    found = detect(boxes(place / "r.csv"), boxes(place / "p.csv", score=0.9))
    assert found["metrics"]["average_precision"]["value"] == 1
    without = detect(boxes(place / "r.csv"), boxes(place / "q.csv"))
    assert "average_precision" not in without["metrics"]
