"""The benchmark of training runs in its quick form, and counts work alone as processor time."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "science" / "training.py"


def test_the_quick_form_trains_and_judges(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    words = ["--quick", "--threads", "1", "--seeds", "3", "--json", str(tmp_path / "out.json")]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words], capture_output=True, text=True, env=environment, timeout=600
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["schema"] == "veriscope/benchmark-training/1"
    (row,) = found["rows"]
    assert (row["method"], row["seed"], row["widths"]) == ("ours", 3, [8, 16])
    assert 0 < row["steps"] <= 20
    for key in ("f1@0.5", "f1@0.7", "f1@0.9", "ap@0.5"):
        assert 0 <= row[key]["value"] <= 1
        assert row[key]["unit"] == "field group"
    assert 0 < row["train_cpu_min"] < 5
    assert row["predict_s"] > 0
    assert 0 < row["predict_cpu_s"] < 60
    assert "ours" in done.stdout and "CPU-min" in done.stdout and "CPU-s per image" in done.stdout


def test_peers_wait_asleep_in_as_many_threads_as_asked_for() -> None:
    script = runpy.run_path(str(SCRIPT))
    assert script["_for_peers"](2) == {
        "OMP_WAIT_POLICY": "passive",
        "OMP_NUM_THREADS": "2",
        "TF_NUM_INTRAOP_THREADS": "2",
    }


def test_a_peer_that_is_not_there_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VERISCOPE_PEERS", str(tmp_path))
    script = runpy.run_path(str(SCRIPT))
    script["main"].__globals__["_read"] = lambda folder: script["_discs"]()
    found = script["main"](["--data", str(tmp_path), "--methods", "stardist"])
    assert found["rows"][0]["missing"].endswith("python benchmarks/peers/make.py stardist")
    assert "no environment at" in capsys.readouterr().out
