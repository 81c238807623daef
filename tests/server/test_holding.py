"""One server for a folder, however the one before ended and whatever it left behind."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from veriscope.errors import InputError
from veriscope.server import holding
from veriscope.server.holding import FolderHold, last_port

STATE = ".veriscope"


def study(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text("name: x\n")
    return folder


def test_a_folder_is_held_under_any_name_of_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    hold = FolderHold(tmp_path / "link")
    for name in ("real", "link", "real/../link"):
        with pytest.raises(InputError, match="is shown by another server already"):
            FolderHold(tmp_path / name)
    hold.close()
    FolderHold(tmp_path / "real").close()


def test_studies_side_by_side_have_a_server_each(tmp_path: Path) -> None:
    holds = [FolderHold(study(tmp_path / name)) for name in ("a", "b")]
    with pytest.raises(InputError, match=r"b: is shown by another server already|a: is shown"):
        FolderHold(tmp_path)
    holds[0].close()
    with pytest.raises(InputError, match=r"/b: is shown by another server already; use that one"):
        FolderHold(tmp_path)
    holds[1].close()
    whole = FolderHold(tmp_path)
    for name in ("a", "b"):
        with pytest.raises(InputError, match="is shown by another server already"):
            FolderHold(tmp_path / name)
    whole.close()


def test_a_refused_server_leaves_the_other_as_it_was(tmp_path: Path) -> None:
    hold = FolderHold(tmp_path)
    hold.tell("http://127.0.0.1:5555/", 5555)
    before = (tmp_path / STATE / "server.lock").read_text()
    for _ in range(3):
        with pytest.raises(InputError):
            FolderHold(tmp_path)
    assert (tmp_path / STATE / "server.lock").read_text() == before
    assert json.loads(before) == {"process": os.getpid(), "address": "http://127.0.0.1:5555/"}
    hold.close()


def test_where_it_is_said_the_last_time_counts(tmp_path: Path) -> None:
    hold = FolderHold(tmp_path)
    for port in (40_000, 5000):
        hold.tell(f"http://somewhere-with-a-long-name:{port}/", port)
    hold.tell("http://b/", 5001)
    with pytest.raises(InputError, match=r"; open http://b/ with its token, or stop it first$"):
        FolderHold(tmp_path)
    hold.close()
    assert last_port(tmp_path) == 5001


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills as POSIX does")
def test_a_server_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from veriscope.server.holding import FolderHold\n"
        "hold = FolderHold(Path(sys.argv[1])); hold.tell('http://old/', 6000)\n"
        "print('held', flush=True); time.sleep(300)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=rf"\(process {process.pid}\); open http://old/ with its token"):
            FolderHold(tmp_path)
        process.kill()
    hold = FolderHold(tmp_path)
    assert last_port(tmp_path) == 6000, "open pages look for the server there"
    hold.close()


@pytest.mark.parametrize(
    "said",
    ["", "{", "null", "[]", "7", '"x"', '{"process": "x", "address": "y"}', '{"process": 1}', "\0\xff"],
)
def test_a_lock_that_says_nonsense_is_a_lock_all_the_same(tmp_path: Path, said: str) -> None:
    hold = FolderHold(tmp_path)
    (tmp_path / STATE / "server.lock").write_text(said, encoding="utf-8")
    with pytest.raises(
        InputError, match=r"is shown by another server already; use that one, or stop it first$"
    ):
        FolderHold(tmp_path)
    hold.close()
    FolderHold(tmp_path).close()


@pytest.mark.parametrize(
    ("written", "port"),
    [
        ("8080", 8080), ("1024", 1024), ("65535", 65535), (" 8080\n", 8080), ("1023", 0), ("80", 0), ("0", 0),
        ("65536", 0), ("-8080", 0), ("", 0), ("8080.0", 0), ("x", 0), ("８０８０", 0), ("1e4", 0),
        ("9" * 5000, 0),
    ],
)  # fmt: skip
def test_ports_that_are_taken_again(tmp_path: Path, written: str, port: int) -> None:
    (tmp_path / STATE).mkdir()
    (tmp_path / STATE / "port").write_text(written, encoding="utf-8")
    assert last_port(tmp_path) == port


def test_without_a_server_before_there_is_no_port(tmp_path: Path) -> None:
    assert last_port(tmp_path) == last_port(tmp_path / "nowhere") == 0
    (tmp_path / STATE / "port").mkdir(parents=True)
    assert last_port(tmp_path) == 0


@pytest.mark.parametrize(
    ("number", "is_refused"), [(errno.ENOLCK, False), (errno.ENOSYS, False), (errno.EAGAIN, True)]
)
def test_a_disk_without_locks_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_refused: bool
) -> None:
    def refuse(file: IO[str]) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(holding, "take_lock", refuse)
    if is_refused:
        with pytest.raises(InputError, match="is shown by another server already"):
            FolderHold(tmp_path)
    else:
        FolderHold(tmp_path).close()
