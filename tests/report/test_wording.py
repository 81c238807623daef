"""Words for measures, objects and metrics."""

from __future__ import annotations

import pytest

from veriscope.report.schema import Question
from veriscope.report.wording import answer_unit, axis_title, many, metric_name, plural
from veriscope.workflow.question import Question as StudyQuestion


@pytest.mark.parametrize(
    ("measure", "unit", "title", "short"),
    [
        ("count", "", "number of nuclei", "nuclei"),
        ("count", "nuclei", "number of nuclei", "nuclei"),
        ("density", "per µm²", "density of nuclei (per µm²)", "density (per µm²)"),
        ("mean-area", "µm²", "mean area of nuclei (µm²)", "mean area (µm²)"),
        ("mean:mean-intensity", "", "mean mean intensity of nuclei", "mean mean intensity"),
        ("fraction:area>150", "", "fraction of nuclei with area > 150", "fraction"),
        ("area-fraction", "", "fraction of the area covered by nuclei", "fraction"),
        ("total-area", "px²", "total area of nuclei (px²)", "total area (px²)"),
        ("some-thing", "", "some thing of nuclei", "some thing"),
    ],
)
def test_measures_have_names(measure: str, unit: str, title: str, short: str) -> None:
    question = Question(object="nucleus", measure=measure, text="?", unit=unit)

    assert axis_title(question) == title
    assert axis_title(question, short=True) == short


def test_the_column_beside_the_measure_is_named() -> None:
    question = Question.model_validate({"object": "cell", "measure": "mean", "text": "?", "column": "area"})
    assert axis_title(question) == "mean area of cells"


def test_counts_without_a_unit_are_counts_of_objects() -> None:
    assert answer_unit(Question(object="cell", measure="count", text="?")) == "cells"
    assert answer_unit(Question(object="cell", measure="fraction", text="?")) == ""
    assert answer_unit(Question(object="cell", measure="mean-area", text="?", unit="µm²")) == "µm²"


def test_numbers_of_things() -> None:
    assert [plural(1, "nucleus"), plural(2, "nucleus"), plural(3, "entry"), plural(2, "box")] == [
        "1 nucleus",
        "2 nuclei",
        "3 entries",
        "2 boxes",
    ]


@pytest.mark.parametrize(
    ("noun", "plural_"),
    [
        ("cell", "cells"),
        ("cells", "cells"),
        ("nuclei", "nuclei"),
        ("cell nucleus", "cell nuclei"),
        ("villus", "villi"),
        ("virus", "viruses"),
        ("Mitochondrion", "mitochondria"),
        ("apoptotic body", "apoptotic bodies"),
        ("branch", "branches"),
        ("larva", "larvae"),
    ],
)
def test_the_report_names_objects_as_the_question_does(noun: str, plural_: str) -> None:
    """It had a pluraliser of its own: an object called cells became cellses on the page."""
    assert many(noun) == plural_
    assert many(plural_) == plural_
    asked = StudyQuestion(object=noun).text
    assert asked == f"How many {plural_} are there in each group?"
    question = Question(object=noun, measure="count", text=asked)
    assert axis_title(question) == f"number of {plural_}"
    assert answer_unit(question) == plural_


def test_metrics_have_names() -> None:
    assert [metric_name(key) for key in ("f1@0.5", "pq", "count_bias", "new_thing")] == [
        "F1 at IoU 0.5",
        "PQ",
        "Count bias (relative)",
        "new thing",
    ]
