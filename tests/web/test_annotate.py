"""Viewer and annotation editor in a real browser: painting, undo after reload, lost connection, conflicts.

Node runs ``web/tests/annotate.mjs`` with Debian's Chromium against ``veriscope serve`` on a study of two
images, one real and one with 500 objects; nothing is mocked.
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

import numpy as np
import pytest
import tifffile

import web_assets

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("VERISCOPE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
REAL = "2c840a94d216"
SECONDS = 540
"""Far more than the run takes alone (about a minute): other tests run beside it."""


def _need(holds: bool, message: str) -> None:
    """Skip where a browser test cannot run; in CI that is a failure."""
    if holds:
        return
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def _veriscope(*words: str) -> list[str]:
    return [sys.executable, "-c", "from veriscope.cli import main; main()", *words]


@pytest.fixture(scope="module")
def node() -> str:
    """Node, with the browser, the packages and the built pages that the test drives."""
    _need(Path(CHROMIUM).exists(), "no Chromium; install it (Debian: chromium) or set VERISCOPE_CHROMIUM")
    _need(
        (ROOT / "web/node_modules/playwright-core").is_dir(), "no packages of the front end; run `make web`"
    )
    _need((ROOT / web_assets.ASSETS / "index.html").is_file(), "the front end is not built; run `make web`")
    return str(web_assets.node_folder() / "node")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """A study of a real image and one with 500 discs, both drawn for the audit, with two candidates."""
    folder = tmp_path_factory.mktemp("annotate")
    images = folder / "images"
    images.mkdir()
    shutil.copy(data_dir / "dsb2018_fluorescence" / "images" / f"{REAL}.png", images)
    y, x = np.mgrid[:512, :512]
    disc = np.hypot((y % 23) - 11, (x % 22) - 11) < 7
    noise = np.random.default_rng(0).poisson(20, (512, 512))
    tifffile.imwrite(images / "dense.tif", (120 * disc + noise).astype(np.uint8))
    options = ["--object", "nucleus", "--spacing", "0.5", "--tile-size", "512"]
    options += ["--method", "otsu-watershed", "--method", "local-threshold-watershed"]
    for words in (
        ["new", str(folder / "study"), "--images", str(images), *options],
        ["run", str(folder / "study")],
        ["audit", str(folder / "study"), "--tiles", "2"],
        ["audit", str(folder / "study"), "--all"],
    ):
        done = subprocess.run(_veriscope(*words), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder / "study"


@pytest.fixture(scope="module")
def address(study: Path) -> Iterator[str]:
    """Address, with its token, of a server on the study."""
    with subprocess.Popen(
        _veriscope("serve", str(study), "--no-browser"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
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
def seen(node: str, address: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the browser saw: seconds of each stage, all faults, and how fast the brush was drawn."""
    output = tmp_path_factory.mktemp("pictures")
    words = ["study", "dense_tile000", f"{REAL}_tile000", REAL, str(output)]
    done = subprocess.run(
        [node, "tests/annotate.mjs", address, *words],
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
def test_nothing_that_was_drawn_is_lost(seen: dict[str, Any]) -> None:
    broken = [fault for fault in seen["faults"] if not fault.startswith("axe")]
    assert not broken, f"{broken}\nafter {seen['seconds']}; pictures are in {seen['pictures']}"
    assert list(seen["seconds"])[-1] == "no-webgl"


@pytest.mark.slow
@pytest.mark.real_data
def test_viewer_and_editor_have_no_serious_fault_of_accessibility(seen: dict[str, Any]) -> None:
    assert not [fault for fault in seen["faults"] if fault.startswith("axe")]


@pytest.mark.slow
@pytest.mark.real_data
def test_a_tile_with_500_objects_can_be_painted_on(seen: dict[str, Any]) -> None:
    assert seen["fps"]["objects"] >= 400
    # How fast is for a benchmark on an idle computer to say; here it is enough that strokes are drawn.
    assert seen["fps"]["per_second"] > 0
