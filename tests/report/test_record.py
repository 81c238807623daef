"""The record: checked with all faults named, and written as the same JSON for the same content."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.report.record import check_record, to_json

from .cases import bare_record, full_record


def test_a_record_survives_json() -> None:
    record = full_record()
    again = json.loads(to_json(record))

    assert check_record(again) == check_record(record)
    assert to_json(again) == to_json(record)


def test_nan_is_missing() -> None:
    checked = check_record(full_record())

    assert checked.estimate.groups[2].estimate is None
    assert json.loads(to_json(full_record()))["estimate"]["groups"][2]["estimate"] is None


def test_unknown_keys_are_kept() -> None:
    record = bare_record()
    record["study"]["microscope"] = "spinning disc"

    assert check_record(record).study.model_extra == {"microscope": "spinning disc"}


def test_numpy_numbers_are_numbers() -> None:
    record = full_record()
    record["estimate"]["groups"][0]["estimate"] = np.float32(2.5)
    record["estimate"]["groups"][0]["n_images"] = np.int64(7)
    group = check_record(record).estimate.groups[0]

    assert (group.estimate, group.n_images) == (2.5, 7)


def test_another_schema_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        check_record({"schema": "veriscope/report/9"})

    assert str(caught.value) == (
        "the report's record has the schema 'veriscope/report/9'; this version of Veriscope renders "
        "'veriscope/report/1'; make the record anew with `veriscope report STUDY`"
    )


def test_all_faults_are_named_together() -> None:
    record = full_record()
    record["verdict"]["verdict"] = "splendid"
    record["estimate"]["groups"][0].update(low=5.0, high=4.0)
    del record["title"]

    with pytest.raises(InputError) as caught:
        check_record(record)

    assert str(caught.value) == (
        "the report's record has 3 values that do not fit 'veriscope/report/1':\n"
        "  - title: Field required\n"
        "  - estimate.groups.0: Value error, the interval's low end 5 is above its high end 4\n"
        "  - verdict.verdict: Input should be 'use', 'use-with-correction', 'fine-tune-first', "
        "'do-not-use' or 'cannot-tell'\n"
        "Make the record anew with `veriscope report STUDY`"
    )


def test_the_chosen_candidate_comes_first_and_one_not_run_does_not_come() -> None:
    record = full_record()
    record["candidates"].reverse()
    checked = check_record(record)

    assert checked.chosen is not None
    assert checked.ran[0].method == checked.chosen.method == "nuclei-fluorescence"
    assert "pixel-forest" not in [c.method for c in checked.ran]


def test_json_holds_what_python_uses() -> None:
    value = {
        "b": np.array([1.5, np.nan]),
        "a": (np.int32(3), True),
        "path": PurePosixPath("a/b"),
        "when": datetime(2026, 3, 14, tzinfo=UTC),
        "set": {"y", "x"},
        "µ": math.inf,
    }

    text = to_json(value)

    assert json.loads(text) == {
        "a": [3, True],
        "b": [1.5, None],
        "path": "a/b",
        "set": ["x", "y"],
        "when": "2026-03-14T00:00:00+00:00",
        "µ": None,
    }
    assert text.index('"a"') < text.index('"b"') < text.index('"path"')
    assert text.endswith("}\n") and "µ" in text


def test_json_says_where_it_cannot_hold_a_value() -> None:
    with pytest.raises(InputError) as caught:
        to_json({"study": {"list": [1, object()]}})

    assert str(caught.value) == (
        "record.study.list[1] is a object, which JSON cannot hold; give numbers, text, lists and mappings"
    )


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), plain, max_size=4))
def test_json_is_stable_and_strict(value: dict[str, Any]) -> None:
    text = to_json(value)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    assert to_json(json.loads(text, parse_constant=refuse)) == text
