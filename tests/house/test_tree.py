"""The repository keeps its own rules: sizes, paths, words that must not be in it."""

from __future__ import annotations

import ast
import re
import tomllib
import warnings
from pathlib import Path

import pytest
import yaml
from repository import ROOT, SOURCE, repository_files

LONG_MODULE = 500
TOO_LONG_MODULE = 800
TOO_LARGE_FILE = 8_000_000
TEXT_SUFFIXES = {
    ".py",
    ".md",
    ".toml",
    ".yml",
    ".yaml",
    ".cff",
    ".json",
    ".csv",
    ".txt",
    ".html",
    ".css",
    ".js",
    "",
}
ABSOLUTE_PATH = re.compile(r"(?<![\w.}/-])/(?:work|root|home/\w+|Users/\w+)/")
REGISTRY_HOST = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian|npmjs\.com/package")
BUILT_IN_CI = {"site/", ".venv", ".venv/"}


def text_files() -> list[Path]:
    return [path for path in repository_files() if path.suffix in TEXT_SUFFIXES]


@pytest.mark.parametrize("pattern", [ABSOLUTE_PATH, REGISTRY_HOST], ids=["absolute path", "registry host"])
def test_no_file_names_one_machine(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in text_files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("open('/work" + "/main/x')", True),
        ("/root" + "/.cache", True),
        ("predictions/work/x", False),
        ("https://example.org/work/", False),
        ("the work/life", False),
    ],
)
def test_absolute_paths_are_recognised(text: str, bad: bool) -> None:
    assert bool(ABSOLUTE_PATH.search(text)) is bad


@pytest.mark.filterwarnings("always::pytest.PytestWarning")
def test_modules_are_short() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in SOURCE.rglob("*.py")
    }
    for name, length in lengths.items():
        if LONG_MODULE < length <= TOO_LONG_MODULE:
            warnings.warn(
                pytest.PytestWarning(f"{name} has {length} lines; split it by what it does"), stacklevel=1
            )
    assert not {name: length for name, length in lengths.items() if length > TOO_LONG_MODULE}


def test_no_drawers() -> None:
    names = {"utils", "util", "helpers", "misc", "common"}
    assert not [path.relative_to(ROOT) for path in SOURCE.rglob("*") if path.stem in names]


def test_files_are_small() -> None:
    large = {str(path.relative_to(ROOT)): path.stat().st_size for path in repository_files()}
    assert not {name: size for name, size in large.items() if size > TOO_LARGE_FILE}


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"])
def test_paths_in_pages_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    quoted = set(re.findall(r"`([\w.-]*/?[\w./-]*)`", text))
    paths = {name for name in quoted if "/" in name and not name.startswith("/")} - BUILT_IN_CI
    linked = {link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link}
    roots = (ROOT, SOURCE, SOURCE / "veriscope")
    missing = [name for name in sorted(paths | linked) if not any((root / name).exists() for root in roots)]
    assert not missing, f"{page} names paths that do not exist: {', '.join(missing)}"


def test_architecture_names_every_room() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = sorted(path.parent.name for path in (SOURCE / "veriscope").glob("*/__init__.py"))
    assert not [room for room in rooms if f"`{room}/`" not in page]


def test_every_room_is_in_the_import_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (layers,) = [contract["layers"] for contract in contracts["contracts"] if contract["id"] == "layers"]
    placed = set(re.findall(r"\w+", " ".join(layers)))
    present = {path.stem for path in (SOURCE / "veriscope").glob("*.py") if not path.stem.startswith("_")}
    present |= {path.parent.name for path in (SOURCE / "veriscope").glob("*/__init__.py")}
    assert not present - placed


def test_science_does_not_print() -> None:
    printing = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (SOURCE / "veriscope").rglob("*.py")
        if "cli" not in path.relative_to(SOURCE / "veriscope").parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not printing


def test_version_is_the_same_everywhere() -> None:
    def read(name: str) -> str:
        return (ROOT / name).read_text(encoding="utf-8")

    declared = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    in_code = re.search(r'__version__ = "(.+)"', read("src/veriscope/__init__.py"))
    in_citation = re.search(r"^version: (.+)$", read("CITATION.cff"), re.MULTILINE)
    assert in_code is not None and in_citation is not None
    assert {declared, in_code[1], in_citation[1].strip('"')} == {declared}
    assert f"## [{declared}]" in read("CHANGELOG.md")


def test_citation_has_what_the_format_demands() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert citation["message"] and citation["title"] and citation["license"] == "BSD-3-Clause"
    assert all("name" in author or "family-names" in author for author in citation["authors"])
