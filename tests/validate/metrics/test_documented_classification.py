"""The page of metrics of classification keeps up with the code, and its examples run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from veriscope.validate import confidence
from veriscope.validate.metrics.classification import calibration, confusion, multi_threshold, per_class

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "metrics-classification.md").read_text(
    encoding="utf-8"
)
TOOLS = {"check_confusion", "confusion_matrix", "one_versus_rest", "decisions_by_threshold", "bin_index"}
TOOLS |= {"top_label"}
MODULES = (confusion, per_class, multi_threshold, calibration, confidence)
NAMES = [name for module in MODULES for name in module.__all__ if name.islower() and name not in TOOLS]


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_has_its_row(name: str) -> None:
    assert len(re.findall(rf"^\| `{name}` \|", PAGE, re.MULTILINE)) == 1


def test_no_row_without_its_metric() -> None:
    assert sorted(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == sorted(NAMES)


def test_the_examples_run() -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["balanced_accuracy"](names["counts"]) == pytest.approx((3 / 4 + 1 + 1 / 2) / 3)
    interval = names["interval"]
    assert interval.n_units == 4 and 0 < interval.low < interval.value < interval.high < 1
