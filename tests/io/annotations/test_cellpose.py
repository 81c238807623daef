"""Cellpose's outlines, as its users and their scripts write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from veriscope.errors import UnreadableFileError
from veriscope.io.annotations.read import read_annotation

SQUARE = "2,1,5,1,5,4,2,4"  # edge pixels of columns 2 to 5, rows 1 to 4


@pytest.mark.parametrize(
    "text",
    [
        SQUARE,
        f"{SQUARE}\n",
        f"{SQUARE},\r\n\r\n",
        f"\n  {SQUARE}  \n",
        SQUARE.replace(",", ", "),
        "5,4,2,4,2,1,5,1",
    ],
)
def test_edge_pixels_belong_to_the_object(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a_cp_outlines.txt"
    path.write_bytes(text.encode())
    expected = np.zeros((8, 9), np.int32)
    expected[1:5, 2:6] = 1
    np.testing.assert_array_equal(read_annotation(path, (8, 9)).labels, expected)


def test_objects_are_numbered_by_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"{SQUARE}\n\n7,6\n-3,-2,-1,-1\n")
    found = read_annotation(path, (8, 9))
    assert (found.labels[2, 3], found.labels[6, 7], found.n_objects) == (1, 2, 2)
    assert found.notes == ("1 of 3 objects have no pixel in this part of the image",)


def test_a_window_cuts_what_reaches_out_of_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(SQUARE)
    whole = read_annotation(path, (8, 9)).labels
    for row, column in [(0, 0), (2, 3), (4, 5), (1, 2)]:
        part = read_annotation(path, (3, 3), origin=(row, column)).labels
        np.testing.assert_array_equal(part, whole[row : row + 3, column : column + 3])


@pytest.mark.parametrize(
    "line",
    [
        "1",
        "1,2,3",
        "1,,2",
        ",",
        "1.5,2",
        "1e3,2",
        "1_0,2",
        "nan,1",
        "1;2",
        "99999999999999999999,1",
        "9000000000000000000,1,2,2",
        "x,y",
    ],
)
def test_lines_that_are_none_are_shown(tmp_path: Path, line: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"{SQUARE}\n\n{line}\n")
    with pytest.raises(UnreadableFileError) as caught:
        read_annotation(path, (8, 9))
    assert str(caught.value) == (
        f"{path}: line 3 is not an outline x,y,x,y,… of whole numbers ({line[:30]!r}); in Cellpose choose "
        "File > Save outlines as text"
    )
