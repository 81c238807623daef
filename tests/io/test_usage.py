"""Measuring a block of work: time, children, memory of the block alone, bytes; and what that itself costs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from veriscope.io import usage
from veriscope.io.usage import UsageMeter, size_of

MB = 1 << 20
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
BURN = "import time\nwhile time.process_time() < 0.3: pass"


def spin(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def hold(megabytes: int) -> None:
    """Touch so many megabytes, and give them back."""
    np.ones(megabytes * MB, np.uint8)


def test_sleeping_takes_time_and_no_processor_time() -> None:
    with UsageMeter() as meter:
        time.sleep(0.1)
    assert 0.1 <= meter.usage.wall_s < 5
    assert 0 <= meter.usage.cpu_s < 0.05
    assert meter.usage.gpu_s is None


def test_processor_time_of_work_and_of_ended_children() -> None:
    with UsageMeter() as meter:
        spin(0.1)
        subprocess.run([sys.executable, "-c", BURN], check=True)
    assert 0.38 <= meter.usage.cpu_s <= meter.usage.wall_s + 1


@linux
def test_processor_time_and_memory_of_children_that_live() -> None:
    program = f"{BURN}\nx = bytes([1]) * {200 * MB}\nprint('ready', flush=True)\ninput()"
    middle = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {program!r}])"  # a grandchild
    with UsageMeter() as meter:
        child = subprocess.Popen(
            [sys.executable, "-c", middle], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    child.communicate("\n")
    assert meter.usage.cpu_s >= 0.28
    assert meter.usage.peak_memory_bytes > 200 * MB


@linux
def test_memory_is_that_of_the_block() -> None:
    hold(400)
    with UsageMeter() as small:
        hold(50)
    with UsageMeter() as large:
        hold(200)
    assert small.usage.peak_memory_is == "of the step"
    assert 100 * MB < large.usage.peak_memory_bytes - small.usage.peak_memory_bytes < 200 * MB
    with UsageMeter() as after:
        pass
    assert after.usage.peak_memory_bytes < large.usage.peak_memory_bytes - 150 * MB


@linux
def test_a_block_within_a_block_hides_nothing_from_it() -> None:
    with UsageMeter() as outer:
        hold(300)
        with UsageMeter() as inner:
            hold(20)
        hold(20)
    assert outer.usage.peak_memory_bytes - inner.usage.peak_memory_bytes > 200 * MB
    with UsageMeter() as outer, UsageMeter() as inner:
        hold(300)
    assert outer.usage.peak_memory_bytes >= inner.usage.peak_memory_bytes


@linux
def test_without_leave_to_reset_the_mark_memory_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_reset_peak", lambda: False)
    hold(400)
    with UsageMeter() as meter:
        kept = np.ones(150 * MB, np.uint8)
        time.sleep(0.1)
        del kept
    with UsageMeter() as after:
        pass
    assert meter.usage.peak_memory_is == "sampled"
    assert 100 * MB < meter.usage.peak_memory_bytes - after.usage.peak_memory_bytes < 200 * MB


def test_without_proc_the_rest_is_still_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(usage, "_PROC", tmp_path)
    with UsageMeter() as meter:
        spin(0.05)
    assert meter.usage.cpu_s >= 0.05
    assert meter.usage.peak_memory_is == "of the process so far"
    assert meter.usage.peak_memory_bytes > MB
    assert (meter.usage.io_read_bytes, meter.usage.io_written_bytes) == (None, None)
    monkeypatch.setattr(usage, "_maxrss", lambda whose: None)  # Windows
    with UsageMeter() as meter:
        pass
    assert (meter.usage.peak_memory_bytes, meter.usage.peak_memory_is) == (None, "")


@linux
def test_bytes_through_system_calls(tmp_path: Path) -> None:
    with UsageMeter() as meter:
        (tmp_path / "a").write_bytes(bytes(MB))
        (tmp_path / "a").read_bytes()
        (tmp_path / "a").read_bytes()
    assert MB <= meter.usage.io_written_bytes < 1.1 * MB
    assert 2 * MB <= meter.usage.io_read_bytes < 2.1 * MB


def test_a_failure_passes_and_is_measured_and_an_open_block_says_nothing() -> None:
    meter = UsageMeter()
    with pytest.raises(RuntimeError) as caught:
        _ = meter.usage
    assert str(caught.value) == "the block of work that is measured has not ended"
    with pytest.raises(ValueError, match="broken"), meter:
        raise ValueError("broken")
    assert meter.usage.wall_s >= 0


def test_work_says_how_long_it_was_on_a_gpu() -> None:
    with UsageMeter() as meter:
        meter.gpu_s = 1.5
    assert meter.usage.gpu_s == 1.5


def test_measuring_costs_less_than_a_millisecond() -> None:
    def once() -> float:
        begin = time.process_time()
        with UsageMeter():
            pass
        return time.process_time() - begin

    assert statistics.median(once() for _ in range(50)) < 1e-3


def test_sizes_of_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "store/c/0").mkdir(parents=True)
    (tmp_path / "store/zarr.json").write_bytes(bytes(10))
    (tmp_path / "store/c/0/1").write_bytes(bytes(300))
    assert size_of(tmp_path / "store/zarr.json") == 10
    assert size_of(tmp_path / "store") == size_of(str(tmp_path / "store")) == 310
    assert size_of(tmp_path / "missing") == 0
    (tmp_path / "store/link").symlink_to(tmp_path / "nowhere")
    assert size_of(tmp_path / "store") <= 310
