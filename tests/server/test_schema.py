"""The description of the routes is up to date, and no request that fits it breaks the server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.server.conftest import Running

ROOT = Path(__file__).resolve().parents[2]


def schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "web" / "openapi.json").read_text(encoding="utf-8"))
    return found


def test_the_description_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "openapi.py"), "--check"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_every_route_is_described_once_and_in_words() -> None:
    names = []
    for path, methods in schema()["paths"].items():
        for method, route in methods.items():
            names.append(route["operationId"])
            assert route["description"].endswith("."), f"{method} {path}"
    assert len(names) == len(set(names)) > 45


def test_every_member_is_explained() -> None:
    models = schema()["components"]["schemas"]
    generated = ("HTTPValidationError", "ValidationError")
    lacking = [
        f"{name}.{member}"
        for name, model in models.items()
        for member, value in model.get("properties", {}).items()
        if not {"description", "$ref"} & value.keys() and name not in generated
    ]
    assert lacking == []


@pytest.mark.slow
def test_no_request_breaks_the_server(
    workspace: Path, launch: Callable[..., Running], recwarn: pytest.WarningsRecorder
) -> None:
    """Send requests made from the schema, wrong ones too: bounded, and the same each time."""
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    client = launch(workspace).client()
    described = schemathesis.openapi.from_dict(schema())
    study, image = "small", client.get("/api/studies/small/images").json()["images"][0]["id"]
    unit = client.get("/api/studies/small/audit").json()["units"][0]["unit"]
    real = {"study": study, "image": image, "unit": unit, "candidate": "log-spots"}
    broken: list[str] = []
    sent = {"n": 0, "good": 0}
    for result in described.get_all_operations():
        operation = result.ok()
        if operation.path in ("/api/events", "/api/session"):
            continue  # the one does not end, the other would sign out

        @seeded(1)
        @settings(
            max_examples=6,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            sent["n"] += 1
            if sent["n"] % 3:  # most with a study that is there
                case.path_parameters = {
                    name: real.get(name, value) for name, value in (case.path_parameters or {}).items()
                }
            answer = send(client, case)
            if answer is None:
                return
            sent["good"] += answer.status_code < 300
            if answer.status_code >= 500:
                broken.append(f"{case.method} {answer.request.url}: {answer.status_code} {answer.text[:200]}")

        check()
    recwarn.clear()
    assert broken == []
    assert sent["n"] > 150 and sent["good"] > 30


def send(client: httpx.Client, case: Any) -> httpx.Response | None:
    given = case.as_transport_kwargs(base_url=str(client.base_url))
    ours = ("host", "cookie")
    headers = {k: v for k, v in dict(given.get("headers") or {}).items() if k.lower() not in ours}
    try:
        return client.request(
            given["method"],
            given["url"],
            params=given.get("params"),
            headers=headers | {"x-veriscope": "1"},
            content=given.get("data") if isinstance(given.get("data"), bytes | str) else None,
            json=given.get("json"),
        )
    except (httpx.InvalidURL, UnicodeEncodeError, httpx.LocalProtocolError):
        return None  # no browser can send this
