"""The verbs on files and folders: compare, measure, describe, simulate."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from veriscope.errors import InputError, TableError, VeriscopeError
from veriscope.io.labels import read_labels, write_labels
from veriscope.io.tables import read_table
from veriscope.workflow.comparison.folders import compare_folders
from veriscope.workflow.describe import describe_images
from veriscope.workflow.measure_files import measure_folder
from veriscope.workflow.simulation import simulate_folder

METRICS = {"f1@0.5", "ap@0.5", "precision@0.5", "recall@0.5", "pq", "count_bias", "f1@0.7", "f1@0.9"}


@pytest.fixture
def predictions(tmp_path: Path, tiny_data: Path) -> Path:
    """The references once more, as predictions that a test may spoil."""
    shutil.copytree(tiny_data / "labels", tmp_path / "predictions")
    return tmp_path / "predictions"


def test_identical_folders_are_perfect(tiny_data: Path, predictions: Path) -> None:
    found = compare_folders(tiny_data / "labels", predictions)
    assert found["schema"] == "veriscope/compare/1"
    assert found["n_images"] == 8
    assert set(found["metrics"]) >= METRICS
    for key, item in found["metrics"].items():
        assert {"value", "low", "high", "level", "aggregation", "unit"} <= set(item)
        if key.startswith(("f1", "ap", "precision", "recall", "pq")):
            assert (item["value"], item["aggregation"], item["unit"]) == (1.0, "pooled", "image")
    assert found["metrics"]["count_bias"]["value"] == 0
    assert found["n_reference"] == found["n_prediction"] == len(pd.read_csv(tiny_data / "objects.csv"))


def test_figures_of_spoiled_predictions(tiny_data: Path, predictions: Path) -> None:
    """Half of the objects of every image are left out: recall one half, precision one."""
    missed = kept = 0
    for path in predictions.iterdir():
        labels = read_labels(path)
        gone = np.arange(1, labels.max() + 1, 2)
        missed, kept = missed + len(gone), kept + int(labels.max()) - len(gone)
        write_labels(path, np.where(np.isin(labels, gone), 0, labels))
    metrics = compare_folders(tiny_data / "labels", predictions)["metrics"]
    assert metrics["precision@0.5"]["value"] == 1
    assert metrics["recall@0.5"]["value"] == pytest.approx(kept / (kept + missed))
    assert metrics["ap@0.5"]["value"] == pytest.approx(kept / (kept + missed))
    assert metrics["count_bias"]["value"] < 0


def test_all_pairs_of_other_shapes_are_named(tiny_data: Path, predictions: Path) -> None:
    for name in ("control-1-01", "treated-2-02"):
        write_labels(predictions / f"{name}.tif", np.zeros((10, 12), np.uint8))
    with pytest.raises(InputError) as error:
        compare_folders(tiny_data / "labels", predictions)
    lines = str(error.value).splitlines()
    assert lines[0] == "2 of 8 pairs cannot be compared:"
    assert "control-1-01" in lines[1]
    assert "treated-2-02" in lines[2]


def test_missing_and_extra_predictions(tiny_data: Path, predictions: Path) -> None:
    (predictions / "control-1-01.tif").rename(predictions / "other.tif")
    with pytest.raises(InputError) as error:
        compare_folders(tiny_data / "labels", predictions)
    assert str(error.value) == (
        "predictions: 1 of 8 references have no prediction of the same name (control-1-01); predictions "
        "without a reference: other; add them, or compare only what is there with --partial"
    )
    found = compare_folders(tiny_data / "labels", predictions, partial=True)
    assert found["n_images"] == 7
    assert found["references_without_prediction"] == ["control-1-01"]
    assert found["predictions_without_reference"] == ["other"]


def test_folders_that_share_no_name(tiny_data: Path, tmp_path: Path) -> None:
    write_labels(tmp_path / "p/other.tif", np.zeros((9, 9), np.uint8))
    with pytest.raises(InputError, match="0 of 8 references and 1 prediction fit by name"):
        compare_folders(tiny_data / "labels", tmp_path / "p", partial=True)


def test_replicates_are_the_units_where_a_sheet_is_given(
    tiny_data: Path, predictions: Path, tmp_path: Path
) -> None:
    for path in sorted(predictions.iterdir())[::2]:
        labels = read_labels(path)
        write_labels(path, np.where(labels > 4, labels, 0))
    by_image = compare_folders(tiny_data / "labels", predictions)["metrics"]["f1@0.5"]
    found = compare_folders(tiny_data / "labels", predictions, groups=tiny_data / "sheet.csv")
    by_replicate = found["metrics"]["f1@0.5"]
    assert by_replicate["unit"] == "replicate"
    assert (by_replicate["n_units"], by_image["n_units"]) == (4, 8)
    assert by_replicate["value"] == by_image["value"]
    lines = (tiny_data / "sheet.csv").read_text().splitlines()
    (tmp_path / "sheet.csv").write_text("\n".join(lines[:-1]))
    with pytest.raises(TableError) as error:
        compare_folders(tiny_data / "labels", predictions, groups=tmp_path / "sheet.csv")
    assert str(error.value) == f"{tmp_path / 'sheet.csv'}: has no row for treated-2-02; add them"


def test_measure_gives_the_truth_of_the_simulation(tiny_data: Path, tmp_path: Path) -> None:
    found = measure_folder(tiny_data / "labels", tmp_path / "t.parquet", images=tiny_data / "images")
    assert (found["schema"], found["n_images"], found["calibrated"]) == ("veriscope/measure/1", 8, True)
    table = read_table(tmp_path / "t.parquet")
    truth = pd.read_csv(tiny_data / "objects.csv").sort_values(["image", "label"], ignore_index=True)
    table = table.sort_values(["image", "label"], ignore_index=True)
    assert len(table) == found["n_objects"] == len(truth)
    for ours, theirs in (
        ("area", "area"),
        ("centroid-y", "centroid-y"),
        ("mean_intensity", "mean_intensity-DNA"),
    ):
        assert np.allclose(table[ours], truth[theirs], rtol=1e-4), ours
    assert found["columns"]["area"] == "µm²"
    assert (tmp_path / "t.json").exists()


def test_measure_without_images_is_uncalibrated_unless_told(tmp_path: Path) -> None:
    labels = np.zeros((20, 30), np.uint8)
    labels[2:6, 3:8] = 1
    tifffile.imwrite(tmp_path / "a.tif", labels)
    found = measure_folder(tmp_path / "a.tif", tmp_path / "t.csv")
    assert (found["calibrated"], found["columns"]["area"]) == (False, "px")
    assert pd.read_csv(tmp_path / "t.csv")["area"].tolist() == [20]
    found = measure_folder(tmp_path / "a.tif", tmp_path / "t.csv", spacing={"y": 2.0, "x": 0.5})
    assert pd.read_csv(tmp_path / "t.csv")["area"].tolist() == [20]
    assert (found["calibrated"], found["columns"]["area"]) == (True, "µm²")


def test_measure_names_all_faults_and_writes_nothing(tiny_data: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_data / "labels", tmp_path / "labels")
    write_labels(tmp_path / "labels/alone.tif", np.ones((9, 9), np.uint8))
    write_labels(tmp_path / "labels/control-1-01.tif", np.ones((9, 9), np.uint8))
    with pytest.raises(VeriscopeError) as error:
        measure_folder(tmp_path / "labels", tmp_path / "t.parquet", images=tiny_data / "images")
    text = str(error.value)
    assert text.startswith("2 of 9 label images cannot be measured:")
    assert f"alone: no image of this name in {tiny_data / 'images'} (there are: " in text
    assert "a label image and its image have the same name but for the ending: rename one" in text
    assert text.endswith("Nothing was written. Mend, rename or remove them, then measure again.")
    assert "control-1-01" in text
    assert not (tmp_path / "t.parquet").exists()


def test_label_images_without_objects_make_an_empty_table(tmp_path: Path) -> None:
    for name in "ab":
        write_labels(tmp_path / f"{name}.tif", np.zeros((9, 9), np.uint8))
    found = measure_folder(tmp_path, tmp_path / "t.parquet")
    assert (found["n_images"], found["n_objects"]) == (2, 0)
    assert "area" in read_table(tmp_path / "t.parquet").columns


def test_description_of_files_with_faults_apart(tiny_data: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_data / "images/control-1-01.tif", tmp_path)
    (tmp_path / "broken.tif").write_bytes(b"II*\0 nothing")
    (tmp_path / "notes.doc").write_text("?")
    found = describe_images(tmp_path)
    (row,) = found["images"]
    assert (row["axes"], row["shape"], row["spacing"]) == ("yx", [144, 160], "0.5 × 0.5 µm")
    assert len(found["faults"]) == 1
    assert "broken.tif" in found["faults"][0]
    assert [Path(path).name for path in found["ignored_files"]] == ["notes.doc"]


def test_simulation_from_settings_in_a_file(tmp_path: Path) -> None:
    settings = tmp_path / "s.yaml"
    scene = "{height_px: 64, width_px: 64, density_per_mm2: 3000}"
    settings.write_text(f"simulation: {{scene: {scene}}}\ngroups: [{{name: one}}]\nreplicates: 3\n")
    found = simulate_folder(tmp_path / "a", settings=settings, replicates=1, images=2, seed=4)
    assert found["n_images"] == 2
    simulate_folder(tmp_path / "b", settings=settings, replicates=1, images=2, seed=4)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert [path.name for path in files if path.parent.name == "labels"] == ["one-1-01.tif", "one-1-02.tif"]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)
    assert json.loads((tmp_path / "a/truth.json").read_text())["groups"][0]["n_images"] == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("groups: [", "cannot be read as YAML"),
        ("- 1", "holds list, not settings by name"),
        ("replicate: 3", "replicate: Extra inputs are not permitted"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "s.yaml").write_text(content)
    with pytest.raises(InputError, match=message):
        simulate_folder(tmp_path / "out", settings=tmp_path / "s.yaml")
    assert not (tmp_path / "out").exists()
