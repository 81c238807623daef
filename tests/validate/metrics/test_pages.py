"""Pages of metrics keep up with their catalogues, and the catalogues with the code."""

from __future__ import annotations

from importlib import import_module
from math import inf
from pathlib import Path

import pytest

from veriscope.validate.catalogue import catalogue
from veriscope.validate.fingerprint.items import CATEGORIES
from veriscope.validate.metrics.description import Description
from veriscope.validate.metrics.restoration.catalogue import DESCRIPTIONS as RESTORATION
from veriscope.validate.metrics.topology.catalogue import DESCRIPTIONS as TOPOLOGY

PAGES = Path(__file__).parents[3] / "docs" / "reference"
LISTED = [("restoration", each) for each in RESTORATION] + [("topology", each) for each in TOPOLOGY]


def reach(low: float, high: float) -> str:
    if high == inf:
        return "any" if low == -inf else f"{low:g} up"
    return f"{low:g} to {high:g}"


@pytest.mark.parametrize(("page", "metric"), LISTED, ids=[metric.key for _, metric in LISTED])
def test_every_metric_has_its_row(page: str, metric: Description) -> None:
    best = "infinite" if metric.best == inf else f"{metric.best:g}"
    formula = metric.formula.replace("|", "\\|")
    line = f"| `{metric.key}` | {formula} | {reach(metric.low, metric.high)} | {best} | {metric.empty} |"
    assert line in (PAGES / f"metrics-{page}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("metric", [m for _, m in LISTED], ids=lambda metric: metric.key)
def test_a_key_begins_with_the_name_of_its_function(metric: Description) -> None:
    assert metric.key.startswith(metric.function.rsplit(".", 1)[1])


@pytest.mark.parametrize("metric", catalogue(), ids=lambda metric: f"{metric.function}:{metric.key}")
def test_every_metric_listed_is_a_function_of_a_known_task(metric: Description) -> None:
    module, name = metric.function.rsplit(".", 1)
    assert callable(getattr(import_module(f"veriscope.validate.{module}"), name))
    assert metric.tasks and set(metric.tasks) <= set(CATEGORIES)


@pytest.mark.parametrize("family", [RESTORATION, TOPOLOGY], ids=["restoration", "topology"])
def test_keys_are_unique(family: tuple[Description, ...]) -> None:
    assert len({metric.key for metric in family}) == len(family)
