"""The benchmarks of engines and precisions run."""

import json
import runpy
from pathlib import Path

import pytest

from veriscope.methods.networks.engines import ENGINES

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.mark.slow
def test_engines_are_timed_and_their_outputs_compared(tmp_path: Path) -> None:
    script = runpy.run_path(str(BENCHMARKS / "speed" / "engines.py"))
    options = ["--quick", "--data", str(tmp_path / "none"), "--json", str(tmp_path / "out.json")]
    assert script["main"](options) == 0
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert {row["engine"] for row in rows} == {name for name, item in ENGINES.items() if item.installed()}
    assert rows[0]["ratio"] == 1
    assert all(row["largest"] < 1e-3 and row["f1_09"] == 1 for row in rows if row["precision"] == "float32")
    assert all(row["mean"] < 0.03 and row["f1_05"] > 0.9 for row in rows)


@pytest.mark.slow
@pytest.mark.real_data
def test_precisions_are_judged_on_real_images(data_dir: Path, tmp_path: Path) -> None:
    script = runpy.run_path(str(BENCHMARKS / "science" / "nuclei_precision.py"))
    assert script["main"](["--data", str(data_dir), "--quick", "--json", str(tmp_path / "out.json")]) == 0
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    found = {row["candidate"]: row for row in rows}
    assert found["onnxruntime int8"]["values"]["f1@0.5"]["value"] > 0.9
    assert abs(found["onnxruntime int8"]["differences"]["f1@0.5"]["value"]) < 0.02
