"""The speed benchmark runs, and finds the values of scikit-image."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "speed" / "measure.py"


def test_quick_benchmark_agrees_with_skimage(tmp_path: Path) -> None:
    runpy.run_path(str(SCRIPT))["main"](["--quick", "--json", str(tmp_path / "m.json")])
    record = json.loads((tmp_path / "m.json").read_text())
    (case,) = record["cases"]
    assert case["n_objects"] > 20
    assert case["largest_relative_difference"] < 1e-9
    assert case["ratio"] > 2  # 8 to 10 measured; small images gain least
