"""The page of metrics of masks keeps up with the code, and the code with its list."""

from __future__ import annotations

import json
import runpy
from math import inf, isnan
from pathlib import Path

import pytest

from veriscope.validate.metrics.semantic import boundary, centreline, overlap
from veriscope.validate.metrics.semantic.catalogue import SEMANTIC_METRICS, SemanticMetric

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "reference" / "metrics-semantic.md"


def shown(value: float) -> str:
    return "–" if isnan(value) else "infinite" if value == inf else f"{value:g}"


@pytest.mark.parametrize("metric", SEMANTIC_METRICS, ids=lambda metric: metric.name)
def test_every_metric_is_documented(metric: SemanticMetric) -> None:
    reach = f"{metric.low:g} up" if metric.high == inf else f"{metric.low:g} to {metric.high:g}"
    cells = [
        f"`{metric.name}`",
        metric.formula,
        reach,
        shown(metric.best),
        shown(metric.both_empty),
        shown(metric.one_empty),
    ]
    assert f"| {' | '.join(cells)} |" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("metric", SEMANTIC_METRICS, ids=lambda metric: metric.name)
def test_every_metric_listed_is_a_function(metric: SemanticMetric) -> None:
    assert (
        sum(callable(getattr(module, metric.name, None)) for module in (overlap, centreline, boundary)) == 1
    )


def test_quick_boundary_benchmark(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "speed" / "boundary.py"))
    script["main"](["--quick", "--json", str(tmp_path / "b.json")])
    (case,) = json.loads((tmp_path / "b.json").read_text())["cases"]
    assert case["n_matches"] > 20
    assert case["masks_ratio"] > 0


def test_quick_agreement_with_other_implementations() -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "science" / "metric_agreement" / "semantic.py"))
    found = script["rows"](quick=True)
    here = [row for row in found if row["peer"].startswith(("scikit", "brute force"))]
    assert {row["metric"] for row in here} == {metric.name for metric in SEMANTIC_METRICS}
    assert all(row["n_cases"] >= 40 for row in here)
    assert all(row["max_difference"] <= row["tolerance"] for row in found)
