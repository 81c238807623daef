"""Ctrl-C with several processes: their pieces are finished, and the same command goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.testing.methods import discs_image

CODE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started the tests without
from veriscope.cli import main
if __name__ == "__main__":
    main()
"""


def test_ctrl_c_finishes_the_parts_under_way(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "a.ome.zarr", discs_image((500, 500), diameter=14))
    script, out = tmp_path / "run.py", tmp_path / "o.ome.zarr"
    script.write_text(CODE)
    command = [
        sys.executable,
        str(script),
        "predict",
        "log-spots",
        str(tmp_path / "a.ome.zarr"),
        "-o",
        str(out),
    ]
    command += ["--tile", "32", "--workers", "2", "-q"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    parts = tmp_path / "o.ome.zarr.part" / "parts"
    deadline = time.monotonic() + 120
    while not list(parts.glob("0*.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert said == "Stopped. What was finished is kept; the same command goes on from there.\n"
    assert not out.exists()
    done = len(list(parts.glob("0*.npz")))
    assert 0 < done < 256
    assert not [path for path in parts.iterdir() if path.name.startswith(".tmp-")]


def test_workers_end_when_the_run_that_started_them_is_killed(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "a.ome.zarr", discs_image((500, 500), diameter=14))
    script, out = tmp_path / "run.py", tmp_path / "o.ome.zarr"
    script.write_text(CODE)
    command = [
        sys.executable,
        str(script),
        "predict",
        "log-spots",
        str(tmp_path / "a.ome.zarr"),
        "-o",
        str(out),
    ]
    process = subprocess.Popen([*command, "--tile", "32", "--workers", "2", "-q"], start_new_session=True)
    parts = tmp_path / "o.ome.zarr.part" / "parts"
    deadline = time.monotonic() + 120
    while not list(parts.glob("0*.npz")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait()
    while members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not members(process.pid)


def members(group: int) -> list[str]:
    """Processes of a group that are alive."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pgid=,stat=,pid="], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in listed.stdout.splitlines()]
    return [pid for pgid, state, pid in rows if pgid == str(group) and not state.startswith("Z")]
