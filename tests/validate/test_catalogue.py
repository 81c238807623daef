"""Every metric of the catalogue can be looked up, understood, computed and recommended."""

from __future__ import annotations

import json
import math
from collections import Counter
from importlib import import_module

import pytest

from veriscope.errors import InputError
from veriscope.validate.catalogue import FAMILIES, catalogue, describe_metric
from veriscope.validate.fingerprint.choices import METRICS_OF
from veriscope.validate.fingerprint.items import CATEGORIES
from veriscope.validate.metrics.description import Description

ALL = [
    pytest.param(item, id=f"{family}-{item.key}")
    for family in FAMILIES
    for item in import_module(f"veriscope.validate.metrics.{family}.catalogue").DESCRIPTIONS
]


def bare(key: str) -> str:
    return key.partition("@")[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_keys_are_unique_within_a_family(family: str) -> None:
    listed = import_module(f"veriscope.validate.metrics.{family}.catalogue").DESCRIPTIONS
    assert listed
    assert not [key for key, n in Counter(item.key for item in listed).items() if n > 1]


@pytest.mark.parametrize("item", ALL)
def test_everything_a_user_has_to_know_is_said(item: Description) -> None:
    for text in (item.key, item.name, item.formula, item.empty, item.use, item.avoid, item.source):
        assert text.strip() == text != ""
        assert "\n" not in text
    assert item.tasks
    assert set(item.tasks) <= set(CATEGORIES)


@pytest.mark.parametrize("item", ALL)
def test_range_and_direction_agree(item: Description) -> None:
    assert item.low < item.high
    assert item.low <= item.best <= item.high
    expected = {item.high: "higher is better", item.low: "lower is better"}
    assert item.direction == expected.get(item.best, f"closer to {item.best:g} is better")
    if item.direction.startswith("closer"):
        assert math.isfinite(item.best)


@pytest.mark.parametrize("item", ALL)
def test_the_function_that_computes_it_exists(item: Description) -> None:
    module, _, name = item.function.rpartition(".")
    found = getattr(import_module(f"veriscope.validate.{module}"), name)
    assert callable(found)
    assert found.__doc__


@pytest.mark.parametrize("item", ALL)
def test_it_can_be_written_as_json(item: Description) -> None:
    found = json.loads(json.dumps(item.to_dict(), allow_nan=False))
    assert found["key"] == item.key
    assert found["direction"] == item.direction
    assert (found["high"] is None) == math.isinf(item.high)


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_metric_that_may_be_recommended_is_described(category: str) -> None:
    described = {bare(item.key) for item in catalogue(task=category)}
    assert {bare(key) for key in METRICS_OF[category]} - described == set()


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_task_lists_its_metrics_alone(category: str) -> None:
    found = catalogue(task=category)
    assert found
    assert all(category in item.tasks for item in found)
    assert set(found) <= set(catalogue())


def test_a_metric_is_found_by_key_threshold_or_name() -> None:
    assert {item.key for item in describe_metric("nsd")} == {"nsd"}
    assert {bare(item.key) for item in describe_metric("F1@0.85")} == {"f1"}
    assert {item.key for item in describe_metric("hausdorff")} >= {"hausdorff"}
    assert "aji" in {bare(item.key) for item in describe_metric("jaccard")}
    assert {item.key for item in describe_metric("Hausdorff distance")} <= {
        item.key for item in catalogue() if "ausdorff distance" in item.name
    }


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(InputError) as caught:
        describe_metric("beauty")
    assert str(caught.value) == "there is no metric 'beauty'; veriscope metrics lists all"
    with pytest.raises(InputError) as caught:
        catalogue(task="counting")
    assert str(caught.value) == (
        "there is no task 'counting'; the tasks are classification, semantic, detection, instance, "
        "restoration, tracking"
    )
