"""The benchmark of the steps from outputs to objects runs, and its simulated outputs lead to the objects."""

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def test_the_quick_form_runs_every_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "speed" / "instances.py"))
    script["main"](["--quick", "--json", str(tmp_path / "out.json")])
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["schema"] == "veriscope/benchmark-instances/1"
    steps = [row["step"].split(" (")[0] for row in found["rows"]]
    assert steps == ["star: choose", "star: draw", "flow: follow", "flow: join", "watershed from seeds"]
    assert all(row["cpu_s"] > 0 for row in found["rows"])
    assert found["rows"][-1]["differing"] == 0
    assert "scikit-image" in capsys.readouterr().out
