"""Page and catalogue of metrics of classification keep up with the code; examples and benchmarks run."""

from __future__ import annotations

import importlib
import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from veriscope.validate.confidence import brier, calibration_error, conformal, reliability, risk_coverage
from veriscope.validate.metrics.classification import calibration, confusion, multi_threshold, per_class
from veriscope.validate.metrics.classification.catalogue import DESCRIPTIONS
from veriscope.validate.metrics.description import Description
from veriscope.validate.recalibration import cross_calibration, curves, recalibrator, venn_abers

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "reference" / "metrics-classification.md").read_text(encoding="utf-8")
TOOLS = {"check_confusion", "confusion_matrix", "one_versus_rest", "decisions_by_threshold", "bin_index"}
TOOLS |= {"top_label", "mean_by_unit", "brier_by_case", "checked_outcomes"}
METRICS = (confusion, per_class, multi_threshold, calibration, reliability, risk_coverage, conformal)
OTHERS = (brier, calibration_error, cross_calibration, curves, recalibrator, venn_abers)


def functions(modules: tuple[Any, ...]) -> list[str]:
    return [name for module in modules for name in module.__all__ if name.islower() and name not in TOOLS]


NAMES = functions((*METRICS, *OTHERS))


@pytest.mark.parametrize("name", NAMES)
def test_every_function_has_its_row(name: str) -> None:
    assert len(re.findall(rf"^\| `{name}` \|", PAGE, re.MULTILINE)) == 1


def test_no_row_without_its_function() -> None:
    assert sorted(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == sorted(NAMES)


def test_every_metric_is_described() -> None:
    assert sorted(each.key for each in DESCRIPTIONS) == sorted(functions(METRICS))


@pytest.mark.parametrize("each", DESCRIPTIONS, ids=lambda each: each.key)
def test_descriptions_fit_code_and_page(each: Description) -> None:
    module, name = each.function.rsplit(".", 1)
    assert callable(getattr(importlib.import_module(f"veriscope.validate.{module}"), name))
    assert name == each.key and each.low < each.high and each.low <= each.best <= each.high
    if each.function.startswith("metrics."):
        assert f"| `{each.key}` | {each.formula} |" in PAGE


def test_the_examples_run() -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["balanced_accuracy"](names["counts"]) == pytest.approx((3 / 4 + 1 + 1 / 2) / 3)
    interval = names["interval"]
    assert interval.n_units == 4 and 0 < interval.low < interval.value < interval.high < 1
    assert names["calibrated"].verdict == "helped"


def test_quick_agreement_with_peers() -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "science" / "metric_agreement" / "classification.py"))
    found = script["rows"](quick=True)
    assert {each.key for each in DESCRIPTIONS} <= {row["metric"] for row in found}
    assert all(row["n_cases"] > 0 and row["max_difference"] < row["tolerance"] for row in found)


def test_quick_coverage_of_calibration_errors(tmp_path: Path) -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "science" / "calibration_coverage.py"))
    script["main"](["--quick", "--json", str(tmp_path / "c.json")])
    calibrated, sure = json.loads((tmp_path / "c.json").read_text())["rows"]
    for row in (calibrated, sure):
        assert min(row[key]["coverage"] for key in ("ece", "class_wise", "brier")) >= 0.8
    assert calibrated["ece"]["shown"] <= 0.1 and sure["ece"]["shown"] >= 0.9
