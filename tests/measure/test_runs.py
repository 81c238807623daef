"""Runs hold all of a label image: painted again they are the image, sums over them are sums over pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.measure import runs as runs_module
from veriscope.measure.runs import Runs, find_runs, flat_rows, object_index, row_blocks

SHAPES = hnp.array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=7)
LABELS = st.sampled_from([0, 0, 1, 2, 3, 255, 70_000, 2**40, 2**63 - 1])
label_images = hnp.arrays(np.int64, SHAPES, elements=LABELS)


def paint(runs: Runs) -> NDArray[np.int64]:
    image = np.zeros(runs.shape, np.int64)
    rows = flat_rows(image) if image.size else image.reshape(0, 0)
    for index, row, start, length in zip(runs.index, runs.row, runs.start, runs.length, strict=True):
        rows[row, start : start + length] += runs.ids[index]
    return image


@settings(max_examples=150, deadline=None)
@given(labels=label_images)
def test_runs_painted_again_are_the_image(labels: NDArray[np.int64]) -> None:
    runs = find_runs(labels)
    np.testing.assert_array_equal(paint(runs), labels)
    assert runs.ids.tolist() == [int(value) for value in np.unique(labels) if value]
    assert runs.n_objects == len(runs.ids)


@settings(max_examples=80, deadline=None)
@given(labels=label_images)
def test_runs_are_as_long_as_can_be_and_in_raster_order(labels: NDArray[np.int64]) -> None:
    runs = find_runs(labels)
    places = list(zip(runs.row.tolist(), runs.start.tolist(), strict=True))
    assert places == sorted(places)
    assert (runs.length > 0).all()
    rows = labels.reshape(-1, labels.shape[-1]) if labels.size else labels
    for index, row, start, length in zip(runs.index, runs.row, runs.start, runs.length, strict=True):
        own, stop = runs.ids[index], start + length
        assert (rows[row, start:stop] == own).all()
        assert start == 0 or rows[row, start - 1] != own
        assert stop == rows.shape[1] or rows[row, stop] != own


@settings(max_examples=60, deadline=None)
@given(labels=label_images, dtype=st.sampled_from([np.uint8, np.int8, np.uint16, np.int32, np.uint64]))
def test_the_type_of_the_labels_does_not_matter(labels: NDArray[np.int64], dtype: type) -> None:
    small = labels % 100
    wide, narrow = find_runs(small), find_runs(small.astype(dtype))
    for name in ("ids", "index", "row", "start", "length"):
        np.testing.assert_array_equal(getattr(wide, name), getattr(narrow, name))
        assert getattr(narrow, name).dtype == np.int64


@settings(max_examples=60, deadline=None)
@given(labels=label_images)
def test_sums_over_runs_are_sums_over_pixels(labels: NDArray[np.int64]) -> None:
    runs = find_runs(labels)
    pixels = [np.argwhere(labels == label) for label in runs.ids]
    assert runs.total(runs.length).tolist() == [len(part) for part in pixels]
    for axis in range(labels.ndim - 1):
        along = runs.total(runs.along(axis) * runs.length)
        assert along.tolist() == [part[:, axis].sum() for part in pixels]


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_blocks_of_rows_change_nothing(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.random.default_rng(0).integers(0, 3, (3, 5, 4))
    whole = find_runs(labels)
    monkeypatch.setattr(runs_module, "BLOCK_PIXELS", rows * 4)
    for name in ("ids", "index", "row", "start", "length"):
        np.testing.assert_array_equal(getattr(find_runs(labels), name), getattr(whole, name))


@given(n_rows=st.integers(0, 40), n_columns=st.integers(0, 3000), block=st.integers(1, 5000))
def test_blocks_hold_every_row_once_and_not_more_pixels_than_stated(
    n_rows: int, n_columns: int, block: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs_module, "BLOCK_PIXELS", block)
        blocks = list(row_blocks(n_rows, n_columns))
    assert [row for part in blocks for row in range(part.start, part.stop)] == list(range(n_rows))
    assert all(
        (part.stop - part.start) * n_columns <= block or part.stop - part.start == 1 for part in blocks
    )


@given(
    ids=st.lists(st.integers(1, 2**63 - 1) | st.integers(1, 50), min_size=1, max_size=8, unique=True),
    data=st.data(),
)
def test_labels_are_found_among_few_and_among_huge_ones(ids: list[int], data: st.DataObject) -> None:
    ids = sorted(ids)
    wanted = data.draw(st.lists(st.integers(0, len(ids) - 1), max_size=10))
    values = np.array([ids[place] for place in wanted], dtype=np.int64)
    assert object_index(np.array(ids), values).tolist() == wanted


def test_views_are_read_as_they_are_and_not_copied() -> None:
    labels: NDArray[Any] = np.arange(24).reshape(2, 3, 4) % 5
    assert np.shares_memory(flat_rows(labels), labels)
    assert flat_rows(labels).shape == (6, 4)
    turned = labels.transpose(2, 0, 1)[::-1, :, ::2]
    np.testing.assert_array_equal(paint(find_runs(turned)), turned)
