"""The built front end, and what is shown where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from tests.server.conftest import Running


@pytest.fixture
def browser(workspace: Path, launch: Callable[..., Running], tmp_path: Path) -> httpx.Client:
    built = tmp_path / "built"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html><title>the app</title>")
    (built / "assets" / "index-1a2b.js").write_text("export {};\n" * 500)
    (built / "secret.py").write_text("no = 'web file'")
    (tmp_path / "outside.js").write_text("no")
    return launch(workspace, assets=built).client(sign_in=False)


def test_every_place_of_the_app_is_its_page(browser: httpx.Client) -> None:
    for path in ("/", "/studies/small/images", "/studies/small/audit/x.y"):
        answer = browser.get(path)
        assert (answer.status_code, "the app" in answer.text) == (200, True)
        assert answer.headers["cache-control"] == "no-cache"


def test_files_are_packed_and_kept(browser: httpx.Client) -> None:
    packed = browser.get("/assets/index-1a2b.js")
    assert packed.headers["content-encoding"] == "gzip" and packed.text == "export {};\n" * 500
    assert "immutable" in packed.headers["cache-control"]
    plain = browser.get("/assets/index-1a2b.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.content == packed.content
    assert plain.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path", ["/assets/none.js", f"/assets/{'x' * 300}.js", "/assets/%2e%2e/%2e%2e/outside.js", "/api/none"]
)
def test_files_outside_are_not_there(browser: httpx.Client, path: str) -> None:
    assert browser.get(path).status_code in (401, 404)


@pytest.mark.parametrize(
    "path", ["/%2e%2e/outside.js", "/secret.py", "/%00", f"/{'x' * 3000}", f"/{'ü' * 200}.js", "/assets"]
)
def test_what_is_no_file_of_the_app_is_its_page(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path)
    assert "the app" in answer.text and "web file" not in answer.text


def test_without_a_front_end_it_says_how_to_build_it(
    workspace: Path, launch: Callable[..., Running], tmp_path: Path
) -> None:
    answer = launch(workspace, assets=tmp_path / "nothing").client(sign_in=False).get("/")
    assert answer.status_code == 200 and "npm run build" in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
