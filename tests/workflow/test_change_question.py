"""Another question of a study: what it means is said before, and nothing but the question changes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError, StudyError, TableError
from veriscope.io.record import Record
from veriscope.io.tables import write_table
from veriscope.workflow.change_question import change_question, plan_change
from veriscope.workflow.config import Candidate, StudyConfig, read_config
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.question import Question

COUNT = Question.from_text("count", object="nucleus", tolerance="10%")


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """A study that was measured: nothing else is needed to ask something else."""
    found = StudyFolder(tmp_path)
    config = StudyConfig(name="s", question=COUNT, candidates=(Candidate(id="one", method="otsu-watershed"),))
    found.config.write_text(config.to_yaml())
    columns = {"image_id": ["a"], "area": [12.0], "mean_intensity": [7.0], "probability": [0.5]}
    (tmp_path / found.measurements("one")).parent.mkdir(parents=True)
    write_table(tmp_path / found.measurements("one"), pd.DataFrame(columns), {})
    return found


MEASURES = st.one_of(
    st.sampled_from(["count", "density", "total-area", "area-fraction", "mean-area", "mean-intensity"]),
    st.tuples(st.sampled_from("<>"), st.floats(-1e6, 1e6)).map(lambda of: f"fraction:area{of[0]}{of[1]!r}"),
)


@given(
    MEASURES,
    st.floats(0.001, 1) | st.none(),
    st.sampled_from([0.8, 0.9, 0.95]),
    st.sampled_from(["nucleus", "cell: round", "'quoted'", "null", "5", "naïve #1", "yes"]),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_asked_is_what_is_read_again(
    folder: StudyFolder, measure: str, tolerance: float | None, level: float, name: str
) -> None:
    question = Question.from_text(measure, object=name, tolerance=tolerance, level=level)
    text = folder.config.read_text()
    before = yaml.safe_load(text)
    changed = change_question(folder, question)
    assert changed == read_config(folder.config)
    assert changed.question == question
    after = yaml.safe_load(folder.config.read_text())
    assert {key: value for key, value in after.items() if key != "question"} == {
        key: value for key, value in before.items() if key != "question"
    }
    assert folder.config.read_text().startswith("# A Veriscope study."), "comments stay"
    back = change_question(folder, Question.model_validate(before["question"]))
    assert (back.question.model_dump(), folder.config.read_text()) == (before["question"], text)


def test_the_same_question_changes_no_file(folder: StudyFolder) -> None:
    found = plan_change(folder, read_config(folder.config), COUNT)
    assert (found.is_change, found.again, found.stays, found.caution) == (False, (), (), ())
    before = folder.config.stat().st_mtime_ns
    change_question(folder, COUNT)
    assert folder.config.stat().st_mtime_ns == before
    assert not (folder.root / "record.jsonl").exists()


def test_the_record_keeps_both_questions(folder: StudyFolder) -> None:
    area = Question.from_text("mean-area", object="nucleus")
    change_question(folder, area)
    (entry,) = Record(folder.root).entries()
    assert entry["parameters"]["before"] == COUNT.model_dump(mode="json")
    assert entry["parameters"]["after"] == area.model_dump(mode="json")
    assert entry["parameters"]["answer_was_known"] is False


def test_what_is_out_of_date_and_what_is_known_already_is_said(folder: StudyFolder) -> None:
    config, wanted = read_config(folder.config), Question.from_text("density", object="nucleus")
    plain = plan_change(folder, config, wanted)
    assert (plain.is_change, plain.again, plain.caution) == (True, (), ())
    assert plain.stays == ("What the candidates found and what was measured.",)
    for name in ("evidence/verdict.json", "report/index.html"):
        (folder.root / name).parent.mkdir()
        (folder.root / name).write_text("{}")
    later = plan_change(folder, config, wanted)
    assert [sentence.split(" ")[1] for sentence in later.again] == ["answer", "report"]
    assert later.caution[0].startswith("An answer is known already.")


@pytest.mark.parametrize("measure", ["mean:roundness", "fraction:roundness>0.5", "mean:image_id"])
def test_a_column_that_was_not_measured_is_refused(folder: StudyFolder, measure: str) -> None:
    text = folder.config.read_text()
    with pytest.raises(TableError, match=r"was not measured; columns are: area, mean_intensity"):
        change_question(folder, Question.from_text(measure, object="nucleus"))
    assert folder.config.read_text() == text


@pytest.mark.parametrize("measure", ["mean:probability", "fraction:probability>0.5"])
def test_what_only_methods_say_is_refused_before_the_study_asks_it(folder: StudyFolder, measure: str) -> None:
    """It was taken, and the study could answer nothing until it was changed back."""
    text = folder.config.read_text()
    with pytest.raises(TableError) as caught:
        change_question(folder, Question.from_text(measure, object="nucleus"))
    assert "references have none to correct it by: ask of a column that is measured" in str(caught.value)
    assert folder.config.read_text() == text


def test_what_people_have_outlined_stays_the_object(folder: StudyFolder) -> None:
    place = folder.root / "annotations" / "a_tile000"
    place.mkdir(parents=True)
    for name in ("anna.v1.tif", "anna.v1.json"):
        (place / name).write_text("{}")
    with pytest.raises(StudyError) as caught:
        change_question(folder, Question.from_text("count", object="cell"))
    assert str(caught.value) == (
        "1 tile is annotated, and what is outlined there is: nucleus; keep the object, or make a new study "
        "of the same images"
    )
    found = change_question(folder, Question.from_text("density", object="nucleus"))
    assert found.question.measure == "density"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: yaml.safe_dump(yaml.safe_load(text), default_flow_style=True),
        lambda text: text.replace("question:", "question: &q").replace(
            "channel: null", "channel: null\nx: *q"
        ),
    ],
)
def test_a_study_that_is_not_written_in_lines_is_left_alone(folder: StudyFolder, spoil: object) -> None:
    assert callable(spoil)
    folder.config.write_text(spoil(folder.config.read_text()))
    before = folder.config.read_text()
    with pytest.raises(InputError):
        change_question(folder, Question.from_text("density", object="nucleus"))
    assert folder.config.read_text() == before
