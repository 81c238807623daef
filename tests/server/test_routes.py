"""Every route of the schema: who may call it, and what it says of what is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.conftest import Running

from veriscope.server.access.accounts import Accounts
from veriscope.server.models.problem import Problem

ROOT = Path(__file__).resolve().parents[2]
PATHS: dict[str, dict[str, Any]] = json.loads((ROOT / "web/openapi.json").read_text(encoding="utf-8"))[
    "paths"
]
ROUTES = sorted((method.upper(), path) for path, methods in PATHS.items() for method in methods)
CHANGES = [(method, path) for method, path in ROUTES if method != "GET"]
IN_STUDIES = [(method, path) for method, path in ROUTES if "{study}" in path]
OPEN = ("/api/session",)
READS = ("/question/preview",)
"""Ends of paths that are posted to and change nothing."""
DRAWS = ("/annotation", "/journal", "/segment")
"""Ends of paths that annotators may change."""


def filled(path: str, **known: str) -> str:
    """A path with names in place of its parameters; those that are not known do not exist."""
    return re.sub(r"\{(\w+)(:path)?\}", lambda found: known.get(found[1], "not-there"), path)


def checked(answer: httpx.Response, status: int, hidden: Path) -> Problem:
    """An answer that must be a problem document, and must not tell where the server's folders are."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])
    assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["cache-control"]
    problem = Problem.model_validate_json(answer.text)
    assert problem.status == status and problem.title and problem.detail
    assert str(hidden) not in answer.text and "Traceback" not in answer.text
    return problem


@pytest.mark.parametrize(("method", "path"), [route for route in ROUTES if route[1] not in OPEN])
def test_nothing_without_signing_in(shared: Running, method: str, path: str) -> None:
    answer = shared.client(sign_in=False).request(method, filled(path, study="small"))
    checked(answer, 401, shared.settings.folder)


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_no_change_without_the_header(shared: Running, method: str, path: str) -> None:
    browser = shared.client()
    del browser.headers["x-veriscope"]
    problem = checked(browser.request(method, filled(path, study="small")), 403, shared.settings.folder)
    assert problem.detail == "Requests that change something need the header X-Veriscope."


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, _finished: Path) -> Iterator[dict[str, httpx.Client]]:
    """A browser of each role on a server with accounts."""
    from tests.server.conftest import start

    folder = tmp_path_factory.mktemp("people")
    accounts = Accounts(folder / "accounts.sqlite")
    running = start(folder, token=None, accounts=folder / "accounts.sqlite")
    found = {}
    for role in ("viewer", "annotator", "owner"):
        accounts.add(role, f"password of {role}", role)  # type: ignore[arg-type]
        found[role] = running.client(sign_in=False)
        given = {"user": role, "password": f"password of {role}"}
        assert found[role].post("/api/session", json=given).status_code == 200
    yield found
    running.stop()


@pytest.mark.parametrize("role", ["viewer", "annotator", "owner"])
@pytest.mark.parametrize(("method", "path"), [route for route in CHANGES if route[1] not in OPEN])
def test_roles_hold_on_every_route(
    people: dict[str, httpx.Client], role: str, method: str, path: str
) -> None:
    answer = people[role].request(method, filled(path))
    allowed = path.endswith(READS) or role == "owner" or (role == "annotator" and path.endswith(DRAWS))
    if not allowed:
        assert answer.status_code == 403, answer.text
        assert answer.json()["detail"].startswith(f"{role} is {role} here, and this needs ")
    else:
        assert answer.status_code in (201, 202, 204, 404, 409, 411, 415, 422, 428), answer.text


@pytest.mark.parametrize(("method", "path"), [route for route in IN_STUDIES if route[0] == "GET"])
def test_a_study_that_is_not_there(reader: httpx.Client, shared: Running, method: str, path: str) -> None:
    answer = reader.request(method, filled(path), params={"column": "area", "image": "x", "candidate": "x"})
    problem = checked(answer, 404, shared.settings.folder)
    assert problem.detail == "There is no study 'not-there'."
    assert problem.action == "Go back to the list of studies."


PARTS = [path for method, path in IN_STUDIES if method == "GET" and path.count("{") > 1]


@pytest.mark.parametrize("path", PARTS)
def test_a_part_of_a_study_that_is_not_there(reader: httpx.Client, shared: Running, path: str) -> None:
    checked(reader.get(filled(path, study="small"), params={"candidate": "x"}), 404, shared.settings.folder)


STRANGE = [
    "%2e%2e",
    "..%2f..",
    "small%00",
    "small%2f..%2fsmall",
    "SMALL",
    ".veriscope",
    "small ",
    "nul",
    "x" * 300,
]


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("end", ["", "/images", "/audit", "/report/html", "/networks"])
def test_names_that_are_no_studies(reader: httpx.Client, shared: Running, name: str, end: str) -> None:
    answer = reader.get(f"/api/studies/{name}{end}")
    checked(answer, 404, shared.settings.folder)


@pytest.mark.parametrize(
    "path",
    ["/api/nothing", "/api/studies/small/nothing", "/files/small", "/files/small/images/x", "/api", "/api/"],
)
def test_what_is_no_route(reader: httpx.Client, path: str) -> None:
    answer = reader.get(path)
    if path in ("/api",):  # a place of the app as any other
        assert answer.status_code in (200, 404)
    else:
        assert answer.status_code == 404 and answer.json()["title"] == "There is no such thing"


@pytest.mark.parametrize(
    ("method", "path"), [("TRACE", "/api/studies"), ("PUT", "/api/studies"), ("PATCH", "/")]
)
def test_methods_that_a_place_does_not_know(reader: httpx.Client, method: str, path: str) -> None:
    answer = reader.request(method, path)
    assert answer.status_code == 405 and answer.json()["title"] == "Not possible here"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b'{"kind": "run", "only": "otsu"}', "application/json"),
        (b'{"kind": "run", "also": 1}', "application/json"),
        (b'{"kind": "train", "minutes": NaN}', "application/json"),
        (b'{"kind": "train", "minutes": 1e999}', "application/json"),
        (b'{"kind": "train", "start": "../../etc"}', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"kind=run", "application/x-www-form-urlencoded"),
        (b"[" * 2000, "application/json"),
    ],
)
def test_bodies_that_are_no_job(reader: httpx.Client, shared: Running, body: bytes, kind: str) -> None:
    answer = reader.post("/api/studies/small/jobs", content=body, headers={"content-type": kind})
    problem = checked(answer, answer.status_code, shared.settings.folder)
    assert problem.status in (400, 422)
    assert reader.get("/api/jobs").json() == []


def test_numbers_are_never_nan(reader: httpx.Client) -> None:
    study = "/api/studies/small"
    for end in (
        "",
        "/images",
        "/candidates",
        "/audit",
        "/audit/estimate",
        "/answer",
        "/tiles",
        "/cost",
        "/objects",
    ):
        text = reader.get(study + end).text
        json.loads(text, parse_constant=lambda name, end=end: pytest.fail(f"{name} in {end}"))


def test_what_is_kept_by_the_browser(reader: httpx.Client) -> None:
    """Answers of the interface are not kept; a picture is asked for with its tag, and comes once."""
    assert reader.get("/api/studies").headers["cache-control"] == "no-store"
    (first, *_) = reader.get("/api/studies/small/images").json()["images"]
    picture = reader.get(first["thumbnail"])
    again = reader.get(first["thumbnail"], headers={"if-none-match": picture.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = reader.get(first["thumbnail"], params={"size": 64})
    assert other.headers["etag"] != picture.headers["etag"]


def test_the_same_images_have_the_same_tag(client: httpx.Client, workspace: Path) -> None:
    path = "/api/studies/small/images"
    first = client.get(path).headers["etag"]
    assert client.get(path).headers["etag"] == first
    table = workspace / "small" / "images.csv"
    table.write_text(table.read_text().replace("control-1,", "control-9,"))
    assert client.get(path).headers["etag"] != first


def test_a_study_with_broken_evidence_is_listed(
    client: httpx.Client, workspace: Path, launch: Callable[..., Running]
) -> None:
    (workspace / "small" / "evidence" / "verdict.json").write_text('{"verdict": ')
    listed = client.get("/api/studies")
    assert listed.status_code == 200
    (study,) = listed.json()["studies"]
    assert study["problem"] is not None and "verdict.json" in study["problem"]["detail"]
    answer = client.get("/api/studies/small/answer")
    assert answer.status_code == 409 and "verdict.json" in answer.json()["detail"]
