"""The benchmark of prediction in parts runs, compares every pixel, and writes its figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "speed" / "predict.py"


def test_the_quick_form_runs(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--quick", "--methods", "otsu-watershed"]
    command += ["--folder", str(tmp_path), "--json", str(tmp_path / "b.json")]
    subprocess.run(command, check=True, capture_output=True)
    record = json.loads((tmp_path / "b.json").read_text())
    assert record["schema"] == "veriscope/benchmark-predict/1"
    whole, parts = record["rows"]
    assert whole["n_objects"] == parts["n_objects"] > 200
    assert parts["peak_mb"] > 50
    assert float(parts["ratio"]) > 0
    subprocess.run(command, check=True, capture_output=True)
    again = json.loads((tmp_path / "b.json").read_text())["rows"][1]
    # What is in the folder is not done again, and its row says what it took then.
    kept = ("n_objects", "tile", "n_parts", "n_parts_now")
    assert {name: again[name] for name in kept} == {name: parts[name] for name in kept}
    assert 0 < again["cpu_s"] <= parts["cpu_s"]


def test_a_peak_is_that_of_the_prediction_and_not_of_the_process_that_started_it() -> None:
    """Images were made by the one that started it, in more memory the larger they are: so peaks grew too."""
    asked = f"import runpy; print(runpy.run_path({str(SCRIPT)!r})['_most_held']())"
    starts = (
        "import subprocess, sys; most = len(b'x' * (600 << 20)); "
        f"subprocess.run([sys.executable, '-c', {asked!r}], check=True)"
    )
    done = subprocess.run([sys.executable, "-c", starts], check=True, capture_output=True, text=True)
    assert 30 << 20 < int(done.stdout) < 400 << 20
