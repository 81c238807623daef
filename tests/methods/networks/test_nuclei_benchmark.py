"""The benchmark of the network runs, and its goals hold where the quick form can tell."""

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.real_data
def test_the_benchmark_runs_and_writes_its_figures(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "science" / "nuclei_fluorescence.py"))
    assert script["main"](["--data", str(data_dir), "--quick", "--json", str(tmp_path / "out.json")]) == 0
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["schema"] == "veriscope/benchmark-nuclei-fluorescence/1"
    assert result["rows"][0]["n"] == 3
    assert result["goals_reached"] == {"f1@0.5": True, "ap@0.5": True, "f1@0.7": True}
    assert "Cellpose 3.1" in capsys.readouterr().out
