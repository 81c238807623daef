"""The answer over HTTP: what it rests on, when it is out of date, and every tile and object behind it."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.conftest import Running, first_unit

STUDY = "/api/studies/small"
TILES, OBJECTS = f"{STUDY}/tiles", f"{STUDY}/objects"


def evidence(shared: Running, name: str) -> dict[str, Any]:
    path = shared.settings.folder / "small" / "evidence" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("candidate", ["log-spots", "otsu-watershed"])
def test_tiles_are_scored_by_what_was_found_in_them(
    reader: httpx.Client, shared: Running, candidate: str
) -> None:
    validated = evidence(shared, "validate")
    counts = {tile["name"]: tile for tile in validated["candidates"][candidate]["tiles"]}
    found = reader.get(TILES, params={"candidate": candidate}).json()
    assert (found["candidate"], found["evidence"], found["total"]) == (candidate, "audited", len(counts))
    for tile in found["tiles"]:
        mine = counts[tile["unit"]]
        tp, wrong = mine["tp@0.5"], mine["fp@0.5"] + mine["fn@0.5"]
        assert tile["f1"] == (2 * tp / (2 * tp + wrong) if tp + wrong else None)
        assert (tile["matched"], tile["n_reference"], tile["n_prediction"]) == (
            tp, mine["n_reference"], mine["n_prediction"],
        )  # fmt: skip
    scored = [tile["f1"] for tile in found["tiles"] if tile["f1"] is not None]
    assert scored == sorted(scored)
    assert [tile["f1"] for tile in found["tiles"][len(scored) :]] == [None] * (found["total"] - len(scored))


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 13), order=st.sampled_from(["worst", "best"]))
def test_pages_of_tiles_are_the_whole(reader: httpx.Client, limit: int, order: str) -> None:
    whole = reader.get(TILES, params={"order": order, "limit": 1000}).json()
    seen: list[dict[str, Any]] = []
    for offset in range(0, whole["total"] + limit, limit):
        part = reader.get(TILES, params={"order": order, "limit": limit, "offset": offset}).json()
        assert part["total"] == whole["total"]
        seen += part["tiles"]
    assert seen == whole["tiles"] and len({tile["unit"] for tile in seen}) == whole["total"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"order": "any"}, 422), ({"limit": 0}, 422), ({"limit": 1001}, 422), ({"offset": -1}, 422),
        ({"offset": 10**8}, 422), ({"candidate": "x" * 201}, 422), ({"candidate": ""}, 409),
        ({"candidate": "nope"}, 409), ({"candidate": "pixel-forest"}, 409), ({"offset": 10**7}, 200),
    ],
)  # fmt: skip
def test_tiles_that_cannot_be_ranked(reader: httpx.Client, query: dict[str, Any], status: int) -> None:
    answer = reader.get(TILES, params=query)
    assert answer.status_code == status, answer.text
    if status == 200:
        assert answer.json()["tiles"] == []


def test_the_answer_is_the_evidence_on_the_disk(reader: httpx.Client, shared: Running) -> None:
    answer = reader.get(f"{STUDY}/answer").json()
    assert (answer["stale"], answer["stale_text"], answer["evidence"]) == (False, "", "audited")
    for part, name in (("estimate", "estimate"), ("verdict", "verdict")):
        held = evidence(shared, name)
        for key in ("method", "verdict", "text") if name == "verdict" else ("method",):
            assert answer[part][key] == held[key]
    pairs = zip(answer["estimate"]["groups"], evidence(shared, "estimate")["groups"], strict=True)
    for ours, theirs in pairs:
        for key in ("group", "estimate", "low", "high", "naive", "status", "n_tiles_audited", "evidence"):
            assert ours[key] == theirs[key], key


def test_the_answer_is_out_of_date_after_a_change(client: httpx.Client, workspace: Path) -> None:
    def stale() -> tuple[bool, bool]:
        answer, detail = client.get(f"{STUDY}/answer").json(), client.get(STUDY).json()
        assert bool(answer["stale_text"]) is answer["stale"]
        return answer["stale"], detail["verdict"]["stale"]

    assert stale() == (False, False)
    form = client.get(STUDY).json()["question_form"]
    asked = {"object": "nucleus", "measure": "density", "tolerance": "10%", "level": form["level"]}
    changed = client.put(f"{STUDY}/question", json=asked, headers={"if-match": form["version"]})
    assert changed.status_code == 200 and stale() == (True, True)
    back = asked | {"measure": "count"}
    client.put(
        f"{STUDY}/question", json=back, headers={"if-match": changed.json()["question_form"]["version"]}
    )
    assert stale() == (False, False), "there and back is where it was"


@pytest.mark.parametrize("name", ["validate", "estimate", "verdict"])
@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"schema": "other/9"}', "\x00"])
def test_evidence_that_is_broken_is_said(
    client: httpx.Client, workspace: Path, name: str, content: str | None
) -> None:
    path = workspace / "small" / "evidence" / f"{name}.json"
    path.unlink() if content is None else path.write_text(content)
    answer = client.get(f"{STUDY}/answer")
    assert answer.status_code in (409, 422), answer.text
    assert answer.json()["detail"] and str(workspace) not in answer.text
    assert client.get("/api/studies").status_code == 200


def test_the_state_of_the_report(client: httpx.Client, workspace: Path) -> None:
    state = client.get(f"{STUDY}/report").json()
    assert (state["exists"], state["stale"]) == (True, False) and state["written"].endswith("+00:00")
    page = client.get(state["html"])
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox" in page.headers["content-security-policy"] and "content-disposition" not in page.headers
    download = client.get(state["download"])
    assert download.headers["content-disposition"] == 'attachment; filename="report.html"'
    assert download.content == page.content
    json.loads(client.get(state["record"]).text, parse_constant=pytest.fail)

    verdict, report = workspace / "small/evidence/verdict.json", workspace / "small/report/index.html"
    os.utime(verdict, ns=(0, report.stat().st_mtime_ns + 10**9))
    assert client.get(f"{STUDY}/report").json()["stale"] is True
    report.unlink()
    gone = client.get(f"{STUDY}/report").json()
    assert (gone["exists"], gone["stale"], gone["written"]) == (False, False, None)
    for address in (gone["html"], gone["download"]):
        missing = client.get(address)
        assert (missing.status_code, missing.json()["action"]) == (404, "Write it under Report.")


def test_objects_are_those_of_the_answer_where_none_is_named(client: httpx.Client, workspace: Path) -> None:
    chosen = client.get(f"{STUDY}/answer").json()["estimate"]["method"]
    assert client.get(OBJECTS, params={"limit": 1}).json()["candidate"] == chosen
    (workspace / "small" / "measurements" / f"{chosen}.parquet").unlink()
    other = client.get(OBJECTS, params={"limit": 1}).json()["candidate"]
    assert other != chosen, "the answer's have gone"
    named = client.get(OBJECTS, params={"candidate": chosen})
    assert (named.status_code, named.json()["action"]) == (409, "Run the candidates under Candidates")
    assert client.get(OBJECTS, params={"candidate": "nope"}).status_code == 404


def test_values_of_an_image_that_is_not_there_are_none(reader: httpx.Client) -> None:
    for image in ("nope", "", "../x", "ü" * 300):
        found = reader.get(f"{OBJECTS}/values", params={"column": "area", "image": image}).json()
        assert (found["labels"], found["values"], found["unit"]) == ([], [], "µm²")
    for query in (
        {"column": "nope", "image": "x"},
        {"column": "area"},
        {"image": "x"},
        {"column": "x" * 101, "image": "x"},
    ):
        assert reader.get(f"{OBJECTS}/values", params=query).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        {"filter": ["area>1"] * 21}, {"filter": "x" * 501}, {"limit": 20_001}, {"limit": 0}, {"offset": -1},
        {"sort": "x" * 101}, {"sort": "nope"}, {"filter": "area>"}, {"filter": "nope=1"}, {"filter": ""},
    ],
)  # fmt: skip
def test_questions_about_objects_that_make_no_sense(reader: httpx.Client, query: dict[str, Any]) -> None:
    answer = reader.get(OBJECTS, params=query)
    assert answer.status_code == 422 and answer.json()["detail"], answer.text


def test_filters_hold_for_page_histogram_and_download_alike(reader: httpx.Client) -> None:
    filters = ["group=treated", "area>20"]
    page = reader.get(OBJECTS, params={"filter": filters, "limit": 20_000}).json()
    histogram = reader.get(
        f"{OBJECTS}/histogram", params={"column": "area", "filter": filters, "bins": 5}
    ).json()
    csv = pd.read_csv(io.StringIO(reader.get(f"{OBJECTS}.csv", params={"filter": filters}).text))
    counted = sum(sum(series["counts"]) for series in histogram["series"]) + histogram["n_missing"]
    assert page["matching"] == len(page["rows"]) == counted == len(csv) > 0
    names = [column["name"] for column in page["columns"]]
    assert [row[names.index("area")] for row in page["rows"]] == pytest.approx(csv["area [µm²]"].tolist())
    every = reader.get(f"{OBJECTS}/histogram", params={"column": "area", "bins": 5}).json()
    assert every["edges"] == histogram["edges"], "bins stay where they are while filters change"


def test_everybody_may_read_the_answer(lab: Callable[..., httpx.Client]) -> None:
    vera = lab("vera", "viewer")
    for path in ("answer", "tiles", "objects", "report", "report/html", "cost", "candidates", "networks"):
        assert vera.get(f"{STUDY}/{path}").status_code == 200, path
    unit = first_unit(vera)
    assert vera.get(f"{unit}/crop").headers["content-type"] == "image/png"


def test_networks_that_are_being_trained_or_were_stopped(client: httpx.Client, workspace: Path) -> None:
    folder = workspace / "small" / "networks"
    for name, content in (
        ("begun.unfinished", None),
        (
            "half.unfinished",
            {"stage": "learn", "part": 0.5, "minutes": 1.0, "step": 7, "history": [[0.5, 2.0], [1.0, 1.5]]},
        ),
        ("torn.unfinished", '{"stage": '),
        ("list.unfinished", "[1]"),
        ("no package", None),
    ):
        (folder / name).mkdir(parents=True)
        if content is not None:
            text = content if isinstance(content, str) else json.dumps(content)
            (folder / name / "progress.json").write_text(text)
    found = {item["name"]: item for item in client.get(f"{STUDY}/networks").json()}
    assert found.keys() == {"begun", "half", "torn", "list"}
    assert {item["evidence"] for item in found.values()} == {"untested"}
    assert not any(item["finished"] or item["package"] for item in found.values())
    half = found["half"]
    assert (half["stage"], half["part"], half["steps"]) == ("learn", 0.5, 7)
    assert half["losses"] == [{"minutes": 0.5, "loss": 2.0}, {"minutes": 1.0, "loss": 1.5}]
    for name in ("half", "half.unfinished", "nope", "%2e%2e", "no%20package"):
        assert client.get(f"{STUDY}/networks/{name}/package").status_code == 404
    shutil.rmtree(folder)
    assert client.get(f"{STUDY}/networks").json() == []
