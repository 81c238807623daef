"""The quick form of the benchmark of plates runs, and its figures add up."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "speed" / "plate.py"


def test_every_step_is_timed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(SCRIPT))["main"](["--quick", "--json", str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["schema"], found["images"], found["side"]) == ("veriscope/benchmark-plate/1", 8, 256)
    steps = {item["step"]: item for item in found["steps"]}
    assert list(steps) == [
        *("(predicting)", "(measuring)"),
        *("new", "run", "run again", "predict", "predict again"),
    ]
    predicting = steps["(predicting)"]
    assert predicting["cpu_share"] == 1
    for item in steps.values():
        assert item["cpu_share"] * predicting["cpu_ms"] == pytest.approx(item["cpu_ms"])
    assert steps["run again"]["cpu_ms"] < steps["run"]["cpu_ms"], "nothing is predicted or measured again"
    assert "8 images of 256 × 256 pixels, nuclei-fluorescence" in capsys.readouterr().out


@pytest.mark.slow
def test_workers_are_timed_against_one_core(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--workers", "2", "--images", "2", "--turns", "1", "--json", str(tmp_path / "found.json")]
    runpy.run_path(str(SCRIPT))["main"](arguments)
    rows = json.loads((tmp_path / "found.json").read_text())["workers"]
    assert [item["workers"] for item in rows] == ["1 on one core", "1", "2"]
    for item in rows:
        assert item["cpu_s"] > 0
        assert item["times_one_core"] == pytest.approx(rows[0]["wall_s"] / item["wall_s"])
    assert "times one core" in capsys.readouterr().out
