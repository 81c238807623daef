"""Counts of images, and of tiles whose objects are decided by their centroids."""

from __future__ import annotations

from dataclasses import asdict, astuple
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage.measure import regionprops

from veriscope.errors import InputError, ShapeMismatchError
from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate.contingency import contingency
from veriscope.validate.overlap_sums import overlap_sums
from veriscope.validate.units import UnitCounts, check_thresholds, count_unit, owned_labels


def split(shape: tuple[int, ...], cuts: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Four boxes that cover an image."""
    rows, columns = (0, cuts[0], shape[-2]), (0, cuts[1], shape[-1])
    return [
        (y0, x0, y1, x1) for y0, y1 in pairwise(rows) for x0, x1 in pairwise(columns) if y1 > y0 and x1 > x0
    ]


def test_whole_image() -> None:
    reference = disks(4)
    prediction = np.where(reference == 3, 0, reference)
    prediction[:4, :4] = 99
    unit = count_unit(reference, prediction, thresholds=(0.7,), name="a", cluster="well", weight=2.5)
    assert unit == UnitCounts(
        name="a",
        n_reference=16,
        n_prediction=16,
        thresholds=(0.5, 0.7),
        tp=(15, 15),
        fp=(1, 1),
        fn=(1, 1),
        sum_iou=(15.0, 15.0),
        cluster="well",
        weight=2.5,
        overlap=overlap_sums(contingency(reference, prediction)),
    )
    assert unit.overlap is not None
    assert unit.row(0.7) == (15, 1, 1, 15.0, 16, 16)
    assert unit.all_sums(0.7) == (*unit.row(0.7), *astuple(unit.overlap))
    assert unit.to_dict() == {
        "name": "a",
        "n_reference": 16,
        "n_prediction": 16,
        "tp@0.5": 15,
        "fp@0.5": 1,
        "fn@0.5": 1,
        "sum_iou@0.5": 15.0,
        "tp@0.7": 15,
        "fp@0.7": 1,
        "fn@0.7": 1,
        "sum_iou@0.7": 15.0,
        "cluster": "well",
        "weight": 2.5,
        **asdict(unit.overlap),
    }


def test_a_tile_has_no_sums_of_overlaps() -> None:
    unit = count_unit(disks(2), disks(2), owner_box=(0, 0, 16, 32))
    assert unit.overlap is None
    assert unit.row(0.5) == (2, 0, 0, 2.0, 2, 2)
    assert np.isnan(unit.all_sums(0.5)[6:]).all()


@given(label_pairs(), st.tuples(st.integers(0, 7), st.integers(0, 7)))
@settings(max_examples=100, deadline=None)
def test_tiles_add_up_to_the_image(pair: tuple[NDArray[Any], NDArray[Any]], cuts: tuple[int, int]) -> None:
    reference, prediction = (np.atleast_2d(image) for image in pair)
    whole = np.array(count_unit(reference, prediction).row(0.5))
    boxes = split(reference.shape, (min(cuts[0], reference.shape[-2]), min(cuts[1], reference.shape[-1])))
    parts = [count_unit(reference, prediction, owner_box=box).row(0.5) for box in boxes]
    assert np.sum(parts, axis=0) == pytest.approx(whole)


@pytest.mark.parametrize("shape", [(20, 23), (4, 12, 11)])
def test_owner_is_the_tile_of_the_centroid(shape: tuple[int, ...]) -> None:
    labels = np.random.default_rng(5).integers(0, 60, shape)
    height, width = shape[-2:]
    box = (height // 4, width // 2, height // 2, width - 2)
    expected = [
        region.label
        for region in regionprops(labels)
        if box[0] <= np.floor(region.centroid[-2] + 0.5) < box[2]
        and box[1] <= np.floor(region.centroid[-1] + 0.5) < box[3]
    ]
    assert 5 < len(expected) < 40
    assert owned_labels(labels, box).tolist() == expected


def test_a_centroid_between_two_tiles_belongs_to_the_later_one() -> None:
    labels = np.zeros((1, 8), np.uint8)
    labels[0, 2:6] = 1  # centroid 3.5, on the border of pixels 3 and 4
    assert owned_labels(labels, (0, 0, 1, 4)).tolist() == []
    assert owned_labels(labels, (0, 4, 1, 8)).tolist() == [1]


def test_a_match_across_the_border_counts_where_the_reference_lies() -> None:
    reference, prediction = np.zeros((2, 1, 12), np.uint8)
    reference[0, 2:8] = 1  # centroid 4.5: in the first tile
    prediction[0, 4:9] = 1  # centroid 6: in the second
    first = count_unit(reference, prediction, owner_box=(0, 0, 1, 6))
    second = count_unit(reference, prediction, owner_box=(0, 6, 1, 12))
    assert first.row(0.5) == (1, 0, 0, pytest.approx(4 / 7), 1, 0)
    assert second.row(0.5) == (0, 0, 0, 0, 0, 1)


def test_box_along_z() -> None:
    labels = np.zeros((6, 3, 3), np.uint8)
    labels[1, 1, 1], labels[4, 1, 1] = 1, 2
    assert owned_labels(labels, (0, 0, 0, 3, 3, 3)).tolist() == [1]
    assert owned_labels(labels, (0, 0, 3, 3)).tolist() == [1, 2]


@pytest.mark.parametrize("box", [(0, 0, 5, 4), (-1, 0, 4, 4), (2, 0, 2, 4), (0, 4), (0, 0, 0, 4, 4, 4)])
def test_boxes_that_do_not_fit_are_refused(box: tuple[int, ...]) -> None:
    with pytest.raises(InputError) as error:
        count_unit(np.zeros((4, 4), int), np.zeros((4, 4), int), owner_box=box, name="tile 7")
    assert str(error.value) == (
        f"tile 7: the box {box} does not fit labels of shape (4, 4); give the first pixel of each axis, "
        "then one past the last of each axis"
    )


def test_other_wrong_input_names_the_unit() -> None:
    with pytest.raises(ShapeMismatchError, match=r"^tile 7: the reference has shape \(3,\)"):
        count_unit(np.zeros(3, int), np.zeros(4, int), name="tile 7")
    for weight in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError) as error:
            count_unit(np.zeros(3, int), np.zeros(3, int), name="tile 7", weight=weight)
        assert str(error.value) == f"tile 7: weight {weight!r} is not allowed; use a number above 0"


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ([0.6, 0.6000000000000001], "IoU thresholds 0.6 and 0.6000000000000001 would both be called 0.6"),
        ([1 / 3, 0.3333333], "IoU thresholds 0.3333333 and 0.3333333333333333 would both be called 0.333333"),
        ([0.50000001], "IoU thresholds 0.5 and 0.50000001 would both be called 0.5"),
    ],
)
def test_thresholds_that_share_a_key_are_refused(thresholds: list[float], message: str) -> None:
    """The metrics of one of them would be lost."""
    with pytest.raises(InputError) as caught:
        check_thresholds(thresholds)
    assert str(caught.value) == f"{message}; give one of them"


@pytest.mark.parametrize(
    ("thresholds", "levels"),
    [
        ([], (0.5,)),
        ([0.9, 0.1, 0.9], (0.1, 0.5, 0.9)),
        ([1], (0.5, 1.0)),
        ([0.5000001 + 1e-5], (0.5, 0.5000101)),
    ],
)
def test_thresholds_come_in_order_once_and_with_one_half(
    thresholds: list[float], levels: tuple[float, ...]
) -> None:
    assert check_thresholds(thresholds) == pytest.approx(levels)


def test_the_thresholds_of_coco_have_keys_of_their_own() -> None:
    assert len(check_thresholds(np.linspace(0.5, 0.95, 10).tolist())) == 10


@settings(max_examples=60, deadline=None)
@given(pair=label_pairs(max_dims=2, max_side=8), rows=st.integers(1, 8), columns=st.integers(1, 8))
def test_tiles_of_any_size_add_up_to_the_image(
    pair: tuple[NDArray[Any], NDArray[Any]], rows: int, columns: int
) -> None:
    reference, prediction = (np.atleast_2d(image) for image in pair)
    whole = count_unit(reference, prediction, thresholds=[0.3])
    height, width = reference.shape
    tiles = [
        count_unit(
            reference,
            prediction,
            thresholds=[0.3],
            owner_box=(y, x, min(y + rows, height), min(x + columns, width)),
        )
        for y in range(0, height, rows)
        for x in range(0, width, columns)
    ]
    for name in ("n_reference", "n_prediction"):
        assert sum(getattr(tile, name) for tile in tiles) == getattr(whole, name)
    for name in ("tp", "fp", "fn", "sum_iou"):
        sums = np.sum([getattr(tile, name) for tile in tiles], axis=0)
        assert sums == pytest.approx(getattr(whole, name))
