"""What became of each object, and how well the outlines of matches agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from veriscope.errors import InputError
from veriscope.io.labels import write_labels
from veriscope.workflow.comparison.advice import fitting_keys
from veriscope.workflow.comparison.folders import compare_folders


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Four references: one found with an outline one pixel off, two merged, one missed; one invented."""
    reference = np.zeros((60, 60), np.uint16)
    reference[2:12, 2:12] = 1
    reference[20:30, 2:12], reference[20:30, 12:22] = 2, 3
    reference[40:50, 2:12] = 4
    prediction = np.zeros_like(reference)
    prediction[3:13, 2:12] = 1
    prediction[20:30, 2:22] = 2
    prediction[40:50, 40:50] = 3
    write_labels(tmp_path / "labels" / "a.tif", reference)
    write_labels(tmp_path / "predicted" / "a.tif", prediction)
    return tmp_path / "labels", tmp_path / "predicted"


def test_the_table_tells_what_became_of_each_object(folders: tuple[Path, Path], tmp_path: Path) -> None:
    compare_folders(*folders, objects=tmp_path / "objects.csv")
    table = pd.read_csv(tmp_path / "objects.csv", dtype={"match": "Int64"})
    found = table.set_index(["side", "label"])["status"].to_dict()
    assert found == {
        ("reference", 1): "matched",
        ("reference", 2): "merged",
        ("reference", 3): "merged",
        ("reference", 4): "missed",
        ("prediction", 1): "matched",
        ("prediction", 2): "merged",
        ("prediction", 3): "invented",
    }
    first = table[(table.side == "reference") & (table.label == 1)].iloc[0]
    assert (first["candidate"], first["image"], first["size"], first["match"]) == ("predicted", "a", 100, 1)
    assert first["iou"] == pytest.approx(90 / 110)


def test_outlines_of_matches_are_averaged(folders: tuple[Path, Path]) -> None:
    plain = compare_folders(*folders)
    found = compare_folders(*folders, boundaries=True, boundary_tolerance=1.0)
    extra = set(found["metrics_per_image"]) - set(plain["metrics_per_image"])
    assert extra == {"nsd", "boundary_iou", "masd", "assd", "hausdorff", "hausdorff_percentile"}
    # The square of object 1 is shifted by one pixel; the merged pair has a match, too, whose one side is off.
    assert found["metrics_per_image"]["hausdorff"]["value"] == pytest.approx((1 + 10) / 2)
    assert found["metrics"] == plain["metrics"]


def test_only_what_was_computed_by_the_advised_criterion_is_marked(folders: tuple[Path, Path]) -> None:
    plain, outlines = compare_folders(*folders), compare_folders(*folders, boundaries=True)
    assert "f1@0.5" in fitting_keys(plain["advice"])
    by_outline = {item["key"] for item in outlines["advice"]["criteria"]}
    assert "boundary_iou" in by_outline
    assert not {"f1", "f1@0.5"} & set(fitting_keys(outlines["advice"]))


def test_without_objects_the_table_is_empty(tmp_path: Path) -> None:
    for side in ("labels", "predicted"):
        write_labels(tmp_path / side / "a.tif", np.zeros((20, 20), np.uint16))
    compare_folders(tmp_path / "labels", tmp_path / "predicted", objects=tmp_path / "objects.parquet")
    assert pd.read_parquet(tmp_path / "objects.parquet").empty


def test_other_tasks_have_no_table_of_objects(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        compare_folders(*folders, task="semantic", objects=tmp_path / "objects.csv")
    assert str(error.value) == (
        "a table of objects goes with the task instance, not semantic; leave out --objects"
    )
