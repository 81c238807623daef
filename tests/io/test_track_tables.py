"""Sequences of label images with the table of their tracks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.errors import InputError, TableError, UnreadableFileError, VeriscopeError
from veriscope.io.track_tables import find_track_folders, read_track_folder

FRAMES = np.array([[[0, 1], [0, 0]], [[0, 1], [2, 0]], [[0, 0], [2, 0]]], np.uint16)


def sequence(path: Path, table: str, *, name: str = "tracks.csv", inside: str = "") -> Path:
    (path / inside).mkdir(parents=True, exist_ok=True)
    for number, frame in zip((1, 2, 10), FRAMES, strict=True):
        tifffile.imwrite(path / inside / f"t{number}.tif", frame)
    (path / name).write_text(table)
    return path


def refusal(path: Path, kind: type[VeriscopeError] = TableError) -> str:
    with pytest.raises(kind) as caught:
        read_track_folder(path)
    return str(caught.value).replace(str(path), "FOLDER")


@pytest.mark.parametrize("inside", ["", "labels"])
@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("tracks.csv", "parent,n,Track,first,last\n0,2,1,0,1\n1,2,2,1,2\n"),
        ("tracks.csv", "id,start,end,parent\n1,0,1,0\n2,1.0,2,1\n"),
        ("man_track.txt", "1 0 1 0\n2 1 2 1\n"),
        ("res_track.txt", "1\t0 1  0\n2 1 2 1"),
    ],
)
def test_tables_of_several_tools(tmp_path: Path, name: str, table: str, inside: str) -> None:
    found = read_track_folder(sequence(tmp_path / "01", table, name=name, inside=inside))
    assert found.name == "01"
    assert found.rows.tolist() == [[1, 0, 1, 0], [2, 1, 2, 1]]
    assert [path.name for path in found.frames] == ["t1.tif", "t2.tif", "t10.tif"], "in natural order"
    np.testing.assert_array_equal(np.stack(list(found.read())), FRAMES)


def test_one_file_with_all_frames(tmp_path: Path) -> None:
    (tmp_path / "tracks.csv").write_text("track,first,last,parent\n1,0,1,0\n")
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES, photometric="minisblack")
    np.testing.assert_array_equal(np.stack(list(read_track_folder(tmp_path).read())), FRAMES)
    tifffile.imwrite(tmp_path / "movie.tif", FRAMES[0])
    (only,) = read_track_folder(tmp_path).read()
    np.testing.assert_array_equal(only, FRAMES[0])


def test_an_empty_table_has_no_tracks(tmp_path: Path) -> None:
    assert read_track_folder(sequence(tmp_path, "", name="res_track.txt")).rows.shape == (0, 4)


@pytest.mark.parametrize(
    ("name", "table", "message"),
    [
        ("tracks.csv", "track,first,last\n1,0,1\n", "lacks the columns parent; it has track, first, last"),
        (
            "tracks.csv",
            "track,first,last,parent\n1,0,1.5,0\n",
            "cannot be read as whole numbers in four columns: ",
        ),
        (
            "tracks.csv",
            "track,first,last,parent\n1,0,1,\n",
            "cannot be read as whole numbers in four columns: ",
        ),
        (
            "tracks.csv",
            "track,first,last,parent\n1,0,one,0\n",
            "cannot be read as whole numbers in four columns: ",
        ),
        ("man_track.txt", "1 0 1\n", "needs four numbers a line: track, first frame, last frame, parent"),
        ("man_track.txt", "1 0 1 0 5\n", "needs four numbers a line: track, first frame, last frame, parent"),
        ("man_track.txt", "1 0 1 0\n2 1\n", "cannot be read as whole numbers in four columns: "),
        ("man_track.txt", "1 0 1 no\n", "cannot be read as whole numbers in four columns: "),
        *(
            (file, before + number + after, "cannot be read as whole numbers in four columns: ")
            for number in ("1e400", "9" * 25, "1e30", "nan", "inf")
            for file, before, after in (
                ("man_track.txt", "1 0 ", " 0\n"),
                ("tracks.csv", "track,first,last,parent\n1,0,", ",0\n"),
            )
        ),
    ],
)
def test_tables_that_are_none(tmp_path: Path, name: str, table: str, message: str) -> None:
    assert refusal(sequence(tmp_path, table, name=name)).startswith(f"FOLDER/{name}: {message}")


def test_sequences_are_found_by_their_tables(tmp_path: Path) -> None:
    for name in ("02", "01"):
        sequence(tmp_path / "all" / name, "1 0 1 0\n", name="man_track.txt")
    (tmp_path / "all" / "notes").mkdir()
    assert list(find_track_folders(tmp_path / "all")) == ["01", "02"]
    assert find_track_folders(tmp_path / "all/01") == {"sequence": tmp_path / "all/01"}


def test_what_is_no_sequence_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        find_track_folders(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: has no table of tracks (tracks.csv, man_track.txt, res_track.txt, isbi_track.txt), nor "
        "have the folders in it; a sequence is a folder with one label image per frame, here or in labels/, "
        "and such a table"
    )
    with pytest.raises(UnreadableFileError, match="none: no such folder; check the name"):
        find_track_folders(tmp_path / "none")
    assert refusal(tmp_path, UnreadableFileError) == (
        "FOLDER: has no table of tracks (tracks.csv, man_track.txt, res_track.txt, isbi_track.txt)"
    )
    (tmp_path / "tracks.csv").write_text("track,first,last,parent\n1,0,1,0\n")
    assert "no image found" in refusal(tmp_path, InputError)


@pytest.mark.real_data
def test_a_real_sequence(data_dir: Path) -> None:
    (path,) = find_track_folders(data_dir / "c2c12_timelapse").values()
    found = read_track_folder(path)
    assert len(found.frames) == 10
    last = {int(track): int(end) for track, _, end, _ in found.rows}
    for time, labels in enumerate(found.read()):
        for track in np.setdiff1d(labels, 0):
            assert last[int(track)] >= time
