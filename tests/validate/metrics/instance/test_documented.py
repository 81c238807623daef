"""The page of metrics and the benchmarks of this package keep up with the code."""

from __future__ import annotations

import json
import runpy
from importlib import import_module
from pathlib import Path

import pytest

from veriscope.validate.metrics.description import Description
from veriscope.validate.metrics.instance.catalogue import DESCRIPTIONS, instance_metrics

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("keyed", instance_metrics([0.5]), ids=lambda keyed: keyed.key)
def test_every_metric_is_documented_with_its_formula(keyed: object) -> None:
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    key = keyed.key.replace("@0.5", "@T")  # type: ignore[attr-defined]
    assert f"| `{key}` | {keyed.metric.formula} |" in page  # type: ignore[attr-defined]


def test_quick_matching_benchmark(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "speed" / "matching.py"))
    script["main"](["--quick", "--json", str(tmp_path / "m.json")])
    (case,) = json.loads((tmp_path / "m.json").read_text())["cases"]
    assert case["tp"] > 20
    assert case["memory_mb"] < 5


def test_quick_report_benchmark(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "speed" / "metrics.py"))
    script["main"](["--quick", "--json", str(tmp_path / "m.json")])
    (case,) = json.loads((tmp_path / "m.json").read_text())["cases"]
    assert case["memory_mb"] < 5
    assert set(case["peers"]) == {"stardist-matching", "cellpose-metrics", "panoptica"}


def test_every_metric_agrees_with_an_independent_implementation() -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "science" / "metric_agreement" / "instance.py"))
    rows = script["rows"](quick=True)
    assert all(row["max_difference"] <= row["tolerance"] for row in rows)
    assert all(row["n_cases"] or "not installed" in row["explained"] for row in rows)
    checked = {row["metric"].split("@")[0] for row in rows}
    assert {keyed.metric.name for keyed in instance_metrics([0.5])} <= checked


@pytest.mark.parametrize("description", DESCRIPTIONS, ids=lambda description: description.key)
def test_descriptions_lead_to_their_functions(description: Description) -> None:
    module, name = description.function.rsplit(".", 1)
    assert callable(getattr(import_module(f"veriscope.validate.{module}"), name))
    assert description.use.endswith(".")
    assert description.avoid.endswith(".")


def test_every_metric_is_described_once() -> None:
    keys = [keyed.key.replace("@0.5", "@T") for keyed in instance_metrics([0.5])]
    assert [description.key for description in DESCRIPTIONS] == keys


def test_large_images_take_little_memory() -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "speed" / "matching.py"))
    reference, prediction = script["make_pair"](script["Case"]("", (1024, 4096), 3000))
    peak = script["peak_memory"](lambda: script["match"](script["contingency"](reference, prediction)))
    assert peak < 10


def test_quick_coverage_benchmark(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "science" / "interval_coverage.py"))
    script["main"](["--quick", "--json", str(tmp_path / "m.json")])
    rows = json.loads((tmp_path / "m.json").read_text())["rows"]
    assert len(rows) == 3
    assert all(row["ours"]["coverage"] > 0.85 for row in rows)
    assert all(row["by object"]["coverage"] < row["ours"]["coverage"] for row in rows)
