"""Versions of annotations as the app lists them, also in a study that takes the place of another."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from veriscope.errors import PixelValueError, ShapeMismatchError
from veriscope.io.record import Record
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.plan import read_plan
from veriscope.workflow.study import Study
from veriscope.workflow.tile_annotations import (
    PlannedTile,
    annotation_in_context,
    count_objects,
    place_in,
    planned_tiles,
    save_tile,
    tile_versions,
)


@pytest.fixture
def folder(run_study: Study) -> StudyFolder:
    run_study.audit(tiles=6, training=2)
    return StudyFolder(run_study.path)


def first_tile(folder: StudyFolder) -> PlannedTile:
    plan = read_plan(folder)
    assert plan is not None
    return next(iter(planned_tiles(plan, folder.images()).values()))


def drawn(tile: PlannedTile, n: int) -> np.ndarray:
    labels = np.zeros(tile.shape, np.uint16)
    for index in range(n):
        labels[2 * index, :3] = index + 1
    return labels


def test_audit_tiles_come_first_and_contexts_hold_their_tiles(folder: StudyFolder) -> None:
    plan = read_plan(folder)
    assert plan is not None
    tiles = list(planned_tiles(plan, folder.images()).values())
    kinds = ["audit" in tile.roles for tile in tiles]
    assert kinds == sorted(kinds, reverse=True)
    assert sum(tile.n_draws for tile in tiles) == 6
    assert [tile.group for tile in tiles[:2]] == ["control", "treated"]
    for tile in tiles:
        (y0, x0, y1, x1), (top, left, bottom, right) = tile.box, tile.context
        assert 0 <= top <= y0 < y1 <= bottom <= 144
        assert 0 <= left <= x0 < x1 <= right <= 160


def test_every_version_is_kept_with_what_is_known_of_it(folder: StudyFolder) -> None:
    tile = first_tile(folder)
    for n, who in ((2, "ada"), (3, "ada"), (3, "bea")):
        saved = save_tile(
            folder, tile, drawn(tile, n), annotator=who, details={"seconds": 1.5, "blind": True}
        )
        assert saved is not None
        assert (saved.annotator, saved.n_objects, saved.seconds, saved.is_blind) == (who, n, 1.5, True)
    assert save_tile(folder, tile, drawn(tile, 3), annotator="bea", details={}) is None
    versions = tile_versions(folder, tile.unit)
    assert [(item.version, item.annotator, item.n_objects) for item in versions] == [
        (1, "ada", 2),
        (2, "ada", 3),
        (3, "bea", 3),
    ]
    labels, beyond = annotation_in_context(folder, tile, versions[0])
    assert not beyond
    assert np.array_equal(labels, drawn(tile, 2))
    steps = [entry["step"] for entry in Record(folder.root).entries()]
    assert steps.count("annotate") == 3


def test_a_study_made_anew_under_the_same_name_does_not_show_the_former_ones_tiles(
    folder: StudyFolder,
) -> None:
    """The server runs for months; versions of a study that was removed used to be listed in the new one."""
    tile = first_tile(folder)
    save_tile(folder, tile, drawn(tile, 5), annotator="ada", details={"proposal": "log-spots"})
    assert [item.n_objects for item in tile_versions(folder, tile.unit)] == [5]
    shutil.rmtree(folder.root / "annotations")
    save_tile(folder, tile, drawn(tile, 1), annotator="ada", details={})
    (version,) = tile_versions(folder, tile.unit)
    assert (version.n_objects, version.proposal) == (1, None)


def test_labels_that_do_not_fit_are_refused_and_nothing_is_kept(folder: StudyFolder) -> None:
    tile = first_tile(folder)
    with pytest.raises(ShapeMismatchError) as caught:
        save_tile(folder, tile, np.zeros((3, 4), np.uint8), annotator="ada", details={})
    assert str(caught.value) == (
        f"{tile.unit}: the label image has shape (3, 4), and the tile with its context {tile.shape}; send it "
        "for the whole context"
    )
    with pytest.raises(PixelValueError):
        save_tile(folder, tile, np.full(tile.shape, -1, np.int16), annotator="ada", details={})
    assert tile_versions(folder, tile.unit) == []


LABELS = hnp.arrays(np.uint32, st.tuples(st.integers(1, 8), st.integers(1, 8)), elements=st.integers(0, 99))


@given(LABELS)
def test_objects_are_counted_whatever_their_numbers(labels: np.ndarray) -> None:
    n = len(set(labels.ravel().tolist()) - {0})
    assert count_objects(labels) == n
    assert count_objects(labels.astype(np.uint32) * 40_000_000) == n
    assert count_objects(labels[:0]) == 0


@given(LABELS, st.integers(-5, 5), st.integers(-5, 5))
def test_moved_to_another_box_and_back_nothing_is_lost_that_was_inside(
    labels: np.ndarray, dy: int, dx: int
) -> None:
    height, width = labels.shape
    inside, beyond = place_in((0, 0, height, width), labels, (dy, dx))
    assert inside.shape == labels.shape
    expected = np.zeros_like(labels)
    for y in range(height):
        for x in range(width):
            if 0 <= y + dy < height and 0 <= x + dx < width:
                expected[y + dy, x + dx] = labels[y, x]
    assert np.array_equal(inside, expected)
    assert beyond == (np.count_nonzero(expected) < np.count_nonzero(labels))
