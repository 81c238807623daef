"""Ctrl-C ends a run with a word about what is kept."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

CODE = """import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell runs the tests behind
from veriscope.cli import main
sys.argv[0] = 'veriscope'
main()"""


def test_ctrl_c_keeps_what_is_done_and_says_so(tiny_data: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    source = (tiny_data / "images" / "control-1-01.tif").read_bytes()
    for number in range(500):
        (images / f"a{number}.tif").write_bytes(source)
    out = tmp_path / "out"
    command = [sys.executable, "-c", CODE, "predict", "log-spots", str(images), "-o", str(out), "-q"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    # Not those whose writing has only begun: they are hidden, and * finds them too.
    while not list(out.glob("a*.tif")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    shown, said = process.communicate(timeout=60)
    assert (process.returncode, shown) == (130, "")
    assert said == "Stopped. What was finished is kept; the same command goes on from there.\n"
    assert list(out.glob("a*.tif"))
