"""How far a study is, step by step."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from veriscope.errors import InputError, StudyError
from veriscope.workflow.image_table import RowChange, change_images, why_fixed
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.live import live_estimate
from veriscope.workflow.plan import read_plan
from veriscope.workflow.state import NextStep, is_evidence_current, next_step, study_steps
from veriscope.workflow.study import Study
from veriscope.workflow.tile_annotations import planned_tiles, save_tile, tile_versions


def states(study: Study) -> dict[str, str]:
    return {step.step: step.state for step in study_steps(StudyFolder(study.path), study.config)}


def test_steps_of_a_study_that_has_run(run_study: Study) -> None:
    expected = dict.fromkeys(("annotate", "validate", "report"), "waiting")
    assert states(run_study) == {"run": "done", "draw": "next"} | expected
    run_study.audit(tiles=6)
    assert states(run_study)["annotate"] == "next"


def test_an_annotation_makes_the_answer_stale(done_study: Study) -> None:
    folder = StudyFolder(done_study.path)
    assert set(states(done_study).values()) == {"done"}
    assert is_evidence_current(folder, done_study.config)
    plan = read_plan(folder)
    assert plan is not None
    tile = next(iter(planned_tiles(plan, folder.images()).values()))

    empty = np.zeros(tile.shape, np.uint8)
    saved = save_tile(folder, tile, empty, annotator="anna", details={"seconds": 3.0})

    assert saved is not None and (saved.annotator, saved.n_objects, saved.seconds) == ("anna", 0, 3.0)
    assert save_tile(folder, tile, empty, annotator="anna", details={}) is None
    assert [version.annotator for version in tile_versions(folder, tile.unit)] == ["reference", "anna"]
    assert not is_evidence_current(folder, done_study.config)
    found = states(done_study)
    assert (found["validate"], found["annotate"]) == ("stale", "done")
    done_study.report()
    assert set(states(done_study).values()) == {"done"}


def judged(study: Study, verdict: str, extra: list[int | None]) -> NextStep:
    """What is next, had the verdict and the estimate come out so."""
    folder = StudyFolder(study.path)
    for name, key, value in (("verdict", "verdict", verdict), ("estimate", "groups", extra)):
        path = folder.root / "evidence" / f"{name}.json"
        content = json.loads(path.read_text())
        if key == "groups":
            for group, number in zip(content["groups"], extra, strict=True):
                group |= {"extra_tiles_needed": number, "reason": "" if number is not None else "too few"}
        else:
            content[key] = value
        path.write_text(json.dumps(content))
    return next_step(folder, study_steps(folder, study.config))


def test_what_a_verdict_lacks_comes_before_the_report(done_study: Study) -> None:
    shutil.rmtree(done_study.path / "report")
    found = judged(done_study, "cannot-tell", [5, 7])
    assert (found.step, found.tiles) == ("more", 12)
    assert "About 12 more tiles would probably do. The report can be written as it is" in found.text
    found = judged(done_study, "cannot-tell", [0, 1])
    assert found.tiles == 1 and "About 1 more tile would" in found.text
    found = judged(done_study, "cannot-tell", [None, 7])
    assert (found.step, found.tiles) == ("more", 7) and "treated: too few" not in found.text
    found = judged(done_study, "cannot-tell", [None, None])
    assert found.tiles is None and "too few" in found.text
    for verdict in ("fine-tune-first", "do-not-use"):
        assert judged(done_study, verdict, [0, 0]).step == "improve"
    for verdict in ("use", "use-with-correction"):
        assert judged(done_study, verdict, [0, 0]).step == "report"


def test_a_written_report_does_not_end_what_is_missing(done_study: Study) -> None:
    folder = StudyFolder(done_study.path)
    steps = study_steps(folder, done_study.config)
    wanted = json.loads((folder.root / "evidence/verdict.json").read_text())["verdict"]
    expected = "done" if wanted in ("use", "use-with-correction") else "more"
    assert next_step(folder, steps).step in (expected, "improve")


def test_an_open_step_comes_first_whatever_the_verdict(run_study: Study) -> None:
    folder = StudyFolder(run_study.path)
    assert next_step(folder, study_steps(folder, run_study.config)).step == "draw"


def test_another_question_makes_the_answer_stale(done_study: Study) -> None:
    folder = StudyFolder(done_study.path)
    question = done_study.config.question.model_copy(update={"tolerance": 0.2})
    assert not is_evidence_current(folder, done_study.config.model_copy(update={"question": question}))


def test_the_live_estimate_is_that_of_the_command_line(done_study: Study) -> None:
    found = live_estimate(StudyFolder(done_study.path), done_study.config)
    answer = done_study.estimate()
    assert found["method"] == answer["method"] and found["groups"] == answer["groups"]
    needed = [group["extra_tiles_needed"] for group in answer["groups"]]
    assert found["enough"] == all(number == 0 for number in needed)


def test_groups_without_a_tile_are_named(run_study: Study) -> None:
    run_study.audit(tiles=6)
    with pytest.raises(StudyError) as caught:
        live_estimate(StudyFolder(run_study.path), run_study.config)
    assert str(caught.value) == (
        "no tile of control, treated counts yet: those drawn first come first; annotate the tiles in their "
        "order"
    )


def test_groups_can_be_changed_before_the_draw_only(run_study: Study) -> None:
    folder = StudyFolder(run_study.path)
    first = folder.images()[0]
    change_images(folder, [RowChange(first.image_id, group="other")])
    assert folder.images()[0] == replace(first, group="other")
    assert why_fixed(folder) == ""
    run_study.audit(tiles=6)
    with pytest.raises(StudyError, match="groups and replicates are fixed"):
        change_images(folder, [RowChange(first.image_id, group="x")])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (RowChange("nope", group="x"), "has no image 'nope'"),
        (RowChange("", group=" "), "cannot be a group"),
        (RowChange("", spacing={"y": 1.0}), "was given for y; give it for each"),
        (RowChange("", spacing={}), "comes from the file"),
    ],
)
def test_changes_that_cannot_be_made_change_nothing(
    run_study: Study, change: RowChange, message: str
) -> None:
    folder = StudyFolder(run_study.path)
    before = Path(folder.images_table).read_bytes()
    first = folder.images()[0].image_id
    wanted = replace(change, image_id=change.image_id or first)
    with pytest.raises(InputError, match=message):
        change_images(folder, [RowChange(first, group="good"), wanted])
    assert Path(folder.images_table).read_bytes() == before
