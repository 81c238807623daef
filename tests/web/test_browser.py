"""The whole path in a real browser: real images dropped on the page, tiles annotated, the report read.

Node runs ``web/tests/path.mjs`` with Debian's Chromium against ``veriscope serve``; nothing is mocked.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import web_assets

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("VERISCOPE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
SECONDS = 540
"""Far more than the run takes alone (about a minute): other tests run beside it."""


def _need(holds: bool, message: str) -> None:
    """Skip where a browser test cannot run; in CI that is a failure."""
    if holds:
        return
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def node() -> str:
    """Node, with the browser, the packages and the built pages that the test drives."""
    _need(Path(CHROMIUM).exists(), "no Chromium; install it (Debian: chromium) or set VERISCOPE_CHROMIUM")
    _need(
        (ROOT / "web/node_modules/playwright-core").is_dir(), "no packages of the front end; run `make web`"
    )
    _need((ROOT / web_assets.ASSETS / "index.html").is_file(), "the front end is not built; run `make web`")
    try:
        return str(web_assets.node_folder() / "node")
    except web_assets.WebBuildError as error:
        _need(False, str(error))
        raise


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address, with its token, of a server on an empty workspace."""
    workspace = tmp_path_factory.mktemp("workspace")
    command = [sys.executable, "-c", "from veriscope.cli import main; main()", "serve", str(workspace)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
    ) as server:
        assert server.stdout is not None
        said = ""
        for line in server.stdout:
            said += line
            if found := re.search(r"http\S+token=\S+", line):
                yield found[0]
                break
        else:
            pytest.fail(f"the server did not start:\n{said}")
        server.send_signal(signal.SIGINT)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


@pytest.fixture(scope="module")
def seen(node: str, address: str, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the browser saw on the path: seconds of each stage, and all faults."""
    output = tmp_path_factory.mktemp("pictures")
    images = data_dir / "dsb2018_fluorescence" / "images"
    done = subprocess.run(
        [node, "tests/path.mjs", address, str(images), str(output)],
        cwd=ROOT / "web",
        env={**os.environ, "VERISCOPE_CHROMIUM": CHROMIUM},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.stdout, done.stderr
    return {**json.loads(done.stdout.splitlines()[-1]), "pictures": output}


@pytest.mark.slow
@pytest.mark.real_data
def test_from_dropped_images_to_the_report(seen: dict[str, Any]) -> None:
    broken = [fault for fault in seen["faults"] if not fault.startswith("axe")]
    assert not broken, f"{broken}\nafter {seen['seconds']}; pictures are in {seen['pictures']}"
    assert list(seen["seconds"])[-1] == "jobs"


@pytest.mark.slow
@pytest.mark.real_data
def test_no_screen_has_a_serious_fault_of_accessibility(seen: dict[str, Any]) -> None:
    assert not [fault for fault in seen["faults"] if fault.startswith("axe")]


@pytest.mark.slow
@pytest.mark.real_data
def test_every_stage_left_a_picture(seen: dict[str, Any]) -> None:
    pictures = {path.stem: path.stat().st_size for path in seen["pictures"].glob("*.png")}
    assert set(seen["seconds"]) <= set(pictures)
    assert min(pictures.values()) > 10_000
