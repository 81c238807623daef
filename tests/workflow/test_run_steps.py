"""A run of candidates: what is done, what is not done again, and what is told of each."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.workflow.scripted import install, small_study, squares

from veriscope.errors import InputError, StudyError
from veriscope.io.labels import read_labels
from veriscope.io.record import Record
from veriscope.io.tables import read_table, read_units
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.run import CandidateRun
from veriscope.workflow.study import Study

TRUTH = {
    "a": squares((3, 3), (40, 30)),
    "b": squares((10, 50)),
    "c": squares(),
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of images in the order in which methods were asked of them."""
    found: list[str] = []

    def told(image: Any) -> np.ndarray:
        found.append(image.name)
        return TRUTH[image.name]

    install(monkeypatch, told=told, none=lambda image: squares(), pupil=told, pupils=("pupil",))
    return found


@pytest.fixture
def study(tmp_path: Path, asked: list[str]) -> Study:
    found = small_study(tmp_path, TRUTH, methods=("told", "none"))
    asked.clear()
    return found


def runs(study: Study, **options: Any) -> dict[str, CandidateRun]:
    return {run.candidate: run for run in Study(study.path).run(**options)}


def steps(study: Study) -> list[tuple[str, str]]:
    return [(entry["step"], next(iter(entry["outputs"]))) for entry in Record(study.path).entries()]


def test_every_image_is_predicted_and_every_object_measured(study: Study) -> None:
    found = runs(study)
    assert found["told"] == CandidateRun("told", 3, 0, 3) and found["none"] == CandidateRun("none", 3, 0, 0)
    folder = StudyFolder(study.path)
    for name, truth in TRUTH.items():
        assert np.array_equal(read_labels(folder.root / folder.prediction("told", name)), truth)
    table = read_table(folder.root / folder.measurements("told"))
    assert table["image_id"].tolist() == ["a", "a", "b"] and table["label"].tolist() == [1, 2, 1]
    assert table["area"].tolist() == [36.0] * 3
    assert list(table.columns[:3]) == ["image_id", "group", "replicate"]
    assert table["probability"].isna().all(), "it says nothing of how sure it is"
    assert set(read_units(folder.root / folder.measurements("told"))) <= set(table.columns)


def test_a_table_without_objects_has_the_columns_of_the_others(study: Study) -> None:
    folder = StudyFolder(study.path)
    with_, without = (read_table(folder.root / folder.measurements(name)) for name in ("told", "none"))
    assert list(with_.columns) == list(without.columns) and len(without) == 0


def test_a_second_run_asks_no_method(study: Study, asked: list[str]) -> None:
    before = steps(study)
    assert {name: run.n_done for name, run in runs(study).items()} == {"told": 0, "none": 0}
    assert asked == [] and steps(study) == before


@pytest.mark.parametrize("what", ["labels", "details", "record"])
def test_what_is_lost_of_one_image_is_made_again_and_no_other(
    study: Study, asked: list[str], what: str
) -> None:
    folder = StudyFolder(study.path)
    if what == "labels":
        shutil.rmtree(folder.root / folder.prediction("told", "b"))
    elif what == "details":
        (folder.root / folder.prediction_details("told", "b")).write_text("{}")
    else:
        path = Record(folder.root).path
        lost = folder.prediction("told", "b").as_posix()
        kept = [line for line in path.read_text().splitlines() if lost not in line.partition('"outputs"')[2]]
        path.write_text("\n".join(kept) + "\n")
    found = runs(study)
    assert asked == ["b"] and (found["told"].n_done, found["none"].n_done) == (1, 0)
    assert found["told"].n_objects == 3


def test_an_image_that_was_changed_is_predicted_again(study: Study, asked: list[str]) -> None:
    from veriscope.core.image import Image
    from veriscope.io.ome_zarr import write_ome_zarr

    folder = StudyFolder(study.path)
    (row,) = [row for row in folder.images() if row.image_id == "c"]
    image = folder.read(row)
    write_ome_zarr(folder.root / row.path, Image(255 - image.pixels, image.axes, image.spacing))
    assert runs(study)["told"].n_done == 1 and asked == ["c"]


def test_only_those_that_are_named_run(study: Study, asked: list[str]) -> None:
    shutil.rmtree(study.path / "predictions")
    assert list(runs(study, only=["none"])) == ["none"]
    assert asked == [] and list(runs(study, only=[])) == []
    assert runs(study, only=["told", "told"])["told"].n_done == 3


@pytest.mark.parametrize("only", [["nope"], ["told", "nope"], [""], ["TOLD"]])
def test_a_candidate_that_there_is_not_is_refused_before_anything_runs(
    study: Study, asked: list[str], only: list[str]
) -> None:
    shutil.rmtree(study.path / "predictions")
    with pytest.raises(StudyError) as caught:
        runs(study, only=only)
    wrong = next(name for name in only if name not in ("told", "none"))
    assert str(caught.value) == f"no candidate {wrong} in study.yaml; there are: told, none"
    assert asked == [] and not (study.path / "predictions").exists()


def test_progress_counts_the_images_of_each_candidate(study: Study) -> None:
    shutil.rmtree(study.path / "predictions")
    told: list[tuple[str, int, int]] = []
    runs(study, progress=lambda *said: told.append(said))
    for name in ("told", "none"):
        mine = [(done, total) for stage, done, total in told if stage == f"predict {name}"]
        assert mine == [(n, 3) for n in range(4)]
    assert [stage for stage, *_ in told] == ["predict told"] * 4 + ["predict none"] * 4


def test_a_candidate_that_learns_waits_and_the_others_run(tmp_path: Path, asked: list[str]) -> None:
    study = small_study(tmp_path, TRUTH, methods=("pupil", "told"))
    found = runs(study)
    assert found["pupil"].not_run.startswith("waits for annotated training tiles: draw some with")
    assert not found["pupil"].failed and found["pupil"].n_objects is None
    assert found["told"].n_objects == 3


def test_it_learns_once_for_all_images_and_again_with_other_tiles(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.workflow.scripted import Scripted

    taught: list[int] = []
    monkeypatch.setattr(
        Scripted, "fit", lambda self, images, labels, regions=None: taught.append(len(images)) or self
    )
    study = small_study(tmp_path, TRUTH, methods=("pupil", "told"))
    study.audit(tiles=2, training=2)
    labels = tmp_path / "labels"
    study.import_references(labels, annotator="reference", whole_images=True)
    assert runs(study)["pupil"].n_done == 3 and taught == [2]
    assert runs(study)["pupil"].n_done == 0 and taught == [2]
    study.audit(training=3)
    study.import_references(labels, annotator="reference", whole_images=True)
    assert runs(study)["pupil"].n_done == 3 and taught == [2, 3]


def test_a_method_that_is_gone_fails_alone(study: Study) -> None:
    path = study.path / "study.yaml"
    said = yaml.safe_load(path.read_text())
    said["candidates"].insert(0, {"id": "gone", "method": "no-such-method"})
    path.write_text(yaml.safe_dump(said))
    found = runs(study)
    assert found["gone"].failed and "no-such-method" in found["gone"].not_run
    assert found["told"].n_objects == 3


def test_groups_changed_after_the_run_are_measured_anew_without_predicting(
    study: Study, asked: list[str]
) -> None:
    from dataclasses import replace

    folder = StudyFolder(study.path)
    folder.write_images([replace(row, group="new") for row in folder.images()])
    assert runs(study)["told"].n_done == 0 and asked == []
    table = read_table(folder.root / folder.measurements("told"))
    assert set(table["group"]) == {"new"}


def test_what_was_found_stands_in_the_record_with_its_cost(study: Study) -> None:
    folder = StudyFolder(study.path)
    entry = Record(folder.root).latest(folder.prediction("told", "a"))
    assert entry is not None and entry["step"] == "predict"
    assert entry["details"]["n_objects"] == 2 and entry["wall_s"] >= 0
    assert entry["parameters"]["method"]["name"] == "told"
    details = json.loads((folder.root / folder.prediction_details("told", "a")).read_text())
    assert details["n_objects"] == 2 and "probabilities" not in details


@pytest.mark.parametrize("workers", [0, -1])
def test_a_run_by_nobody_is_refused(study: Study, workers: int) -> None:
    with pytest.raises(InputError):
        runs(study, workers=workers)
