"""The page of metrics of this family keeps up with its catalogue, and the catalogue with the code."""

from __future__ import annotations

from importlib import import_module
from math import inf
from pathlib import Path

import pytest

from veriscope.validate.fingerprint.items import CATEGORIES
from veriscope.validate.metrics.description import Description
from veriscope.validate.metrics.restoration.catalogue import DESCRIPTIONS

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "metrics-restoration.md"


@pytest.mark.parametrize("metric", DESCRIPTIONS, ids=lambda metric: metric.key)
def test_every_metric_is_documented(metric: Description) -> None:
    upward = "any" if metric.low == -inf else f"{metric.low:g} up"
    reach = upward if metric.high == inf else f"{metric.low:g} to {metric.high:g}"
    best = "infinite" if metric.best == inf else f"{metric.best:g}"
    formula = metric.formula.replace("|", "\\|")
    line = f"| `{metric.key}` | {formula} | {reach} | {best} | {metric.empty} |"
    assert line in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("metric", DESCRIPTIONS, ids=lambda metric: metric.key)
def test_every_metric_listed_is_a_function_of_a_known_task(metric: Description) -> None:
    module, name = metric.function.rsplit(".", 1)
    assert callable(getattr(import_module(f"veriscope.validate.{module}"), name))
    assert metric.key.startswith(name)
    assert set(metric.tasks) <= set(CATEGORIES)


def test_keys_are_unique() -> None:
    keys = [metric.key for metric in DESCRIPTIONS]
    assert len(set(keys)) == len(keys)
