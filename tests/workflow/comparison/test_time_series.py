"""Time points of a series are judged one by one, and belong to their series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.errors import ShapeMismatchError
from veriscope.io.labels import write_labels
from veriscope.workflow.comparison.folders import compare_folders


def movie(n_frames: int = 4) -> np.ndarray:
    """Two objects, of which one moves."""
    frames = np.zeros((n_frames, 40, 40), np.uint16)
    for t in range(n_frames):
        frames[t, 2 + t : 12 + t, 2:12] = 1
        frames[t, 20:30, 20:30] = 2
    return frames


def save(folder: Path, name: str, frames: np.ndarray) -> None:
    folder.mkdir(exist_ok=True)
    tifffile.imwrite(folder / f"{name}.tif", frames, imagej=True, metadata={"axes": "TYX"})


def test_a_lost_frame_is_missed_objects_and_not_less_overlap(tmp_path: Path) -> None:
    lost = movie()
    lost[2] = 0
    save(tmp_path / "labels", "a", movie())
    save(tmp_path / "predicted", "a", lost)
    found = compare_folders(tmp_path / "labels", tmp_path / "predicted")
    assert (found["n_images"], found["n_reference"], found["n_prediction"]) == (4, 8, 6)
    assert found["metrics"]["recall@0.5"]["value"] == 0.75
    assert found["metrics"]["mean_matched_iou@0.5"]["value"] == 1
    assert [row["name"] for row in found["images"]] == [f"a, t={t}" for t in range(4)]
    # All frames are of one series: nothing is known of other series.
    assert found["metrics"]["recall@0.5"]["low"] is None


def test_series_are_the_units_also_beside_single_images(tmp_path: Path) -> None:
    for folder in ("labels", "predicted"):
        save(tmp_path / folder, "a", movie())
        save(tmp_path / folder, "b", movie(2))
        write_labels(tmp_path / folder / "c.tif", movie()[0])
    found = compare_folders(tmp_path / "labels", tmp_path / "predicted")
    assert found["n_images"] == 7
    assert [row["cluster"] for row in found["images"]] == ["a"] * 4 + ["b"] * 2 + ["c"]
    assert found["metrics"]["f1@0.5"]["n_units"] == 3


@pytest.mark.parametrize("task", ["instance", "semantic"])
def test_other_numbers_of_time_points_are_refused(tmp_path: Path, task: str) -> None:
    save(tmp_path / "labels", "a", movie())
    save(tmp_path / "predicted", "a", movie(3))
    with pytest.raises(ShapeMismatchError) as error:
        compare_folders(tmp_path / "labels", tmp_path / "predicted", task=task)
    assert str(error.value) == (
        "a: the reference has 4 time points and the prediction 3; both must cover the same ones"
    )


def test_masks_of_a_series(tmp_path: Path) -> None:
    save(tmp_path / "labels", "a", movie())
    save(tmp_path / "predicted", "a", movie())
    found = compare_folders(tmp_path / "labels", tmp_path / "predicted", task="semantic", foreground=True)
    assert found["n_images"] == 4
    assert found["metrics"]["dice"]["value"] == 1
