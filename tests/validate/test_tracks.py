"""Tracks of the Cell Tracking Challenge: what holds, and every fault by its message."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.io import imread

from veriscope.errors import AxesError, PixelValueError, TableError
from veriscope.validate.tracks import Lineage, Tracks, check_tracks


def line(*frames: list[int]) -> NDArray[np.uint16]:
    """Frames of one row of pixels."""
    return np.array(frames, dtype=np.uint16)[:, None, :]


def fault(frames: Any, rows: Any, error: type[Exception] = TableError) -> str:
    with pytest.raises(error) as caught:
        check_tracks(Tracks(frames, Lineage.from_rows(rows), "movie"))
    return str(caught.value)


def test_a_division_and_a_gap_as_the_challenge_writes_them() -> None:
    frames = line([1, 1, 0, 4], [2, 3, 0, 0], [2, 3, 0, 5])
    lineage = Lineage.from_rows([[4, 0, 0, 0], [5, 2, 2, 4], [1, 0, 0, 0], [2, 1, 2, 1], [3, 1, 2, 1]])
    check_tracks(Tracks(frames, lineage))
    assert lineage.tracks.tolist() == [1, 2, 3, 4, 5]
    assert lineage.n_vertices == 7 and lineage.starts.tolist() == [0, 1, 3, 5, 6]
    assert lineage.parent_rows.tolist() == [-1, 0, 0, -1, 3]
    assert lineage.frames_of_vertices().tolist() == [0, 1, 2, 1, 2, 0, 2]
    assert lineage.rows_of_vertices().tolist() == [0, 1, 1, 2, 2, 3, 4]


def test_a_generator_of_volumes_and_no_track_at_all() -> None:
    volumes = (np.full((2, 3, 3), 7, dtype=np.uint8) for _ in range(3))
    check_tracks(Tracks(volumes, Lineage.from_rows([[7, 0, 2, 0]])))
    check_tracks(Tracks(np.zeros((2, 3, 3), dtype=np.uint8), Lineage.from_rows([])))
    check_tracks(Tracks([], Lineage.from_rows([])))


def test_all_faults_come_together() -> None:
    frames = line([1, 0, 9], [1, 2, 9], [0, 2, 0], [1, 2, 0])
    rows = [[1, 0, 3, 0], [2, 1, 4, 8], [3, 2, 1, 1]]
    assert fault(frames, rows) == (
        "6 faults in tracks:\n"
        "  - movie: parent 8 of track 2 is not in the table; 0 = none\n"
        "  - movie: track 3 lasts from frame 2 to 1; frames count from 0, and the last is not "
        "before the first\n"
        "  - movie: track 3 starts in frame 2, but its parent 1 ends in frame 3; a parent ends before its "
        "children start\n"
        "  - movie: track 1 lasts from frame 0 to 3, but frames 2 have no such label; a track has no gaps: "
        "end it there, and begin another one with it as parent where the object comes back\n"
        "  - movie: track 2 ends in frame 4, but the frames are 0 to 3\n"
        "  - movie: label 9 is in frames 0, 1, but is no track of the table"
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1, 0, 0, 0], [1, 0, 0, 0]], "movie: track 1 has 2 rows; give one row per track"),
        ([[1, 0, 0, 0], [0, 0, 0, 0]], "movie: track 0 is not allowed; number them from 1"),
        ([[1, 0, 0, 1]], "a parent ends before its children start"),
        ([[1, 0, 0, -1]], "movie: parent -1 of track 1 is not in the table; 0 = none"),
        ([[1, -1, 0, 0]], "movie: track 1 lasts from frame -1 to 0; frames count from 0"),
        ([[2, 0, 0, 0]], "movie: label 1 is in frames 0, but is no track of the table"),
        ([[1, 1, 1, 0]], "movie: label 1 is in frames 0, but its track lasts from frame 1 to 1"),
    ],
)
def test_faults_of_the_table(rows: list[list[int]], message: str) -> None:
    assert message in fault(line([1]), rows)


def test_long_lists_of_frames_are_cut() -> None:
    frames = line([1], *([[0]] * 8), [1])
    assert "frames 1, 2, 3, 4, 5 and 3 more have no such label" in fault(frames, [[1, 0, 9, 0]])


def test_tracks_without_any_frame_are_told_so() -> None:
    assert fault([], [[3, 0, 1, 0]]) == "movie: track 3 ends in frame 1, but there is no frame"


def test_what_is_no_table() -> None:
    with pytest.raises(TableError) as caught:
        Lineage.from_rows([[1, 0, 0]])
    assert str(caught.value) == (
        "lineage: the table has shape (1, 3); give one row per track with four columns: "
        "track, first frame, last frame, parent (0 = none)"
    )
    with pytest.raises(TableError) as caught:
        Lineage.from_rows([[1, 0, 0.5, 0], [2, 0, np.nan, 0]], where="res_track.txt")
    assert str(caught.value) == (
        "res_track.txt: 2 values are no whole numbers, the first is 0.5; tracks and frames are counted"
    )


HUGE = 2**53 + 1
"""The first whole number that a floating-point number of 64 bits cannot hold."""


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, list])
def test_numbers_of_tracks_are_kept_to_the_last_digit(dtype: Any) -> None:
    """Identifiers of large volumes are hashes of 60 bits; neighbours must not become one."""
    rows = [[HUGE, 0, 1, 0], [HUGE + 1, 0, 0, 0], [2**63 - 1, 1, 1, HUGE + 1]]
    table = rows if dtype is list else np.array(rows, dtype)
    lineage = Lineage.from_rows(table)
    assert lineage.tracks.tolist() == [HUGE, HUGE + 1, 2**63 - 1]
    assert lineage.parents.tolist() == [0, 0, HUGE + 1]
    frames = np.array([[[HUGE, HUGE + 1]], [[HUGE, 2**63 - 1]]], dtype=np.int64)
    check_tracks(Tracks(frames, lineage))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (np.array([[2**63, 0, 1, 0]], np.uint64), f"{2**63} is too large a number; give whole numbers up to"),
        (np.array([[2.0**53 + 2, 0, 1, 0]]), f"{HUGE + 1} is too large a number; give whole numbers up to"),
        ([[1, 0, 1, -1e300]], "is too large a number"),
        ([[2**70, 0, 1, 0]], "is too large a number"),
    ],
)
def test_numbers_that_would_become_others_are_refused(rows: Any, told: str) -> None:
    with pytest.raises(TableError) as caught:
        Lineage.from_rows(rows, where="m")
    assert told in str(caught.value)
    assert str(caught.value).endswith("number the tracks anew if theirs are larger")


@pytest.mark.parametrize("rows", [[["one", 0, 1, 0]], [[1, 0, 1, 0], [2, 0]], "table"])
def test_what_is_no_number_is_refused_by_name(rows: Any) -> None:
    with pytest.raises(TableError) as caught:
        Lineage.from_rows(rows, where="tracks.csv")
    assert str(caught.value).startswith("tracks.csv: the table is no rows of four numbers (")


def test_rows_come_in_any_order_and_form() -> None:
    rows = np.array([[3, 2, 4, 1], [1, 0, 1, 0], [2, 2, 2, 1]])
    plain = Lineage.from_rows(rows)
    for table in (rows[::-1], rows.astype(float), rows.astype(np.uint8), rows.tolist()):
        other = Lineage.from_rows(table)
        for name in ("tracks", "first", "last", "parents"):
            assert getattr(other, name).dtype == np.int64
            assert getattr(other, name).tolist() == getattr(plain, name).tolist()
    assert Lineage.from_rows(np.zeros((0, 4), int)).n_vertices == 0


def test_what_is_no_frame() -> None:
    assert fault(np.zeros((2, 4)) + 0.5, [], AxesError) == (
        "movie, frame 0: has shape (4,); a frame has axes (y, x) or (z, y, x)"
    )
    assert fault([np.zeros((2, 2), int), np.ones((2, 2), bool)], [], PixelValueError).startswith(
        "movie, frame 1: is a mask (true/false), not a label image"
    )


@pytest.mark.real_data
def test_real_tracks_hold(data_dir: Path) -> None:
    folder = data_dir / "c2c12_timelapse"
    with (folder / "tracks.csv").open() as file:
        rows = [
            [int(row[key]) for key in ("track", "first", "last", "parent")] for row in csv.DictReader(file)
        ]
    frames = (imread(path) for path in sorted((folder / "labels").glob("*.tif")))
    tracks = Tracks(frames, Lineage.from_rows(rows), "c2c12")
    check_tracks(tracks)
    assert tracks.lineage.n_tracks == 20 and tracks.lineage.n_vertices == 103
