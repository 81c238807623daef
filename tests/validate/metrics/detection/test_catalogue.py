"""The catalogue of detection metrics keeps up with the code and with its page."""

from __future__ import annotations

from importlib import import_module
from math import inf
from pathlib import Path
from typing import get_args

import pytest

from veriscope.validate.fingerprint.choices import METRICS_OF
from veriscope.validate.fingerprint.items import CATEGORIES
from veriscope.validate.localise.objects import CriterionKey
from veriscope.validate.metrics.description import Description
from veriscope.validate.metrics.detection.catalogue import CRITERIA, DESCRIPTIONS, METRICS

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "metrics-detection.md"


@pytest.mark.parametrize("item", DESCRIPTIONS, ids=lambda item: item.key)
def test_every_description_is_true_to_the_code(item: Description) -> None:
    module, name = item.function.rsplit(".", 1)
    assert callable(getattr(import_module(f"veriscope.validate.{module}"), name))
    assert set(item.tasks) <= set(CATEGORIES)
    assert item.direction in {"higher is better", "lower is better", "closer to 0 is better"}


@pytest.mark.parametrize("item", DESCRIPTIONS, ids=lambda item: item.key)
def test_every_description_is_on_the_page(item: Description) -> None:
    reach = f"{item.low:g} up" if item.high == inf else f"{item.low:g} to {item.high:g}"
    cells = [f"`{item.key}`", item.formula, reach, f"{item.best:g}", item.empty]
    if item in CRITERIA:
        cells = [f"`{item.key}`", item.formula, item.use, item.avoid]
    assert f"| {' | '.join(cells)} |" in PAGE.read_text(encoding="utf-8")


def test_all_that_may_be_chosen_is_described() -> None:
    calibration = {"brier_score", "class_wise_calibration_error"}
    assert METRICS_OF["detection"] - calibration <= {item.key for item in METRICS}
    assert {item.key for item in CRITERIA} == set(get_args(CriterionKey))
