"""Objects taken out of parts and painted again are the objects of the image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from veriscope.core.labels import first_pixels
from veriscope.core.prediction import Prediction
from veriscope.core.runs import ObjectRuns
from veriscope.core.source import grid, grow, within

shapes = hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=9)
label_images = hnp.arrays(np.int32, shapes, elements=st.integers(0, 4))


def everything(shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(0, size) for size in shape)


def test_first_pixels_by_hand() -> None:
    labels = np.array([[0, 2, 0], [1, 2, 4]], np.int32)
    assert first_pixels(labels).tolist() == [3, 1, 6, 5]
    assert first_pixels(np.zeros((2, 2), np.int32)).tolist() == []


def test_runs_by_hand() -> None:
    labels = np.array([[0, 2, 2], [1, 0, 2]], np.int32)
    found = ObjectRuns.find(
        labels,
        (slice(10, 12), slice(20, 23)),
        (50, 40),
        core=everything((50, 40)),
        probabilities=np.array([0.25, 0.75], np.float32),
    )
    assert found.anchors.tolist() == [10 * 40 + 21, 11 * 40 + 20]
    assert found.probabilities.tolist() == [0.75, 0.25]
    runs = zip(found.owner, found.row, found.start, found.stop, strict=True)
    assert [tuple(map(int, run)) for run in runs] == [(0, 10, 21, 23), (0, 11, 22, 23), (1, 11, 20, 21)]
    assert found.box((50, 40)) == (slice(10, 12), slice(20, 23))


@given(labels=label_images, side=st.integers(1, 9))
def test_parts_put_together_are_the_image(labels: np.ndarray, side: int) -> None:
    """Each part sees the whole image here, and keeps what begins in it."""
    expected = Prediction(labels, "zyx"[-labels.ndim :]).in_order().labels
    cores = grid(labels.shape, (side,) * labels.ndim)
    parts = [ObjectRuns.find(labels, everything(labels.shape), labels.shape, core=core) for core in cores]
    assert sum(map(len, parts)) == expected.max(initial=0)
    objects = ObjectRuns.join([*parts, parts[0]])
    assert len(objects) == expected.max(initial=0)
    out = np.zeros(labels.shape, np.uint16)
    objects.paint(out, everything(labels.shape), labels.shape, np.arange(1, len(objects) + 1))
    np.testing.assert_array_equal(out, expected)


@given(labels=label_images, side=st.integers(1, 9))
def test_sheets_painted_one_by_one_are_the_image(labels: np.ndarray, side: int) -> None:
    objects = ObjectRuns.find(labels, everything(labels.shape), labels.shape, core=everything(labels.shape))
    whole = np.zeros(labels.shape, np.int64)
    objects.paint(whole, everything(labels.shape), labels.shape, np.arange(1, len(objects) + 1))
    for sheet in grid(labels.shape, (side,) * labels.ndim):
        out = np.zeros([part.stop - part.start for part in sheet], np.int64)
        objects.paint(out, sheet, labels.shape, np.arange(1, len(objects) + 1))
        np.testing.assert_array_equal(out, whole[sheet])


@given(labels=hnp.arrays(np.int32, (9, 9), elements=st.integers(0, 3)), halo=st.integers(0, 3))
def test_places_do_not_depend_on_the_crop(labels: np.ndarray, halo: int) -> None:
    core = (slice(3, 6), slice(2, 7))
    crop = grow(core, halo, labels.shape)
    blank = np.zeros_like(labels)
    blank[core] = labels[core]
    here = ObjectRuns.find(blank[crop], crop, labels.shape, core=core)
    there = ObjectRuns.find(blank, everything(blank.shape), blank.shape, core=core)
    for name in ("anchors", "owner", "row", "start", "stop"):
        np.testing.assert_array_equal(getattr(here, name), getattr(there, name))
    assert within(core, crop)[0].start == min(halo, 3)


@pytest.mark.parametrize("gap", [False, True])
def test_objects_in_order_have_no_gaps_and_keep_their_probabilities(gap: bool) -> None:
    labels = np.array([[0, 3 if gap else 2, 1]], np.int32)
    chances = np.array([0.1, 0.5, 0.9] if gap else [0.1, 0.9], np.float32)
    ordered = Prediction(labels, "yx", probabilities=chances).in_order()
    assert ordered.labels.tolist() == [[0, 1, 2]]
    assert ordered.probabilities is not None
    assert ordered.probabilities.tolist() == pytest.approx([0.9, 0.1])


@given(labels=label_images)
def test_the_box_is_the_smallest_that_holds_all_pixels(labels: np.ndarray) -> None:
    objects = ObjectRuns.find(labels, everything(labels.shape), labels.shape, core=everything(labels.shape))
    box = objects.box(labels.shape)
    if box is None:
        assert not labels.any()
        return
    pixels = np.argwhere(labels)
    assert [part.start for part in box] == pixels.min(axis=0).tolist()
    assert [part.stop for part in box] == (pixels.max(axis=0) + 1).tolist()


@given(labels=label_images)
def test_runs_are_those_of_each_object_and_do_not_overlap(labels: np.ndarray) -> None:
    objects = ObjectRuns.find(labels, everything(labels.shape), labels.shape, core=everything(labels.shape))
    assert (objects.stop > objects.start).all()
    assert (np.diff(objects.anchors) > 0).all()
    assert (np.diff(objects.owner) >= 0).all()
    flat = labels.reshape(-1, labels.shape[-1])
    counts = np.bincount(objects.owner, weights=objects.stop - objects.start, minlength=len(objects))
    for number, anchor in enumerate(objects.anchors):
        own = labels.ravel()[anchor]
        assert counts[number] == (labels == own).sum()
        mine = objects.owner == number
        for row, start, stop in zip(objects.row[mine], objects.start[mine], objects.stop[mine], strict=True):
            assert (flat[row, start:stop] == own).all()
    assert np.isnan(objects.probabilities).all()


@given(labels=label_images, seed=st.integers(0, 9))
def test_numbers_may_be_any_and_what_lies_beneath_stays(labels: np.ndarray, seed: int) -> None:
    objects = ObjectRuns.find(labels, everything(labels.shape), labels.shape, core=everything(labels.shape))
    numbers = np.random.default_rng(seed).integers(10, 99, len(objects))
    out = np.full(labels.shape, 5)
    objects.paint(out, everything(labels.shape), labels.shape, numbers)
    assert (out[labels == 0] == 5).all()
    for number, anchor in zip(numbers, objects.anchors, strict=True):
        assert (out[labels == labels.ravel()[anchor]] == number).all()
