"""A question is read from what a user writes, and says itself in words."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.workflow.question import MEASURES, Question, parse_tolerance


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5%", 0.05),
        ("5 %", 0.05),
        (" 5% ", 0.05),
        ("2.5%", 0.025),
        ("100%", 1),
        ("0.05", 0.05),
        (0.1, 0.1),
        (1, 1),
    ],
)
def test_a_tolerance_is_a_percentage_or_a_share(text: str | float, expected: float) -> None:
    assert parse_tolerance(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    ["500%", "5", "0", "0%", "-5%", "five", "", "%", "5%%", "5,5%", "nan", "inf", float("nan"), -0.1, 2],
)
def test_what_is_no_share_of_the_answer_is_refused(text: str | float) -> None:
    with pytest.raises(InputError) as caught:
        parse_tolerance(text)
    assert str(caught.value) == (
        f"tolerance {text!r} is not a share of the answer; give a percentage above 0% and "
        "at most 100%, such as 5%"
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("count", {"measure": "count"}),
        (" density ", {"measure": "density"}),
        ("total-area", {"measure": "total-area"}),
        ("area-fraction", {"measure": "area-fraction"}),
        ("mean-area", {"measure": "mean", "column": "area"}),
        ("mean-intensity", {"measure": "mean", "column": "mean_intensity"}),
        ("mean: solidity", {"measure": "mean", "column": "solidity"}),
        ("fraction:area>150", {"measure": "fraction", "column": "area", "sign": ">", "threshold": 150}),
        (
            "fraction: mean_intensity < 1.5e3",
            {"measure": "fraction", "column": "mean_intensity", "sign": "<", "threshold": 1500},
        ),
        ("fraction:x>-.5", {"measure": "fraction", "column": "x", "sign": ">", "threshold": -0.5}),
    ],
)
def test_measures_are_read_as_users_write_them(text: str, parts: dict[str, Any]) -> None:
    assert Question.from_text(text) == Question(**parts)


@pytest.mark.parametrize(
    "text",
    ["", "Count", "counts", "mean", "mean:", "fraction", "fraction:area", "fraction:area>=5", "fraction:>5"],
)
def test_an_unknown_measure_is_answered_with_the_known_ones(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Question.from_text(text)
    assert str(caught.value) == f"measure {text!r} is not known; measures are: {', '.join(MEASURES)}"


def test_a_threshold_that_is_no_number_is_named() -> None:
    with pytest.raises(InputError) as caught:
        Question.from_text("fraction:area>1-5")
    assert str(caught.value) == "measure 'fraction:area>1-5': '1-5' is not a number"


@given(
    column=st.from_regex(r"[a-z_][a-z0-9_-]*", fullmatch=True),
    sign=st.sampled_from("<>"),
    threshold=st.floats(allow_nan=False, allow_infinity=False),
)
def test_the_key_of_a_question_reads_as_the_same_question(column: str, sign: str, threshold: float) -> None:
    fraction = Question.from_text(f"fraction:{column}{sign}{threshold!r}")
    assert Question.from_text(fraction.key) == fraction
    mean = Question.from_text(f"mean:{column}")
    assert Question.from_text(mean.key) == mean


@pytest.mark.parametrize(
    "text", ["count", "density", "total-area", "area-fraction", "mean-area", "mean-intensity"]
)
def test_the_key_is_what_the_user_wrote(text: str) -> None:
    assert Question.from_text(text).key == text


def test_only_count_and_total_area_are_totals() -> None:
    texts = ("count", "total-area", "density", "mean-area", "fraction:area>1", "area-fraction")
    assert [Question.from_text(text).is_total for text in texts] == [True, True, False, False, False, False]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("count", "How many nuclei are there in each group?"),
        ("density", "How many nuclei are there per area in each group?"),
        ("mean-area", "What is the mean area of the nuclei in each group?"),
        ("mean-intensity", "What is the mean intensity of the nuclei in each group?"),
        ("mean:axis_major_length", "What is the mean axis major length of the nuclei in each group?"),
        ("fraction:area>150", "Which fraction of the nuclei has area > 150 in each group?"),
        ("fraction:solidity<0.9", "Which fraction of the nuclei has solidity < 0.9 in each group?"),
        ("total-area", "Which area do the nuclei cover in each group?"),
        ("area-fraction", "Which fraction of the area do the nuclei cover in each group?"),
    ],
)
def test_a_question_is_a_sentence(text: str, sentence: str) -> None:
    assert Question.from_text(text, object="nucleus").text == sentence


@pytest.mark.parametrize(
    ("word", "plural"),
    [
        ("cell", "cells"),
        ("neuron", "neurons"),
        ("cell nucleus", "cell nuclei"),
        ("mitochondrion", "mitochondria"),
        ("bacterium", "bacteria"),
        ("glomerulus", "glomeruli"),
        ("virus", "viruses"),
        ("colony", "colonies"),
        ("assay", "assays"),
        ("branch", "branches"),
        ("cells", "cells"),
        ("foci", "foci"),
        ("larvae", "larvae"),
    ],
)
def test_objects_are_named_in_the_plural(word: str, plural: str) -> None:
    assert Question(object=word).text == f"How many {plural} are there in each group?"


def test_a_percentage_is_read_from_a_file_too() -> None:
    assert Question.parse({"tolerance": "5%"}, where="study.yaml").tolerance == 0.05


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"measure": "mean"}, "measure 'mean' needs a column"),
        ({"measure": "fraction", "column": "area"}, "measure 'fraction' needs a sign and a threshold"),
        ({"measure": "count", "column": "area"}, "measure 'count' takes no column"),
        (
            {"measure": "mean", "column": "area", "threshold": 5},
            "measure 'mean' takes no sign and no threshold",
        ),
        ({"object": ""}, "object: String should have at least 1 character (got '')"),
        ({"tolerance": 5}, "tolerance: Input should be less than or equal to 1 (got 5)"),
        (
            {"tolerance": "lots"},
            "tolerance: tolerance 'lots' is not a share of the answer; give a percentage above 0% and "
            "at most 100%, such as 5% (got 'lots')",
        ),
        ({"level": 95}, "level: Input should be less than 1 (got 95)"),
        (
            {"measure": "fraction", "column": "area", "sign": ">", "threshold": float("inf")},
            "threshold: Input should be a finite number (got inf)",
        ),
    ],
)
def test_an_incomplete_or_contradictory_question_is_refused(values: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError) as caught:
        Question.parse(values, where="question")
    assert str(caught.value) == (
        f"question: wrong options\n  - {fault}\n"
        "Options are: object, measure, column, sign, threshold, tolerance, level"
    )


@pytest.mark.parametrize(
    ("measure", "bounds"),
    [
        ("count", (0, math.inf)),
        ("density", (0, math.inf)),
        ("total-area", (0, math.inf)),
        ("mean-area", (0, math.inf)),
        ("area-fraction", (0, 1)),
        ("fraction:area>150", (0, 1)),
        ("mean-intensity", (-math.inf, math.inf)),
        ("mean:orientation", (-math.inf, math.inf)),
    ],
)
def test_answers_that_there_can_be(measure: str, bounds: tuple[float, float]) -> None:
    assert Question.from_text(measure).bounds == bounds
