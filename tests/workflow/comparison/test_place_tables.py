"""Tables of places: lengths keep their unit, and no option changes nothing in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from veriscope.workflow.comparison.folders import compare_folders

Refusal = Callable[..., str]
N = 5


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    """Boxes eight pixels wide, on a diagonal."""
    rows = [f"a,{10 * i},{10 * i},{10 * i + 8},{10 * i + 8}" for i in range(N)]
    (tmp_path / "boxes.csv").write_text("\n".join(["image,ymin,xmin,ymax,xmax", *rows]) + "\n")
    return tmp_path / "boxes.csv"


@pytest.fixture
def points(tmp_path: Path) -> Path:
    """Points three pixels below the centres of the boxes, save the last, five below."""
    rows = [f"a,{10 * i + 4 + (5 if i == N - 1 else 3)},{10 * i + 4}" for i in range(N)]
    (tmp_path / "points.csv").write_text("\n".join(["image,y,x", *rows]) + "\n")
    return tmp_path / "points.csv"


def recall(*paths: Path, **options: Any) -> float:
    found = compare_folders(*paths, task="detection", criterion="centre_distance", **options)
    return float(found["metrics"]["recall"]["value"])


@pytest.mark.parametrize("size", [None, 0.1, 10.0])
def test_half_a_measured_diameter_is_allowed_whatever_the_pixel_size(
    boxes: Path, points: Path, size: float | None
) -> None:
    """Pixels of the boxes used to be taken for µm: at 0.1 µm everything was found, at 10 µm nothing."""
    spacing = None if size is None else {"y": size, "x": size}
    assert recall(boxes, points, spacing=spacing) == (N - 1) / N


def test_a_stated_diameter_is_in_the_unit_of_the_pixel_size(boxes: Path, points: Path) -> None:
    halves = {"y": 0.5, "x": 0.5}
    assert recall(boxes, points, object_size=12) == 1
    assert recall(boxes, points, object_size=6, spacing=halves) == 1
    assert recall(boxes, points, object_size=12, spacing={"y": 3.0, "x": 3.0}) == 0


@pytest.mark.parametrize(
    ("options", "small"),
    [
        ({"object_size": 5}, True),
        ({"object_size": 50}, False),
        ({"object_size": 5, "spacing": {"y": 0.1, "x": 0.1}}, False),
        ({"object_size": 50, "spacing": {"y": 10.0, "x": 10.0}}, True),
        ({}, True),
    ],
)
def test_small_is_a_matter_of_pixels(boxes: Path, points: Path, options: dict[str, Any], small: bool) -> None:
    found = compare_folders(boxes, points, task="detection", criterion="centre_distance", **options)
    (row,) = [item for item in found["advice"]["fingerprint"] if item["item"] == "small_structures"]
    assert row["answer"] is small


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"thresholds": (0.6, 0.8), "criterion": "box_iou"},
            "detections are judged at one threshold, and 2 are given; give --threshold once",
        ),
        (
            {"thresholds": (0.6,), "criterion": "centre_distance"},
            "an object counts as found by centre_distance, which has no threshold; leave out --threshold, or "
            "name another --criterion",
        ),
        (
            {"spacing": {"y": 0.5}},
            "the tables: spacing is given for axes 'y' but the image has 'yx'; give one value in µm for each "
            "spatial axis",
        ),
    ],
)
def test_options_that_would_change_nothing_are_refused(
    boxes: Path, tmp_path: Path, refusal: Refusal, options: dict[str, Any], message: str
) -> None:
    other = tmp_path / "other.csv"
    other.write_text(boxes.read_text())
    assert refusal(boxes, other, task="detection", **options) == message
