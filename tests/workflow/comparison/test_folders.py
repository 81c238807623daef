"""One entry for all kinds of comparison: units do not mix, tables are complete, sheets are of any system."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from veriscope.io.labels import write_labels
from veriscope.workflow.comparison.folders import compare_folders

Folder = Callable[..., Path]
Refusal = Callable[..., str]
LABELS = np.zeros((16, 16), np.uint16)
LABELS[2:8, 2:8] = 1
LABELS[10:14, 10:14] = 2


@pytest.mark.parametrize("options", [{"task": "semantic"}, {"boundaries": True}])
def test_distances_in_two_units_are_not_averaged(
    tmp_path: Path, refusal: Refusal, options: dict[str, Any]
) -> None:
    """µm of one image and pixels of another used to be averaged, and called pixels."""
    for name, spacing in (("a", {"y": 0.5, "x": 0.5}), ("b", None), ("c", None)):
        write_labels(tmp_path / "r" / f"{name}.tif", LABELS, spacing=spacing)
        write_labels(tmp_path / "p" / f"{name}.tif", LABELS)
    assert refusal(tmp_path / "r", tmp_path / "p", **options) == (
        "1 reference has a pixel size and 2 have none (b, c); give it for all with --spacing, so that "
        "distances can be compared"
    )
    found = compare_folders(tmp_path / "r", tmp_path / "p", spacing={"y": 0.5, "x": 0.5}, **options)
    assert found["metrics_per_image"]["hausdorff"]["value"] == 0


def test_counts_need_no_pixel_size(tmp_path: Path) -> None:
    for name, spacing in (("a", {"y": 0.5, "x": 0.5}), ("b", None)):
        write_labels(tmp_path / "r" / f"{name}.tif", LABELS, spacing=spacing)
    assert compare_folders(tmp_path / "r", tmp_path / "r")["metrics"]["f1@0.5"]["value"] == 1


COLUMNS = [
    "candidate",
    "image",
    "side",
    "label",
    "size",
    "status",
    "match",
    "partner",
    "iou",
    "dice",
    "overlap",
]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize(("labels", "n"), [(LABELS, 4), (np.zeros_like(LABELS), 0)])
def test_the_table_of_objects_has_its_columns_also_without_objects(
    folder: Folder, tmp_path: Path, labels: np.ndarray, n: int, ending: str
) -> None:
    path = tmp_path / f"objects.{ending}"
    compare_folders(folder("r", a=labels), folder("p", a=labels), objects=path)
    table = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    assert list(table.columns) == COLUMNS
    assert len(table) == n
    assert table["size"].sum() == 2 * int((labels > 0).sum())


def test_a_sheet_from_a_spreadsheet_fits_file_names_of_a_mac(folder: Folder, tmp_path: Path) -> None:
    names = [f"Mäuse {i}" for i in range(4)]
    files = {unicodedata.normalize("NFD", name): LABELS for name in names}
    (tmp_path / "s.csv").write_text("image,group,replicate\n" + "".join(f"{name},g,1\n" for name in names))
    found = compare_folders(folder("r", **files), folder("p", **files), groups=tmp_path / "s.csv")
    assert (found["unit"], found["metrics"]["f1@0.5"]["n_units"]) == ("replicate", 1)


@pytest.mark.parametrize("classes", [("low", "low", "high"), ("low", "", "high")])
def test_classes_are_named_once_each(tmp_path: Path, refusal: Refusal, classes: tuple[str, ...]) -> None:
    (tmp_path / "r.csv").write_text("image,class\na,low\nb,high\n")
    (tmp_path / "p.csv").write_text("image,class\na,low\nb,high\n")
    said = refusal(tmp_path / "r.csv", tmp_path / "p.csv", task="classification", classes=classes)
    assert "classes: each class needs a name, and is named once" in said


@pytest.mark.parametrize(("n_swapped", "value"), [(0, 1.0), (2, 0.5)])
def test_candidates_in_another_order_get_the_same_figures(
    folder: Folder, n_swapped: int, value: float
) -> None:
    truth = {f"i{i}": LABELS for i in range(4)}
    worse = {f"i{i}": LABELS if i >= n_swapped else np.zeros_like(LABELS) for i in range(4)}
    r, a, b = folder("r", **truth), folder("a", **truth), folder("b", **worse)
    one, two = compare_folders(r, a, b), compare_folders(r, b, a)
    assert one["ranking"]["values"]["b"] == two["ranking"]["values"]["b"]
    assert one["candidates"] == two["candidates"]
    assert one["candidates"]["b"]["metrics"]["recall@0.5"]["value"] == value
