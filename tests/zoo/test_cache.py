"""What is kept of a package that was added, whole and damaged: one bad record never hides the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from veriscope.errors import MethodError, UnreadableFileError
from veriscope.registry import make_method
from veriscope.zoo.add import add_model, remove_model
from veriscope.zoo.added import added_methods, states_of
from veriscope.zoo.cache import installed_names, read_record, slug

from .conftest import Package

WRONG: tuple[Any, ...] = (None, 5, [1], "text", {"a": 1})


@pytest.fixture
def two(package: Package, cache: Path) -> Path:
    """Two packages, of which the record of the first is given."""
    for name in ("first", "second"):
        add_model(str(package()), name=name)
    return cache / "models" / "first" / "record.json"


def damages(whole: dict[str, Any]) -> list[dict[str, Any]]:
    """Every part of a record left out, and replaced by what it is not."""
    found = [{key: value for key, value in whole.items() if key != gone} for gone in whole]
    for key, value in whole.items():
        found += [whole | {key: wrong} for wrong in WRONG if type(wrong) is not type(value)]
    return [*found, whole | {"files": {"a": 1}}, whole | {"trusted": [1]}, whole | {"states": {"a": 1}}]


def test_every_damage_of_a_record_is_a_message_and_hides_nothing_else(two: Path, package: Package) -> None:
    whole = json.loads(two.read_text())
    folder = str(package())
    assert len(damages(whole)) > 30
    for content in damages(whole):
        two.write_text(json.dumps(content))
        with pytest.raises(UnreadableFileError, match=r"record\.json: (is damaged|was written by another)"):
            make_method("zoo:first")
        with pytest.raises(UnreadableFileError, match="remove its folder and add"):
            add_model(folder, name="first")
        assert added_methods() == ("zoo:first", "zoo:second")
        (said,) = states_of("zoo:first")
        assert "remove its folder" in said
    assert make_method("zoo:second").name == "zoo:second"


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"', "\x00"])
def test_what_is_no_record_is_told(two: Path, content: str) -> None:
    two.write_text(content)
    with pytest.raises(UnreadableFileError, match=r"first/record\.json: (is damaged|was written by another)"):
        read_record("zoo:first")


def test_a_damaged_package_can_be_removed_and_added_anew(two: Path, package: Package) -> None:
    two.write_text("{}")
    remove_model("first")
    assert installed_names() == ("zoo:second",)
    add_model(str(package()), name="first")
    assert make_method("zoo:first").name == "zoo:first"
    with pytest.raises(MethodError, match="no model package named 'third'; added are: zoo:first, zoo:second"):
        remove_model("third")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Affable Shark", "affable-shark"),
        ("../../etc/passwd", "etc-passwd"),
        ("..", "model"),
        ("", "model"),
        ("Zellkerne (µm) 2.0", "zellkerne-m-2.0"),
        ("x" * 100, "x" * 60),
        ("a" * 59 + "/b", "a" * 59),
        ("日本", "model"),
    ],
)
def test_names_of_folders_hold_nothing_that_leads_elsewhere(text: str, name: str) -> None:
    assert slug(text) == name
    assert slug(slug(text)) == slug(text)
