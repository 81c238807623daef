"""Taking in annotations: every form, every fault, every version kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from roifile import ROI_TYPE, ImagejRoi, roiwrite

from veriscope.errors import InputError, ShapeMismatchError, StudyError, UnreadableFileError
from veriscope.io.labels import read_labels, write_labels
from veriscope.workflow.annotations import latest_annotation
from veriscope.workflow.audited import audited_tiles
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.study import Study


@pytest.fixture
def drawn(run_study: Study) -> Study:
    """A study with tiles drawn and none annotated."""
    run_study.audit(tiles=8)
    return run_study


def units_of(study: Study) -> pd.DataFrame:
    return pd.read_csv(study.path / "audit/plan.csv").drop_duplicates("unit").reset_index(drop=True)


def tile_labels(study: Study, data: Path, row: object) -> np.ndarray:
    """Cut what a perfect annotator draws on the picture of a tile."""
    picture = tifffile.imread(study.path / f"audit/tiles/{row.unit}.tif")
    boxes = pd.read_csv(study.path / "audit/tiles/boxes.csv").set_index("unit")
    y, x = row.y0 - boxes.loc[row.unit, "y0"], row.x0 - boxes.loc[row.unit, "x0"]
    truth = read_labels(data / f"labels/{row.image_id}.tif")
    return truth[y : y + picture.shape[0], x : x + picture.shape[1]]


def counts(study: Study) -> dict[str, float]:
    tiles = audited_tiles(StudyFolder(study.path), study.config)
    return {tile.unit: float(tile.sums.count[0]) for tile in tiles}


def test_tiles_and_whole_images_give_the_same(drawn: Study, tiny_data: Path, tmp_path: Path) -> None:
    for row in units_of(drawn).itertuples():
        write_labels(tmp_path / f"drawn/{row.unit}.tif", tile_labels(drawn, tiny_data, row))
    state = drawn.import_references(tmp_path / "drawn", annotator="anna")
    n = len(units_of(drawn))
    assert (state["n_imported"], state["n_new"]) == (n, n)
    assert (state["audit"]["n_annotated"], state["audit"]["to_annotate"]) == (n, [])
    assert state["schema"] == "veriscope/audit/1"
    assert set(units_of(drawn)["status"]) == {"annotated"}
    by_tile = counts(drawn)
    drawn.import_references(tiny_data / "labels", annotator="truth")
    assert counts(drawn) == by_tile
    assert sum(by_tile.values()) > 10


def test_outlines_of_fiji_and_qupath_count_as_label_images_do(
    drawn: Study, tiny_data: Path, tmp_path: Path
) -> None:
    drawn.import_references(tiny_data / "labels", annotator="truth")
    expected = counts(drawn)
    (tmp_path / "drawn").mkdir()
    for index, row in enumerate(units_of(drawn).itertuples()):
        labels = tile_labels(drawn, tiny_data, row)
        boxes = []
        for value in np.unique(labels[labels > 0]):
            y, x = np.nonzero(labels == value)
            boxes.append((int(y.min()), int(x.min()), int(y.max()) + 1, int(x.max()) + 1))
        target = tmp_path / "drawn" / row.unit
        if index % 2 and boxes:
            rois = [
                ImagejRoi(roitype=ROI_TYPE.RECT, top=a, left=b, bottom=c, right=d, name=f"{i:03d}")
                for i, (a, b, c, d) in enumerate(boxes)
            ]
            roiwrite(target.with_suffix(".zip"), rois)
        elif boxes:
            features = [
                {
                    "type": "Feature",
                    "properties": {"objectType": "annotation"},
                    "geometry": {
                        "type": "Polygon",
                        "coordinates": [[[b, a], [d, a], [d, c], [b, c], [b, a]]],
                    },
                }
                for a, b, c, d in boxes
            ]
            text = json.dumps({"type": "FeatureCollection", "features": features})
            target.with_suffix(".geojson").write_text(text)
        else:
            write_labels(target.with_suffix(".tif"), np.zeros(labels.shape, np.uint8))
    drawn.import_references(tmp_path / "drawn", annotator="anna")
    # Rectangles around the objects have other centroids, so that a few on a border change tiles.
    found = counts(drawn)
    assert found.keys() == expected.keys()
    assert sum(found.values()) == pytest.approx(sum(expected.values()), rel=0.15)
    assert {latest_annotation(StudyFolder(drawn.path), unit).annotator for unit in found} == {"anna"}


def test_every_version_is_kept_and_the_newest_counts(drawn: Study, tiny_data: Path, tmp_path: Path) -> None:
    row = next(units_of(drawn).itertuples())
    target = tmp_path / f"drawn/{row.unit}.tif"
    labels = tile_labels(drawn, tiny_data, row)
    write_labels(target, labels)
    assert drawn.import_references(target.parent, annotator="anna")["n_new"] == 1
    assert drawn.import_references(target.parent, annotator="anna")["n_new"] == 0
    write_labels(target, np.zeros_like(labels))
    assert drawn.import_references(target.parent, annotator="ben")["n_new"] == 1
    assert drawn.import_references(target.parent, annotator="anna")["n_new"] == 1
    kept = drawn.path / "annotations" / row.unit
    assert sorted(path.name for path in kept.glob("*.tif")) == ["anna.v1.tif", "anna.v3.tif", "ben.v2.tif"]
    assert (read_labels(kept / "anna.v1.tif") > 0).sum() == (labels > 0).sum()
    newest = latest_annotation(StudyFolder(drawn.path), row.unit)
    assert newest is not None
    assert (newest.annotator, newest.path.name, newest.labels.max()) == ("anna", "anna.v3.tif", 0)


def test_new_annotation_changes_the_answer(done_study: Study, tmp_path: Path) -> None:
    before = done_study.estimate()
    unit = units_of(done_study)["unit"][0]
    annotation = latest_annotation(StudyFolder(done_study.path), unit)
    assert annotation is not None
    write_labels(tmp_path / f"drawn/{unit}.tif", np.zeros(tile_shape(done_study, unit), np.uint8))
    done_study.import_references(tmp_path / "drawn", annotator="ben")
    after = done_study.estimate()
    assert after["groups"][0]["estimate"] < before["groups"][0]["estimate"]
    assert after["groups"][1] == before["groups"][1]


def tile_shape(study: Study, unit: str) -> tuple[int, ...]:
    shape: tuple[int, ...] = tifffile.imread(study.path / f"audit/tiles/{unit}.tif").shape
    return shape


def test_all_faults_are_named_and_nothing_is_taken_in(drawn: Study, tiny_data: Path, tmp_path: Path) -> None:
    rows = units_of(drawn)
    place = tmp_path / "drawn"
    first, second, third = rows["unit"][:3]
    write_labels(place / f"{first}.tif", np.zeros(tile_shape(drawn, first), np.uint8))
    write_labels(place / f"{second}.tif", np.zeros((20, 30), np.uint8))
    write_labels(place / "stranger.tif", np.zeros((20, 30), np.uint8))
    (place / f"{third}.png").write_bytes(b"not a picture")
    with pytest.raises(InputError) as error:
        drawn.import_references(place)
    lines = str(error.value).splitlines()
    assert lines[0] == "3 of 4 annotation files cannot be used:"
    assert lines[-1] == "Nothing was taken in. Mend or remove them and import again."
    height, width = tile_shape(drawn, second)
    text = str(error.value)
    assert (
        f"{place / second}.tif: has 20 × 30 pixels and does not cover the {height} × {width} pixels" in text
    )
    assert "stranger.tif: belongs to no tile that was drawn and to no image of the study" in text
    assert f"{third}.png" in text
    assert not (drawn.path / "annotations").exists()


def test_wrong_shape_of_a_whole_image(drawn: Study, tmp_path: Path) -> None:
    image = units_of(drawn)["image_id"][0]
    write_labels(tmp_path / f"drawn/{image}.tif", np.zeros((80, 80), np.uint8))
    with pytest.raises(ShapeMismatchError, match="has 80 × 80 pixels and does not cover the 144 × 160"):
        drawn.import_references(tmp_path / "drawn", whole_images=True)


def test_same_tile_twice(drawn: Study, tmp_path: Path) -> None:
    unit = units_of(drawn)["unit"][0]
    shape = tile_shape(drawn, unit)
    write_labels(tmp_path / f"drawn/{unit}.tif", np.zeros(shape, np.uint8))
    roiwrite(tmp_path / f"drawn/{unit}.zip", [ImagejRoi(roitype=ROI_TYPE.RECT, right=9, bottom=9)])
    with pytest.raises(InputError) as error:
        drawn.import_references(tmp_path / "drawn")
    assert str(error.value) == (
        f"{tmp_path / 'drawn'}: the same thing is annotated twice:\n"
        f"  - {unit}.tif and {unit}.zip both annotate {unit}\n"
        "Keep one of each."
    )


def test_references_of_other_images_are_no_fault_of_a_data_set(drawn: Study, tiny_data: Path) -> None:
    labels = drawn.path.parent / "labels"
    shutil.copytree(tiny_data / "labels", labels)
    shutil.copy(next(labels.iterdir()), labels / "other.tif")
    with pytest.raises(InputError, match=r"other\.tif: belongs to no tile"):
        drawn.import_references(labels)
    state = drawn.import_references(labels, whole_images=True)
    assert state["n_imported"] == len(units_of(drawn))


def test_folder_without_anything_of_use(drawn: Study, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError) as error:
        drawn.import_references(tmp_path / "nowhere")
    assert str(error.value) == f"{tmp_path / 'nowhere'}: no such folder; give the folder with the annotations"
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableFileError, match="no annotation file in it; readable are"):
        drawn.import_references(tmp_path / "empty")
    write_labels(tmp_path / "others/other.tif", np.zeros((9, 9), np.uint8))
    with pytest.raises(InputError, match="none of its 1 files belongs to a tile that was drawn"):
        drawn.import_references(tmp_path / "others", whole_images=True)


def test_pictures_are_not_taken_for_annotations(drawn: Study, tiny_data: Path, tmp_path: Path) -> None:
    """Grey values read as labels would be thousands of objects, in silence."""
    unit = units_of(drawn)["unit"][0]
    with pytest.raises(InputError) as error:
        drawn.import_references(drawn.path / "audit/tiles")
    said = (
        "is the picture itself, not an annotation of it; save the labels or outlines in a folder of their own"
    )
    assert f"{unit}.tif: {said}" in str(error.value)
    with pytest.raises(InputError, match="is the picture itself, not an annotation of it"):
        drawn.import_references(tiny_data / "images", whole_images=True)
    assert not (drawn.path / "annotations").exists()


def test_before_the_draw_and_odd_annotators(run_study: Study, tiny_data: Path) -> None:
    with pytest.raises(StudyError) as error:
        run_study.import_references(tiny_data / "labels")
    assert str(error.value) == (
        "no tile was drawn yet, so there is nothing to annotate; first: "
        f"veriscope audit {run_study.path} --tiles 20"
    )
    with pytest.raises(InputError) as wrong:
        run_study.import_references(tiny_data / "labels", annotator="../ben")
    assert str(wrong.value) == r"annotator '../ben': give a name without / \ and :"


def test_object_larger_than_the_margin_is_measured_whole(drawn: Study, tmp_path: Path) -> None:
    """References of whole images keep every object that touches the tile, however long."""
    image = units_of(drawn)["image_id"][0]
    labels = np.zeros((144, 160), np.uint8)
    labels[70:74, :] = 1
    write_labels(tmp_path / f"drawn/{image}.tif", labels)
    drawn.import_references(tmp_path / "drawn", whole_images=True)
    folder = StudyFolder(drawn.path)
    rows = units_of(drawn).query("image_id == @image and y0 < 74 and y1 > 70")
    for row in rows.itertuples():
        annotation = latest_annotation(folder, row.unit)
        assert annotation is not None
        assert (annotation.labels > 0).sum() == 4 * 160
