"""Measuring a block of work: time, children, memory of the block alone, bytes; and what that itself costs."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from veriscope.core.cost import Usage
from veriscope.io import usage
from veriscope.io.usage import UsageMeter, WorkerUsage, cost_of, size_of

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
def test_bytes_of_children_that_live_count_and_only_once_when_they_end(tmp_path: Path) -> None:
    """Workers that go on from one run to the next were left out."""
    (tmp_path / "in").write_bytes(bytes(3 * MB))
    program = (
        "from pathlib import Path\nimport sys\nfolder = Path(sys.argv[1])\n"
        "(folder / 'out').write_bytes((folder / 'in').read_bytes())\nprint('ready', flush=True)\ninput()"
    )
    with UsageMeter() as around:
        with UsageMeter() as meter:
            child = subprocess.Popen(
                [sys.executable, "-c", program, tmp_path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        child.communicate("\n")
    for used in (meter.usage, around.usage):
        assert used.io_read_bytes is not None and used.io_written_bytes is not None
        assert 3 * MB <= used.io_read_bytes < 6 * MB  # Python reads its modules
        assert 3 * MB <= used.io_written_bytes < 4 * MB


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


def test_sizes_of_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "store/c/0").mkdir(parents=True)
    (tmp_path / "store/zarr.json").write_bytes(bytes(10))
    (tmp_path / "store/c/0/1").write_bytes(bytes(300))
    assert size_of(tmp_path / "store/zarr.json") == 10
    assert size_of(tmp_path / "store") == size_of(str(tmp_path / "store")) == 310
    assert size_of(tmp_path / "missing") == 0
    (tmp_path / "store/link").symlink_to(tmp_path / "nowhere")
    assert size_of(tmp_path / "store") <= 310


def worker(
    computer: str, process: int, cpu_s: float, peak: int, parents: tuple[int, ...] = ()
) -> WorkerUsage:
    used = Usage(wall_s=1.0, cpu_s=cpu_s, peak_memory_bytes=peak, io_read_bytes=10)
    return WorkerUsage(computer, (process, *parents), used)


def test_what_workers_of_a_cluster_used_counts_to_all_blocks_that_wait_for_them() -> None:
    with UsageMeter() as outer:
        with UsageMeter() as inner:
            UsageMeter.add_workers([worker("n1", 7, 5.0, 300 * MB), worker("n2", 7, 3.0, 200 * MB)])
            UsageMeter.add_workers([worker("n1", 7, 2.0, 400 * MB)])
        UsageMeter.add_workers([worker("n3", 1, 1.0, 100 * MB)])
    with UsageMeter() as alone:
        pass
    assert 10.0 <= inner.usage.cpu_s < 11
    assert 11.0 <= outer.usage.cpu_s < 12
    # The highest points of all workers are added; of one worker only the highest counts.
    assert inner.usage.peak_memory_bytes >= alone.usage.peak_memory_bytes / 2 + 600 * MB
    assert inner.usage.peak_memory_bytes < 600 * MB + 2 * alone.usage.peak_memory_bytes
    assert outer.usage.peak_memory_bytes >= inner.usage.peak_memory_bytes + 100 * MB
    there = {"n_workers": 2, "cpu_s": 10.0, "peak_memory_bytes": 400 * MB}
    assert cost_of(inner) == inner.usage.to_dict() | {"workers": there}
    assert cost_of(outer)["workers"] == {"n_workers": 3, "cpu_s": 11.0, "peak_memory_bytes": 400 * MB}
    assert cost_of(alone) == alone.usage.to_dict()
    if inner.usage.io_read_bytes is not None:
        assert inner.usage.io_read_bytes >= 30


def test_workers_that_are_children_are_counted_once() -> None:
    here = platform.node()
    with UsageMeter() as meter:
        UsageMeter.add_workers([worker(here, 99999, 100.0, 900 * MB, parents=(4, os.getpid(), 1))])
        # Another process of this computer that somebody else started is none.
        UsageMeter.add_workers([worker(here, 99998, 50.0, MB, parents=(1,))])
    assert 50 <= meter.usage.cpu_s < 60
    assert cost_of(meter)["workers"] == {"n_workers": 1, "cpu_s": 50.0, "peak_memory_bytes": MB}


def test_what_workers_say_outside_of_any_block_is_nobodys() -> None:
    UsageMeter.add_workers([worker("n1", 7, 5.0, MB)])
    with UsageMeter() as meter:
        pass
    assert meter.usage.cpu_s < 1


@linux
def test_a_process_knows_from_which_it_descends() -> None:
    program = (
        "import os\nfrom veriscope.core.cost import Usage\nfrom veriscope.io.usage import WorkerUsage\n"
        "found = WorkerUsage.here(Usage(1.0))\nprint(os.getpid(), *found.ancestry)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    own, *ancestry = map(int, done.stdout.split())
    assert ancestry[0] == own
    assert os.getpid() in ancestry
    assert len(set(ancestry)) == len(ancestry)


def test_without_proc_a_process_knows_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(usage, "_PROC", tmp_path)
    assert WorkerUsage.here(Usage(1.0)) == WorkerUsage(platform.node(), (os.getpid(),), Usage(1.0))
