"""What a pair of masks must be, and which pixels lie on a boundary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.errors import AxesError, InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.metrics.semantic.masks import (
    boundary_pixels,
    check_distance,
    check_label_images,
    check_masks,
    check_steps,
    crop,
)

IMAGES = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5), elements=st.integers(0, 2)
)


@settings(max_examples=80, deadline=None)
@given(IMAGES)
def test_a_boundary_pixel_has_another_value_or_the_edge_beside_it(values: NDArray[Any]) -> None:
    found = boundary_pixels(values)
    assert found.shape == values.shape and found.dtype == np.bool_
    for place in np.ndindex(values.shape):
        beside = []
        for axis in range(values.ndim):
            for step in (-1, 1):
                there = list(place)
                there[axis] += step
                inside = 0 <= there[axis] < values.shape[axis]
                beside.append(inside and values[tuple(there)] == values[place])
        assert found[place] == (not all(beside))


@settings(max_examples=50, deadline=None)
@given(IMAGES, st.permutations(range(3)))
def test_numbers_and_directions_change_no_boundary(values: NDArray[Any], order: list[int]) -> None:
    names = np.array(order, np.int64) * 2**40
    assert np.array_equal(boundary_pixels(names[values]), boundary_pixels(values))
    assert np.array_equal(boundary_pixels(values[::-1]), boundary_pixels(values)[::-1])
    assert np.array_equal(boundary_pixels(values.T), boundary_pixels(values).T)


def test_only_the_middle_of_a_filled_image_is_no_boundary() -> None:
    assert np.argwhere(~boundary_pixels(np.ones((3, 4), bool))).tolist() == [[1, 1], [1, 2]]
    assert boundary_pixels(np.ones((1, 5), bool)).all()  # an image of one row has no inside
    assert boundary_pixels(np.ones((0, 5), bool)).shape == (0, 5)


@settings(max_examples=60, deadline=None)
@given(st.data(), hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6))
def test_the_box_is_the_smallest_that_holds_all(data: st.DataObject, shape: tuple[int, ...]) -> None:
    masks = [data.draw(hnp.arrays(np.bool_, shape)) for _ in range(2)]
    box = crop(*masks)
    both = masks[0] | masks[1]
    assert both[box].sum() == both.sum()
    if both.any():
        for axis in range(both.ndim):
            ends = np.moveaxis(both[box], axis, 0)
            assert ends[0].any() and ends[-1].any()
    else:
        assert all(part == slice(0, 0) for part in box)


@pytest.mark.parametrize(
    ("spacing", "ndim", "steps"),
    [(None, 3, [1, 1, 1]), ((2, 0.5), 2, [2, 0.5]), ([1e-9, 1e9], 2, [1e-9, 1e9])],
)
def test_steps_are_those_given_or_pixels(spacing: Any, ndim: int, steps: list[float]) -> None:
    assert check_steps(spacing, ndim).tolist() == steps


@pytest.mark.parametrize("spacing", [(), (1,), (1, 1, 1), (0, 1), (1, -1), (np.inf, 1), (np.nan, 1), 0.5])
def test_a_spacing_has_a_positive_number_for_each_axis(spacing: Any) -> None:
    with pytest.raises(AxesError) as caught:
        check_steps(spacing, 2)
    assert str(caught.value) == (
        f"spacing {spacing!r} is not allowed; give one positive number of µm for each of the 2 axes, in "
        "their order"
    )


@pytest.mark.parametrize("distance", [-1e-12, -1, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("zero", [True, False])
def test_no_distance_is_negative_or_endless(distance: float, zero: bool) -> None:
    with pytest.raises(InputError) as caught:
        check_distance(distance, name="reach", zero=zero)
    least = "of at least 0" if zero else "above 0"
    assert str(caught.value) == (
        f"reach {distance!r} is not allowed; use a finite number {least}, in the unit of the spacing"
    )


def test_nothing_is_a_distance_where_it_may_be() -> None:
    check_distance(0, name="tolerance", zero=True)
    check_distance(5e-324, name="width", zero=False)
    with pytest.raises(InputError, match=r"^width 0 is not allowed"):
        check_distance(0, name="width", zero=False)


MASK = np.zeros((3, 4), bool)


@pytest.mark.parametrize(
    ("reference", "prediction", "kind", "start"),
    [
        (
            MASK.astype(int),
            MASK,
            PixelValueError,
            "the reference: type int64 is not a mask (true/false); say",
        ),
        (MASK, MASK.astype(np.float32), PixelValueError, "the prediction: type float32 is not a mask"),
        (
            MASK,
            MASK[1:],
            ShapeMismatchError,
            "the reference has shape (3, 4) and the prediction (2, 4); both",
        ),
        (
            MASK[0],
            MASK[0],
            AxesError,
            "masks of 1 axes are not allowed; give (y, x) or (z, y, x), one time and",
        ),
        (MASK[None, None], MASK[None, None], AxesError, "masks of 4 axes are not allowed"),
    ],
)
def test_what_is_no_pair_of_masks_is_refused(
    reference: NDArray[Any], prediction: NDArray[Any], kind: type[Exception], start: str
) -> None:
    with pytest.raises(kind) as caught:
        check_masks(reference, prediction)
    assert str(caught.value).startswith(start)
    check_masks(MASK, MASK)
    check_masks(MASK[None], MASK[None])


LABELS = np.arange(12).reshape(3, 4)


@pytest.mark.parametrize(
    ("reference", "prediction", "kind", "start"),
    [
        (LABELS > 3, LABELS, PixelValueError, "the reference: is a mask (true/false), not a label image"),
        (LABELS, -LABELS, PixelValueError, "the prediction: has negative values; labels are 0 (background)"),
        (LABELS, LABELS + 0.5, PixelValueError, "the prediction: has fractional, infinite or NaN values"),
        (LABELS, LABELS.T, ShapeMismatchError, "the reference has shape (3, 4) and the prediction (4, 3)"),
        (LABELS[0], LABELS[0], AxesError, "label images of 1 axes are not allowed; give (y, x) or (z, y, x)"),
    ],
)
def test_what_is_no_pair_of_label_images_is_refused(
    reference: NDArray[Any], prediction: NDArray[Any], kind: type[Exception], start: str
) -> None:
    with pytest.raises(kind) as caught:
        check_label_images(reference, prediction)
    assert str(caught.value).startswith(start)


def test_whole_numbers_saved_as_fractions_come_back_as_labels() -> None:
    first, second = check_label_images(LABELS.astype(np.float32), LABELS.astype(np.uint8))
    assert first.dtype == np.int64 and np.array_equal(first, LABELS)
    assert second.dtype == np.uint8
