"""From objects to totals: each object belongs to one tile, and tiles add up to their image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError, TableError
from veriscope.trust.tiles import split_into_tiles
from veriscope.workflow.quantities import answer_unit, require_correctable, sum_tiles, tile_areas
from veriscope.workflow.question import MEASURES, Question, parse_tolerance

SHAPE = (90, 120)
MEASURED = [
    "count",
    "density",
    "total-area",
    "area-fraction",
    "mean-area",
    "fraction:area>50",
    "fraction:area<50",
]


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    n = draw(st.integers(0, 25))
    dice = np.random.default_rng(draw(st.integers(0, 2**32)))
    return pd.DataFrame(
        {
            "centroid-y": dice.uniform(-0.5, SHAPE[0] - 0.5, n),
            "centroid-x": dice.uniform(-0.5, SHAPE[1] - 0.5, n),
            "area": dice.uniform(1, 100, n),
            "mean_intensity": dice.normal(0, 10, n),
            "name": [f"object {number}" for number in range(n)],
        }
    )


@pytest.mark.parametrize("measure", MEASURED)
@settings(max_examples=20)
@given(table=tables(), size=st.integers(16, 130))
def test_tiles_add_up_to_the_image(measure: str, table: pd.DataFrame, size: int) -> None:
    question = Question.from_text(measure)
    whole = sum_tiles(table, split_into_tiles(SHAPE, size=200), question, pixel_area=0.25)
    parts = sum_tiles(table, split_into_tiles(SHAPE, size=size), question, pixel_area=0.25)
    assert parts.numerator.sum() == pytest.approx(whole.numerator[0])
    assert parts.count.sum() == whole.count[0] == len(table)
    if whole.denominator is None:
        assert parts.denominator is None
    else:
        assert parts.denominator is not None
        assert parts.denominator.sum() == pytest.approx(whole.denominator[0])


@settings(max_examples=20)
@given(tables(), st.permutations(range(25)))
def test_the_order_of_objects_does_not_matter(table: pd.DataFrame, order: list[int]) -> None:
    tiles = split_into_tiles(SHAPE, size=40)
    mixed = table.iloc[[at for at in order if at < len(table)]]
    for measure in MEASURED:
        one, two = (sum_tiles(t, tiles, Question.from_text(measure), pixel_area=1.0) for t in (table, mixed))
        assert one.numerator == pytest.approx(two.numerator)


@settings(max_examples=20)
@given(tables())
def test_the_two_sides_of_a_threshold_are_all_objects(table: pd.DataFrame) -> None:
    tiles = split_into_tiles(SHAPE, size=40)
    above, below = (
        sum_tiles(table, tiles, Question.from_text(f"fraction:area{sign}50.5"), pixel_area=1.0)
        for sign in "<>"
    )
    assert (above.numerator + below.numerator == above.count).all()  # none is just as large


def test_answers_of_each_measure_by_hand() -> None:
    table = pd.DataFrame(
        {
            "centroid-y": [5, 6, 80],
            "centroid-x": [5, 100, 100],
            "area": [10.0, 30.0, 50.0],
            "label": [1, 2, 3],
        }
    )
    tiles = split_into_tiles(SHAPE, size=60)
    answers: dict[str, tuple[list[float], list[float] | None]] = {
        "count": ([1, 1, 0, 1], None),
        "density": ([1, 1, 0, 1], [675, 675, 675, 675]),
        "total-area": ([10, 30, 0, 50], None),
        "area-fraction": ([10, 30, 0, 50], [675, 675, 675, 675]),
        "mean-area": ([10, 30, 0, 50], [1, 1, 0, 1]),
        "fraction:area>20": ([0, 1, 0, 1], [1, 1, 0, 1]),
    }
    for measure, (above, below) in answers.items():
        found = sum_tiles(table, tiles, Question.from_text(measure), pixel_area=0.25)
        assert found.numerator.tolist() == above, measure
        assert (None if found.denominator is None else found.denominator.tolist()) == below, measure
    assert tile_areas(tiles, 0.25).tolist() == [675, 675, 675, 675]


@pytest.mark.parametrize("column", ["nope", "name", "AREA", ""])
def test_a_column_that_holds_no_numbers_is_named_with_those_that_do(column: str) -> None:
    table = pd.DataFrame({"centroid-y": [1.0], "centroid-x": [1.0], "area": [1.0], "name": ["x"]})
    question = Question.model_construct(measure="mean", column=column)
    with pytest.raises(TableError) as caught:
        sum_tiles(table, split_into_tiles(SHAPE, size=60), question, pixel_area=1.0)
    assert str(caught.value) == (
        f"column {column!r} was not measured; columns are: centroid-y, centroid-x, area"
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_object_without_a_number_does_not_count_as_nothing(value: float) -> None:
    table = pd.DataFrame({"centroid-y": [1.0, 2], "centroid-x": [1.0, 2], "solidity": [1.0, value]})
    with pytest.raises(TableError, match="has no number for 1 of 2 objects, so they would count as nothing"):
        sum_tiles(
            table, split_into_tiles(SHAPE, size=60), Question.from_text("mean:solidity"), pixel_area=1.0
        )
    counted = sum_tiles(table, split_into_tiles(SHAPE, size=200), Question.from_text("count"), pixel_area=1.0)
    assert counted.numerator.tolist() == [2]


def test_what_methods_say_of_themselves_cannot_be_corrected() -> None:
    for measure in ("mean:probability", "fraction:probability>0.5"):
        with pytest.raises(TableError, match="references have none to correct it by"):
            require_correctable(Question.from_text(measure))
    for measure in MEASURED:
        require_correctable(Question.from_text(measure))


@pytest.mark.parametrize(
    ("measure", "calibrated", "plain"),
    [
        ("count", "", ""),
        ("density", "per µm²", "per px"),
        ("total-area", "µm²", "px"),
        ("area-fraction", "", ""),
        ("fraction:area>5", "", ""),
        ("mean-area", "µm²", "px"),
        ("mean:solidity", "", ""),
    ],
)
def test_the_unit_of_an_answer(measure: str, calibrated: str, plain: str) -> None:
    question = Question.from_text(measure)
    for is_calibrated, unit in ((True, calibrated), (False, plain)):
        units = {"area": "µm²" if is_calibrated else "px"}
        assert answer_unit(question, calibrated=is_calibrated, units=units) == unit


def named(measure: str) -> str:
    return measure.replace("COLUMN", "solidity").replace("VALUE", "0.5")


@pytest.mark.parametrize("measure", MEASURES)
def test_each_measure_is_read_back_as_it_is_written(measure: str) -> None:
    question = Question.from_text(named(measure), object="nucleus")
    assert question.key == named(measure)
    assert Question.from_text(question.key, object="nucleus") == question
    assert Question.parse(question.model_dump(mode="json"), where="question") == question
    assert question.text.endswith("?") and "nuclei" in question.text
    assert question.is_total == (measure in ("count", "total-area"))


@given(st.floats(-1e9, 1e9))
def test_any_threshold_is_kept_to_the_last_digit(threshold: float) -> None:
    question = Question.from_text(f"fraction:area>{threshold!r}")
    assert question.threshold == threshold and Question.from_text(question.key) == question


@given(st.floats(0.001, 100))
def test_a_tolerance_in_per_cent_is_one_in_shares(percent: float) -> None:
    assert parse_tolerance(f"{percent!r}%") == pytest.approx(parse_tolerance(percent / 100))
    assert parse_tolerance(f" {percent!r} % ".replace(" %", "%")) == pytest.approx(percent / 100)


@pytest.mark.parametrize(
    "text", ["0", "0%", "-5%", "101%", "1.01", "nan", "inf", "", "%", "five", "5 percent"]
)
def test_what_is_no_tolerance_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_tolerance(text)
    assert str(caught.value).startswith(f"tolerance {text!r} is not a share of the answer; give a percentage")


@pytest.mark.parametrize(
    "measure",
    ["", "counts", "mean:", "mean", "fraction:area", "fraction:area=5", "fraction:>5", "fraction:area>x",
     "fraction:area>5>6", "fraction:area>1e", "COUNT", "total area"],
)  # fmt: skip
def test_what_is_no_measure_is_refused_with_those_there_are(measure: str) -> None:
    with pytest.raises(InputError) as caught:
        Question.from_text(measure)
    message = str(caught.value)
    assert "is not known; measures are: count, density, " in message or "is not a number" in message


@pytest.mark.parametrize(
    "values",
    [
        {"measure": "mean"},
        {"measure": "fraction", "column": "area"},
        {"measure": "fraction", "column": "area", "sign": ">"},
        {"measure": "count", "column": "area"},
        {"measure": "mean", "column": "area", "sign": ">", "threshold": 1},
        {"object": ""},
        {"level": 0.5},
        {"level": 1},
        {"tolerance": 0},
        {"tolerance": "0%"},
    ],
)
def test_questions_that_make_no_sense(values: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Question.parse(values, where="question")
