"""A network that learns from the training tiles of a study, and competes there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from veriscope.errors import InputError, StudyError
from veriscope.training.settings import TrainSettings
from veriscope.workflow.config import Candidate, read_config
from veriscope.workflow.fine_tuning import add_candidate, is_tuned_here, train_study, tuned_images
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.study import Study


@pytest.fixture(autouse=True)
def needs_torch() -> None:
    pytest.importorskip("torch", reason="training needs the extra train")


def quick(**options: object) -> TrainSettings:
    given = {"steps": 1, "crop": 64, "batch": 1, "widths": (4, 8), "device": "cpu"}
    return TrainSettings.parse(given | options, where="test")


def test_without_annotated_training_tiles_the_way_to_them_is_told(run_study: Study) -> None:
    with pytest.raises(StudyError, match="no training tile is annotated; draw some with veriscope audit"):
        train_study(run_study.path, None, quick())


def test_only_training_tiles_are_known(run_study: Study, tiny_data: Path) -> None:
    run_study.audit(tiles=12, training=8)
    run_study.import_references(tiny_data / "labels", annotator="reference", whole_images=True)
    folder = StudyFolder(run_study.path)
    pairs, unit = tuned_images(folder, run_study.config)
    from veriscope.workflow.plan import read_plan
    from veriscope.workflow.training import training_inputs

    plan = read_plan(folder)
    assert plan is not None
    draws = plan.of_role("training").drop_duplicates("unit").set_index("unit")
    tiles = [draws.loc[tile] for tile in training_inputs(folder)]
    known = sum(int((pair.labels >= 0).sum()) for pair in pairs)
    assert known == sum(int((t["y1"] - t["y0"]) * (t["x1"] - t["x0"])) for t in tiles)
    assert unit == "replicate"
    assert {pair.stem for pair in pairs} == {str(tile["image_id"]) for tile in tiles}
    from veriscope.io.labels import read_labels

    for pair in pairs:
        truth = read_labels(tiny_data / "labels" / f"{pair.stem}.tif")
        inside = pair.labels >= 0
        assert ((pair.labels > 0) == (truth > 0))[inside].all()


def test_the_network_becomes_a_candidate_that_is_not_judged_where_it_learned(
    run_study: Study, tiny_data: Path
) -> None:
    run_study.audit(tiles=20, training=10)
    run_study.import_references(tiny_data / "labels", annotator="reference", whole_images=True)
    found = train_study(run_study.path, None, quick())
    assert found["candidate"] == "unet-tuned"
    assert (run_study.path / "networks" / "unet-tuned" / "bioimageio.yaml").exists()
    candidate = read_config(run_study.path / "study.yaml").candidates[-1]
    assert candidate.id == "unet-tuned"
    assert is_tuned_here(StudyFolder(run_study.path), candidate.method)
    assert not is_tuned_here(StudyFolder(run_study.path), "otsu-watershed")
    study = Study(run_study.path)
    study.run(only=("unet-tuned",))
    judged = study.validate()["candidates"]
    assert judged["unet-tuned"]["n_tiles"] < judged["otsu-watershed"]["n_tiles"]

    # The study can be moved: nothing in it says where it lay.
    assert "method: network:./networks/unet-tuned" in (study.path / "study.yaml").read_text()
    moved = Path(shutil.move(study.path, study.path.with_name("moved")))
    again = Study(moved)
    assert [run.n_done for run in again.run(only=("unet-tuned",))] == [0]
    assert again.validate()["candidates"]["unet-tuned"]["n_tiles"] == judged["unet-tuned"]["n_tiles"]


def test_a_network_outside_of_the_study_is_named_by_its_whole_path(run_study: Study, tmp_path: Path) -> None:
    path = run_study.path / "study.yaml"
    add_candidate(path, Candidate(id="inside", method="network:./networks/mine"))
    add_candidate(path, Candidate(id="outside", method=f"network:{tmp_path}/other"))
    found = {item.id: item.method for item in read_config(path).candidates}
    assert found["inside"] == f"network:{(run_study.path / 'networks' / 'mine').absolute()}"
    assert found["outside"] == f"network:{tmp_path}/other"
    add_candidate(path, Candidate(id="again", method="network:./networks/mine"))
    assert len(read_config(path).candidates) == len(found)


def test_a_candidate_is_added_and_every_other_line_stays(run_study: Study) -> None:
    path = run_study.path / "study.yaml"
    path.write_text(path.read_text().replace("audit:", "# how tiles are drawn\naudit:"))
    before = path.read_text().splitlines()
    added = Candidate(id="mine", method="network:/some/where")
    add_candidate(path, added)
    after = path.read_text().splitlines()
    assert [line for line in after if line not in before] == ["- id: mine", "  method: network:/some/where"]
    assert [line for line in after if line in before] == before
    assert read_config(path).candidates[-1] == added
    add_candidate(path, added)
    assert path.read_text().splitlines() == after


def test_a_study_that_is_not_written_in_lines_is_left_alone(tmp_path: Path, run_study: Study) -> None:
    import yaml

    path = run_study.path / "study.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()), default_flow_style=True))
    before = path.read_text()
    with pytest.raises(InputError, match="add it by hand: id mine, method network:x"):
        add_candidate(path, Candidate(id="mine", method="network:x"))
    assert path.read_text() == before
