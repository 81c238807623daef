"""What the app says of a study, of its tiles and its candidates, at each stage of its path."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from veriscope.server.candidate_rows import candidate_images, candidate_rows
from veriscope.server.models.candidates import CandidateRow
from veriscope.server.models.studies import StudyDetail
from veriscope.server.problems import ProblemError
from veriscope.server.summaries import describe_study, question_version
from veriscope.server.unit_views import (
    describe_audit,
    describe_unit,
    etag_of_version,
    find_tile,
    newest_of,
)
from veriscope.workflow.config import read_config
from veriscope.workflow.journal import SHOWN, Journals
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.tile_annotations import save_tile, tile_versions


@pytest.fixture
def folder(workspace: Path) -> StudyFolder:
    return StudyFolder(workspace / "small")


@pytest.fixture
def undrawn(folder: StudyFolder) -> StudyFolder:
    """The study before its tiles were drawn."""
    for name in ("audit", "annotations", "evidence", "report"):
        shutil.rmtree(folder.root / name)
    return folder


def rewrite(folder: StudyFolder, change: Any) -> None:
    said = yaml.safe_load(folder.config.read_text())
    change(said)
    folder.config.write_text(yaml.safe_dump(said, sort_keys=False))


def rows(folder: StudyFolder) -> dict[str, CandidateRow]:
    return {row.id: row for row in candidate_rows(folder, read_config(folder.config))}


def test_a_finished_study_in_one_answer(folder: StudyFolder) -> None:
    found = describe_study(folder)
    assert (found.id, found.name, found.problem) == ("small", "Small & finished", None)
    assert found.n_images == 8 and [(g.group, g.n_images, g.n_replicates) for g in found.groups] == [
        ("control", 4, 2),
        ("treated", 4, 2),
    ]
    assert [step.step for step in found.steps] == ["run", "draw", "annotate", "validate", "report"]
    assert {step.state for step in found.steps} == {"done"}
    assert found.verdict is not None and not found.verdict.stale and found.verdict.evidence == "audited"
    assert (found.tile_size, found.seed, found.candidates) == (56, 5, ["otsu-watershed", "log-spots"])
    assert found.question_form is not None and found.question_form.version == question_version(folder)


def test_the_same_files_are_described_once(folder: StudyFolder) -> None:
    assert describe_study(folder) is describe_study(folder)
    rewrite(folder, lambda said: said.update(name="Another"))
    changed = describe_study(folder)
    assert changed.name == "Another" and describe_study(folder) is changed


@pytest.mark.parametrize(
    ("name", "what"),
    [("evidence", "validate"), ("report", "report"), ("annotations", "annotate"), ("audit", "draw")],
)
def test_what_is_taken_away_is_what_comes_next(folder: StudyFolder, name: str, what: str) -> None:
    shutil.rmtree(folder.root / name)
    found = describe_study(folder)
    # Before a report, what its verdict lacks: here more tiles.
    assert found.next is not None and found.next.step == ("more" if what == "report" else what)
    state = {step.step: step.state for step in found.steps}
    assert state[what] == "next" and "next" not in {s for k, s in state.items() if k != what}


def test_after_another_question_the_verdict_is_out_of_date(folder: StudyFolder) -> None:
    version = question_version(folder)
    rewrite(folder, lambda said: said["question"].update(measure="density"))
    found = describe_study(folder)
    assert found.verdict is not None and found.verdict.stale
    assert question_version(folder) != version
    assert found.question == "How many nuclei are there per area in each group?"


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("study.yaml", "name: ["),
        ("study.yaml", ""),
        ("images.csv", "image_id\n"),
        ("audit/plan.csv", "unit,role\n"),
        ("evidence/verdict.json", "{"),
    ],
)
def test_a_study_that_cannot_be_opened_is_described_by_its_problem(
    folder: StudyFolder, file: str, content: str
) -> None:
    (folder.root / file).write_text(content)
    found = describe_study(folder)
    assert isinstance(found, StudyDetail) and found.problem is not None
    assert (found.id, found.n_images, found.steps, found.next) == ("small", 0, [], None)
    assert Path(file).name in found.problem.detail
    assert str(folder.root.parent) not in found.problem.model_dump_json()


def test_a_mended_study_is_described_anew(folder: StudyFolder) -> None:
    whole = folder.config.read_bytes()
    folder.config.write_text("name: [")
    assert describe_study(folder).problem is not None
    folder.config.write_bytes(whole)
    assert describe_study(folder).problem is None


def test_the_audit_in_the_order_of_its_tiles(folder: StudyFolder) -> None:
    found = describe_audit(folder)
    assert found.drawn and found.groups == ["control", "treated"] and found.suggested_tiles == 20
    audit = found.roles["audit"]
    assert audit.n_drawn == sum(unit.n_draws for unit in found.units) == 14
    assert audit.n_distinct == len(found.units) == audit.n_annotated
    assert all(unit.state == "annotated" for unit in found.units)
    assert [a.annotator for unit in found.units for a in unit.annotators] == ["reference"] * len(found.units)


def test_before_the_draw_a_number_of_tiles_is_suggested(undrawn: StudyFolder) -> None:
    found = describe_audit(undrawn)
    assert (found.drawn, found.units, found.roles, found.margin) == (False, [], {}, 0)
    assert (found.groups, found.suggested_tiles) == (["control", "treated"], 20)
    with pytest.raises(ProblemError) as caught:
        find_tile(undrawn, "x" * 500)
    assert (caught.value.problem.status, caught.value.problem.action) == (404, "Reload the audit.")
    assert len(caught.value.problem.detail) < 250


def test_a_tile_is_started_with_its_first_stroke_and_annotated_with_its_first_version(
    folder: StudyFolder,
) -> None:
    shutil.rmtree(folder.root / "annotations")
    tile, tiles = find_tile(folder, describe_audit(folder).units[0].unit)

    def state() -> str:
        return describe_unit(folder, read_config(folder.config), tile, tiles).state

    assert state() == "open"
    Journals().note(folder, tile.unit, "anna", SHOWN, {"candidate": "log-spots"})
    assert state() == "started"
    save_tile(folder, tile, np.zeros(tile.shape, np.uint8), annotator="anna", details={"seconds": 2.0})
    save_tile(folder, tile, np.eye(*tile.shape, dtype=np.uint8), annotator="anna", details={"seconds": 3.5})
    save_tile(folder, tile, np.eye(*tile.shape, dtype=np.uint8), annotator="ben", details={})
    found = describe_unit(folder, read_config(folder.config), tile, tiles)
    assert found.state == "annotated"
    assert [(a.annotator, a.version, a.n_objects, a.seconds) for a in found.annotators] == [
        ("anna", 2, 1, 5.5),
        ("ben", 3, 1, None),
    ]
    assert [(item.annotator, item.candidate) for item in found.shown] == [("anna", "log-spots")]


def test_proposals_are_ranked_once_that_is_known(folder: StudyFolder) -> None:
    tile, tiles = find_tile(folder, describe_audit(folder).units[0].unit)
    config = read_config(folder.config)
    ranked = list(json.loads((folder.root / "evidence/validate.json").read_text())["ranking"]["values"])
    found = describe_unit(folder, config, tile, tiles).proposals
    assert [(item.candidate, item.evidence) for item in found] == [(name, "audited") for name in ranked]
    (folder.root / "evidence/validate.json").unlink()
    found = describe_unit(folder, config, tile, tiles).proposals
    assert [(item.candidate, item.evidence) for item in found] == [
        ("otsu-watershed", "untested"),
        ("log-spots", "untested"),
    ]
    shutil.rmtree(folder.root / folder.prediction("log-spots", tile.image_id))
    found = describe_unit(folder, config, tile, tiles).proposals
    assert [item.candidate for item in found] == ["otsu-watershed"]


def test_tags_of_versions_differ_by_annotator_and_number(folder: StudyFolder) -> None:
    tile, _ = find_tile(folder, describe_audit(folder).units[0].unit)
    for who, n in (("a", 1), ("a", 2), ('b"; ü', 2)):
        labels = np.zeros(tile.shape, np.uint8)
        labels[:n] = 1
        save_tile(folder, tile, labels, annotator=who, details={})
    versions = tile_versions(folder, tile.unit)
    tags = [etag_of_version(version) for version in versions] + [etag_of_version(None)]
    assert len(set(tags)) == len(tags) == 5 and all(tag.isascii() and tag.count('"') == 2 for tag in tags)
    newest = newest_of(versions, "a")
    assert newest is not None and newest.version == 3 and newest_of(versions, "nobody") is None


def test_a_plan_that_is_drawn_on_is_read_anew(folder: StudyFolder) -> None:
    from veriscope.workflow.audit import draw_audit

    before = {unit.unit for unit in describe_audit(folder).units}
    draw_audit(folder, read_config(folder.config), everything=True)
    after = {unit.unit for unit in describe_audit(folder).units}
    assert before < after and find_tile(folder, (after - before).pop())[0].roles == ("census",)


def test_candidates_that_have_run_with_their_cost(folder: StudyFolder) -> None:
    found = rows(folder)
    assert {row.state for row in found.values()} == {"current"}
    for row in found.values():
        assert (row.n_images_done, row.n_images, row.why, row.evidence) == (8, 8, "", "audited")
        assert row.card is not None and row.card.name == row.method
        assert row.n_objects is not None and row.n_objects > 0
        assert row.seconds_per_image is not None and row.seconds_per_image > 0
        assert row.metrics is not None and row.n_tiles and not row.metrics_stale
    assert sorted(row.rank or 0 for row in found.values()) == [1, 2]


def test_a_candidate_of_other_parameters_is_out_of_date(folder: StudyFolder) -> None:
    rewrite(folder, lambda said: said["candidates"][1].update(parameters={"diameter": 9}))
    found = rows(folder)
    assert (found["log-spots"].state, found["otsu-watershed"].state) == ("stale", "current")
    assert found["log-spots"].why.endswith("run it again.")
    assert all(row.metrics_stale for row in found.values())


def test_a_candidate_that_is_not_installed_or_waits_says_why(folder: StudyFolder) -> None:
    more = [{"id": "gone", "method": "no-such-method"}, {"id": "forest", "method": "pixel-forest"}]
    rewrite(folder, lambda said: said["candidates"].extend(more))
    found = rows(folder)
    assert (found["gone"].state, found["gone"].card) == ("unavailable", None)
    assert "no-such-method" in found["gone"].why
    assert (found["forest"].state, found["forest"].needs_training) == ("unavailable", True)
    assert found["forest"].why == "It waits for annotated training tiles: draw some under Audit."
    for name in ("gone", "forest"):
        row = found[name]
        assert (row.metrics, row.rank, row.n_objects, row.evidence) == (None, None, None, "untested")


def test_some_images_done_is_partial_and_none_is_not_run(folder: StudyFolder) -> None:
    images = folder.images()
    for image in images[:3]:
        shutil.rmtree(folder.root / folder.prediction("log-spots", image.image_id))
    assert (rows(folder)["log-spots"].state, rows(folder)["log-spots"].n_images_done) == ("partial", 5)
    done = {item.id: item.is_done for item in candidate_images(folder, "log-spots")}
    assert list(done.values()) == [False] * 3 + [True] * 5
    shutil.rmtree(folder.root / "predictions" / "log-spots")
    assert rows(folder)["log-spots"].state == "not-run"
    assert not any(item.is_done for item in candidate_images(folder, "log-spots"))


def test_what_a_candidate_found_image_by_image(folder: StudyFolder) -> None:
    found = candidate_images(folder, "log-spots")
    assert [item.id for item in found] == [image.image_id for image in folder.images()]
    total = rows(folder)["log-spots"].n_objects
    assert sum(item.n_objects or 0 for item in found) == total
    assert all(item.labels and item.labels.startswith("/files/small/labels/log-spots/") for item in found)
    nobody = candidate_images(folder, "nobody")
    assert {(item.is_done, item.labels, item.n_objects) for item in nobody} == {(False, None, None)}


def test_a_prediction_that_nobody_recorded_is_shown_and_not_counted(folder: StudyFolder) -> None:
    (folder.root / "record.jsonl").write_text("")
    (first, *_) = candidate_images(folder, "log-spots")
    assert (first.is_done, first.n_objects, first.seconds) == (True, None, None)
    assert rows(folder)["log-spots"].state == "not-run"


def test_the_time_of_change_is_that_of_the_newest_file(folder: StudyFolder) -> None:
    for at, name in enumerate(("study.yaml", "images.csv", "record.jsonl", "report/index.html"), 1):
        os.utime(folder.root / name, (at * 1000, at * 1000))
    for name in ("audit/plan.csv", "annotations", "evidence/verdict.json"):
        os.utime(folder.root / name, (1, 1))
    assert describe_study(folder).modified == "1970-01-01T01:06:40+00:00"
