"""Results as plain values: all of them JSON, nothing lost but what JSON lacks, records told by field."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.plain import PlainRecord, plain


@dataclass(frozen=True)
class Bare:
    """A dataclass that is no record."""

    x: float
    y: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Inner(PlainRecord):
    """A record with an array and a number that follows from it."""

    also_told: ClassVar[tuple[str, ...]] = ("total",)

    values: Any
    bare: Bare | None = None

    @property
    def total(self) -> float:
        """Their sum."""
        return float(np.sum(self.values))


@dataclass(frozen=True, slots=True)
class Outer(PlainRecord):
    """A record of records."""

    name: str
    parts: tuple[Inner, ...] = ()
    by_name: Mapping[str, Inner] | None = None


class Flat(Inner):
    """A record that tells itself in its own way."""

    def to_dict(self) -> dict[str, Any]:
        return {"flat": True}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (math.nan, None),
        (-math.inf, None),
        (np.array([[1.0, np.nan], [np.inf, 2.0]]), [[1.0, None], [None, 2.0]]),
        (np.array([], dtype=int), []),
        ((1, (2, None)), [1, [2, None]]),
        ({1: (2,), "a": {"b": math.nan}}, {"1": [2], "a": {"b": None}}),
        (PurePosixPath("a/b.tif"), "a/b.tif"),
        (Bare(math.nan, (1, 2)), {"x": None, "y": [1, 2]}),
        (Inner(np.array([1.0, 2.0])), {"values": [1.0, 2.0], "bare": None, "total": 3.0}),
        ("text", "text"),
        (None, None),
        (True, True),
    ],
    ids=repr,
)
def test_each_kind_of_value(value: Any, told: Any) -> None:
    found = plain(value)
    assert found == told and type(found) is type(told)
    assert json.loads(json.dumps(found, allow_nan=False)) == told


def test_records_within_records_are_told_by_their_own_words() -> None:
    outer = Outer("a", (Inner([1]), Flat([2])), {"b": Inner([math.nan], Bare(1.0, ()))})
    assert outer.to_dict() == {
        "name": "a",
        "parts": [{"values": [1], "bare": None, "total": 1.0}, {"flat": True}],
        "by_name": {"b": {"values": [None], "bare": {"x": 1.0, "y": []}, "total": None}},
    }
    assert list(outer.to_dict()) == ["name", "parts", "by_name"], "in the order of the fields"


def test_a_record_is_left_as_it_is_and_its_lists_are_copies() -> None:
    values = [1.0, 2.0]
    record = Inner(values)
    told = record.to_dict()
    told["values"].append(3.0)
    assert values == [1.0, 2.0] and record.total == 3.0
    assert replace(record, values=[5]).to_dict()["total"] == 5


def test_what_it_does_not_know_stays_for_json_to_refuse() -> None:
    thing = object()
    assert plain([thing]) == [thing]
    assert plain(Inner) is Inner, "a class is no record"
    with pytest.raises(TypeError):
        json.dumps(plain({"a": {1, 2}}))


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(nested)
def test_whatever_is_nested_is_json_and_plain_for_good(value: Any) -> None:
    told = plain(value)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert plain(told) == told
