"""Each field of a record, broken one at a time: what is refused, where, and in which words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.report.record import check_record
from veriscope.report.schema import GroupEstimate, ReportRecord

from .cases import bare_record, full_record

TEXT, NUMBER = "Input should be a valid string", "Input should be a valid number"
WHOLE, LIST = "Input should be a valid integer", "Input should be a valid list"
OBJECT = "Input should be a valid dictionary or instance of"


def broken(path: str, value: Any, record: dict[str, Any] | None = None) -> dict[str, Any]:
    """The full record with one value replaced, such as that of ``verdict.reasons.0.status``."""
    record = full_record() if record is None else record
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = record
    for step in way:
        place = place[step]
    place[last] = value
    return record


def refusal(record: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        check_record(record)
    return str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("title", None, TEXT),
        ("created", 2026, TEXT),
        ("study", "compound-screen", f"{OBJECT} StudySummary"),
        ("study.name", None, TEXT),
        ("study.n_images", None, WHOLE),
        ("study.n_images", 3.5, "Input should be a valid integer, got a number with a fractional part"),
        ("study.n_replicates", "many", f"{WHOLE}, unable to parse string as an integer"),
        ("study.warnings", "saturated", LIST),
        ("question.object", 7, TEXT),
        ("question.tolerance", "5 %", f"{NUMBER}, unable to parse string as a number"),
        ("question.level", 0.0, "Input should be greater than 0"),
        ("question.level", 1, "Input should be less than 1"),
        ("evidence", "certain", "Input should be 'untested', 'screened', 'audited' or "),
        ("estimate.groups", {}, LIST),
        ("estimate.groups.0.group", None, TEXT),
        ("estimate.groups.0.estimate", "9,932", f"{NUMBER}, unable to parse string as a number"),
        ("estimate.groups.0.level", 90, "Input should be less than 1"),
        ("estimate.groups.0.status", "fine", "Input should be 'ok' or 'cannot-tell'"),
        ("estimate.groups.0.n_images", [], WHOLE),
        ("estimate.groups.0.labelled_only", 9400.0, f"{OBJECT} LabelledOnly"),
        ("estimate.groups.0.evidence", None, "Input should be 'untested', 'screened', 'audited' or "),
        ("estimate.contrasts.0.kind", "odds", "Input should be 'difference' or 'ratio'"),
        ("estimate.contrasts.0.scope", "cells", "Input should be 'replicates' or 'images'"),
        ("estimate.contrasts.0.p_value", "small", f"{NUMBER}, unable to parse string as a number"),
        ("verdict.verdict", "maybe", "Input should be 'use', 'use-with-correction', 'fine-tune-first', "),
        ("verdict.reasons.0.status", True, "Input should be 'holds', 'fails' or 'cannot-tell'"),
        ("verdict.reasons.0.text", None, TEXT),
        ("candidates.0.method", None, TEXT),
        ("candidates.0.chosen", "perhaps", "Input should be a valid boolean, unable to interpret input"),
        ("candidates.0.parameters", [], "Input should be a valid dictionary"),
        ("candidates.0.metrics.pq", 0.788, f"{OBJECT} Metric"),
        ("candidates.0.limits", "none", LIST),
        ("comparisons.0.verdict", None, TEXT),
        ("agreement.0.limits", [1.0], "Field required"),
        ("reliability.0.n_objects", None, WHOLE),
        ("reliability.0.bins.0.n_cases", 0, "Input should be greater than or equal to 1"),
        ("reliability.0.bins.0.observed", None, f"{OBJECT} Metric"),
        ("audit.rows", None, LIST),
        ("audit.rows.0.unit", 1, TEXT),
        ("audit.tile_size", 2.5, WHOLE),
        ("tiles.0.rank", "middling", "Input should be 'worst' or 'best'"),
        ("tiles.0.box", [0, 1, 2], "Field required"),
        ("tiles.0.picture", "tile.png", "String should match pattern '^data:image/png;base64,"),
        ("truth.groups", [9850.0], "Input should be a valid dictionary"),
        ("cost.total", None, f"{OBJECT} Account"),
        ("environment", "python 3.11", "Input should be a valid dictionary"),
        ("reproduce", "veriscope run", LIST),
        ("record.sha256", 9, TEXT),
    ],
)  # fmt: skip
def test_a_broken_field_is_named_with_what_it_should_be(path: str, value: Any, told: str) -> None:
    message = refusal(broken(path, value))
    lines = message.splitlines()
    assert lines[0].endswith("not fit 'veriscope/report/1':")
    assert lines[-1] == "Make the record anew with `veriscope report STUDY`"
    assert any(line.startswith(f"  - {path}") and told in line for line in lines[1:-1]), message


@pytest.mark.parametrize(
    "key", ["title", "created", "veriscope", "study", "question", "evidence", "estimate", "verdict"]
)
def test_what_every_record_has_may_not_be_missing(key: str) -> None:
    record = bare_record()
    del record[key]
    assert refusal(record) == (
        "the report's record has 1 value that does not fit 'veriscope/report/1':\n"
        f"  - {key}: Field required\n"
        "Make the record anew with `veriscope report STUDY`"
    )


@pytest.mark.parametrize(
    "path",
    [
        "estimate.groups.0",
        "estimate.groups.0.labelled_only",
        "estimate.contrasts.0",
        "candidates.0.metrics.pq",
        "comparisons.0",
        "agreement.0",
        "reliability.0.excess",
        "reliability.0.bins.0.observed",
    ],
)
def test_ends_that_are_the_wrong_way_round_are_refused_everywhere(path: str) -> None:
    record = broken(f"{path}.low", 7.5)
    message = refusal(broken(f"{path}.high", -2.0, record))
    assert f"  - {path}: Value error, the interval's low end 7.5 is above its high end -2" in message


def test_of_many_faults_the_first_twenty_are_told_and_the_others_counted() -> None:
    record = full_record()
    for row in record["audit"]["rows"][:23]:
        row["unit"] = 1
    lines = refusal(record).splitlines()
    assert lines[0] == "the report's record has 23 values that do not fit 'veriscope/report/1':"
    assert len(lines) == 1 + 20 + 1 + 1 and lines[-2] == "  … and 3 more"


# ---- what is taken as missing, and what is kept


@pytest.mark.parametrize("missing", [math.nan, math.inf, -math.inf, np.float32("nan"), None])
@pytest.mark.parametrize(
    "path", ["estimate.groups.0.estimate", "candidates.0.seconds", "truth.groups.control"]
)
def test_what_is_not_finite_is_missing(path: str, missing: Any) -> None:
    place: Any = check_record(broken(path, missing)).model_dump(by_alias=True)
    for step in path.split("."):
        place = place[int(step) if step.isdigit() else step]
    assert place is None


def test_points_of_which_a_number_is_missing_are_left_out() -> None:
    points = [[1.0, 2.0], [math.nan, 2.0], [3.0, None], [4.0, 5.0]]
    found = check_record(broken("agreement.0.points", points)).agreement[0].points
    assert found == [(1.0, 2.0), (4.0, 5.0)]
    array = np.array([[1.0, np.nan], [3.0, 4.0]])
    assert check_record(broken("agreement.0.points", array)).agreement[0].points == [(3.0, 4.0)]


def test_a_record_cannot_be_changed_once_it_was_checked() -> None:
    record = check_record(bare_record())
    with pytest.raises(ValueError, match="frozen"):
        record.title = "another"  # type: ignore[misc]


def test_what_others_add_is_kept_on_every_level() -> None:
    record = broken("estimate.groups.0.colour", "red")
    record["lab"] = {"room": 12}
    checked = check_record(record)
    assert checked.model_extra == {"lab": {"room": 12}}
    assert checked.estimate.groups[0].model_extra == {"colour": "red"}


@pytest.mark.parametrize("schema", [None, "", "veriscope/report/2", "veriscope/estimate/1", 1])
def test_a_record_of_another_kind_is_not_read_at_all(schema: Any) -> None:
    message = refusal({"schema": schema, "title": 7})
    assert message.startswith(f"the report's record has the schema {schema!r}; this version of Veriscope")


# ---- how far the model alone is off


@given(st.floats(-1e6, 1e6).filter(lambda v: abs(v) > 1e-3), st.floats(-0.9, 3))
def test_the_error_of_the_model_alone_is_above_0_where_it_says_too_much(answer: float, share: float) -> None:
    group = GroupEstimate(group="g", estimate=answer, naive=answer + share * abs(answer))
    assert group.naive_error == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize(
    "changes",
    [{"estimate": None}, {"estimate": 0.0}, {"naive": None}, {"status": "cannot-tell"}],
    ids=["no answer", "answer 0", "no number", "cannot tell"],
)
def test_without_both_numbers_there_is_no_error(changes: dict[str, Any]) -> None:
    known = {"group": "g", "estimate": 10.0, "naive": 12.0}
    assert GroupEstimate.model_validate(known).naive_error == pytest.approx(0.2)
    assert GroupEstimate.model_validate(known | changes).naive_error is None


def test_the_chosen_candidate_may_be_missing() -> None:
    record = full_record()
    for candidate in record["candidates"]:
        candidate["chosen"] = False
    checked: ReportRecord = check_record(record)
    assert checked.chosen is None
    assert [c.method for c in checked.ran] == [
        c["method"] for c in record["candidates"] if c["not_run"] is None
    ]
