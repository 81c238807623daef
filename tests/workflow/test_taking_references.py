"""Annotation files of a folder: which are taken, what is refused, and that a refusal takes in nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.workflow.scripted import install, small_study, squares

from veriscope.errors import InputError, StudyError, UnreadableFileError, VeriscopeError
from veriscope.io.labels import write_labels
from veriscope.io.record import Record
from veriscope.workflow.annotations import annotated_units, latest_annotation
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.plan import read_plan
from veriscope.workflow.study import Study

TRUTH = {"a": squares((3, 3), (40, 30), (28, 29)), "b": squares((10, 50))}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Every tile of two images drawn, none annotated."""
    install(monkeypatch, told=lambda image: TRUTH[image.name])
    found = small_study(tmp_path, TRUTH, methods=("told",))
    found.audit(tiles=5, everything=True)
    return found


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A folder for annotations."""
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


def take(study: Study, folder: Path, **options: Any) -> dict[str, Any]:
    return Study(study.path).import_references(folder, **options)


def tiles(study: Study) -> dict[str, tuple[int, int]]:
    """Height and width of the picture of each tile."""
    pictures = sorted((study.path / "audit/tiles").glob("*.tif"))
    return {path.stem: tifffile.imread(path).shape[-2:] for path in pictures}


def untouched(study: Study) -> bool:
    return annotated_units(StudyFolder(study.path)) == {}


def test_references_of_whole_images_annotate_all_of_their_tiles(study: Study, tmp_path: Path) -> None:
    found = take(study, tmp_path / "labels", annotator="ada", whole_images=True)
    folder = StudyFolder(study.path)
    assert found["n_imported"] == found["n_new"] == len(tiles(study)) == len(annotated_units(folder))
    plan = read_plan(folder)
    assert plan is not None and set(plan.draws["status"]) == {"annotated"}
    for row in plan.frame.itertuples():
        drawn = latest_annotation(folder, row.unit)
        assert drawn is not None and drawn.annotator == "ada"
        inside = drawn.labels[row.y0 - drawn.y0 : row.y1 - drawn.y0, row.x0 - drawn.x0 : row.x1 - drawn.x0]
        truth = TRUTH[row.image_id][row.y0 : row.y1, row.x0 : row.x1]
        assert np.array_equal(inside > 0, truth > 0)
        for number in np.unique(truth[truth > 0]):  # whole, also where the tile cuts it
            (label,) = np.unique(inside[truth == number])
            assert (drawn.labels == label).sum() == (TRUTH[row.image_id] == number).sum()


def test_taken_again_there_is_nothing_new(study: Study, tmp_path: Path) -> None:
    take(study, tmp_path / "labels", whole_images=True)
    entries = len(Record(study.path).entries())
    found = take(study, tmp_path / "labels", whole_images=True)
    assert (found["n_imported"], found["n_new"]) == (len(tiles(study)), 0)
    assert len(Record(study.path).entries()) == entries
    assert take(study, tmp_path / "labels", annotator="ben", whole_images=True)["n_new"] == len(tiles(study))


def test_a_tile_under_its_own_name(study: Study, given: Path) -> None:
    (name, shape), *_ = tiles(study).items()
    labels = np.zeros(shape, np.uint16)
    labels[:3, :3] = 7
    write_labels(given / f"{name}.tif", labels)
    assert take(study, given)["n_imported"] == 1
    drawn = latest_annotation(StudyFolder(study.path), name)
    assert drawn is not None and drawn.labels.shape == shape and (drawn.labels > 0).sum() == 9


def test_an_empty_tile_is_an_annotation(study: Study, given: Path) -> None:
    (name, shape), *_ = tiles(study).items()
    write_labels(given / f"{name}.tif", np.zeros(shape, np.uint8))
    found = take(study, given)
    assert found["n_new"] == 1 and name not in found["audit"]["to_annotate"]


def test_the_picture_itself_is_no_annotation(study: Study, given: Path) -> None:
    name = next(iter(tiles(study)))
    shutil.copy(study.path / f"audit/tiles/{name}.tif", given)
    with pytest.raises(InputError, match="is the picture itself, not an annotation of it; save the labels"):
        take(study, given)
    with pytest.raises(InputError, match="is the picture itself"):
        take(study, study.path.parent / "images", whole_images=True)
    assert untouched(study)


def test_all_that_is_wrong_is_told_at_once_and_nothing_is_taken(study: Study, given: Path) -> None:
    (good, shape), (small, _), *_ = tiles(study).items()
    write_labels(given / f"{good}.tif", np.zeros(shape, np.uint8))
    write_labels(given / f"{small}.tif", np.zeros((3, 4), np.uint8))
    write_labels(given / "stranger.tif", np.zeros((3, 4), np.uint8))
    (given / "broken.tif").write_bytes(b"II*\0")
    with pytest.raises(VeriscopeError) as caught:
        take(study, given)
    message = str(caught.value)
    assert message.startswith("3 of 4 annotation files cannot be used")
    assert all(name in message for name in (small, "stranger.tif", "broken.tif")) and good not in message
    assert message.endswith("Nothing was taken in. Mend or remove them and import again.")
    assert untouched(study)


def test_the_same_annotated_twice_is_refused(study: Study, given: Path) -> None:
    name = next(iter(tiles(study)))
    for ending in ("tif", "png"):
        (given / f"{name}.{ending}").write_bytes(b"")
    with pytest.raises(InputError, match=f"{name}.png and {name}.tif both annotate {name}"):
        take(study, given)


@pytest.mark.parametrize("name", ["", "a/b", "a\\b", "C:x"])
def test_names_that_are_paths_are_no_annotators(study: Study, given: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        take(study, given, annotator=name)
    assert str(caught.value) == f"annotator {name!r}: give a name without / \\ and :"


def test_folders_without_annotations(study: Study, given: Path) -> None:
    with pytest.raises(UnreadableFileError, match="no annotation file in it; readable are "):
        take(study, given)
    for name in ("boxes.csv", "README.txt", ".hidden.tif", "notes.docx"):
        (given / name).write_text("x")
    with pytest.raises(UnreadableFileError, match="no annotation file in it"):
        take(study, given)
    with pytest.raises(UnreadableFileError, match="no such folder; give the folder with the annotations"):
        take(study, given / "nowhere")


def test_references_of_other_images_alone_are_said(study: Study, given: Path) -> None:
    write_labels(given / "z.tif", TRUTH["a"])
    with pytest.raises(InputError, match="none of its 1 files belongs to a tile that was drawn; name files"):
        take(study, given, whole_images=True)
    write_labels(given / "a.tif", TRUTH["a"])
    assert take(study, given, whole_images=True)["n_imported"] == 4, "those of a, whatever else lies there"


def test_a_data_set_is_taken_by_its_labels(study: Study, tmp_path: Path) -> None:
    assert take(study, tmp_path, whole_images=True)["n_imported"] == len(tiles(study))


def test_before_the_draw_there_is_nothing_to_annotate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, told=lambda image: TRUTH[image.name])
    study = small_study(tmp_path, TRUTH, methods=("told",))
    with pytest.raises(StudyError, match=r"no tile was drawn yet, so there is nothing to annotate; first: "):
        take(study, tmp_path / "labels", whole_images=True)
