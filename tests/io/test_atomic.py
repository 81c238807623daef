"""All or nothing."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from veriscope.errors import InputError
from veriscope.io import atomic
from veriscope.io.atomic import atomic_path, write_bytes, write_json, write_text


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_at_the_end_and_replaces_the_old(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.txt"
    write_text(target, "old")
    with atomic_path(target) as temporary:
        assert temporary.suffix == ".txt"
        assert temporary.parent == target.parent
        assert not temporary.exists()
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert names(target.parent) == ["a.txt"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.zarr"
    for name in ("one", "two"):
        with atomic_path(target) as temporary:
            (temporary / "sub").mkdir(parents=True)
            (temporary / "sub" / name).write_text(name)
    assert names(target / "sub") == ["two"]
    assert names(tmp_path) == ["a.zarr"]
    with atomic_path(target) as temporary:
        temporary.write_text("a file now")
    assert target.read_text() == "a file now"


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with pytest.raises(type(error)), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing was written"), atomic_path(tmp_path / "a.txt"):
        pass


KILLED = """
import sys, time
from veriscope.io.atomic import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half of it")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_leaves_the_old_file_and_the_next_write_cleans_up(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text(target, "old")
    with subprocess.Popen([sys.executable, "-c", KILLED, str(target)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(names(tmp_path)) == 2
        write_text(target, "newer")  # a living process keeps its temporary file
        assert len(names(tmp_path)) == 2
        process.send_signal(signal.SIGKILL)
    assert target.read_text() == "newer"
    (tmp_path / ".tmp-other").write_text("not ours")
    write_text(target, "newest")
    assert names(tmp_path) == [".tmp-other", "a.txt"]


def test_temporary_files_of_another_machine_are_left_alone(tmp_path: Path) -> None:
    alien = tmp_path / ".tmp-00000000-999999999-abcdabcd-a.txt"
    alien.write_text("written over the network")
    write_text(tmp_path / "a.txt", "mine")
    assert alien.exists()


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "the disk is full; free some space or choose another disk, then run again"),
        (errno.EACCES, "no permission to write there; choose another folder or change its permissions"),
        (errno.EROFS, "the disk is read-only; choose another folder"),
    ],
)
def test_what_the_disk_refuses_is_told_with_a_remedy(tmp_path: Path, number: int, remedy: str) -> None:
    target = tmp_path / "a.txt"
    with pytest.raises(InputError) as caught, atomic_path(target) as temporary:
        temporary.write_text("half")
        raise OSError(number, os.strerror(number))
    assert str(caught.value) == f"{target}: cannot be written: {remedy}"
    assert names(tmp_path) == []


def test_a_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "a file")
    with pytest.raises(InputError, match="a part of the path is a file, not a folder"):
        write_text(tmp_path / "a" / "b.txt", "x")


def test_errors_about_other_files_are_not_blamed_on_the_target(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), atomic_path(tmp_path / "a.txt"):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "source.tif"))


def test_a_copy_that_does_not_fit_is_about_the_target_and_one_from_nowhere_is_not(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with pytest.raises(InputError, match="folder: cannot be written: the disk is full"):  # noqa: SIM117
        with atomic_path(target) as temporary:
            temporary.mkdir()
            full = os.strerror(errno.ENOSPC)
            raise OSError(errno.ENOSPC, full, str(tmp_path / "source.bin"), None, str(temporary / "w.bin"))
    with pytest.raises(FileNotFoundError), atomic_path(target) as temporary:
        shutil.copyfile(tmp_path / "absent.bin", temporary)
    assert names(tmp_path) == []


def test_long_names_are_written(tmp_path: Path) -> None:
    target = tmp_path / ("ü" * 120 + ".txt")
    write_text(target, "x")
    assert names(tmp_path) == [target.name]


def test_json_is_plain_and_the_same_each_time(tmp_path: Path) -> None:
    value = {
        "b": np.float32(0.5),
        "a": (np.int64(1), np.array([1.5, np.nan])),
        "µ": [None, True, float("inf")],
        "path": Path("x/y"),
        3: np.bool_(True),
    }
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == {
        "b": 0.5,
        "a": [1, [1.5, None]],
        "µ": [None, True, None],
        "path": "x/y",
        "3": True,
    }
    assert "µ" in text
    assert text.endswith("}\n")
    write_json(tmp_path / "b.json", value)
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_json(tmp_path / "c.json", {"a": object()})
    assert names(tmp_path) == ["a.json", "b.json"]


def test_lines_end_alike_on_every_system(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "a\nb\n")
    assert (tmp_path / "a.txt").read_bytes() == b"a\nb\n"
    write_bytes(tmp_path / "a.bin", b"\r\n")
    assert (tmp_path / "a.bin").read_bytes() == b"\r\n"


def test_two_writers_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with atomic_path(target) as first, atomic_path(target) as second:
        first.write_text("1")
        second.write_text("2")
    assert target.read_text() == "1"  # the outer block ends last
    assert names(tmp_path) == ["a.txt"]
    assert atomic.TEMP_PREFIX.startswith(".")
    assert time.time() - target.stat().st_mtime < 60


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="names open files by /proc")
def test_content_is_on_the_disk_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []

    def note(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    monkeypatch.setattr(os, "fsync", note)
    with atomic_path(tmp_path / "a") as temporary:
        temporary.mkdir()
        (temporary / "x").write_text("x")
    assert flushed == ["x", tmp_path.name]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="names open files by /proc")
def test_files_within_a_folder_being_written_are_flushed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []

    def note(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)

    monkeypatch.setattr(os, "fsync", note)
    with atomic_path(tmp_path / "a") as temporary:
        write_text(temporary / "images" / "x", "x")
        write_text(temporary / "y", "y")
        assert flushed == ["images", temporary.name], "the names, but not yet the contents"
        flushed.clear()
    assert sorted(flushed[:-1]) == ["x", "y"]
    assert flushed[-1] == tmp_path.name
