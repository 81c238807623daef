"""The list of columns and the page made from it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import skimage.measure

from veriscope.measure.columns import COLUMNS, PROPERTIES, columns_of, markdown
from veriscope.measure.table import measure_objects

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "measurements.md"


def test_page_holds_the_generated_table() -> None:
    assert markdown() in PAGE.read_text(encoding="utf-8")


def test_example_of_the_page_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(code, {})


def test_counterparts_exist_in_skimage() -> None:
    labels = np.ones((3, 3), dtype=np.int32)
    names = [item.skimage for item in PROPERTIES if item.skimage]
    table = skimage.measure.regionprops_table(labels, labels.astype(float), properties=tuple(set(names)))
    assert len(table) >= len(set(names))


def test_every_name_can_be_chosen_alone() -> None:
    labels = np.ones((4, 4), dtype=np.int32)
    for name in COLUMNS:
        if not name.startswith("volume") and not name.endswith("_intensity"):
            frame = measure_objects(labels, properties=[name]).frame
            assert all(column == "label" or column.startswith(name) for column in frame)


def test_names_are_unique_for_any_image() -> None:
    for axes in ("yx", "zyx"):
        chosen = [item for item in PROPERTIES if len(axes) in item.dimensions]
        names = [c.name for c in columns_of(chosen, axes=axes, channels=("a", "b"), calibrated=True)]
        assert len(set(names)) == len(names)
