"""Drawing: known chances, extension without a break, tiles written out for annotation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from roifile import ImagejRoi

from veriscope.errors import InputError, StudyError, TableError
from veriscope.io.images import read_image
from veriscope.io.labels import read_labels
from veriscope.io.tables import read_table
from veriscope.trust.tiles import split_into_tiles
from veriscope.workflow.audited import audited_draws, audited_tiles, require_plan
from veriscope.workflow.demo import true_answer
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.question import Question
from veriscope.workflow.study import Study
from veriscope.workflow.training import training_inputs

Snapshot = Callable[[Path], dict[str, tuple[int, int]]]


def plan_of(study: Study) -> pd.DataFrame:
    return pd.read_csv(study.path / "audit/plan.csv")


def test_twenty_at_once_equal_ten_and_ten_more(run_study: Study, tmp_path: Path) -> None:
    run_study.audit(tiles=10)
    first = plan_of(run_study)
    run_study.audit(more=10)
    in_two = plan_of(run_study)
    assert in_two.iloc[:10].equals(first)
    other = Study(run_study.path.rename(tmp_path / "other"))
    for name in ("plan.csv", "frame.csv"):
        (other.path / "audit" / name).unlink()
    other.audit(tiles=20)
    order = ["group", "draw"]
    pd.testing.assert_frame_equal(
        plan_of(other).sort_values(order, ignore_index=True),
        in_two.sort_values(order, ignore_index=True),
    )


def test_asking_for_what_is_drawn_draws_nothing(run_study: Study) -> None:
    run_study.audit(tiles=12)
    before = (run_study.path / "audit/plan.csv").read_bytes()
    for asked in ({"tiles": 12}, {"tiles": 3}, {}):
        state = run_study.audit(**asked)
        assert state["audit"]["n_drawn"] == 12
    assert (run_study.path / "audit/plan.csv").read_bytes() == before


def test_asking_for_the_state_first_does_not_spoil_the_draw(run_study: Study) -> None:
    state = run_study.audit()
    assert (state["audit"]["n_drawn"], state["training"]["n_drawn"]) == (0, 0)
    assert run_study.audit(tiles=10)["audit"]["by_group"] == {"control": 5, "treated": 5}


def test_frame_covers_every_image_and_its_chances_add_up(finished: Study) -> None:
    frame = pd.read_csv(finished.path / "audit/frame.csv")
    for image in finished.images:
        part = frame[frame["image_id"] == image.image_id]
        covered = np.zeros(image.spatial_shape, int)
        for row in part.itertuples():
            covered[row.y0 : row.y1, row.x0 : row.x1] += 1
        assert (covered == 1).all()
    assert frame.groupby("group")["probability"].sum().to_dict() == pytest.approx(
        {"control": 1.0, "treated": 1.0}
    )
    n = frame["group"].value_counts()
    assert (frame["probability"] >= 0.5 / frame["group"].map(n) - 1e-12).all()
    draws = plan_of(finished)
    chances = frame.set_index("unit")["probability"]
    assert np.array_equal(draws["probability"], chances.loc[draws["unit"]])
    assert set(draws["status"]) == {"annotated"}
    assert set(draws["seed"]) == {5}


def test_chances_stay_when_predictions_change(done_study: Study) -> None:
    frame = (done_study.path / "audit/frame.csv").read_bytes()
    path = done_study.path / "study.yaml"
    path.write_text(path.read_text().replace("parameters: {}", "parameters: {diameter: 30}"))
    changed = Study(done_study.path)
    changed.run()
    changed.audit(more=4)
    assert (done_study.path / "audit/frame.csv").read_bytes() == frame


def test_tiles_are_written_with_their_surroundings(run_study: Study) -> None:
    run_study.audit(tiles=8)
    place = run_study.path / "audit/tiles"
    boxes = pd.read_csv(place / "boxes.csv").set_index("unit")
    plan = plan_of(run_study).drop_duplicates("unit").set_index("unit")
    assert sorted(boxes.index) == sorted(plan.index)
    assert sorted(path.stem for path in place.glob("*.tif")) == sorted(plan.index)
    margin = pd.read_csv(run_study.path / "audit/frame.csv")["margin"].iloc[0]
    assert margin >= 32
    images = {image.image_id: image for image in run_study.images}
    for unit, row in plan.iterrows():
        box = boxes.loc[unit]
        image = images[row["image_id"]]
        whole = read_image(run_study.path / image.path).pixels
        picture = tifffile.imread(place / f"{unit}.tif")
        inner = picture[box["y0"] : box["y1"], box["x0"] : box["x1"]]
        assert np.array_equal(inner, whole[row["y0"] : row["y1"], row["x0"] : row["x1"]])
        assert box["y0"] == min(margin, row["y0"])
        assert picture.shape[1] == min(160, row["x1"] + margin) - max(0, row["x0"] - margin)
        with tifffile.TiffFile(place / f"{unit}.tif") as file:
            assert file.imagej_metadata is not None
            roi = ImagejRoi.frombytes(file.imagej_metadata["Overlays"])
        shown = [roi.top, roi.left, roi.bottom, roi.right]
        assert shown == [box["y0"], box["x0"], box["y1"], box["x1"]]
    text = (place / "README.txt").read_text()
    assert "Outline every nucleus that touches the tile." in text
    assert "veriscope audit study --import FOLDER" in text


def test_tiles_drawn_inside_the_study_tell_its_name_all_the_same(
    run_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run_study.path)
    Study(".").audit(tiles=8)
    assert "veriscope audit study --import FOLDER" in Path("audit/tiles/README.txt").read_text()


def test_lost_tile_picture_is_written_again_and_others_are_left(run_study: Study, snapshot: Snapshot) -> None:
    run_study.audit(tiles=8)
    place = run_study.path / "audit/tiles"
    lost = sorted(place.glob("*.tif"))[0]
    content = lost.read_bytes()
    lost.unlink()
    before = snapshot(place)
    run_study.audit(tiles=8)
    assert lost.read_bytes() == content
    after = snapshot(place)
    pictures = [name for name in before if name.endswith(".tif")]
    assert {name: after[name] for name in pictures} == {name: before[name] for name in pictures}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"tiles": -1}, "--tiles -1: give 0 or a positive number of tiles"),
        ({"more": -2}, "--more -2: give 0 or a positive number of tiles"),
        (
            {"tiles": 3},
            "3 tiles for 2 groups: each group needs at least 5 for an interval, and about 10 for a useful "
            "one; try --tiles 20",
        ),
    ],
)
def test_wrong_numbers_are_refused(run_study: Study, asked: dict[str, int], message: str) -> None:
    with pytest.raises(InputError) as error:
        run_study.audit(**asked)
    assert str(error.value) == message
    assert not (run_study.path / "audit").exists()


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (
            "mean:probability",
            "column 'probability' is what methods say of their own objects; references have",
        ),
        ("mean:group", "column 'group' was not measured; columns are: label"),
        ("fraction:aera>3", "column 'aera' was not measured; columns are: label"),
    ],
)
def test_what_references_cannot_answer_is_refused_before_anyone_annotates(
    run_study: Study, measure: str, message: str
) -> None:
    question = Question.from_text(measure, object="nucleus", tolerance="10%")
    config = run_study.config.model_copy(update={"question": question})
    (run_study.path / "study.yaml").write_text(config.to_yaml(), encoding="utf-8")
    with pytest.raises(TableError) as error:
        Study(run_study.path).audit(tiles=6)
    assert str(error.value).startswith(message)
    assert not (run_study.path / "audit").exists()


def test_broken_plan_is_refused(done_study: Study) -> None:
    plan = done_study.path / "audit/plan.csv"
    table = pd.read_csv(plan)
    table.drop(columns="probability").to_csv(plan, index=False)
    with pytest.raises(StudyError) as error:
        done_study.audit()
    assert str(error.value) == f"{plan}: has no column probability; it was changed by hand, restore it"


def test_gap_stops_the_count_of_its_group(done_study: Study) -> None:
    folder = StudyFolder(done_study.path)
    draws = audited_draws(folder, require_plan(folder))
    assert draws["group"].value_counts().to_dict() == {"control": 12, "treated": 12}
    control = draws[draws["group"] == "control"]
    gap = control.iloc[4]["unit"]
    first = int(np.flatnonzero(control["unit"] == gap)[0])
    for path in (done_study.path / "annotations" / gap).iterdir():
        path.unlink()
    after = audited_draws(folder, require_plan(folder))
    assert after["group"].value_counts().to_dict() == {"treated": 12} | ({"control": first} if first else {})
    assert done_study.estimate()["groups"][0]["n_draws"] == first


def test_training_tiles_are_others_than_those_of_the_audit(run_study: Study, tiny_data: Path) -> None:
    run_study.audit(tiles=20, training=8)
    folder = StudyFolder(run_study.path)
    plan = plan_of(run_study)
    audit = set(plan.loc[plan["role"] == "audit", "unit"])
    training = list(plan.loc[plan["role"] == "training", "unit"])
    assert len(training) == len(set(training)) == 8
    assert not audit & set(training)
    groups = plan[plan["role"] == "training"]["group"].value_counts()
    assert groups.to_dict() == {"control": 4, "treated": 4}
    run_study.import_references(tiny_data / "labels", whole_images=True)
    assert set(training_inputs(folder)) == set(training)
    units = {tile.unit for tile in audited_tiles(folder, run_study.config)}
    assert units == audit
    with_training = run_study.estimate()["groups"]
    shown = json.loads((run_study.report().parent / "report.json").read_text())["audit"]
    assert shown["n_drawn"] == 20
    assert "8 other tiles were annotated for training and do not count here." in shown["design"]
    run_study.audit(training=10)
    assert list(plan_of(run_study).query("role == 'training'")["unit"])[:8] == training
    assert run_study.estimate()["groups"] == with_training


def test_tile_that_the_audit_draws_later_is_no_longer_learnt_from(run_study: Study, tiny_data: Path) -> None:
    run_study.audit(tiles=4, training=6)
    run_study.audit(tiles=60)
    run_study.import_references(tiny_data / "labels", whole_images=True)
    plan = plan_of(run_study)
    audit, training = (set(plan.loc[plan["role"] == role, "unit"]) for role in ("audit", "training"))
    assert audit & training, "the draws were to overlap"
    assert set(training_inputs(StudyFolder(run_study.path))) == training - audit


@pytest.mark.parametrize("measure", ["count", "mean-area", "density", "fraction:area>38", "area-fraction"])
def test_references_of_all_tiles_add_up_to_the_whole(run_study: Study, tiny_data: Path, measure: str) -> None:
    """The counting rule: no object is lost or counted twice at the borders of tiles."""
    path = run_study.path / "study.yaml"
    study = Study(run_study.path)
    question = Question.from_text(measure, object="nucleus")
    config = study.config.model_copy(update={"question": question})
    folder = StudyFolder(path.parent)
    study.audit(tiles=4)
    frame = pd.read_csv(folder.root / "audit/frame.csv")
    everything = frame.assign(
        role="audit", draw=frame.groupby("group").cumcount(), seed=0, status="to annotate"
    )
    everything.to_csv(folder.root / "audit/plan.csv", index=False)
    study.import_references(tiny_data / "labels")
    tiles = audited_tiles(folder, config)
    assert len(tiles) == len(frame)
    found = {}
    for group in ("control", "treated"):
        mine = [tile.sums for tile in tiles if tile.group == group]
        above = sum(float(sums.numerator[0]) for sums in mine)
        below = [float(sums.denominator[0]) for sums in mine if sums.denominator is not None]
        found[group] = above / sum(below) if below else above
    assert found == pytest.approx(true_answer(folder, config, tiny_data / "labels"), rel=1e-9)


def test_true_answer_is_that_of_the_simulation(finished: Study, tiny_data: Path) -> None:
    objects = pd.read_csv(tiny_data / "objects.csv")
    sheet = pd.read_csv(tiny_data / "sheet.csv").set_index("image")["group"]
    group = objects["image"].map(sheet)
    folder = StudyFolder(finished.path)
    counts = true_answer(folder, finished.config, tiny_data / "labels")
    assert counts == group.value_counts().to_dict()
    areas = finished.config.model_copy(update={"question": Question.from_text("mean-area")})
    assert true_answer(folder, areas, tiny_data / "labels") == pytest.approx(
        objects["area"].groupby(group).mean().to_dict()
    )


def test_predictions_of_all_tiles_add_up_to_the_table(finished: Study) -> None:
    from veriscope.workflow.audited import predicted_sums

    folder = StudyFolder(finished.path)
    frame = require_plan(folder).frame
    sums = predicted_sums(folder, finished.config, "log-spots", frame).sums
    table = read_table(folder.root / "measurements/log-spots.parquet")
    assert sums.count.sum() == len(table)
    assert (
        len(sums.count)
        == len(frame)
        == sum(len(split_into_tiles(image.spatial_shape, size=56)) for image in finished.images)
    )
    first = finished.images[0].image_id
    labels = read_labels(folder.root / folder.prediction("log-spots", first))
    assert sums.count[(frame["image_id"] == first).to_numpy()].sum() == labels.max()


def test_training_tiles_are_drawn_where_no_candidate_finds_anything(tmp_path: Path) -> None:
    flat = np.random.default_rng(0).normal(100, 5, (200, 200)).astype(np.float32)
    for name in "ab":
        (tmp_path / "images").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "images" / f"{name}.tif", flat)
    study = Study.new(
        tmp_path / "study", images=tmp_path / "images", methods=("otsu-watershed",), tile_size=50
    )
    assert [run.n_objects for run in study.run()] == [0]
    assert study.audit(training=4)["training"]["n_distinct"] == 4
