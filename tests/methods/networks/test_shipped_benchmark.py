"""The benchmark of the shipped networks runs, and its goals hold where the quick form can tell."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from veriscope.core.image import Image

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = runpy.run_path(str(ROOT / "benchmarks" / "science" / "shipped_networks.py"))


@pytest.mark.real_data
def test_the_benchmark_runs_and_writes_its_figures(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--network", "nuclei-fluorescence", "--quick", "--json", str(tmp_path / "out.json")]
    assert SCRIPT["main"](["--data", str(data_dir), *options]) == 0
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["schema"] == "veriscope/benchmark-shipped-networks/1"
    ours, rule, other, _ = result["rows"]
    assert (ours["method"], ours["set"], ours["n"]) == ("nuclei-fluorescence", "dsb2018_fluorescence", 2)
    assert rule["beside"] == "nuclei-fluorescence" and rule["method"] in SCRIPT["RULES"]
    assert other["set"] == "stardist_demo" and not other["elsewhere"]
    assert ours["f1@0.5"][0] > 0.85
    assert "best of 3" in capsys.readouterr().out


def test_points_count_once_and_objects_without_points_are_wrong() -> None:
    labels = np.zeros((20, 40), np.int32)
    labels[2:8, 2:8], labels[2:8, 12:18], labels[2:8, 22:28] = 1, 2, 3
    points = np.array([[4.0, 4.0], [5.0, 5.0], [4.0, 14.0], [15.0, 30.0]])
    case = SCRIPT["Case"](Image(labels, "yx"), None, points)
    row = SCRIPT["score_points"]([case], [labels])
    assert row["precision"] == pytest.approx(2 / 3, abs=1e-4)
    assert row["recall"] == 0.5
    assert row["f1 of points"] == pytest.approx(4 / 7, abs=1e-4)
    assert row["count_errors"] == [-0.25]
