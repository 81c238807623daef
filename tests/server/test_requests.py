"""What the server takes: every member of a request with its limits, told by its place where it is wrong."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from veriscope.server.models.audit import DrawRequest, JournalBatch, NewJournalEntry
from veriscope.server.models.candidates import NewCandidate
from veriscope.server.models.images import ImageChange, ImageChanges
from veriscope.server.models.jobs import Job, JobRequest, RunRequest, TrainRequest
from veriscope.server.models.problem import Fault, Problem, Request
from veriscope.server.models.segmenters import ClickedPoint, SegmentRequest
from veriscope.server.models.session import SignIn
from veriscope.server.models.studies import (
    DemoRequest,
    DescribeRequest,
    GroupAssignment,
    NewStudyRequest,
    QuestionRequest,
)

ENTRY = {"seq": 1, "time": "2024", "kind": "stroke", "data": {}}
POINT = {"y": 1.5, "x": 2}
# A request of each kind that is right, and what makes it wrong: the place, and values that are refused there.
CASES: list[tuple[type[Request], dict[str, Any], dict[str, list[Any]]]] = [
    (
        DrawRequest,
        {"tiles": 20, "more": 0, "training": 6, "everything": False},
        {
            "tiles": [-1, 100_001, 1.5, "many", [1]],
            "more": [-1, 100_001, None, "x"],
            "training": [-5, 1e9, {}],
            "everything": ["perhaps", 2, None],
        },
    ),
    (
        JournalBatch,
        {"client": "tab-1_X", "entries": [ENTRY]},
        {
            "client": ["", "a b", "ü", "x" * 65, "a/b", None, 5],
            "entries": [None, {}, [ENTRY] * 1001, [5]],
        },
    ),
    (
        NewJournalEntry,
        ENTRY,
        {
            "seq": [0, -1, 2**53 + 1, 1.5, None],
            "time": ["x" * 41, None, 5],
            "kind": ["", "x" * 41, None],
            "data": [None, [], "x", {"n": math.nan}, {"n": [math.inf]}, {"text": "\ud800"}],
        },
    ),
    (NewCandidate, {"method": "log-spots"}, {"method": ["", "x" * 201, None, 5]}),
    (
        ImageChange,
        {"id": "a", "group": "g", "replicate": "r", "spacing": {"y": 0.5, "x": 0.5}},
        {
            "id": ["x" * 501, None],
            "group": ["", "x" * 201, 5],
            "replicate": ["", "x" * 201],
            "spacing": [{"y": 0}, {"y": -1}, {"y": 1e7}, {"q": 1}, "unknown", {"y": math.nan}, {"y": "x"}],
        },
    ),
    (ImageChanges, {"changes": [{"id": "a"}]}, {"changes": [[], None, {}, [{}], [{"id": "a", "also": 1}]]}),
    (
        RunRequest,
        {"kind": "run", "only": ["a"]},
        {"kind": ["train", "", None], "only": [[""], ["x" * 201], ["a"] * 1001, "a", [None]]},
    ),
    (
        TrainRequest,
        {"kind": "train", "start": "nuclei", "tune": "head", "minutes": 1, "steps": 5, "seed": 3},
        {
            "start": ["", "../x", "-a", "a/b", "x" * 201, "a\n", "ü"],
            "tune": ["some", None, ""],
            "minutes": [0, -1, 10_001, math.inf, math.nan, "long"],
            "steps": [0, 10_000_001, 2.5],
            "seed": [-1, 2**31, 0.5, None],
        },
    ),
    (
        ClickedPoint,
        {"y": -1, "x": 5, "inside": False},
        {"y": [-1.1, math.nan, math.inf, None, "top"], "x": [2**31 + 1], "inside": ["maybe", None]},
    ),
    (
        SegmentRequest,
        {"segmenter": "segmenter:x", "channels": [0, 2], "points": [POINT], "box": [0, 0, 5, 6]},
        {
            "segmenter": ["x" * 101, None],
            "channels": [[], [-1], [10_001], [0] * 33, [1.5]],
            "points": [[POINT] * 65, [{"y": 1}], None],
            "box": [[0, 0, 5], [0, 0, 5, math.nan], [0, 0, 5, 6, 7], "all"],
        },
    ),
    (
        SignIn,
        {"token": "t", "user": "u", "password": "p"},
        {"token": ["x" * 501, 5], "user": ["x" * 101], "password": ["x" * 1001, []]},
    ),
    (
        QuestionRequest,
        {"object": "cell", "measure": "count", "tolerance": "5%", "level": 0.9},
        {
            "object": ["", "x" * 201, None],
            "measure": ["", None],
            "tolerance": [[], {}, math.nan],
            "level": [0.5, 1, 0, 2, math.nan, None],
        },
    ),
    (
        GroupAssignment,
        {"image": "a", "group": "g", "replicate": None},
        {"image": ["", "x" * 201, None], "group": ["", None], "replicate": ["", "x" * 201]},
    ),
    (
        DescribeRequest,
        {"upload": "0" * 16, "axes": "zyx", "spacing": {"z": 1.0}, "series": 0},
        {
            "upload": ["x" * 65, 5],
            "paths": [[""], ["x" * 4097], ["a"] * 1001, "a"],
            "axes": ["tczyxs?"],
            "spacing": [{"c": 1.0}, {"y": 0}],
            "series": [-1, 100_001, 0.5],
        },
    ),
    (
        NewStudyRequest,
        {"folder": "a", "tile_size": 16, "seed": 0, "methods": None, "group_by": "row"},
        {
            "folder": ["", "x" * 101, None],
            "title": ["", "x" * 201],
            "level": [0.5, 1.0, math.nan],
            "group_by": ["well", ""],
            "pattern": ["x" * 501],
            "acquisition": [-1, 100_001],
            "diameter": [0, -1, 1e6, math.inf],
            "methods": [[""], ["a"] * 101],
            "tile_size": [15, 4097, 20.5, None],
            "seed": [-1, 2**31],
            "in_place": ["maybe"],
            "skip_bad": [None, 7],
        },
    ),
    (
        DemoRequest,
        {"folder": "demo", "tiles": 15, "seed": 0},
        {"folder": ["", "x" * 101], "tiles": [14, 1001, 20.5, None], "seed": [-1, 2**31]},
    ),
]
WRONG = [
    pytest.param(kind, right, place, value, id=f"{kind.__name__}-{place}-{number}")
    for kind, right, places in CASES
    for place, values in places.items()
    for number, value in enumerate(values)
]


@pytest.mark.parametrize(
    ("kind", "right"), [case[:2] for case in CASES], ids=lambda item: getattr(item, "__name__", "")
)
def test_what_is_right_is_taken(kind: type[Request], right: dict[str, Any]) -> None:
    found = kind.model_validate(right)
    again = kind.model_validate(json.loads(found.model_dump_json()))
    assert again == found


@pytest.mark.parametrize(("kind", "right", "place", "value"), WRONG)
def test_what_is_wrong_is_refused_at_its_place(
    kind: type[Request], right: dict[str, Any], place: str, value: object
) -> None:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate(right | {place: value})
    assert {str(error["loc"][0]) for error in caught.value.errors()} == {place}


@pytest.mark.parametrize(
    ("kind", "right"), [case[:2] for case in CASES], ids=lambda item: getattr(item, "__name__", "")
)
@pytest.mark.parametrize("name", ["also", "__class__", "Folder", "tiles "])
def test_a_member_that_there_is_not_is_refused(kind: type[Request], right: dict[str, Any], name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        kind.model_validate(right | {name: 1})
    assert [error["type"] for error in caught.value.errors()] == ["extra_forbidden"]


def test_the_kind_of_a_job_says_what_it_may_hold() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(JobRequest)
    for kind in ("run", "validate", "report", "train"):
        assert adapter.validate_python({"kind": kind}).kind == kind
    for wrong in ({"kind": "run", "method": "a"}, {"kind": "report", "only": ["a"]}, {"kind": "new"}, {}):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


@given(st.integers(0, 60))
def test_data_as_deep_as_it_may_be(depth: int) -> None:
    data: Any = {"end": 1}
    for _ in range(depth):
        data = {"inside": data} if depth % 2 else {"inside": [data]}
    levels = depth * (1 if depth % 2 else 2)
    if levels < 50:
        NewJournalEntry.model_validate(ENTRY | {"data": data})
    elif levels > 50:
        with pytest.raises(ValidationError, match="lists and objects may be 50 deep"):
            NewJournalEntry.model_validate(ENTRY | {"data": data})


def test_a_problem_leaves_out_what_is_not_set() -> None:
    plain = Problem(title="No", status=404).to_dict()
    assert plain == {
        "type": "about:blank",
        "title": "No",
        "status": 404,
        "detail": "",
        "action": "",
        "errors": [],
    }
    full = Problem(
        title="No", status=409, received=0, last_seq=0, etag='"a"', errors=[Fault(place="x", message="y")]
    )
    found = full.to_dict()
    assert (found["received"], found["last_seq"], found["etag"]) == (0, 0, '"a"')
    assert found["errors"] == [{"place": "x", "message": "y"}]
    assert Problem.model_validate(found) == full


def test_numbers_that_are_none_are_given_as_none() -> None:
    job = Job(
        id="1", kind="run", study="s", state="done", by="me", submitted="now", eta_s=math.inf,
        result={"loss": math.nan, "deep": [{"x": -math.inf}]},
    )  # fmt: skip
    said = json.loads(job.model_dump_json())
    assert said["eta_s"] is None and said["result"] == {"loss": None, "deep": [{"x": None}]}
