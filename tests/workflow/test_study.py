"""The path from images to a report: what each step gives, and what a second run does not do again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from veriscope.errors import InputError, StudyError
from veriscope.io.record import Record
from veriscope.io.tables import read_table
from veriscope.report.numbers import format_estimate
from veriscope.workflow.study import Study

Snapshot = Callable[[Path], dict[str, tuple[int, int]]]


def evidence(study: Study, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads((study.path / f"evidence/{name}.json").read_text())
    return found


def test_run_predicts_and_measures_every_image(finished: Study, tiny_data: Path) -> None:
    table = read_table(finished.path / "measurements/otsu-watershed.parquet")
    assert list(table.columns[:3]) == ["image_id", "group", "replicate"]
    assert sorted(table["image_id"].unique()) == sorted(image.image_id for image in finished.images)
    units = json.loads((finished.path / "measurements/otsu-watershed.json").read_text())
    assert "µm²" in json.dumps(units, ensure_ascii=False)
    truth = pd.read_csv(tiny_data / "objects.csv")
    assert len(table) == pytest.approx(len(truth), rel=0.3)
    assert table["area"].mean() == pytest.approx(truth["area"].mean(), rel=0.3)


def test_estimate_has_the_agreed_keys_and_equals_its_evidence(finished: Study) -> None:
    found = finished.estimate()
    assert found == evidence(finished, "estimate")
    assert found["schema"] == "veriscope/estimate/1"
    assert found["question"]["text"] == "How many nuclei are there in each group?"
    assert [group["group"] for group in found["groups"]] == ["control", "treated"]
    wanted = {"group", "estimate", "low", "high", "level", "estimator", "n_tiles_audited", "n_images"}
    for group in found["groups"]:
        assert wanted | {"naive", "evidence", "labelled_only", "status", "n_draws"} <= set(group)
        assert group["low"] <= group["estimate"] <= group["high"]
        assert (group["level"], group["evidence"], group["n_images"]) == (0.9, "audited", 4)
        assert group["n_replicates"] == 2
        assert group["n_tiles_audited"] <= group["n_draws"] == 12
    kinds = [(c["group_a"], c["group_b"], c["kind"]) for c in found["contrasts"]]
    assert kinds == [("control", "treated", "difference"), ("control", "treated", "ratio")]


def test_naive_is_the_sum_of_the_measurement_table(finished: Study) -> None:
    found = finished.estimate()
    table = read_table(finished.path / f"measurements/{found['method']}.parquet")
    assert {group["group"]: group["naive"] for group in found["groups"]} == dict(
        table["group"].value_counts().astype(float)
    )


def test_verdict_has_the_agreed_keys_and_a_figure_for_each_reason(finished: Study) -> None:
    found = finished.verdict()
    assert found == evidence(finished, "verdict")
    assert found["schema"] == "veriscope/verdict/1"
    allowed = {"use", "use-with-correction", "fine-tune-first", "do-not-use", "cannot-tell"}
    assert found["verdict"] in allowed
    assert found["reasons"]
    page = (finished.path / "report/index.html").read_text(encoding="utf-8")
    for reason in found["reasons"]:
        assert {"check", "status", "text"} <= set(reason)
        assert f'id="{reason["figure"]}"' in page


def test_validation_judges_each_candidate_with_intervals(finished: Study) -> None:
    found = finished.validate()
    assert found == evidence(finished, "validate")
    assert set(found["candidates"]) == {"otsu-watershed", "log-spots"}
    assert found["first"] in found["candidates"]
    for item in found["candidates"].values():
        f1 = item["metrics"]["f1@0.5"]
        assert 0 <= f1["low"] <= f1["value"] <= f1["high"] <= 1
        assert f1["unit"] == "image"
        assert len(item["tiles"]) == found["n_tiles"]


def test_report_shows_the_numbers_of_its_record(finished: Study) -> None:
    record = json.loads((finished.path / "report/report.json").read_text())
    page = (finished.path / "report/index.html").read_text(encoding="utf-8")
    assert record["schema"] == "veriscope/report/1"
    assert record["evidence"] == "audited"
    assert record["audit"]["n_drawn"] == 24
    assert record["study"]["n_images"] == 8
    assert record["study"]["n_replicates"] == 4
    for group in record["estimate"]["groups"]:
        assert group["group"] in page
        value, interval = format_estimate(group["estimate"], group["low"], group["high"])
        assert f">{value}" in page
        assert interval in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert page.count("data:image/png;base64,") >= 2


def test_second_run_changes_no_file(done_study: Study, snapshot: Snapshot) -> None:
    before = snapshot(done_study.path)
    assert [run.n_done for run in done_study.run()] == [0, 0]
    done_study.validate(), done_study.estimate(), done_study.verdict()
    assert snapshot(done_study.path) == before


@pytest.mark.parametrize("damage", ["removed", "changed", "added to"])
def test_damaged_prediction_is_made_again_to_the_same_bytes(
    done_study: Study, snapshot: Snapshot, damage: str
) -> None:
    image = done_study.images[3].image_id
    store = done_study.path / f"predictions/log-spots/{image}.ome.zarr"
    whole = {path.relative_to(store): path.read_bytes() for path in store.rglob("*") if path.is_file()}
    if damage == "removed":
        shutil.rmtree(store)
    elif damage == "changed":
        largest = max(whole, key=lambda name: len(whole[name]))
        (store / largest).write_bytes(whole[largest][:-1] + b"?")
    else:
        (store / "stranger.txt").write_text("not ours")
    before = snapshot(done_study.path)
    assert [run.n_done for run in done_study.run()] == [0, 1]
    assert {
        path.relative_to(store): path.read_bytes() for path in store.rglob("*") if path.is_file()
    } == whole
    changed = {name for name, state in snapshot(done_study.path).items() if before.get(name) != state}
    of_image = {name for name in changed if name.startswith(f"predictions/log-spots/{image}")}
    assert changed - of_image == {"record.jsonl"}


def test_damaged_measurements_and_evidence_are_made_again(done_study: Study) -> None:
    table = done_study.path / "measurements/log-spots.parquet"
    answer = done_study.path / "evidence/estimate.json"
    whole = table.read_bytes(), answer.read_bytes()
    table.write_bytes(b"PAR1")
    answer.unlink()
    done_study.run()
    done_study.estimate()
    assert (table.read_bytes(), answer.read_bytes()) == whole


def test_lost_line_of_the_record_means_once_more_the_same(done_study: Study) -> None:
    record = done_study.path / "record.jsonl"
    lines = record.read_bytes().splitlines(keepends=True)
    new, first = lines[0], json.loads(lines[1])["outputs"]
    record.write_bytes((new + b"".join(lines[2:]))[:-20])
    assert sum(run.n_done for run in done_study.run()) == 1
    again = Record(done_study.path).latest(next(iter(first)))
    assert again is not None
    assert again["outputs"] == first


def test_changed_parameters_are_computed_again_for_that_candidate_only(done_study: Study) -> None:
    before = read_table(done_study.path / "measurements/log-spots.parquet")
    answered = done_study.estimate(method="log-spots")
    text = done_study.path.joinpath("study.yaml").read_text()
    old = "  method: log-spots\n  parameters: {}"
    assert old in text
    new = "  method: log-spots\n  parameters: {diameter: 40}"
    done_study.path.joinpath("study.yaml").write_text(text.replace(old, new))
    changed = Study(done_study.path)
    assert [run.n_done for run in changed.run()] == [0, 8]
    after = read_table(done_study.path / "measurements/log-spots.parquet")
    assert len(after) != len(before)
    assert changed.estimate(method="log-spots")["groups"] != answered["groups"]


def test_choice_of_the_user_is_told_apart_from_that_of_validation(done_study: Study) -> None:
    first = done_study.validate()["first"]
    assert done_study.estimate()["chosen_by"] == "validation"
    assert done_study.estimate(method=first)["chosen_by"] == "user"
    assert done_study.estimate()["chosen_by"] == "validation"
    with pytest.raises(StudyError) as error:
        done_study.estimate(method="cellpose")
    assert str(error.value) == ("no candidate 'cellpose' that has run; there are: otsu-watershed, log-spots")


def test_steps_out_of_order_say_what_comes_first(new_options: dict[str, object], tmp_path: Path) -> None:
    study = Study.new(tmp_path / "s", **new_options)
    place = study.path
    for step in (study.validate, study.estimate, study.verdict, study.report):
        with pytest.raises(StudyError) as error:
            step()
        assert str(error.value) == f"no candidate has run yet; first: veriscope run {place}"
    with pytest.raises(StudyError) as error:
        study.audit(tiles=10)
    assert str(error.value) == (
        f"no candidate has run yet, and tiles are drawn by what they predict; first: veriscope run {place}"
    )
    assert not (place / "audit").exists()
    with pytest.raises(StudyError) as error:
        study.run(only=["stardist"])
    assert str(error.value) == "no candidate stardist in study.yaml; there are: otsu-watershed, log-spots"
    study.run(only=["log-spots"])
    with pytest.raises(StudyError) as error:
        study.estimate()
    assert str(error.value) == f"no audit was drawn yet; first: veriscope audit {place} --tiles 20"
    study.audit(tiles=4)
    with pytest.raises(StudyError) as error:
        study.estimate()
    assert str(error.value) == (
        f"no audit tile is annotated yet; annotate those in {place / 'audit' / 'tiles'}, then: "
        f"veriscope audit {place} --import FOLDER"
    )


def test_study_can_be_moved(done_study: Study, tmp_path: Path) -> None:
    moved = done_study.path.rename(tmp_path / "elsewhere")
    study = Study(moved)
    before = (moved / "record.jsonl").read_bytes()
    study.run()
    study.verdict()
    assert (moved / "record.jsonl").read_bytes() == before


def test_tile_size_changed_after_the_draw_is_refused(done_study: Study) -> None:
    path = done_study.path / "study.yaml"
    path.write_text(path.read_text().replace("tile_size: 56", "tile_size: 80"))
    with pytest.raises(StudyError) as error:
        Study(done_study.path).estimate()
    assert str(error.value) == (
        "the audit's tiles are not those of study.yaml and images.csv: tile_size, images, groups or "
        "replicates were changed after the draw; change them back, or remove the folders audit/ and "
        "annotations/ and draw anew"
    )


def test_folder_that_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as error:
        Study(tmp_path / "nothing")
    assert str(error.value).startswith(f"{tmp_path / 'nothing'}: there is no such folder; check the name")
    with pytest.raises(InputError):
        Study.new(tmp_path / "s", images=[])


def test_zero_objects_everywhere_cannot_tell(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "labels").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / f"images/{name}.tif", np.full((96, 96), 7, np.uint8))
        tifffile.imwrite(tmp_path / f"labels/{name}.tif", np.zeros((96, 96), np.uint8))
    study = Study.new(
        tmp_path / "s", images=tmp_path / "images", methods=("otsu-watershed",), tile_size=48, tolerance=0.1
    )
    assert [run.n_objects for run in study.run()] == [0]
    assert "all pixels have the same value" in study.images[0].notes
    study.audit(tiles=10)
    study.import_references(tmp_path / "labels")
    (group,) = study.estimate()["groups"]
    assert (group["naive"], group["estimate"], group["low"], group["high"]) == (0, 0, None, None)
    assert group["status"] == "cannot-tell"
    assert group["reason"].startswith("None of 10 audited tiles holds anything to measure")
    assert study.verdict()["verdict"] == "cannot-tell"
    assert study.report().is_file()


def test_predictions_older_than_the_study_file_do_not_answer(done_study: Study) -> None:
    path = done_study.path / "study.yaml"
    text = path.read_text()
    path.write_text(
        text.replace(
            "method: log-spots\n  parameters: {}", "method: log-spots\n  parameters: {threshold: 0.3}"
        )
    )
    changed = Study(done_study.path)
    with pytest.raises(StudyError) as error:
        changed.estimate()
    assert str(error.value) == (
        "predictions of log-spots are older than study.yaml, the images or the training tiles say; first: "
        f"veriscope run {done_study.path}"
    )
    changed.run()
    assert changed.estimate()["groups"]


def test_every_derived_file_is_in_the_record(done_study: Study) -> None:
    done_study.report()
    recorded = {name for entry in Record(done_study.path).entries() for name in entry["outputs"]}
    files = {path.relative_to(done_study.path) for path in done_study.path.rglob("*") if path.is_file()}
    told = {"study.yaml", "record.jsonl", "audit/tiles/README.txt"}
    left_out = [
        path.as_posix()
        for path in files
        if not recorded & {path.as_posix(), *(parent.as_posix() for parent in path.parents)}
    ]
    assert set(left_out) <= told


def test_a_second_report_does_nothing(done_study: Study) -> None:
    page = done_study.report()
    before, n = page.stat().st_mtime_ns, len(Record(done_study.path).entries())
    assert done_study.report() == page
    assert (page.stat().st_mtime_ns, len(Record(done_study.path).entries())) == (before, n)


def test_asking_for_the_state_of_an_audit_draws_nothing(tiny_data: Path, tmp_path: Path) -> None:
    study = Study.new(tmp_path / "study", images=tiny_data / "images", methods=("log-spots",))
    assert study.audit()["audit"]["n_drawn"] == 0
    assert not (study.path / "audit").exists()
