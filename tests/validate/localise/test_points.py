"""Points: within reach of one another, in objects and in boxes, in two and three axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.errors import AxesError, InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.localise.points import centre_distance, check_points, point_in_box, point_in_mask

POINTS = hnp.arrays(
    np.float64, st.tuples(st.integers(0, 6), st.just(3)), elements=st.integers(-6, 12).map(lambda n: n / 2)
)


@settings(max_examples=50, deadline=None)
@given(POINTS, POINTS, st.sampled_from([0.0, 0.7, 2.0]))
def test_reach_in_a_volume_is_that_of_the_full_table(
    one: NDArray[np.float64], other: NDArray[np.float64], tolerance: float
) -> None:
    steps = np.array([2.0, 0.5, 0.25])
    found = centre_distance(one, other, tolerance=tolerance, spacing=tuple(steps))
    table = np.sqrt((((one[:, None] - other[None]) * steps) ** 2).sum(axis=2))
    assert found.pairs.tolist() == np.argwhere(table <= tolerance).tolist()
    assert found.fits == pytest.approx(-table[tuple(found.pairs.T)])
    assert (found.n_reference, found.n_prediction) == (len(one), len(other))


@settings(max_examples=40, deadline=None)
@given(POINTS, POINTS, st.integers(-1000, 1000), st.permutations(range(3)))
def test_place_and_order_of_axes_change_no_distance(
    one: NDArray[np.float64], other: NDArray[np.float64], shift: int, order: list[int]
) -> None:
    plain = centre_distance(one, other, tolerance=2.5)
    moved = centre_distance(one + shift, other + shift, tolerance=2.5)
    turned = centre_distance(one[:, order], other[:, order], tolerance=2.5)
    for changed in (moved, turned):
        assert changed.pairs.tolist() == plain.pairs.tolist()
        assert changed.fits == pytest.approx(plain.fits)


@pytest.mark.parametrize("step", [0.1, 0.108, 0.325, 0.65])
@pytest.mark.parametrize("pixels", [1, 3, 7])
def test_a_distance_of_so_many_pixels_is_within_a_tolerance_of_so_many(step: float, pixels: int) -> None:
    """3 pixels of 0.1 µm are 0.30000000000000004 µm."""
    for along in (0, 1):
        there = [[0.0, 0.0]]
        there[0][along] = pixels
        spacing = (step, step)
        assert len(centre_distance([[0, 0]], there, tolerance=round(pixels * step, 9), spacing=spacing).pairs)
        less = round((pixels - 0.001) * step, 9)
        assert not len(centre_distance([[0, 0]], there, tolerance=less, spacing=spacing).pairs)


def test_points_at_one_place_are_all_candidates() -> None:
    found = centre_distance([[1, 1], [1, 1]], [[1, 1], [1, 1], [9, 9]], tolerance=0)
    assert found.pairs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert found.fits.tolist() == [0, 0, 0, 0]


def test_voxels_reach_half_a_voxel_to_every_side() -> None:
    labels = np.zeros((3, 3, 3), np.uint16)
    labels[1, 1, 1] = 60_000
    inside = [[0.5, 0.5, 0.5], [1.49, 1.49, 1.49]]
    outside = [[1.5, 1, 1], [1, 0.49, 1], [1, 1, -0.1]]
    assert point_in_mask(labels, [*inside, *outside]).pairs.tolist() == [[0, 0], [0, 1]]
    assert point_in_box([[1, 1, 1, 2, 2, 2]], [*inside, *outside]).pairs.tolist() == [[0, 0], [0, 1]]


@settings(max_examples=50, deadline=None)
@given(
    hnp.arrays(np.int64, st.tuples(*[st.integers(1, 4)] * 3), elements=st.integers(0, 1)),
    POINTS,
    st.sampled_from(["reference", "prediction"]),
)
def test_a_mask_that_is_a_box_holds_what_the_box_holds(
    shape_of: NDArray[np.int64], points: NDArray[np.float64], side: Any
) -> None:
    shape = tuple(n + 2 for n in shape_of.shape)
    labels = np.zeros(shape, int)
    labels[tuple(slice(1, n - 1) for n in shape)] = 8
    box = [[1, 1, 1, *(n - 1 for n in shape)]]
    one, other = point_in_mask(labels, points, masks=side), point_in_box(box, points, masks=side)
    assert one.pairs.tolist() == other.pairs.tolist()
    assert (one.n_reference, one.n_prediction) == (other.n_reference, other.n_prediction)
    assert one.criterion == other.criterion == "point_in_mask"


def test_several_points_in_one_object_and_several_boxes_over_one_point() -> None:
    labels = np.array([[2, 2, 9], [0, 9, 9]])
    found = point_in_mask(labels, [[0, 0], [0, 1], [1, 0], [1, 2]])
    assert found.pairs.tolist() == [[0, 0], [0, 1], [1, 3]]
    boxes = [[0, 0, 2, 2], [1, 1, 3, 3], [0, 0, 9, 9]]
    assert point_in_box(boxes, [[1, 1]]).pairs.tolist() == [[0, 0], [1, 0], [2, 0]]
    assert point_in_box(boxes, [[1, 1]], masks="prediction").pairs.tolist() == [[0, 0], [0, 1], [0, 2]]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: point_in_mask(np.ones((2, 2, 2), int), [[0, 0]]),
            ShapeMismatchError,
            "points have 2 axes and the label image 3; give one number per axis",
        ),
        (
            lambda: point_in_box([[0, 0, 1, 1]], [[0, 0, 0]]),
            ShapeMismatchError,
            "boxes have 2 axes and points 3; give both in 2D or both in 3D",
        ),
        (
            lambda: point_in_mask(np.ones((2, 2), int), [[0, 0]], masks="both"),  # type: ignore[arg-type]
            InputError,
            "masks 'both' is not allowed; use 'reference' or 'prediction'",
        ),
        (
            lambda: point_in_mask(np.ones((2, 2), bool), [[0, 0]], masks="prediction"),
            PixelValueError,
            "the prediction: is a mask (true/false), not a label image; give each object a number of its "
            "own, for example by connected components (touching objects merge then)",
        ),
        (
            lambda: centre_distance([[0, 0]], [[0, 0]], tolerance=np.inf),
            InputError,
            "tolerance inf is not allowed; use a finite number of at least 0, in the unit of the spacing",
        ),
        (
            lambda: centre_distance([[0, 0]], [[0, 0]], tolerance=1, spacing=(1, 0)),
            AxesError,
            "spacing (1, 0) is not allowed; give one positive number of µm for each of the 2 axes, in their "
            "order",
        ),
        (
            lambda: centre_distance([[0, 0]], [[0, np.nan], [np.inf, 1], [0, 0]], tolerance=1),
            PixelValueError,
            "predicted points: 2 of 3 have NaN or infinite numbers, the first is row 0; leave these out",
        ),
        (
            lambda: check_points([1, 2]),
            InputError,
            "points have shape (2,); give one row per point, (y, x) or (z, y, x)",
        ),
    ],
    ids=["axes of a mask", "axes of boxes", "side", "no labels", "tolerance", "spacing", "NaN", "no row"],
)
def test_points_that_do_not_fit_are_refused(call: Any, kind: type[InputError], message: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message
