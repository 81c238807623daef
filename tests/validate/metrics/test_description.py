"""What a user is told about a metric: the direction in words, and plain values."""

from __future__ import annotations

import json
from dataclasses import replace
from math import inf, nan

import pytest

from veriscope.validate.catalogue import catalogue
from veriscope.validate.metrics.description import Description

METRIC = Description(
    key="x",
    name="An X",
    tasks=("semantic", "instance"),
    formula="a / b",
    low=0.0,
    high=1.0,
    best=1.0,
    empty="undefined",
    use="Often.",
    avoid="Seldom.",
    source="Someone (1900)",
    function="metrics.x.x",
)


@pytest.mark.parametrize(
    ("low", "high", "best", "direction"),
    [
        (0.0, 1.0, 1.0, "higher is better"),
        (-inf, inf, inf, "higher is better"),
        (0.0, inf, 0.0, "lower is better"),
        (-1.0, inf, 0.0, "closer to 0 is better"),
        (0.0, inf, 1.0, "closer to 1 is better"),
        (0.0, 3.0, 0.25, "closer to 0.25 is better"),
    ],
)
def test_the_direction_follows_from_the_best_value(
    low: float, high: float, best: float, direction: str
) -> None:
    assert replace(METRIC, low=low, high=high, best=best).direction == direction


def test_plain_values_have_every_field_and_no_infinity() -> None:
    plain = replace(METRIC, low=-inf, high=inf, best=inf).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == {
        "key": "x",
        "name": "An X",
        "tasks": ["semantic", "instance"],
        "formula": "a / b",
        "low": None,
        "high": None,
        "best": None,
        "empty": "undefined",
        "use": "Often.",
        "avoid": "Seldom.",
        "source": "Someone (1900)",
        "function": "metrics.x.x",
        "direction": "higher is better",
    }
    assert replace(METRIC, low=nan).to_dict()["low"] is None
    assert replace(METRIC, low=0.0).to_dict()["low"] == 0.0  # nothing is a number


@pytest.mark.parametrize("each", catalogue(), ids=lambda each: f"{each.function}:{each.key}")
def test_every_metric_is_told_in_whole_sentences_with_its_source(each: Description) -> None:
    assert each.low < each.high and each.low <= each.best <= each.high
    assert each.use.endswith(".") and each.avoid.endswith(".")
    assert not each.empty.endswith(".") and each.empty
    assert len(each.formula) > 3 and each.source
    assert json.dumps(each.to_dict(), allow_nan=False)
