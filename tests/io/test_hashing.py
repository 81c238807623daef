"""Content hashes."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from veriscope.errors import UnreadableFileError
from veriscope.io.hashing import sha256_of


def test_a_file_is_hashed_as_by_everyone(tmp_path: Path) -> None:
    content = b"abc" * 1_000_000
    (tmp_path / "a").write_bytes(content)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_a_folder_is_hashed_as_sha256sum_would(tmp_path: Path) -> None:
    (tmp_path / "s" / "b").mkdir(parents=True)
    (tmp_path / "s" / "b" / "x").write_bytes(b"1")
    (tmp_path / "s" / ".zattrs").write_bytes(b"2")
    lines = [f"{hashlib.sha256(b'2').hexdigest()}  .zattrs", f"{hashlib.sha256(b'1').hexdigest()}  b/x"]
    assert sha256_of(tmp_path / "s") == hashlib.sha256(("\n".join(lines) + "\n").encode()).hexdigest()


def test_names_and_places_count_but_litter_does_not(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "a").write_bytes(b"1")
    (folder / "b").write_bytes(b"2")
    before = sha256_of(folder)
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "empty").mkdir()
    assert sha256_of(folder) == before
    (folder / "a").rename(folder / "c")
    assert sha256_of(folder) != before


def test_what_a_link_leads_to_counts_as_if_it_lay_there(tmp_path: Path) -> None:
    """The array of an OME-Zarr may lie on another disk: a change there is a change of the image."""
    linked, plain = tmp_path / "linked", tmp_path / "plain"
    for folder in (linked, plain, tmp_path / "elsewhere", plain / "0"):
        folder.mkdir()
    for place in (tmp_path / "elsewhere", plain / "0"):
        (place / "chunk").write_bytes(b"1")
    (linked / "0").symlink_to(tmp_path / "elsewhere")
    assert sha256_of(linked) == sha256_of(plain)
    (tmp_path / "elsewhere" / "chunk").write_bytes(b"2")
    assert sha256_of(linked) != sha256_of(plain)


def test_links_that_lead_back_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").write_bytes(b"1")
    before = sha256_of(tmp_path)
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a")
    assert sha256_of(tmp_path) == before


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UnreadableFileError, match="gone: cannot be read: No such file or directory"):
        sha256_of(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="names of other systems are text")
def test_a_name_that_is_no_text_is_hashed_as_sha256sum_would(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.txt")).write_bytes(b"1")
    line = hashlib.sha256(b"1").hexdigest().encode() + b"  \xff.txt\n"
    assert sha256_of(tmp_path) == hashlib.sha256(line).hexdigest()


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        sha256_of(tmp_path / "no")
    assert str(caught.value) == f"{tmp_path / 'no'}: cannot be read: No such file or directory"
