"""Wells are the same however they are written."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.io.wells import Place, well_parts

rows = st.text(string.ascii_uppercase, min_size=1, max_size=2)
columns = st.integers(1, 999)


@given(rows, columns, st.sampled_from(["", " ", "-", "_", "  "]), st.integers(1, 3), st.booleans())
def test_case_zeros_and_what_parts_them_do_not_matter(
    row: str, column: int, between: str, digits: int, small: bool
) -> None:
    found = (row, f"{column:02d}")
    given_row = row.lower() if small else row
    assert well_parts(f" {given_row}{between}{column:0{digits}d} ") == found
    assert well_parts(given_row, f"{column:0{digits}d}") == found
    assert well_parts(*found) == found


@given(st.integers(1, 702))
def test_rows_of_numbers_count_as_spreadsheets_do(number: int) -> None:
    row, column = well_parts(str(number), "7")
    value = 0
    for letter in row:
        value = 26 * value + ord(letter) - ord("A") + 1
    assert (value, column) == (number, "07")
    assert well_parts(row, "7") == (row, "07")


@pytest.mark.parametrize(
    "well", ["", "B", "7", "B0", "B00", "B1000", "ABC1", "B3.5", "B-", "1B", "B3B", "Ä3", "B٣", "B 3 4"]
)
def test_what_is_no_well_is_shown(well: str) -> None:
    with pytest.raises(InputError) as caught:
        well_parts(well)
    assert str(caught.value) == (
        f"{well!r} is no well; wells are named by a row and a column from 1, such as B03 or b3"
    )


@pytest.mark.parametrize(
    ("row", "column"), [("0", "1"), ("703", "1"), ("²", "1"), ("B", "0"), ("B", "x"), ("", "3"), ("B", "")]
)
def test_rows_and_columns_that_are_none(row: str, column: str) -> None:
    with pytest.raises(InputError, match=f"^'{row}/{column}' is no well"):
        well_parts(row, column)


def test_a_place_names_its_well_where_it_has_one() -> None:
    assert Place(row="B", column="03").well == "B03"
    assert Place(plate="p", field="2").well == ""
