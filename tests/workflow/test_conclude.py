"""The verdict of a study: from its evidence alone, done again only when that has changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from veriscope.errors import StudyError
from veriscope.io.record import Record
from veriscope.workflow.conclude import VERDICT_SCHEMA, conclude_study
from veriscope.workflow.config import read_config
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.study import Study


def conclude(study: Study, **options: Any) -> dict[str, Any]:
    folder = StudyFolder(study.path)
    return conclude_study(folder, read_config(folder.config), **options)


def steps(study: Study) -> list[str]:
    return [entry["step"] for entry in Record(study.path).entries()]


def set_question(study: Study, **values: Any) -> None:
    path = study.path / "study.yaml"
    said = yaml.safe_load(path.read_text())
    said["question"] |= values
    path.write_text(yaml.safe_dump(said, sort_keys=False))


def test_it_rests_on_the_evidence_and_says_how_far_it_can_be_trusted(finished: Study) -> None:
    folder = StudyFolder(finished.path)
    found = json.loads((folder.root / "evidence/verdict.json").read_text())
    assert found["schema"] == VERDICT_SCHEMA and found["evidence"] == "audited"
    estimate = json.loads((folder.root / "evidence/estimate.json").read_text())
    assert found["method"] == estimate["method"]
    assert found["text"] and found["reasons"]
    for reason in found["reasons"]:
        assert reason["status"] in ("holds", "fails", "cannot-tell") and reason["text"]


def test_a_second_time_is_free(done_study: Study) -> None:
    before, said = steps(done_study), (done_study.path / "evidence/verdict.json").read_bytes()
    first = conclude(done_study)
    assert conclude(done_study) == first
    assert steps(done_study) == before
    assert (done_study.path / "evidence/verdict.json").read_bytes() == said


def test_another_tolerance_is_judged_anew_and_back_again_is_the_same(done_study: Study) -> None:
    loose = conclude(done_study)
    set_question(done_study, tolerance=0.001)
    tight = conclude(done_study)
    assert tight["verdict"] == "cannot-tell", "no audit of 24 tiles reaches a thousandth"
    assert tight != loose
    set_question(done_study, tolerance=0.1)
    assert conclude(done_study) == loose


def test_without_a_tolerance_no_number_is_called_good_enough(done_study: Study) -> None:
    set_question(done_study, tolerance=None)
    found = conclude(done_study)
    assert found["verdict"] != "use-as-is"
    assert "tolerance" in json.dumps(found)


def test_a_candidate_of_ones_own_choice_is_judged(done_study: Study) -> None:
    for name in ("otsu-watershed", "log-spots"):
        found = conclude(done_study, method=name)
        assert found["method"] == name
        assert json.loads((done_study.path / "evidence/estimate.json").read_text())["method"] == name
    with pytest.raises(StudyError) as caught:
        conclude(done_study, method="nope")
    assert str(caught.value).startswith("no candidate 'nope' that has run; there are: ")


def test_a_verdict_that_was_removed_is_made_again(done_study: Study) -> None:
    path = done_study.path / "evidence/verdict.json"
    before = path.read_bytes()
    path.unlink()
    conclude(done_study)
    assert path.read_bytes() == before


def test_evidence_that_was_changed_by_hand_is_worked_out_again(done_study: Study) -> None:
    path = done_study.path / "evidence/estimate.json"
    before = conclude(done_study)
    said = json.loads(path.read_text())
    said["groups"][0]["estimate"] = 10**6
    path.write_text(json.dumps(said))
    assert conclude(done_study) == before
    assert json.loads(path.read_text())["groups"][0]["estimate"] != 10**6


def test_without_an_audit_it_says_what_comes_first(run_study: Study, tiny_data: Path) -> None:
    with pytest.raises(StudyError, match=r"no audit was drawn yet; first: veriscope audit"):
        conclude(run_study)
    run_study.audit(tiles=12)
    with pytest.raises(StudyError, match="no audit tile is annotated yet; annotate those in"):
        conclude(run_study)
    assert not (run_study.path / "evidence/verdict.json").exists()
    run_study.import_references(tiny_data / "labels", annotator="reference", whole_images=True)
    assert conclude(run_study)["evidence"] == "audited"


def test_one_tile_of_each_group_cannot_tell(run_study: Study, tiny_data: Path) -> None:
    run_study.audit(tiles=4)
    run_study.import_references(tiny_data / "labels", annotator="reference", whole_images=True)
    found = conclude(run_study)
    assert found["verdict"] == "cannot-tell"
    assert "use" not in found["verdict"]
