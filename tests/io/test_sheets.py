"""Sheets of many makes give the same rows, and names of images the same stems."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

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


def test_the_preferred_name_of_a_column_wins_wherever_it_stands() -> None:
    assert find_column(["name", "file", "image"], ("image", "file")) == 2
    assert find_column(["name"], ("image", "file")) is None


def test_both_ways_to_write_an_umlaut_are_one() -> None:
    apart = unicodedata.normalize("NFD", "Mäuse")
    assert apart != "Mäuse"
    assert composed(apart) == composed("Mäuse") == "Mäuse"
