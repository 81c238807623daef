"""From objects to totals: by hand, over any tiles, and never from a column that holds no numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import TableError
from veriscope.trust.tiles import split_into_tiles
from veriscope.workflow.quantities import answer_unit, sum_tiles
from veriscope.workflow.question import MEASURES, Question

SHAPE = (40, 60)


def table(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "image_id": ["a"] * n,
            "group": ["all"] * n,
            "label": np.arange(1, n + 1),
            "centroid-y": rng.uniform(0, SHAPE[0] - 1, n),
            "centroid-x": rng.uniform(0, SHAPE[1] - 1, n),
            "area": rng.integers(1, 50, n).astype(float),
            "mean_intensity": rng.uniform(0, 9, n),
            "touches_border": rng.random(n) < 0.5,
        }
    )


WRITTEN = [text.replace("COLUMN", "area").replace("VALUE", "20") for text in MEASURES]


@given(st.integers(0, 30), st.integers(16, 70), st.sampled_from(WRITTEN), st.integers(0, 5))
def test_tiles_of_any_size_add_up_to_the_image(n: int, size: int, measure: str, seed: int) -> None:
    question, objects = Question.from_text(measure), table(n, seed)
    whole = sum_tiles(objects, split_into_tiles(SHAPE, size=60), question, pixel_area=0.25)
    parts = sum_tiles(objects, split_into_tiles(SHAPE, size=size), question, pixel_area=0.25)
    assert parts.numerator.sum() == pytest.approx(whole.numerator.sum())
    assert parts.count.sum() == n
    assert (parts.denominator is None) == (whole.denominator is None) == question.is_total
    if parts.denominator is not None and whole.denominator is not None:
        assert parts.denominator.sum() == pytest.approx(whole.denominator.sum())


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("count", 12),
        ("density", 12 / (40 * 60 * 0.25)),
        ("mean-area", None),
        ("mean:touches_border", None),
        ("total-area", None),
        ("area-fraction", None),
        ("fraction:area>20", None),
        ("fraction:area<20", None),
    ],
)
def test_measures_are_those_of_the_table(measure: str, expected: float | None) -> None:
    objects = table(12)
    area = objects["area"]
    by_hand = {
        "mean-area": area.mean(),
        "mean:touches_border": objects["touches_border"].mean(),
        "total-area": area.sum(),
        "area-fraction": area.sum() / (40 * 60 * 0.25),
        "fraction:area>20": (area > 20).mean(),
        "fraction:area<20": (area < 20).mean(),
    }
    sums = sum_tiles(objects, split_into_tiles(SHAPE, size=60), Question.from_text(measure), pixel_area=0.25)
    below = 1 if sums.denominator is None else sums.denominator.sum()
    assert sums.numerator.sum() / below == pytest.approx(by_hand.get(measure, expected))


@pytest.mark.parametrize("measure", ["mean:group", "mean:image_id", "fraction:group>1", "mean:aera"])
def test_a_column_without_numbers_is_refused_and_those_with_are_named(measure: str) -> None:
    """The mean of the group used to end in a traceback, after the candidates had run."""
    question = Question.from_text(measure)
    with pytest.raises(TableError) as caught:
        sum_tiles(table(3), split_into_tiles(SHAPE, size=60), question, pixel_area=1.0)
    assert str(caught.value) == (
        f"column {question.column!r} was not measured; columns are: label, centroid-y, centroid-x, area, "
        "mean_intensity, touches_border"
    )


@pytest.mark.parametrize("measure", ["mean-area", "fraction:area>20", "fraction:area<20", "total-area"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_objects_without_a_number_do_not_count_as_nothing(measure: str, value: float) -> None:
    """Perimeters of pixels that are not square are not known; they used to be below every limit."""
    objects = table(5)
    objects.loc[1:2, "area"] = value
    with pytest.raises(TableError) as caught:
        sum_tiles(objects, split_into_tiles(SHAPE, size=60), Question.from_text(measure), pixel_area=1.0)
    assert str(caught.value) == (
        "column 'area' has no number for 2 of 5 objects, so they would count as nothing; ask of another "
        "column"
    )


@pytest.mark.parametrize(
    ("measure", "calibrated", "unit"),
    [
        ("count", True, ""),
        ("density", True, "per µm²"),
        ("density", False, "per px"),
        ("total-area", False, "px"),
        ("area-fraction", True, ""),
        ("fraction:area>20", True, ""),
        ("mean-area", True, "µm²"),
        ("mean:eccentricity", True, ""),
    ],
)
def test_units_of_answers(measure: str, calibrated: bool, unit: str) -> None:
    question = Question.from_text(measure)
    assert answer_unit(question, calibrated=calibrated, units={"area": "µm²", "eccentricity": ""}) == unit
