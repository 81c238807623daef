"""Tracks against tracks: values by hand, sequences by name, and folders that are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.io.labels import write_labels
from veriscope.io.track_tables import read_track_folder
from veriscope.workflow.comparison.folders import compare_folders

Refusal = Callable[..., str]
Sequencer = Callable[..., Path]


@pytest.fixture
def sequence(tmp_path: Path) -> Sequencer:
    """Give a function that writes a sequence: the labels at each of four places, frame by frame."""

    def write(name: str, frames: Sequence[Sequence[int]], *rows: str) -> Path:
        place = tmp_path / name
        place.mkdir(parents=True)
        for number, labels in enumerate(frames):
            tifffile.imwrite(place / f"t{number:02}.tif", np.repeat(np.array([labels], np.uint16), 2, axis=1))
        (place / "res_track.txt").write_text("\n".join(rows) + "\n")
        return place

    return write


TWO = [[1, 0, 2, 0]] * 3
ROWS = ("1 0 2 0", "2 0 2 0")


def compare(*folders: Path, **options: Any) -> dict[str, Any]:
    return compare_folders(*folders, task="tracking", **options)


def test_values_by_hand(sequence: Sequencer) -> None:
    references = sequence("reference", TWO, *ROWS)
    # The second object is lost in the last frame: 1 of 6 objects and 1 of 4 links.
    found = compare(references, sequence("found", [*TWO[:2], [1, 0, 0, 0]], "1 0 2 0", "2 0 1 0"))
    assert (found["task"], found["unit"], found["n_images"]) == ("tracking", "sequence", 1)
    values = {key: item["value"] for key, item in found["metrics"].items()}
    assert values["det"] == pytest.approx(1 - 10 / 60)
    assert values["seg"] == pytest.approx(5 / 6)
    assert values["tra"] == pytest.approx(1 - (10 + 1.5) / (60 + 4 * 1.5))
    assert values["lnk"] == pytest.approx(1 - 1 / 4)
    assert values["division_f1"] is None
    assert found["metrics"]["tra"]["low"] is None, "one sequence tells nothing of others"
    (row,) = found["images"]
    assert (row["name"], row["n_frames"], len(row["objects"]), len(row["links"])) == ("sequence", 3, 1, 1)
    assert found["advice"]["category"] == "tracking"


def test_sequences_pair_by_name_and_are_pooled(sequence: Sequencer, tmp_path: Path) -> None:
    for name in ("01", "02"):
        sequence(f"reference/{name}", TWO, *ROWS)
    sequence("a/01", TWO, *ROWS)
    sequence("a/02", [[1, 0, 0, 0]] * 3, "1 0 2 0")
    sequence("b/01", [[1, 0, 0, 0]] * 3, "1 0 2 0")
    sequence("b/02", [[1, 0, 0, 0]] * 3, "1 0 2 0")
    found = compare(tmp_path / "reference", tmp_path / "b", tmp_path / "a", metric="det")
    values = {name: item["value"] for name, item in found["ranking"]["values"].items()}
    assert values == pytest.approx({"a": 1 - 3 / 12, "b": 1 - 6 / 12})
    assert list(values) == ["a", "b"]
    each = found["candidates"]["a"]["metrics_per_image"]["det"]
    assert (each["value"], each["n_units"]) == (pytest.approx((1 + 0.5) / 2), 2)


def test_a_single_sequence_needs_no_name(sequence: Sequencer) -> None:
    found = compare(sequence("reference/01", TWO, *ROWS).parent, sequence("tracked", TWO, *ROWS))
    assert found["metrics"]["tra"]["value"] == 1


def test_sequences_that_are_missing(sequence: Sequencer, refusal: Refusal, tmp_path: Path) -> None:
    for name in ("reference/01", "reference/02", "a/01", "a/03", "b/02"):
        sequence(name, TWO, *ROWS)
    paths = (tmp_path / "reference", tmp_path / "a", tmp_path / "b")
    assert refusal(*paths, task="tracking").splitlines() == [
        "2 candidates do not fit the references:",
        "  - a: has no sequence 02 (it has 01, 03); add it, or compare the others with --partial",
        "  - b: has no sequence 01 (it has 02); add it, or compare the others with --partial",
    ]
    found = compare(*paths[:2], partial=True)
    assert (found["n_images"], found["references_without_prediction"]) == (1, ["02"])
    assert found["predictions_without_reference"] == ["03"]
    assert "do not fit the references" in refusal(*paths, task="tracking", partial=True), "none is shared"


def test_faults_of_all_candidates_come_together(
    sequence: Sequencer, refusal: Refusal, tmp_path: Path
) -> None:
    references = sequence("reference", TWO, *ROWS)
    sequence("short", TWO[:2], "1 0 1 0", "2 0 1 0")
    sequence("wrong", TWO, "1 0 2 0")
    (tmp_path / "empty").mkdir()
    assert refusal(references, tmp_path / "empty", "none", task="tracking").splitlines() == [
        "2 of 3 sources cannot be used:",
        "  - empty: has no table of tracks (tracks.csv, man_track.txt, res_track.txt, isbi_track.txt), nor "
        "have "
        "the folders in it; a sequence is a folder with one label image per frame, here or in labels/, and "
        "such "
        "a table",
        "  - none: no such folder; check the name",
    ]
    lines = refusal(references, tmp_path / "short", tmp_path / "wrong", task="tracking").splitlines()
    assert lines[0] == "2 of 2 sequences cannot be compared:"
    assert lines[1].startswith("  - short, sequence: ")
    assert lines[2].startswith("  - wrong, sequence: ")


def test_sequences_are_the_units_not_replicates(sequence: Sequencer, refusal: Refusal) -> None:
    references = sequence("reference", TWO, *ROWS)
    assert refusal(references, sequence("a", TWO, *ROWS), task="tracking", groups="sheet.csv") == (
        "a sample sheet has no use for tracking, whose units are sequences; leave out --groups"
    )


@pytest.mark.real_data
def test_a_real_sequence_with_lost_cells(data_dir: Path, tmp_path: Path) -> None:
    references = read_track_folder(data_dir / "c2c12_timelapse")
    lost = {int(track) for track in references.rows[:5, 0]}
    n_all = n_lost = 0
    for number, labels in enumerate(references.read()):
        gone = np.isin(labels, list(lost))
        n_all, n_lost = n_all + len(np.setdiff1d(labels, 0)), n_lost + len(np.unique(labels[gone]))
        write_labels(tmp_path / f"t{number:02}.tif", np.where(gone, 0, labels))
    kept = [row for row in references.rows.tolist() if row[0] not in lost]
    kept = [[*row[:3], 0 if row[3] in lost else row[3]] for row in kept]
    (tmp_path / "res_track.txt").write_text("\n".join(" ".join(map(str, row)) for row in kept))
    same = compare(data_dir / "c2c12_timelapse", data_dir / "c2c12_timelapse")
    assert {item["value"] for item in same["metrics"].values()} <= {1, None}
    found = compare(data_dir / "c2c12_timelapse", tmp_path)["metrics"]
    assert found["det"]["value"] == pytest.approx(1 - n_lost / n_all)
    assert found["tra"]["value"] < 1
