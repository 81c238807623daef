"""The demo on folders with references: choices said, truth beside the answer, real images."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from veriscope.datasets.study import StudySettings
from veriscope.errors import InputError, StudyError
from veriscope.io.labels import read_labels
from veriscope.workflow import demo
from veriscope.workflow.demo import demo_folder, demo_simulated
from veriscope.workflow.study import Study


@pytest.fixture
def data(tmp_path: Path, tiny_data: Path) -> Path:
    """Four of the tiny images in the convention, two of each of two fields."""
    place = tmp_path / "data"
    rows = []
    for kind in ("images", "labels"):
        (place / kind).mkdir(parents=True)
        for path in sorted((tiny_data / kind).glob("control*.tif")):
            shutil.copy(path, place / kind)
            if kind == "images":
                rows.append([path.stem, "train", path.stem[:9]])
    with (place / "split.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["stem", "split", "field_group"], *rows])
    (place / "dataset.json").write_text(json.dumps({"task": "instance segmentation of nuclei"}))
    return place


@pytest.fixture
def few_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only fast methods, so that the test is about the path."""
    from veriscope.workflow import create

    monkeypatch.setattr(create, "method_names", lambda: ("log-spots", "otsu-watershed"))


@pytest.mark.usefixtures("few_methods")
def test_folder_with_references(data: Path, tmp_path: Path) -> None:
    found = demo_folder(data, tmp_path / "study", tiles=12)
    assert found["schema"] == "veriscope/demo/1"
    assert found["choices"] == [
        "object: nucleus (--object says otherwise)",
        "replicates: field_group of split.csv, since images of one field are not independent",
    ]
    study = Study(found["study"])
    assert {image.replicate for image in study.images} == {"control-1", "control-2"}
    n = sum(int(read_labels(path).max()) for path in (data / "labels").iterdir())
    assert found["truth"] == {"all": n}
    (group,) = found["estimate"]["groups"]
    assert group["n_replicates"] == 2
    record = json.loads(Path(found["report"]).with_name("report.json").read_text())
    assert record["truth"]["groups"] == found["truth"]
    assert record["truth"]["source"] == "known because every image has a reference"
    assert set(found["validation"]["candidates"]) == {"log-spots", "otsu-watershed"}
    again = demo_folder(data, tmp_path / "study", tiles=12)
    assert again["estimate"] == found["estimate"]


@pytest.mark.usefixtures("few_methods")
def test_study_of_other_images_is_not_mixed_in(data: Path, tmp_path: Path) -> None:
    demo_folder(data, tmp_path / "study", tiles=4)
    for kind in ("images", "labels"):
        (data / kind / "control-2-02.tif").unlink()
    with pytest.raises(StudyError) as error:
        demo_folder(data, tmp_path / "study", tiles=4)
    assert str(error.value) == (
        f"{tmp_path / 'study'} is a study of other images; choose another --output, or remove it"
    )


def test_folder_without_labels(data: Path, tmp_path: Path) -> None:
    shutil.rmtree(data / "labels")
    with pytest.raises(InputError) as error:
        demo_folder(data, tmp_path / "study")
    assert str(error.value) == (
        f"{data}: has no folder labels; the demo takes a folder with images/ and labels/, label images "
        "of the same names"
    )


def test_image_without_a_reference(data: Path, tmp_path: Path) -> None:
    (data / "labels/control-1-02.tif").unlink()
    with pytest.raises(InputError) as error:
        demo_folder(data, tmp_path / "study")
    assert str(error.value) == (
        "1 image has no label image (control-1-02); the demo needs a reference of every image. For your "
        "own images start with: veriscope new"
    )
    assert not (tmp_path / "study").exists()


@pytest.mark.usefixtures("few_methods")
def test_simulated_demo_keeps_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = StudySettings.parse(
        {
            "simulation": {"scene": {"height_px": 96, "width_px": 96, "density_per_mm2": 4000}},
            "replicates": 2,
            "images_per_replicate": 1,
        },
        where="test",
    )
    real = demo.write_study
    calls = []

    def small(folder: Path, *, seed: int, progress: object) -> object:
        calls.append(folder)
        return real(folder, settings, seed=seed)

    monkeypatch.setattr(demo, "write_study", small)
    found = demo_simulated(tmp_path / "demo", tiles=15)
    assert set(found["truth"]) == {"control", "low dose", "high dose"}
    demo_simulated(tmp_path / "demo", tiles=15)
    assert calls == [tmp_path / "demo-data"]


def test_all_methods_with_training_tiles(tiny_data: Path, tmp_path: Path) -> None:
    """The forest waits for training tiles, learns from them, and is judged on images it has not seen."""
    options = {"images": str(tiny_data / "images"), "object": "nucleus", "tile_size": 80}
    names = ("otsu-watershed", "pixel-forest", "nuclei-fluorescence")
    study = Study.new(tmp_path / "s", methods=names, **options)
    otsu, forest, network = study.run()
    assert (otsu.n_done, forest.n_done, network.n_done) == (8, 0, 8)
    assert not forest.failed
    assert forest.not_run == (
        "waits for annotated training tiles: draw some with veriscope audit STUDY --training 6"
    )
    study.audit(tiles=16, training=3)
    study.import_references(tiny_data / "labels")
    assert [run.n_done for run in study.run()] == [0, 8, 0]
    assert [run.n_done for run in study.run()] == [0, 0, 0]
    found = study.validate()
    assert set(found["candidates"]) == set(names)
    plan = pd.read_csv(study.path / "audit/plan.csv")
    learnt = set(plan.loc[plan["role"] == "training", "image_id"])
    fair = plan[(plan["role"] == "audit") & ~plan["image_id"].isin(learnt)]["unit"].nunique()
    assert found["candidates"]["pixel-forest"]["n_tiles"] == fair
    assert found["candidates"]["otsu-watershed"]["n_tiles"] == found["n_tiles"] > fair
    assert found["candidates"]["nuclei-fluorescence"]["metrics"]["f1@0.5"]["value"] > 0.7
    assert study.report().is_file()


@pytest.mark.real_data
def test_real_nuclei(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "dsb2018_fluorescence"
    with (source / "split.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    data = tmp_path / "data"
    chosen = []
    for kind in ("images", "labels"):
        (data / kind).mkdir(parents=True)
    for row in rows:
        found = sorted(source.glob(f"images/{row['stem']}.*"))
        if found and found[0].stat().st_size < 100_000:
            chosen.append(row)
            shutil.copy(found[0], data / "images")
            shutil.copy(source / "labels" / f"{row['stem']}.tif", data / "labels")
        if len(chosen) == 4:
            break
    with (data / "split.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(chosen)
    found = demo_folder(data, tmp_path / "study", tiles=6, training=1, measure="mean-area")
    assert found["not_run"] == {}
    assert found["validation"]["candidates"]["nuclei-fluorescence"]["metrics"]["f1@0.5"]["value"] > 0.7
    (group,) = found["estimate"]["groups"]
    assert group["n_images"] == 4
    assert found["truth"]["all"] > 0
    assert Path(found["report"]).is_file()


@pytest.mark.usefixtures("few_methods")
@pytest.mark.parametrize(
    "other",
    [{"measure": "mean-area"}, {"tolerance": "20%"}, {"object": "cell"}, {"seed": 9}, {"channel": "0"}],
    ids=lambda item: next(iter(item)),
)
def test_a_study_of_another_question_is_not_shown_as_the_answer(
    data: Path, tmp_path: Path, other: dict[str, object]
) -> None:
    """It used to go on with the question that was there, whatever was asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Study, "run", lambda *given, **options: pytest.fail("nothing is to be run"))
        Study.new(
            tmp_path / "study",
            images=data / "images",
            object="nucleus",
            tolerance="5%",
            seed=1,
            methods=("log-spots",),
        )
        with pytest.raises(StudyError) as error:
            demo_folder(data, tmp_path / "study", tiles=4, **other)  # type: ignore[arg-type]
    assert str(error.value) == (
        f"{tmp_path / 'study'} is a study of another question, tolerance, channel or seed (How many nuclei "
        "are there in each group?); choose another --output, or remove it"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '{"seed": 1}',
            "was simulated with seed 1, and 2 is asked for; choose another --output, or remove it",
        ),
        ("{}", "cannot be read; remove the folder, it is made again"),
        ("{", "cannot be read; remove the folder, it is made again"),
    ],
)
def test_data_of_another_seed_are_not_shown_as_those_of_this_one(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "demo-data").mkdir()
    (tmp_path / "demo-data/truth.json").write_text(content)
    with pytest.raises(InputError) as error:
        demo_simulated(tmp_path / "demo", seed=2)
    assert message in str(error.value)
    assert not (tmp_path / "demo").exists()


@pytest.mark.usefixtures("few_methods")
@pytest.mark.parametrize(("encoding", "separator"), [("utf-8-sig", ","), ("utf-8", ";")])
def test_fields_of_one_sample_are_one_replicate_however_the_table_was_saved(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, separator: str
) -> None:
    """Saved by Excel the table was passed over, and every field was taken as independent."""
    path = data / "split.csv"
    path.write_text(path.read_text().replace(",", separator), encoding=encoding)

    def stop(*given: object, **options: object) -> None:
        raise StudyError("far enough")

    monkeypatch.setattr(Study, "run", stop)
    with pytest.raises(StudyError, match="far enough"):
        demo_folder(data, tmp_path / "study", tiles=4)
    assert {image.replicate for image in Study(tmp_path / "study").images} == {"control-1", "control-2"}
