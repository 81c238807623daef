"""Tiles over HTTP: who may write under which name, which version follows which, and what is no request."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.conftest import first_unit, label_headers, save_labels, send_json

from veriscope.server.access.accounts import _NAME as ACCOUNT
from veriscope.server.problems import ProblemError
from veriscope.server.routes.audit import checked_annotator
from veriscope.workflow.annotations import annotation_files, save_annotation
from veriscope.workflow.layout import StudyFolder

AUDIT = "/api/studies/small/audit"
DRAW = f"{AUDIT}/draw"
FIRST = {"if-none-match": "*"}


def blank(client: httpx.Client, unit: str, *dots: int) -> np.ndarray[Any, Any]:
    """A label image of a tile with an object of one pixel for each number."""
    labels = np.zeros(tuple(client.get(unit).json()["shape"]), np.uint16)
    for at, label in enumerate(dots):
        labels[1, 1 + 2 * at] = label
    return labels


@given(name=st.from_regex(ACCOUNT, fullmatch=True))
def test_whoever_has_an_account_may_draw_under_its_name(name: str) -> None:
    assert checked_annotator(name) == name


ODD = [
    "anna.vogel",
    "a.v1",
    "x.v2.tif",
    "j.",
    "n.journal.jsonl",
    "A" * 64,
    "0",
    "Ünal Ö. – 2".replace("–", "-"),
]


@pytest.mark.parametrize("name", ODD)
def test_versions_of_any_name_are_told_apart(tmp_path: Path, name: str) -> None:
    folder = StudyFolder(tmp_path)
    for number, who in enumerate((name, "anna", name), 1):
        labels = np.full((3, 4), number, np.uint16)
        assert save_annotation(folder, "u", labels, origin=(0, 0), annotator=who, source="test")
    found = sorted((version, who) for version, who, _ in annotation_files(folder, "u"))
    assert found == [(1, name), (2, "anna"), (3, name)]


def test_accounts_with_dots_draw_and_are_found_again(lab: Callable[..., httpx.Client]) -> None:
    for name in ("anna.vogel", "a.v1", "j."):
        client = lab(name)
        unit = first_unit(client)
        labels = blank(client, unit, 1, 2)
        saved = save_labels(client, unit, labels, **FIRST)
        assert saved.status_code == 200 and saved.json()["annotator"] == name, saved.text
        back = client.get(f"{unit}/annotation")
        assert (back.headers["etag"], back.content) == (saved.headers["etag"], labels.tobytes())
        stroke = {"seq": 1, "time": "now", "kind": "stroke", "data": {}}
        journal = client.post(f"{unit}/journal", json={"client": "t", "entries": [stroke]})
        assert journal.json()["last_seq"] == 1
    listed = client.get(f"{unit}/versions").json()
    assert [item["annotator"] for item in listed] == ["reference", "anna.vogel", "a.v1", "j."]


@pytest.mark.parametrize(
    "name",
    [
        "a/b",
        "../a",
        "a\\b",
        " a",
        "a ",
        "_a",
        "-a",
        ".",
        "a\n",
        "a\0",
        "a:b",
        'a"b',
        "a*",
        "x" * 65,
        "漢 字!",
    ],
)
def test_what_is_no_name_of_an_annotator(name: str) -> None:
    with pytest.raises(ProblemError) as caught:
        checked_annotator(name)
    problem = caught.value.problem
    assert problem.status == 422 and problem.detail.endswith("cannot be the name of an annotator.")


def test_with_accounts_nobody_draws_for_another(lab: Callable[..., httpx.Client]) -> None:
    anna, ben, otto, vera = lab("anna"), lab("ben"), lab("otto", "owner"), lab("vera", "viewer")
    unit = first_unit(anna)
    labels = blank(anna, unit, 1)
    assert save_labels(anna, unit, labels, **FIRST).json()["annotator"] == "anna"
    for other in (ben, otto):
        forged = save_labels(other, unit, labels, "anna", **FIRST)
        assert (forged.status_code, forged.json()["detail"]) == (403, "You draw under your own name here.")
    refused = save_labels(vera, unit, labels, **FIRST)
    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        "vera is viewer here, and this needs annotator.",
    )
    assert save_labels(otto, unit, labels, **FIRST).json()["annotator"] == "otto"
    for reader in (vera, ben):
        assert reader.get(f"{unit}/annotation?annotator=anna").content == labels.tobytes()
    assert ben.get(f"{unit}/annotation").status_code == 404, "who has drawn nothing has nothing"
    assert vera.get(f"{unit}/proposal?candidate=log-spots").status_code == 403, "it would be noted as seen"


def test_a_version_follows_the_one_that_was_loaded(client: httpx.Client) -> None:
    unit = first_unit(client)
    first = save_labels(client, unit, blank(client, unit), "anna", **FIRST).headers["etag"]

    def save(*dots: int, **headers: str) -> httpx.Response:
        return save_labels(client, unit, blank(client, unit, *dots), "anna", **headers)

    weak = save(1, **{"if-match": f"W/{first}"})
    assert weak.status_code == 200, "a proxy may mark it as weak"
    any_one = save(1, 2, **{"if-match": "*"})
    assert any_one.status_code == 200, "whoever says so overwrites"
    for wrong in (first, '"none"', '"anna-v9999"', "anna-v2", "", '"', f"{first}, {any_one.headers['etag']}"):
        late = save(3, **{"if-match": wrong})
        assert late.status_code == 412, wrong
        assert late.headers["etag"] == late.json()["etag"] == any_one.headers["etag"]
    both = save(3, **{"if-match": any_one.headers["etag"], "if-none-match": "*"})
    assert both.status_code == 200
    same = save(3, **{"if-match": both.headers["etag"]})
    assert (same.json()["changed"], same.headers["etag"]) == (False, both.headers["etag"])
    kept = [
        item["n_objects"] for item in client.get(f"{unit}/versions").json() if item["annotator"] == "anna"
    ]
    assert kept == [0, 1, 2, 1], "nothing was lost, and nothing is there twice"


def test_before_the_first_version_there_is_none_to_follow(client: httpx.Client) -> None:
    unit = first_unit(client)
    labels = blank(client, unit, 1)
    for wrong in ("*", '"none"', '"anna-v1"'):
        early = save_labels(client, unit, labels, "anna", **{"if-match": wrong})
        assert (early.status_code, early.headers["etag"]) == (412, '"none"')
    bare = save_labels(client, unit, labels, "anna")
    assert (bare.status_code, bare.json()["title"]) == (428, "Which version does this follow?")
    assert client.get(f"{unit}/annotation?annotator=anna").status_code == 404
    assert save_labels(client, unit, labels, "anna", **FIRST).status_code == 200


def test_the_same_drawn_by_two_is_a_version_of_each(client: httpx.Client) -> None:
    unit = first_unit(client)
    labels = blank(client, unit, 1, 2)
    tags = {who: save_labels(client, unit, labels, who, **FIRST).headers["etag"] for who in ("anna", "ben")}
    again = save_labels(client, unit, labels, "anna", **{"if-match": tags["anna"]})
    assert again.status_code == 200
    listed = client.get(f"{unit}/versions").json()
    assert [item["annotator"] for item in listed][:3] == ["reference", "anna", "ben"]
    assert {item["n_objects"] for item in listed[1:]} == {2}
    assert client.get(f"{unit}/annotation?annotator=ben").headers["etag"] == tags["ben"]


def test_a_version_is_asked_for_by_its_number(client: httpx.Client) -> None:
    unit = first_unit(client)
    tag = save_labels(client, unit, blank(client, unit, 1), "anna", **FIRST).headers["etag"]
    save_labels(client, unit, blank(client, unit, 1, 2), "anna", **{"if-match": tag})
    where = f"{unit}/annotation"
    old = client.get(where, params={"annotator": "anna", "version": 2})
    assert (
        old.headers["x-version"],
        np.count_nonzero(np.frombuffer(old.content, old.headers["x-dtype"])),
    ) == ("2", 1)
    for version, status in ((1, 404), (99, 404), (0, 422), (-1, 422), (10**10, 422), ("x", 422)):
        found = client.get(where, params={"annotator": "anna", "version": version})
        assert found.status_code == status, version


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"seconds": "nan"}, "query.seconds"),
        ({"seconds": "inf"}, "query.seconds"),
        ({"seconds": -1}, "query.seconds"),
        ({"seconds": 1e7}, "query.seconds"),
        ({"blind": "perhaps"}, "query.blind"),
        ({"proposal": "x" * 201}, "query.proposal"),
        ({"annotator": "x" * 65}, "query.annotator"),
        ({"segmenter": "../model"}, "query.segmenter.0"),
        ({"segmenter": ["segmenter:a"] * 9}, "query.segmenter"),
    ],
)
def test_what_is_said_of_a_version_must_make_sense(
    reader: httpx.Client, query: dict[str, Any], place: str
) -> None:
    unit = first_unit(reader)
    labels = blank(reader, unit)
    answer = reader.put(
        f"{unit}/annotation", params=query, content=labels.tobytes(), headers=label_headers(labels, **FIRST)
    )
    assert answer.status_code == 422 and answer.json()["detail"].startswith(place), answer.text
    assert [item["annotator"] for item in reader.get(f"{unit}/versions").json()] == ["reference"]


def test_a_proposal_that_nobody_made_is_no_beginning(reader: httpx.Client) -> None:
    unit = first_unit(reader)
    labels = blank(reader, unit)
    for proposal in ("nope", "", "log-spots\n"):
        answer = reader.put(
            f"{unit}/annotation", params={"proposal": proposal}, content=labels.tobytes(),
            headers=label_headers(labels, **FIRST),
        )  # fmt: skip
        assert answer.status_code == 404, proposal


def test_time_is_counted_also_where_nothing_was_changed(client: httpx.Client) -> None:
    unit = first_unit(client)
    labels = blank(client, unit, 1)

    def save(seconds: float, **headers: str) -> dict[str, Any]:
        answer = client.put(
            f"{unit}/annotation", params={"annotator": "anna", "seconds": seconds}, content=labels.tobytes(),
            headers=label_headers(labels, **headers),
        )  # fmt: skip
        found: dict[str, Any] = answer.json()
        return found

    first = save(3.5, **FIRST)
    again = save(2.0, **{"if-match": first["etag"]})
    assert (first["changed"], again["changed"]) == (True, False)
    entries = client.get(f"{unit}/journal?annotator=anna").json()["entries"]
    assert [(item["kind"], item["data"]) for item in entries] == [("time", {"seconds": 2.0})]


@pytest.mark.parametrize(
    "text",
    [
        '{"tiles": NaN}', '{"tiles": 1e999}', '{"tiles": -1}', '{"tiles": 1.5}', '{"tiles": 100001}',
        '{"tiles": "\\ud800"}', '{"more": -1}', '{"more": null}', '{"training": "x"}', '{"everything": 2}',
        '{"seed": 1}', "[]", "",
    ],
)  # fmt: skip
def test_draws_that_are_none(client: httpx.Client, workspace: Path, text: str) -> None:
    before = (workspace / "small/audit/plan.csv").read_bytes()
    answer = send_json(client, DRAW, text)
    assert answer.status_code == 422, answer.text
    assert (workspace / "small/audit/plan.csv").read_bytes() == before


def test_what_was_drawn_stays_whatever_is_drawn_after(client: httpx.Client) -> None:
    def drawn(**asked: Any) -> dict[str, Any]:
        answer = client.post(DRAW, json=asked)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    before = client.get(AUDIT).json()
    assert drawn() == drawn(tiles=14) == drawn(tiles=3) == before
    more = drawn(more=4)
    assert more["roles"]["audit"]["n_drawn"] == 18
    names = [unit["unit"] for unit in more["units"]]
    assert [name for name in names if name in {u["unit"] for u in before["units"]}] == [
        unit["unit"] for unit in before["units"]
    ]
    trained = drawn(training=3)
    assert (
        trained["roles"]["training"]["n_drawn"] == 3 and trained["roles"]["audit"] == more["roles"]["audit"]
    )
    every = drawn(everything=True)
    assert len(every["units"]) == len({unit["unit"] for unit in every["units"]}) > len(trained["units"])
    assert sum(every["roles"]["audit"]["by_group"].values()) == 18


def test_tiles_are_chained_from_the_first_to_the_last(reader: httpx.Client) -> None:
    names = [unit["unit"] for unit in reader.get(AUDIT).json()["units"]]
    details = [reader.get(f"{AUDIT}/units/{name}").json() for name in names]
    assert [detail["previous"] for detail in details] == [None, *names[:-1]]
    assert [detail["next"] for detail in details] == [*names[1:], None]
    for detail in details:
        y0, x0, y1, x1 = detail["context"]
        assert detail["shape"] == [y1 - y0, x1 - x0]
        assert detail["image"]["id"] == detail["image_id"]
        ranked = [item["candidate"] for item in detail["proposals"]]
        assert sorted(ranked) == ["log-spots", "otsu-watershed"]


def test_a_study_without_agreement_says_so(client: httpx.Client) -> None:
    found = client.get(f"{AUDIT}/agreement").json()
    assert (found["annotators"], found["pairs"]) == (["reference"], []) and found["text"]
    json.loads(client.get(f"{AUDIT}/agreement").text, parse_constant=pytest.fail)
