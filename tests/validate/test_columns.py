"""Columns of one value per image: walked together, one row at a time, of one length."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from veriscope.errors import InputError
from veriscope.validate.columns import walk_columns


def test_rows_have_what_was_given() -> None:
    rows = list(walk_columns({"a": [1, 2], "b": None, "c": iter("xy")}))
    assert rows == [{"a": 1, "c": "x"}, {"a": 2, "c": "y"}]
    assert list(walk_columns({"a": [], "b": []})) == []
    assert list(walk_columns({"a": None})) == []


def test_values_that_are_none_are_values() -> None:
    assert list(walk_columns({"a": [1, 2], "b": [None, 0]})) == [{"a": 1, "b": None}, {"a": 2, "b": 0}]


def test_no_more_than_one_row_is_taken_at_a_time() -> None:
    taken = []

    def images() -> Iterator[int]:
        for number in range(3):
            taken.append(number)
            yield number

    walk = walk_columns({"references": images(), "predictions": [7, 8, 9]})
    assert taken == []
    assert next(walk) == {"references": 0, "predictions": 7}
    assert taken == [0]


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ((2, 1, 2), "only 1 predictions for more references and names; give one of each per image"),
        ((0, 1, 0), "only 0 references and names for more predictions; give one of each per image"),
        ((3, 3, 2), "only 2 names for more references and predictions; give one of each per image"),
    ],
)
def test_the_column_that_ends_first_is_named(lengths: tuple[int, int, int], message: str) -> None:
    columns = dict(zip(("references", "predictions", "names"), map(range, lengths), strict=True))
    rows = []
    with pytest.raises(InputError) as caught:
        rows.extend(row for row in walk_columns(columns))
    assert str(caught.value) == message
