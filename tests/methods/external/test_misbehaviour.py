"""What a tool may do to its pipe, its messages and its process, and what Veriscope says of it."""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.errors import MethodError
from veriscope.methods.external import process
from veriscope.methods.external.process import Limits, ToolProcess, memory_of
from veriscope.methods.external.program import run_program
from veriscope.methods.external.protocol import write_message

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
HERE = Path(__file__).parent
IMAGE = np.eye(40, dtype=np.uint8)
linux = pytest.mark.skipif(not memory_of(os.getpid()), reason="memory is watched where the system tells it")
READY = {"ready": True, "about": {}}
MEGABYTES = "import time\nkept = bytearray(b'x' * (400 << 20))\nprint('has it', flush=True)\ntime.sleep(60)\n"


def message(content: Any) -> bytes:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return struct.pack("<I", len(text)) + text


def says(folder: Path, *parts: bytes, then: str = "sleep 60") -> ToolProcess:
    """A tool that writes just these bytes, whatever it is asked."""
    (folder / "said").write_bytes(b"".join(parts))
    python = folder / "python"
    python.write_text(f'#!/bin/sh\ncat "{folder / "said"}"\n{then}\n')
    python.chmod(0o755)
    return ToolProcess("fake:says", python, HERE / "fake_tool.py", {"model": "fine"}, limits=Limits(30, 30))


def refused(tool: ToolProcess, match: str) -> None:
    """It is an error of the tool before its time is over, and its process is gone."""
    with pytest.raises(MethodError, match=match):
        tool.ask("predict", {"image": IMAGE}, {})
    assert tool._running is None and tool.memory() == 0


@pytest.mark.parametrize(
    ("said", "match"),
    [
        (b"Traceback (most recent call last):", r"nonsense: a message of \d{10} bytes$"),
        (message(b'{"\xff": 1}'), "nonsense: 'utf-8' codec"),
        (message(b"{} {}"), "nonsense: Extra data"),
        (message([1]), "nonsense: a message that is no object"),
        (message(b"[" * 200_000), "nonsense: a message nested without end"),
        (message({"ready": True}), "nonsense: 'about'"),
        (message({"ready": True, "about": 5}), "nonsense: 'int' object is not iterable"),
        (message({"ready": True, "about": "text"}), "nonsense: dictionary update"),
    ],
)
def test_what_is_no_start_is_refused(tmp_path: Path, said: bytes, match: str) -> None:
    refused(says(tmp_path, said), f"^fake:says: its process answers {match}")


LABELS = {"file": "out-labels.raw", "dtype": "<i4", "shape": [2, 3]}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"values": {}},
        {"values": 3, "arrays": {}},
        {"values": {}, "arrays": [LABELS]},
        {"values": {}, "arrays": {"labels": [1, 2]}},
        {"values": {}, "arrays": {"labels": LABELS}},
        {"values": {}, "arrays": {"labels": LABELS | {"file": "../python"}}},
        {"values": {}, "arrays": {"labels": LABELS | {"file": "/etc/hostname"}}},
        {"values": {}, "arrays": {"labels": LABELS | {"dtype": "O"}}},
        {"values": {}, "arrays": {"labels": LABELS | {"dtype": "no type"}}},
        {"values": {}, "arrays": {"labels": LABELS | {"dtype": {"a": 1}}}},
        {"values": {}, "arrays": {"labels": LABELS | {"file": "in-image.raw", "shape": [float("inf")]}}},
        {"values": {}, "arrays": {"labels": LABELS | {"file": "in-image.raw", "shape": [10**30, 10**30]}}},
        {"values": {}, "arrays": {"labels": LABELS | {"file": "in-image.raw", "shape": 7}}},
        {"values": {}, "arrays": {"labels": LABELS | {"file": "in-image.raw", "shape": [None]}}},
        {"values": {}, "arrays": {"labels": LABELS | {"file": "in-image.raw"}}},
    ],
)
def test_what_is_no_answer_is_refused(tmp_path: Path, answer: dict[str, Any]) -> None:
    refused(says(tmp_path, message(READY), message(answer)), "^fake:says: its process answers nonsense: ")


@pytest.mark.parametrize("cut", [0, 1, 3, 4, 9])
def test_an_answer_that_breaks_off_is_an_end(tmp_path: Path, cut: int) -> None:
    said = message(READY) + message({"values": {}, "arrays": {}})[:cut]
    refused(says(tmp_path, said, then="echo out of luck >&2; exit 4"), r"\(exit code 4\): out of luck$")


def test_a_process_that_ends_while_its_child_keeps_the_pipe_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_LAST_WORDS_S", 0.1)
    refused(says(tmp_path, message(READY), then="sleep 60 & exit 3"), r"ended by itself \(exit code 3\)")


def test_the_last_answer_of_a_process_that_ended_is_taken(tmp_path: Path) -> None:
    answer = message({"values": {"n": 7}, "arrays": {}})
    tool = says(tmp_path, message(READY), answer, then="sleep 60 & exit 0")
    assert tool.ask("predict", {"image": IMAGE}, {}) == ({"n": 7}, {})
    tool.close()


@pytest.fixture
def tool() -> Iterator[ToolProcess]:
    options = {"limits": Limits(30, 30), "variables": {"VERISCOPE_FAKE": "given"}}
    found = ToolProcess(
        "fake:fine", Path(sys.executable), HERE / "fake_tool.py", {"model": "fine"}, **options
    )
    yield found
    found.close()


@pytest.mark.parametrize(
    ("mode", "match"),
    [
        ("numpy values", "TypeError: Object of type float32 is not JSON serializable"),
        ("long", r"ValueError: a message of \d+ bytes; arrays are for what is large"),
        ("list", "AttributeError: 'list' object has no attribute 'items'"),
        ("nothing", "TypeError: cannot unpack non-iterable NoneType"),
        ("exit", "SystemExit: bye"),
        ("deep", "RecursionError"),
    ],
)
def test_what_a_worker_may_not_give_is_its_fault_and_it_goes_on(
    tool: ToolProcess, mode: str, match: str
) -> None:
    first, _ = tool.ask("predict", {"image": IMAGE}, {})
    with pytest.raises(MethodError, match=f"^fake:fine: the tool failed: {match}"):
        tool.ask("predict", {"image": IMAGE}, {"mode": mode})
    again, found = tool.ask("predict", {"image": IMAGE}, {})
    assert again["pid"] == first["pid"]
    np.testing.assert_array_equal(found["labels"] > 0, IMAGE > 0)


def test_what_is_printed_by_any_means_stays_out_of_the_answers(tool: ToolProcess) -> None:
    """Python, the C library and a program that it starts write to standard output."""
    values, found = tool.ask("predict", {"image": IMAGE}, {"mode": "noise"})
    assert values["calls"] == 1 and found["labels"].shape == IMAGE.shape
    assert tool.ask("predict", {"image": IMAGE}, {})[0]["calls"] == 2


def test_an_unknown_request_is_told(tool: ToolProcess) -> None:
    with pytest.raises(MethodError, match=r"AttributeError: .* has no attribute 'dance'"):
        tool.ask("dance", {}, {})


def test_what_is_asked_must_be_plain(tool: ToolProcess) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_message(sys.stdout.buffer, {"a": np.float32(1)})
    assert tool.ask("predict", {"image": IMAGE}, {})[0]["calls"] == 1


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(IMAGE),
        IMAGE[::2, ::-1],
        np.broadcast_to(IMAGE[:1], (33, 40)),
        IMAGE.astype(">u2"),
        IMAGE.astype(bool),
        IMAGE.astype(np.float16),
        IMAGE[:0],
    ],
)
def test_arrays_arrive_as_they_are(tool: ToolProcess, array: np.ndarray) -> None:
    array = array.copy() if array.size else array
    array.flags.writeable = False
    values, found = tool.ask("predict", {"image": array}, {"mode": "echo"})
    assert values == {"shape": list(array.shape), "dtype": array.dtype.str, "writeable": True}
    np.testing.assert_array_equal(found["image"], array)
    assert found["image"].dtype == array.dtype and found["image"].flags.writeable


@linux
def test_memory_of_what_a_program_starts_counts(tmp_path: Path) -> None:
    """Programs such as ilastik and Fiji begin with a script that starts them and waits."""
    (tmp_path / "large.py").write_text(MEGABYTES)
    script = tmp_path / "launcher"
    script.write_text(f'#!/bin/sh\n"{sys.executable}" "{tmp_path}/large.py"\nexit 0\n')
    script.chmod(0o755)
    with pytest.raises(MethodError, match=r"used more than the 0\.2 GB of memory allowed and was stopped"):
        run_program("x", [str(script)], tmp_path, seconds=30, memory_bytes=200 << 20)


@linux
def test_no_memory_at_all_is_a_limit_too(tool: ToolProcess, tmp_path: Path) -> None:
    tool.limits = Limits(30, 30, memory_bytes=0)
    with pytest.raises(MethodError, match=r"more than the 0\.0 GB allowed"):
        tool.ask("predict", {"image": IMAGE}, {"mode": "hang"})
    with pytest.raises(MethodError, match=r"used more than the 0\.0 GB"):
        run_program("x", ["sleep", "30"], tmp_path, seconds=20, memory_bytes=0)
