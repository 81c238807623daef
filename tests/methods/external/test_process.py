"""The process of a tool: what it answers, and that its faults become errors that say what to do."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from veriscope.errors import MethodError
from veriscope.methods.external.process import Limits, ToolProcess

TOOL = Path(__file__).with_name("fake_tool.py")
IMAGE = np.zeros((40, 50), np.uint8)
IMAGE[10:20, 10:20] = 200


def make(model: str = "fine", **limits: float) -> ToolProcess:
    chosen = {"start_s": 30.0, "answer_s": 30.0, **limits}
    return ToolProcess(
        "fake:fine",
        Path(sys.executable),
        TOOL,
        {"model": model},
        limits=Limits(**chosen),  # type: ignore[arg-type]
        variables={"VERISCOPE_FAKE": "given"},
    )


@pytest.fixture
def tool() -> Iterator[ToolProcess]:
    found = make(answer_s=2.0)
    yield found
    found.close()


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_answers_and_stays_open(tool: ToolProcess) -> None:
    first, found = tool.ask("predict", {"image": IMAGE}, {})
    again, _ = tool.ask("predict", {"image": IMAGE}, {})
    assert np.array_equal(found["labels"] > 0, IMAGE > 0)
    assert (first["calls"], again["calls"], first["dtype"]) == (1, 2, "uint8")
    assert first["pid"] == again["pid"] != os.getpid()
    assert tool.about["variable"] == "given"
    tool.close()
    assert not alive(first["pid"])


def test_it_ends_with_the_object(tool: ToolProcess) -> None:
    other = make()
    values, _ = other.ask("predict", {"image": IMAGE}, {})
    del other
    assert not alive(values["pid"])


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_it_ends_also_where_its_parent_is_killed_while_it_works(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
import sys, threading, numpy as np
from veriscope.methods.external.process import ToolProcess
tool = ToolProcess("fake", Path(sys.executable), Path({str(TOOL)!r}), {{"model": "fine"}})
values, _ = tool.ask("predict", {{"image": np.zeros((4, 4))}}, {{}})
print(values["pid"], tool._running.folder, flush=True)
tool.ask("predict", {{"image": np.zeros((4, 4))}}, {{"mode": "hang"}})
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        number, folder = parent.stdout.readline().split()
        worker = int(number)
        parent.kill()
    end = time.monotonic() + 20
    while alive(worker) and time.monotonic() < end:
        time.sleep(0.1)
    assert not alive(worker) and not Path(folder).exists()


def test_a_fault_of_one_image_leaves_it_open(tool: ToolProcess) -> None:
    first, _ = tool.ask("predict", {"image": IMAGE}, {})
    with pytest.raises(
        MethodError, match=r"^fake:fine: the tool failed: RuntimeError: cannot take this image$"
    ):
        tool.ask("predict", {"image": IMAGE}, {"mode": "raise"})
    again, _ = tool.ask("predict", {"image": IMAGE}, {})
    assert (again["calls"], again["pid"]) == (3, first["pid"])


def test_a_hang_is_ended_in_time_and_the_next_image_works(tool: ToolProcess) -> None:
    tool.start()
    begin = time.monotonic()
    with pytest.raises(
        MethodError, match=r"gave no answer within 2 s and was stopped; allow more with -p timeout="
    ):
        tool.ask("predict", {"image": IMAGE}, {"mode": "hang"})
    assert time.monotonic() - begin < 60
    assert tool.ask("predict", {"image": IMAGE}, {})[0]["calls"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_crash_is_told_with_its_last_words(tool: ToolProcess) -> None:
    with pytest.raises(MethodError, match=r"ended by itself \(killed by SIGABRT\): .*about to crash"):
        tool.ask("predict", {"image": IMAGE}, {"mode": "crash"})


@pytest.mark.skipif(sys.platform != "linux", reason="memory is watched on Linux")
def test_too_much_memory_is_told() -> None:
    tool = make(memory_bytes=600 << 20)
    with pytest.raises(MethodError, match=r"used \d\.\d GB of memory, more than the 0\.6 GB allowed"):
        tool.ask("predict", {"image": IMAGE}, {"mode": "memory"})


def test_the_network_is_closed(tool: ToolProcess) -> None:
    with pytest.raises(MethodError, match="PermissionError: the network is closed to it"):
        tool.ask("predict", {"image": IMAGE}, {"mode": "network"})


def test_nonsense_is_told(tool: ToolProcess) -> None:
    with pytest.raises(MethodError, match="its process answers nonsense: array labels"):
        tool.ask("predict", {"image": IMAGE}, {"mode": "nonsense"})


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("slow", "did not start within 1 s and was stopped; allow more with -p start_timeout=SECONDS"),
        ("broken", r"the tool failed: ValueError: weights of another network$"),
        ("exits", r"ended by itself \(exit code 3\): cannot find libfake.so"),
    ],
)
def test_a_model_that_does_not_load_is_told(model: str, message: str) -> None:
    tool = make(model, start_s=1.0 if model == "slow" else 30.0)
    with pytest.raises(MethodError, match=message):
        tool.start()


def test_a_missing_python_is_told(tmp_path: Path) -> None:
    tool = ToolProcess("fake:fine", tmp_path / "python", TOOL, {"model": "fine"})
    with pytest.raises(MethodError, match="python: cannot be started"):
        tool.start()


def test_a_copy_starts_a_process_of_its_own(tool: ToolProcess) -> None:
    first, _ = tool.ask("predict", {"image": IMAGE}, {})
    copy = pickle.loads(pickle.dumps(tool))
    second, _ = copy.ask("predict", {"image": IMAGE}, {})
    copy.close()
    assert first["pid"] != second["pid"] and alive(first["pid"])


def test_no_worker_imports_veriscope() -> None:
    folder = Path(sys.modules["veriscope.methods.external.process"].__file__ or "").with_name("workers")
    scripts = [folder.with_name("protocol.py"), *folder.glob("*.py")]
    assert len(scripts) > 2
    assert not [
        path.name
        for path in scripts
        if "import veriscope" in path.read_text() or "from veriscope" in path.read_text()
    ]
