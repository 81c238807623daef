"""Folders are gone through with what links lead to, once, and nothing is passed over in silence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from veriscope.errors import UnreadableFileError
from veriscope.io.name_pattern import find_by_pattern
from veriscope.io.walk import walk


def files(folder: Path) -> list[str]:
    return sorted(
        (where / name).relative_to(folder).as_posix() for where, _, names in walk(folder) for name in names
    )


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def test_links_to_folders_are_followed_and_those_that_lead_back_are_not(tmp_path: Path) -> None:
    touch(tmp_path, "here/a", "here/b/c", "elsewhere/d/e")
    here = tmp_path / "here"
    (here / "link").symlink_to(tmp_path / "elsewhere")
    for name, to in (("self", here), ("b/up", here), ("b/root", tmp_path)):
        (here / name).symlink_to(to)
    assert files(here) == ["a", "b/c", "link/d/e"]


def test_what_is_taken_out_is_not_gone_into(tmp_path: Path) -> None:
    touch(tmp_path, "a/x", "b/y", "b/c/z")
    seen = []
    for where, folders, _ in walk(tmp_path):
        seen.append(where.name)
        if "b" in folders:
            folders.remove("b")
    assert seen == [tmp_path.name, "a"]


def refuse(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let a folder be one that must not be read; for root there is none."""
    scan = os.scandir

    def refusing(path: Any) -> Any:
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)


def test_a_folder_that_must_not_be_read_stops_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a/x", "b/y")
    refuse(monkeypatch, tmp_path / "b")
    with pytest.raises(PermissionError, match="Permission denied"):
        files(tmp_path)


def test_images_behind_links_are_found_by_a_pattern(tmp_path: Path) -> None:
    """A group that lies on another disk was left out without a word."""
    touch(tmp_path, "data/control/a.tif", "disk2/drug/b.tif")
    (tmp_path / "data" / "drug").symlink_to(tmp_path / "disk2" / "drug")
    found = find_by_pattern([tmp_path / "data"], "{group}/*.tif")
    assert [(file.stem, file.place.group if file.place else "") for file in found.files] == [
        ("control_a", "control"),
        ("drug_b", "drug"),
    ]


def test_a_group_that_must_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "control/a.tif", "drug/b.tif")
    refuse(monkeypatch, tmp_path / "drug")
    with pytest.raises(UnreadableFileError) as caught:
        find_by_pattern([tmp_path], "{group}/*.tif")
    assert str(caught.value) == (
        f"{tmp_path / 'drug'}: cannot be read: Permission denied; change its permissions or choose another "
        "folder"
    )
