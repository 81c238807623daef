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
