"""What the tests in a real browser share: Node with everything it needs, and a server on a folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

import web_assets

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("VERISCOPE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
SECONDS = 540
"""Far more than a run takes alone (about a minute): other tests run beside it."""


def _need(holds: bool, message: str) -> None:
    """Skip where a browser test cannot run; in CI that is a failure."""
    if holds:
        return
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def veriscope() -> Callable[..., list[str]]:
    """Give the command line of veriscope with some words."""
    command = [sys.executable, "-c", "from veriscope.cli import main; main()"]
    return lambda *words: [*command, *words]


@pytest.fixture(scope="session")
def make_study(veriscope: Callable[..., list[str]]) -> Callable[..., Path]:
    """Make a study on the command line: new with some options, run, and an audit for each of `audits`."""

    def make(study: Path, images: Path, *options: str, audits: Sequence[Sequence[str]] = ()) -> Path:
        for words in (
            ["new", str(study), "--images", str(images), *options],
            ["run", str(study)],
            *(["audit", str(study), *audit] for audit in audits),
        ):
            done = subprocess.run(veriscope(*words), capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        return study

    return make


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def serving(veriscope: Callable[..., list[str]]) -> Callable[..., AbstractContextManager[str]]:
    """Serve a folder, with further words of the command line; gives the address, with its token if any."""

    @contextmanager
    def serve(folder: Path, *words: str) -> Iterator[str]:
        with subprocess.Popen(
            veriscope("serve", str(folder), "--no-browser", *words),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        ) as server:
            assert server.stdout is not None
            said = ""
            for line in server.stdout:
                said += line
                if found := re.search(r"https?://\S+", line):
                    break
            else:
                pytest.fail(f"the server did not start:\n{said}")
            try:
                yield found[0]
            finally:
                server.send_signal(signal.SIGINT)
                try:
                    server.wait(30)
                except subprocess.TimeoutExpired:
                    server.kill()

    return serve


@pytest.fixture(scope="session")
def drive(node: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Run a script of web/tests; gives what the browser saw, and the folder of its pictures."""

    def run(script: str, *words: str) -> dict[str, Any]:
        output = tmp_path_factory.mktemp("pictures")
        done = subprocess.run(
            [node, f"tests/{script}", *words, str(output)],
            cwd=ROOT / "web",
            env={**os.environ, "VERISCOPE_CHROMIUM": CHROMIUM},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.stdout, done.stderr
        return {**json.loads(done.stdout.splitlines()[-1]), "pictures": output}

    return run
