"""Boxes in two and three axes: their numbers, scale and place, and what is no box."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.contingency import contingency
from veriscope.validate.localise.boxes import (
    box_centres,
    box_intersection_over_reference,
    box_iou,
    check_boxes,
)
from veriscope.validate.localise.masks import mask_iou

FloatArray = NDArray[np.float64]


@st.composite
def boxes(draw: st.DrawFn, d: int) -> FloatArray:
    n = draw(st.integers(1, 5))
    starts = draw(hnp.arrays(np.int64, (n, d), elements=st.integers(0, 5)))
    sides = draw(hnp.arrays(np.int64, (n, d), elements=st.integers(1, 4)))
    return np.concatenate([starts, starts + sides], axis=1).astype(float)


def test_a_box_in_a_volume_by_hand() -> None:
    """2 x 4 x 4 and 2 x 4 x 4 voxels that share 1 x 2 x 4."""
    one, other = [[0, 0, 0, 2, 4, 4]], [[1, 2, 0, 3, 6, 4]]
    assert box_iou(one, other).fits.tolist() == [8 / (32 + 32 - 8)]
    assert box_intersection_over_reference(one, other).fits.tolist() == [8 / 32]
    assert len(box_iou(one, [[0, 0, 4, 2, 4, 8]]).pairs) == 0  # a face in common is no voxel in common


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([2, 3]), st.data())
def test_boxes_of_whole_pixels_are_masks(d: int, data: st.DataObject) -> None:
    """One box against many, each drawn as a label image of its own."""
    one, many = data.draw(boxes(d))[:1], data.draw(boxes(d))
    found = np.zeros(len(many))
    found[box_iou(one, many).pairs[:, 1]] = box_iou(one, many).fits
    for each, value in zip(many, found, strict=True):
        images = []
        for box in (one[0], each):
            image = np.zeros((10,) * d, np.uint8)
            image[tuple(slice(int(a), int(b)) for a, b in zip(box[:d], box[d:], strict=True))] = 1
            images.append(image)
        fits = mask_iou(contingency(*images)).fits
        assert value == pytest.approx(fits[0] if len(fits) else 0.0)


@settings(max_examples=40, deadline=None)
@given(boxes(2), boxes(2), st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
def test_scale_and_place_change_no_overlap(
    one: FloatArray, other: FloatArray, scale: float, shift: float
) -> None:
    for function in (box_iou, box_intersection_over_reference):
        plain = function(one, other)
        scaled = function(one * scale, other * scale)
        assert scaled.pairs.tolist() == plain.pairs.tolist()
        assert scaled.fits == pytest.approx(plain.fits)
        moved = function(one + np.round(shift), other + np.round(shift))
        assert moved.fits.tolist() == pytest.approx(plain.fits.tolist())


@settings(max_examples=40, deadline=None)
@given(boxes(3), boxes(3), st.permutations(range(3)))
def test_the_order_of_axes_changes_no_overlap(one: FloatArray, other: FloatArray, order: list[int]) -> None:
    columns = [*order, *(axis + 3 for axis in order)]
    for function in (box_iou, box_intersection_over_reference):
        plain, turned = function(one, other), function(one[:, columns], other[:, columns])
        assert turned.pairs.tolist() == plain.pairs.tolist()
        assert turned.fits == pytest.approx(plain.fits)


@settings(max_examples=40, deadline=None)
@given(boxes(2), boxes(2))
def test_iou_is_never_more_than_the_share_of_either_box(one: FloatArray, other: FloatArray) -> None:
    found = box_iou(one, other)
    of_one, of_other = (
        box_intersection_over_reference(one, other),
        box_intersection_over_reference(other, one),
    )
    back = {tuple(pair[::-1]): fit for pair, fit in zip(of_other.pairs.tolist(), of_other.fits, strict=True)}
    for pair, iou, share in zip(found.pairs.tolist(), found.fits, of_one.fits, strict=True):
        assert 0 < iou <= min(share, back[tuple(pair)]) + 1e-12 <= 1 + 1e-12
        assert 1 / iou == pytest.approx(1 / share + 1 / back[tuple(pair)] - 1)


def test_equal_boxes_are_perfect_and_a_prediction_over_all_covers_all() -> None:
    grid = np.array([[y, x, y + 3, x + 3] for y in (0, 4) for x in (0, 4)], float)
    assert box_iou(grid, grid).pairs.tolist() == [[i, i] for i in range(4)]
    assert (box_iou(grid, grid).fits == 1).all()
    everything = box_intersection_over_reference(grid, [[-1, -1, 99, 99]])
    assert everything.fits.tolist() == [1, 1, 1, 1]
    assert box_iou(grid, [[-1, -1, 99, 99]]).fits == pytest.approx(np.full(4, 9 / 10_000))


def test_boxes_far_from_the_origin_keep_their_overlap() -> None:
    far = 1e9
    found = box_iou([[far, far, far + 2, far + 2]], [[far + 1, far, far + 3, far + 2]])
    assert found.fits == pytest.approx([1 / 3])


def test_centres_are_those_of_pixels() -> None:
    assert box_centres(check_boxes([[0, 0, 1, 1], [2, 3, 6, 4]])).tolist() == [[0, 0], [3.5, 3]]
    assert box_centres(check_boxes([[0, 0, 0, 1, 2, 3]])).tolist() == [[0, 0.5, 1]]
    assert box_centres(check_boxes([])).shape == (0, 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64, np.float32])
def test_boxes_of_any_type_are_taken_as_numbers(dtype: Any) -> None:
    """Unsigned corners must not wrap around where boxes are subtracted."""
    found = box_iou(np.array([[0, 0, 4, 4]], dtype), np.array([[2, 2, 6, 6]], dtype))
    assert found.fits.tolist() == [4 / 28]
    assert check_boxes(np.array([[0, 0, 4, 4]], dtype)).dtype == np.float64


@pytest.mark.parametrize(
    ("given_boxes", "kind", "message"),
    [
        (
            [[0, 0, 1, 1], [0, 0, np.inf, 1], [np.nan, 0, 1, 1]],
            PixelValueError,
            "these: 2 of 3 have NaN or infinite numbers, the first is row 1; leave these out",
        ),
        (
            [[4, 4, 2, 6], [5, 5, 5, 9]],
            PixelValueError,
            "these: 2 of 2 have no area, the first is row 0: [4.0, 4.0, 2.0, 6.0]; give the first pixel of "
            "each axis, then one past the last of each axis",
        ),
        (
            np.zeros((2, 5)),
            InputError,
            "these have shape (2, 5); give one row per box, (y0, x0, y1, x1) or (z0, y0, x0, z1, y1, x1), "
            "the last pixel not included",
        ),
        (
            [0, 0, 4, 4],
            InputError,
            "these have shape (4,); give one row per box, (y0, x0, y1, x1) or (z0, y0, x0, z1, y1, x1), "
            "the last pixel not included",
        ),
    ],
    ids=["not finite", "no area", "five numbers", "one box without its row"],
)
def test_what_is_no_list_of_boxes_is_named(given_boxes: Any, kind: type[InputError], message: str) -> None:
    with pytest.raises(kind) as caught:
        check_boxes(given_boxes, name="these")
    assert str(caught.value) == message


def test_an_empty_list_of_boxes_in_a_volume_has_no_pairs_with_flat_ones() -> None:
    """An image without objects comes as an empty list, which says nothing of its axes."""
    nothing = np.empty((0, 6))
    assert box_iou(nothing, [[0, 0, 1, 1]]).n_prediction == 1
    assert box_iou([[0, 0, 0, 1, 1, 1]], []).n_reference == 1
    with pytest.raises(ShapeMismatchError) as caught:
        box_intersection_over_reference([[0, 0, 0, 1, 1, 1]], [[0, 0, 1, 1]])
    assert str(caught.value) == (
        "reference boxes have 3 axes and predicted boxes 2; give both in 2D or both in 3D"
    )
