"""What candidates learn from: annotated training tiles alone, as they were drawn, and none of the audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from tests.workflow.scripted import Scripted, squares

from veriscope.core.image import Image
from veriscope.errors import MethodError, StudyError
from veriscope.io.hashing import sha256_of
from veriscope.io.labels import read_labels
from veriscope.methods.base import Card, Method
from veriscope.workflow.annotations import annotated_units, latest_annotation
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.plan import AuditPlan, read_plan
from veriscope.workflow.study import Study
from veriscope.workflow.training import train_candidate, training_images, training_inputs


class Pupil(Scripted):
    """Remembers what it was taught."""

    name: ClassVar[str] = "pupil"
    needs_training: ClassVar[bool] = True
    finds: ClassVar[Any] = staticmethod(lambda image: np.zeros(image.spatial_shape, np.int32))
    taught: ClassVar[list[tuple[Any, Any, Any]]] = []

    def fit(self, images: Any, labels: Any, *, regions: Any = None) -> Self:
        type(self).taught.append((images, labels, regions))
        return self


class Untaught(Method):
    """Learns nothing."""

    name: ClassVar[str] = "untaught"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(summary="None.", objects=("nucleus",), modalities=(), limits=("None.",))

    def _predict(self, image: Image) -> Any:
        raise NotImplementedError


@pytest.fixture
def folder(run_study: Study, tiny_data: Path) -> StudyFolder:
    """Eight audit draws and five training tiles, all annotated."""
    run_study.audit(tiles=8, training=5)
    run_study.import_references(tiny_data / "labels", annotator="reference", whole_images=True)
    return StudyFolder(run_study.path)


def plan_of(folder: StudyFolder) -> AuditPlan:
    found = read_plan(folder)
    assert found is not None
    return found


def test_before_anything_is_drawn_there_is_nothing_to_learn_from(run_study: Study) -> None:
    folder = StudyFolder(run_study.path)
    assert training_inputs(folder) == {} and training_images(folder) == set()
    run_study.audit(tiles=6, training=3)
    assert training_inputs(folder) == {} and training_images(folder) == set(), "none is annotated"


def test_training_tiles_are_named_with_the_hash_of_what_was_drawn(folder: StudyFolder) -> None:
    drawn = set(plan_of(folder).of_role("training")["unit"])
    found = training_inputs(folder)
    assert set(found) == drawn and list(found) == sorted(found)
    done = annotated_units(folder)
    assert found == {unit: sha256_of(folder.root / done[unit]) for unit in found}


def test_another_drawing_is_another_input(folder: StudyFolder) -> None:
    before = training_inputs(folder)
    unit = next(iter(before))
    newest = latest_annotation(folder, unit)
    assert newest is not None
    from veriscope.workflow.annotations import save_annotation

    other = np.zeros_like(newest.labels)
    save_annotation(folder, unit, other, origin=(newest.y0, newest.x0), annotator="ada", source="app")
    after = training_inputs(folder)
    assert after[unit] != before[unit]
    assert {k: v for k, v in after.items() if k != unit} == {k: v for k, v in before.items() if k != unit}


def test_a_tile_that_the_audit_draws_later_is_not_learnt_from_any_more(folder: StudyFolder) -> None:
    """A method that had seen it would be judged by what it knows."""
    plan = plan_of(folder)
    (row,) = plan.of_role("training").head(1).to_dict("records")
    audited = plan.of_role("audit").head(1).assign(**{k: row[k] for k in ("unit", "image_id", "group")})
    AuditPlan(plan.frame, plan.draws.merge(audited, how="outer")).write(folder)
    assert row["unit"] not in training_inputs(folder)
    assert len(training_inputs(folder)) == 4


def test_images_with_a_training_tile_are_those_it_lies_in(folder: StudyFolder) -> None:
    draws = plan_of(folder).of_role("training")
    assert training_images(folder) == set(draws["image_id"])
    for unit in draws["unit"]:
        for path in (folder.root / "annotations" / unit).iterdir():
            path.unlink()
    assert training_images(folder) == set()


def test_each_tile_is_taught_with_its_own_part_of_the_image(folder: StudyFolder, tiny_data: Path) -> None:
    Pupil.taught.clear()
    study = Study(folder.root)
    method = Pupil()
    assert train_candidate(folder, study.config, method) is method
    ((images, labels, regions),) = Pupil.taught
    draws = plan_of(folder).of_role("training").set_index("unit")
    assert len(images) == len(labels) == len(regions) == 5
    for unit, image, drawn, region in zip(training_inputs(folder), images, labels, regions, strict=True):
        row = draws.loc[unit]
        assert region == (slice(row["y0"], row["y1"]), slice(row["x0"], row["x1"]))
        assert image.name == row["image_id"] and image.axes == "yx" and image.pixels.shape == (144, 160)
        assert drawn.shape == image.pixels[region].shape
        truth = read_labels(tiny_data / "labels" / f"{row['image_id']}.tif")[region]
        assert np.array_equal(drawn > 0, truth > 0)
        assert len(np.unique(drawn)) == len(np.unique(truth))


def test_a_method_that_cannot_learn_is_named(folder: StudyFolder) -> None:
    with pytest.raises(MethodError) as caught:
        train_candidate(folder, Study(folder.root).config, Untaught())
    assert str(caught.value) == "untaught has no fit(images, labels, regions=…), so a study cannot train it"


def test_without_a_tile_the_way_to_one_is_told(run_study: Study) -> None:
    folder = StudyFolder(run_study.path)
    for _ in range(2):  # before and after the draw
        with pytest.raises(StudyError) as caught:
            train_candidate(folder, run_study.config, Pupil())
        assert str(caught.value) == (
            "no training tile is annotated; draw some with veriscope audit STUDY --training 6"
        )
        run_study.audit(tiles=6, training=3)


def test_scripted_squares_are_where_they_are_said() -> None:
    """What the tests of this folder rest on."""
    labels = squares((2, 3), (20, 30), side=4, shape=(40, 50))
    assert labels.shape == (40, 50) and np.bincount(labels.ravel())[1:].tolist() == [16, 16]
    assert labels[2, 3] == 1 and labels[23, 33] == 2 and labels[24, 33] == 0
