"""The fingerprint of a study: what the question and the data say, what a person adds, and where it is "
"kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from veriscope.errors import InputError
from veriscope.workflow.config import read_config, save_answers
from veriscope.workflow.problem import answers_of_question
from veriscope.workflow.question import Question
from veriscope.workflow.study import Study

HEAD = "name: s  # mine\nquestion: {object: nucleus, measure: count}\n"
TAIL = "# what competes\ncandidates:\n\n- {id: a, method: otsu-watershed}  # the usual\n"


def answer(found: dict[str, Any], item: str) -> tuple[Any, str]:
    (row,) = [row for row in found["items"] if row["item"] == item]
    return row["answer"], row["source"]


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("count", {"category": "instance", "instances_matter": True}),
        ("mean-area", {"category": "instance", "volume_matters": True}),
        ("total-area", {"category": "semantic", "instances_matter": False, "volume_matters": True}),
        ("area-fraction", {"category": "semantic", "volume_matters": True}),
        ("mean:perimeter", {"category": "instance", "boundaries_matter": True}),
    ],
)
def test_the_question_answers_items(measure: str, expected: dict[str, Any]) -> None:
    question = Question.from_text(measure, object="nucleus")
    found = answers_of_question(question)
    assert {item: found.get(item) for item in expected} == expected
    assert ("volume_matters" in found) == ("area" in measure)
    assert ("boundaries_matter" in found) == ("perimeter" in measure)


def test_before_anything_has_run_only_the_question_speaks(
    new_options: dict[str, Any], tmp_path: Path
) -> None:
    study = Study.new(tmp_path / "study", **new_options)
    found = study.fingerprint()
    assert found["schema"] == "veriscope/fingerprint/1"
    assert found["measured_on"] == "nothing yet: run the candidates, or annotate tiles, to measure"
    assert answer(found, "instances_matter") == (True, "question")
    assert answer(found, "touching") == (False, "assumed")
    assert found["advice"]["category"] == "instance"
    assert "fingerprint: {}" in (study.path / "study.yaml").read_text(), "nothing was said, nothing is saved"


def test_predictions_are_measured_until_there_are_annotations(run_study: Study) -> None:
    found = run_study.fingerprint()
    assert found["measured_on"] == (
        "predictions of otsu-watershed in 8 images; annotate tiles to measure on references"
    )
    assert answer(found, "dependent_cases") == (True, "measured"), "two images per replicate"
    (row,) = [row for row in found["items"] if row["item"] == "dependent_cases"]
    assert (row["figure"], row["limit"]) == (2, 1)
    assert json.loads((run_study.path / "evidence/fingerprint.json").read_text()) == json.loads(
        json.dumps(found)
    )


def test_annotated_tiles_are_measured(finished: Study, done_study: Study) -> None:
    found = done_study.fingerprint()
    number = int(found["measured_on"].split()[0])
    assert found["measured_on"] == f"{number} annotated tiles"
    assert 0 < number <= 24
    assert answer(found, "size_variability")[1] == "measured"


def test_answers_override_and_are_kept(run_study: Study) -> None:
    before = (run_study.path / "study.yaml").read_text()
    found = run_study.fingerprint(answers={"touching": True, "noisy_reference": True})
    assert answer(found, "touching") == answer(found, "noisy_reference") == (True, "said")
    again = Study(run_study.path).fingerprint()
    assert answer(again, "touching") == (True, "said")
    after = (run_study.path / "study.yaml").read_text()
    assert after == before.replace(
        "fingerprint: {}\n", "fingerprint:\n  noisy_reference: true\n  touching: true\n"
    )
    changed = Study(run_study.path).fingerprint(answers={"touching": False})
    assert answer(changed, "touching") == (False, "said")
    assert answer(changed, "noisy_reference") == (True, "said"), "what was said before stays said"


def test_only_open_items_are_asked_and_answers_close_others(run_study: Study) -> None:
    first = run_study.fingerprint()
    open_before = [row["item"] for row in first["open"]]
    assert open_before
    asked: list[str] = []

    def ask(question: Mapping[str, Any]) -> Any:
        asked.append(question["item"])
        assert question["assumed"] in question["answers"]
        assert question["question"].endswith(("?", ")", "."))
        others = [item for item in question["answers"] if item != question["assumed"]]
        return others[0] if len(asked) == 1 else None

    found = run_study.fingerprint(ask=ask)
    assert asked[0] == open_before[0]
    assert len(set(asked)) == len(asked), "what is left open is not asked again"
    assert answer(found, asked[0])[1] == "said"
    assert asked[0] not in [row["item"] for row in found["open"]]
    assert set(yaml.safe_load((run_study.path / "study.yaml").read_text())["fingerprint"]) == {asked[0]}
    asked.clear()
    Study(run_study.path).fingerprint(ask=lambda question: asked.append(question["item"]))
    assert open_before[0] not in asked


def test_a_stop_in_the_middle_keeps_what_was_said(run_study: Study) -> None:
    said: list[str] = []

    def ask(question: Mapping[str, Any]) -> Any:
        if said:
            raise KeyboardInterrupt
        said.append(question["item"])
        return question["assumed"]

    with pytest.raises(KeyboardInterrupt):
        run_study.fingerprint(ask=ask)
    assert set(read_config(run_study.path / "study.yaml").fingerprint) == set(said)


def test_wrong_answers_are_refused_together_and_nothing_is_saved(run_study: Study) -> None:
    before = (run_study.path / "study.yaml").read_bytes()
    with pytest.raises(InputError) as caught:
        run_study.fingerprint(answers={"tubulr": True, "touching": "maybe", "costlier_error": "both"})
    assert str(caught.value).splitlines() == [
        "3 answers cannot be taken:",
        "  - there is no item 'tubulr'; did you mean tubular?",
        "  - touching: 'maybe' is no answer; use no, yes",
        "  - costlier_error: 'both' is no answer; use none, misses, false positives",
    ]
    assert (run_study.path / "study.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("", None),
        ("fingerprint: {}\n", "fingerprint:\n  centre_interest: centre line\n  touching: true\n"),
        ("fingerprint:\n", "fingerprint:\n  centre_interest: centre line\n  touching: true\n"),
        (
            "fingerprint: {touching: false,\n  centre_interest: none}\n",
            "fingerprint:\n  centre_interest: centre line\n  touching: true\n",
        ),
        (
            "fingerprint:\n    # as Ann said\n    touching: true  # in clumps\n\n    centre_interest: none\n",
            "fingerprint:\n    # as Ann said\n    touching: true  # in clumps\n\n"
            "    centre_interest: centre line\n",
        ),
        (
            "fingerprint:\n  touching: false\n# about the rest\n",
            "fingerprint:\n  centre_interest: centre line\n  touching: true\n# about the rest\n",
        ),
    ],
)
def test_every_other_line_of_the_file_stays(tmp_path: Path, block: str, expected: str | None) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(HEAD + block + TAIL)
    save_answers(path, {"touching": True, "centre_interest": "centre line"})
    added = "fingerprint:\n  centre_interest: centre line\n  touching: true\n"
    assert path.read_text() == (HEAD + TAIL + added if expected is None else HEAD + expected + TAIL)
    if block != "fingerprint:\n":
        assert read_config(path).fingerprint == {"touching": True, "centre_interest": "centre line"}


def test_a_file_in_which_no_line_can_be_added_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    text = '{"name": "s", "question": {"object": "nucleus", "measure": "count"}, "candidates": []}\n'
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        save_answers(path, {"touching": True})
    assert str(caught.value) == (
        f"{path}: answers cannot be added, because it is not written as lines of 'name: …'; add them by "
        f"hand: "
        "fingerprint: {'touching': True}"
    )
    assert path.read_text() == text
