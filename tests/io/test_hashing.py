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


@pytest.mark.skipif(sys.platform != "linux", reason="names of other systems are text")
def test_a_name_that_is_no_text_is_hashed_as_sha256sum_would(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.txt")).write_bytes(b"1")
    line = hashlib.sha256(b"1").hexdigest().encode() + b"  \xff.txt\n"
    assert sha256_of(tmp_path) == hashlib.sha256(line).hexdigest()


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        sha256_of(tmp_path / "no")
    assert str(caught.value) == f"{tmp_path / 'no'}: cannot be read: No such file or directory"
