"""The page of metrics of tracking keeps up with the code, and its example runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from veriscope.validate.metrics.description import Description
from veriscope.validate.metrics.tracking.catalogue import DESCRIPTIONS

PAGE = (Path(__file__).parents[4] / "docs" / "reference" / "metrics-tracking.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("each", DESCRIPTIONS, ids=lambda each: each.key)
def test_every_metric_has_its_row(each: Description) -> None:
    assert f"| `{each.key}` | {each.formula} |" in PAGE


def test_the_example_runs() -> None:
    names: dict[str, Any] = {}
    exec("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), names)
    found = names["found"]
    assert found.metrics["det"].value == 1 and found.metrics["division_f1"].value == 0
    assert [error.kind for error in found.sequences[0].links] == ["missing", "wrong"]
