"""Sheets of many makes give the same rows, and names of images the same stems."""

from __future__ import annotations

import csv
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import UnreadableFileError
from veriscope.io.sheets import composed, find_column, read_rows, stem_of


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a01", "a01"),
        ("a01.tif", "a01"),
        ("plate1/a01.ome.tif", "a01"),
        ("plate 1\\a01.OME.TIFF", "a01"),
        ("store/a01.ome.zarr/", "a01"),
        ("a.01.png", "a.01"),
        ("a.01", "a.01"),
        ("day 1.5 µm", "day 1.5 µm"),
        (".tif", ".tif"),
        ("", ""),
    ],
)
def test_a_stem_is_the_name_without_folder_and_suffix(name: str, stem: str) -> None:
    assert stem_of(name) == stem


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_rows_are_the_same_for_every_separator_and_encoding(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    path = tmp_path / "sheet.csv"
    text = separator.join(["image", "note", ""]) + "\r\n" + separator.join([" ä01.tif", '"1,5; 2\t3 µm"', ""])
    path.write_bytes(text.encode(encoding))
    assert read_rows(path) == [["image", "note"], ["ä01.tif", "1,5; 2\t3 µm"]]


def test_only_line_breaks_part_rows(tmp_path: Path) -> None:
    """Other characters of Unicode that part lines may stand in a name."""
    path = tmp_path / "sheet.csv"
    path.write_bytes('image,note\na\u2028b.tif,"one\r\ntwo"\rc\x0bd.tif,x\x85y\n'.encode())
    assert read_rows(path) == [
        ["image", "note"],
        ["a\u2028b.tif", "one\r\ntwo"],
        ["c\x0bd.tif", "x\x85y"],
    ]


def test_the_line_that_names_the_separator_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"SEP=;\r\n\r\nimage;x,y\r\na;1,5\r\n;\r\n")
    assert read_rows(tmp_path / "a.csv") == [["image", "x,y"], ["a", "1,5"]]


@pytest.mark.parametrize("content", [b"", b"\n\n", b",,\n,,\n", b"\xef\xbb\xbf", b'""\n'])
def test_a_sheet_without_a_cell_is_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UnreadableFileError) as caught:
        read_rows(tmp_path / "a.csv")
    assert str(caught.value) == (
        f"{tmp_path / 'a.csv'}: is empty; give a CSV table with a header and a row per image"
    )


@pytest.mark.parametrize("content", [b"PK\x03\x04\xd7\xff sheet", "Mäuse".encode("latin-1"), b"\xff\xfex"])
def test_other_formats_and_encodings_are_refused(tmp_path: Path, content: bytes) -> None:
    """A workbook (.xlsx), a sheet of an old Windows program, half a character of UTF-16."""
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UnreadableFileError, match=r"cannot be read as a CSV table \(.*\); save it as CSV"):
        read_rows(tmp_path / "a.csv")


def test_a_missing_sheet_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"none\.csv: cannot be read as a CSV table"):
        read_rows(tmp_path / "none.csv")


CELLS = st.text("ab1 ,;\t\n\r\"'éß\u2028\x1c", max_size=6).map(str.strip)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=5), st.sampled_from(",;\t"))
def test_what_any_program_writes_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], separator: str
) -> None:
    """With enough columns in the header that the separator is the commonest of them."""
    path = tmp_path_factory.mktemp("sheet") / "a.csv"
    table = [["h"] * 9, *rows]
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=separator).writerows(table)
    expected = [list(row) for row in table if any(row)]
    for row in expected:
        while not row[-1]:
            row.pop()
    assert read_rows(path) == expected


def test_the_preferred_name_of_a_column_wins_wherever_it_stands() -> None:
    assert find_column(["name", "file", "image"], ("image", "file")) == 2
    assert find_column(["name"], ("image", "file")) is None


def test_both_ways_to_write_an_umlaut_are_one() -> None:
    apart = unicodedata.normalize("NFD", "Mäuse")
    assert apart != "Mäuse"
    assert composed(apart) == composed("Mäuse") == "Mäuse"
