"""Tables with the dictionary of their columns."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from veriscope.errors import TableError, UnreadableFileError
from veriscope.io.tables import read_table, read_units, write_table

TABLE = pd.DataFrame({"image": ["a", "b"], "area": [1.25, 0.1 + 0.2], "n": [3, 4]})
UNITS = {"area": "µm²"}


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_what_was_written_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"objects{suffix}"
    write_table(path, TABLE, UNITS, descriptions={"n": "Number of objects."})
    pd.testing.assert_frame_equal(read_table(path), TABLE)
    assert read_units(path) == {"image": "", "area": "µm²", "n": ""}
    dictionary = json.loads((tmp_path / "objects.json").read_text(encoding="utf-8"))
    assert dictionary["schema"] == "veriscope/table/1"
    assert dictionary["columns"]["n"] == {"type": "int64", "unit": "", "description": "Number of objects."}


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_the_same_table_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    for name in "ab":
        write_table(tmp_path / f"{name}{suffix}", TABLE.set_index(pd.Index([7, 8])), UNITS)
    first, second = ((tmp_path / f"{name}{suffix}").read_bytes() for name in "ab")
    assert first == second
    assert b"pandas_version" not in first
    pd.testing.assert_frame_equal(read_table(tmp_path / f"a{suffix}"), TABLE)


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", TABLE.iloc[:0], UNITS)
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.parquet"), TABLE.iloc[:0])


def test_units_of_unknown_columns_and_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError) as caught:
        write_table(tmp_path / "a.csv", TABLE, {"volume": "µm³"}, descriptions={"depth": "x"})
    assert str(caught.value) == (
        f"{tmp_path / 'a.csv'}: units or descriptions are given for columns that the table lacks: depth, "
        "volume"
    )
    with pytest.raises(TableError, match=r"tables are written as \.parquet or \.csv, not '\.xlsx'"):
        write_table(tmp_path / "a.xlsx", TABLE, UNITS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_words_come_back_as_they_were_written(tmp_path: Path, suffix: str) -> None:
    words = ["", "NA", "a,b", 'say "x"', "two\nlines", "µm²", "007", "1e5", " x ", "None", "nan", "=1+1"]
    table = pd.DataFrame({"image": words, "n": range(len(words))})
    write_table(tmp_path / f"a{suffix}", table, {})
    assert read_table(tmp_path / f"a{suffix}")["n"].tolist() == list(range(len(words)))
    if suffix == ".csv":  # where a word and a missing value look alike to pandas
        assert pd.read_csv(tmp_path / "a.csv", keep_default_na=False, dtype=str)["image"].tolist() == words
    else:
        assert read_table(tmp_path / "a.parquet")["image"].tolist() == words


@pytest.mark.parametrize(
    "dtype", ["int8", "uint32", "int64", "float32", "float64", "bool", "Int64", "string"]
)
def test_types_come_back_from_parquet_and_are_in_the_dictionary(tmp_path: Path, dtype: str) -> None:
    table = pd.DataFrame({"x": pd.array([1, 0, 1], dtype="int64").astype(dtype)})
    write_table(tmp_path / "a.parquet", table, {"x": "µm"}, descriptions={"x": "A value."})
    found = read_table(tmp_path / "a.parquet")
    assert found["x"].tolist() == table["x"].tolist()
    dictionary = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["columns"]
    assert dictionary == {"x": {"type": str(table["x"].dtype), "unit": "µm", "description": "A value."}}


def test_missing_numbers_stay_missing(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [1.5, float("nan")], "n": pd.array([1, None], dtype="Int64")})
    for name in ("a.parquet", "a.csv"):
        write_table(tmp_path / name, table, {})
        found = read_table(tmp_path / name)
        assert found["x"].isna().tolist() == found["n"].isna().tolist() == [False, True]


def test_a_table_takes_the_place_of_another_with_its_dictionary(tmp_path: Path) -> None:
    write_table(tmp_path / "a.csv", TABLE, UNITS)
    write_table(tmp_path / "a.csv", TABLE[["n"]], {"n": "objects"})
    assert list(read_table(tmp_path / "a.csv").columns) == ["n"]
    assert read_units(tmp_path / "a.csv") == {"n": "objects"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.json"]


@pytest.mark.parametrize("content", ["", "{", "{}", '{"columns": 1}', '{"columns": {"x": {}}}', "\x00"])
def test_a_dictionary_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    write_table(tmp_path / "a.csv", TABLE, UNITS)
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(UnreadableFileError) as caught:
        read_units(tmp_path / "a.csv")
    assert str(caught.value) == f"{tmp_path / 'a.json'}: is not a column dictionary (veriscope/table/1)"


def test_broken_tables_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(UnreadableFileError, match="cannot be read as a table"):
        read_table(tmp_path / "a.parquet")
    with pytest.raises(UnreadableFileError, match=r"is not a column dictionary \(veriscope/table/1\)"):
        read_units(tmp_path / "a.parquet")
    with pytest.raises(UnreadableFileError, match="no such table"):
        read_table(tmp_path / "b.parquet")
    (tmp_path / "c.xlsx").write_bytes(b"")
    with pytest.raises(UnreadableFileError, match=r"tables are \.parquet or \.csv files, not '\.xlsx'"):
        read_table(tmp_path / "c.xlsx")
    assert read_units(tmp_path / "b.parquet") == {}
