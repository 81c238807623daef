import json
from pathlib import Path

import pytest

from veriscope.core.cache import cache_folder, recall, remember


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VERISCOPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_folder_is_what_the_user_says(folder: Path) -> None:
    assert cache_folder() == folder


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("linux", "xdg/veriscope"),
        ("darwin", "home/Library/Caches/veriscope"),
        ("win32", "local/veriscope/Cache"),
    ],
)
def test_else_it_is_where_the_system_keeps_such_things(
    system: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VERISCOPE_CACHE")
    monkeypatch.setattr("sys.platform", system)
    for name, value in {"XDG_CACHE_HOME": "xdg", "LOCALAPPDATA": "local", "HOME": "home"}.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    assert cache_folder() == tmp_path / expected


def test_a_fact_comes_back(folder: Path) -> None:
    remember("engines/one.json", {"passed": True})
    remember("engines/one.json", {"passed": False})
    assert recall("engines/one.json") == {"passed": False}
    assert [path.name for path in (folder / "engines").iterdir()] == ["one.json"]


@pytest.mark.parametrize("content", [None, "", "{", "[1]", "\udcff"])
def test_what_cannot_be_read_is_no_fact(folder: Path, content: str | None) -> None:
    folder.mkdir()
    if content is not None:
        (folder / "bad.json").write_bytes(content.encode(errors="surrogateescape"))
    assert recall("bad.json") is None


def test_a_cache_that_cannot_be_written_stops_nobody(folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    remember("fact.json", {"a": 1})
    assert recall("fact.json") is None


def test_a_fact_that_is_no_json_leaves_nothing_behind(folder: Path) -> None:
    with pytest.raises(TypeError):
        remember("fact.json", {"a": json})
    assert list(folder.iterdir()) == []
