"""Journals over HTTP: every stroke comes back as it was sent, or is refused before it is taken."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.conftest import Running, first_unit, send_json

NUMBERS = itertools.count()
ESTIMATE = "/api/studies/small/audit/estimate"


def entry(seq: int, **data: Any) -> dict[str, Any]:
    return {"seq": seq, "time": "2026-01-01T00:00:00Z", "kind": "stroke", "data": data}


def send(
    client: httpx.Client, unit: str, *entries: dict[str, Any], tab: str = "tab", **query: Any
) -> httpx.Response:
    return client.post(f"{unit}/journal", params=query, json={"client": tab, "entries": list(entries)})


def with_data(text: str) -> str:
    return f'{{"client": "t", "entries": [{{"seq": 1, "time": "now", "kind": "k", "data": {text}}}]}}'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"a": NaN}', "numbers must be finite"),
        ('{"a": [1, {"b": -Infinity}]}', "numbers must be finite"),
        ('{"a": 1e999}', "numbers must be finite"),
        ('{"a": "\\ud800"}', "text must be Unicode"),
        ('{"\\udfff": 1}', "text must be Unicode"),
        ('{"a": ' * 51 + "1" + "}" * 51, "may be 50 deep"),
        ('{"a": ' + "[" * 300 + "]" * 300 + "}", "may be 50 deep"),
        ("[1]", "should be a valid dictionary"),
        ("null", "should be a valid dictionary"),
    ],
)
def test_what_could_not_be_given_back_is_not_taken(client: httpx.Client, data: str, said: str) -> None:
    unit = first_unit(client)
    refused = send_json(client, f"{unit}/journal", with_data(data))
    assert refused.status_code == 422 and said in refused.json()["detail"], refused.text
    assert client.get(f"{unit}/journal").json() == {"entries": [], "last": 0, "clients": {}}


def test_lists_as_deep_as_they_may_be_come_back(client: httpx.Client) -> None:
    unit, deep = first_unit(client), '{"a": ' * 49 + "[]" + "}" * 49
    assert send_json(client, f"{unit}/journal", with_data(deep)).status_code == 200
    assert client.get(f"{unit}/journal").json()["entries"][0]["data"] == json.loads(deep)


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory, _finished: Path) -> Any:
    """A server of this module, to which many journals are written."""
    import shutil

    from tests.server.conftest import start

    folder = tmp_path_factory.mktemp("journals")
    shutil.copytree(_finished, folder / "small")
    running = start(folder)
    yield running.client()
    running.stop()


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.dictionaries(st.text(max_size=8), PLAIN, max_size=4))
def test_whatever_json_holds_comes_back_as_it_was(writer: httpx.Client, data: dict[str, Any]) -> None:
    unit = first_unit(writer)
    last = writer.get(f"{unit}/journal", params={"limit": 1}).json()["clients"].get("tab", 0)
    assert send(writer, unit, entry(last + 1, **{"in": data})).json() == {
        "client": "tab",
        "last_seq": last + 1,
    }
    found = writer.get(f"{unit}/journal", params={"after": last}).json()
    assert [item["data"]["in"] for item in found["entries"]] == [data]
    assert found["last"] == found["entries"][0]["n"] == last + 1


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5)), max_size=6))
def test_any_batches_leave_a_journal_without_gap_and_double(
    writer: httpx.Client, batches: list[tuple[int, int]]
) -> None:
    """What a browser sends again after a lost connection, in any overlap, and too early."""
    unit, who = first_unit(writer), f"annotator {next(NUMBERS)}"
    last = 0
    for first, n in batches:
        answer = send(
            writer, unit, *(entry(seq, stroke=seq) for seq in range(first, first + n)), annotator=who
        )
        if n and first > last + 1:
            assert answer.status_code == 409 and answer.json()["last_seq"] == last
            assert answer.json()["title"] == "The journal has a gap"
        else:
            last = max(last, first + n - 1 if n else 0)
            assert answer.json()["last_seq"] == last
    found = writer.get(f"{unit}/journal", params={"annotator": who}).json()
    assert [(item["n"], item["seq"], item["data"]["stroke"]) for item in found["entries"]] == [
        (seq, seq, seq) for seq in range(1, last + 1)
    ]


def test_a_long_journal_is_given_part_by_part(client: httpx.Client) -> None:
    unit = first_unit(client)
    assert send(client, unit, *(entry(seq) for seq in range(1, 101))).json()["last_seq"] == 100
    seen, after = [], 0
    for _ in range(30):
        part = client.get(f"{unit}/journal", params={"after": after, "limit": 7}).json()
        if not part["entries"]:
            assert part["last"] == after == 100, "where it was asked for"
            break
        seen += [item["seq"] for item in part["entries"]]
        after = part["last"]
    assert seen == list(range(1, 101))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"client": "server"}, "The name 'server' is the server's own."),
        ({"client": ""}, "body.client"),
        ({"client": "a b"}, "body.client"),
        ({"client": "x\n"}, "body.client"),
        ({"client": "x" * 65}, "body.client"),
        ({"client": None}, "body.client"),
        ({"entries": [entry(1)] * 1001}, "body.entries"),
        ({"entries": [entry(0)]}, "body.entries.0.seq"),
        ({"entries": [entry(2**53 + 1)]}, "body.entries.0.seq"),
        ({"entries": [entry(1) | {"kind": ""}]}, "body.entries.0.kind"),
        ({"entries": [entry(1) | {"time": "x" * 41}]}, "body.entries.0.time"),
        ({"entries": [entry(1) | {"user": "otto"}]}, "body.entries.0.user"),
        ({"also": 1}, "body.also"),
    ],
)
def test_batches_that_are_none(reader: httpx.Client, changes: dict[str, Any], place: str) -> None:
    answer = reader.post(
        f"{first_unit(reader)}/journal", json={"client": "t", "entries": [entry(1)]} | changes
    )
    assert answer.status_code == 422 and answer.json()["detail"].startswith(place), answer.text
    assert reader.get(f"{first_unit(reader)}/journal").json()["entries"] == []


@pytest.mark.parametrize("query", [{"after": -1}, {"limit": 0}, {"limit": 10_001}, {"after": 2**53 + 1}])
def test_parts_that_are_none(reader: httpx.Client, query: dict[str, int]) -> None:
    assert reader.get(f"{first_unit(reader)}/journal", params=query).status_code == 422


def test_every_proposal_that_was_seen_at_once_is_noted(client: httpx.Client) -> None:
    """Windows side by side ask for several proposals at a time: a blind tile must not seem to be one."""
    unit = first_unit(client)

    def look(candidate: str) -> None:
        for _ in range(3):
            params = {"candidate": candidate, "annotator": "anna"}
            assert client.get(f"{unit}/proposal", params=params).status_code == 200

    names = ["log-spots", "otsu-watershed"] * 3
    threads = [threading.Thread(target=look, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = client.get(f"{unit}/journal?annotator=anna").json()
    assert [item["seq"] for item in found["entries"]] == list(range(1, 19))
    seen = [item["data"]["candidate"] for item in found["entries"]]
    assert seen.count("log-spots") == seen.count("otsu-watershed") == 9
    assert found["clients"] == {"server": 18}


def test_a_proposal_that_is_not_there_is_not_noted(client: httpx.Client) -> None:
    unit = first_unit(client)
    for candidate in ("nope", "../x", "otsu-watershed\n"):
        answer = client.get(f"{unit}/proposal", params={"candidate": candidate})
        assert answer.status_code == 404 and answer.json()["action"] == "Reload the candidates."
    assert client.get(f"{unit}/journal").json()["entries"] == []


def test_everybody_writes_their_own_journal_and_reads_those_of_others(
    lab: Callable[..., httpx.Client],
) -> None:
    anna, vera = lab("anna"), lab("vera", "viewer")
    unit = first_unit(anna)
    assert send(anna, unit, entry(1, by="anna")).status_code == 200
    assert send(anna, unit, entry(1, by="anna"), annotator="anna").status_code == 200
    theirs = send(anna, unit, entry(1, by="anna"), annotator="vera")
    assert (theirs.status_code, theirs.json()["detail"]) == (403, "You draw under your own name here.")
    assert send(vera, unit, entry(1, by="vera")).status_code == 403
    assert [item["data"] for item in vera.get(f"{unit}/journal?annotator=anna").json()["entries"]] == [
        {"by": "anna"}
    ]
    assert vera.get(f"{unit}/journal").json()["entries"] == []


def test_the_estimate_of_one_candidate_or_the_first(reader: httpx.Client, shared: Running) -> None:
    chosen = reader.get(ESTIMATE).json()
    for name in ("log-spots", "otsu-watershed"):
        found = reader.get(ESTIMATE, params={"method": name}).json()
        assert (found["method"], found["evidence"]) == (name, "audited")
        assert {group["evidence"] for group in found["groups"]} == {"audited"}
        if name == chosen["method"]:
            assert found == chosen
    for name in ("nope", "", "log-spots "):
        assert reader.get(ESTIMATE, params={"method": name}).status_code == 404
    assert reader.get(ESTIMATE, params={"method": "x" * 201}).status_code == 422
