"""Localisation criteria: hand-computed values, the conventions of pixels, wrong input, properties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate.contingency import contingency
from veriscope.validate.localise import boxes as boxes_module
from veriscope.validate.localise.boxes import box_centres, box_intersection_over_reference, box_iou
from veriscope.validate.localise.masks import boundary_iou, intersection_over_reference, mask_iou
from veriscope.validate.localise.objects import Criterion, Detections, localise
from veriscope.validate.localise.pairs import CandidatePairs
from veriscope.validate.localise.points import centre_distance, point_in_box, point_in_mask
from veriscope.validate.metrics.semantic.boundary import boundary_iou as boundary_iou_of_masks


def dense(found: CandidatePairs) -> NDArray[np.float64]:
    table = np.zeros((found.n_reference, found.n_prediction))
    table[found.pairs[:, 0], found.pairs[:, 1]] = found.fits
    return table


@st.composite
def box_lists(draw: st.DrawFn, *, d: int = 2, max_size: int = 8) -> NDArray[np.float64]:
    """Boxes with corners on a coarse grid, so that edges meet often."""
    n = draw(st.integers(0, max_size))
    starts = draw(hnp.arrays(np.int64, (n, d), elements=st.integers(0, 8)))
    sides = draw(hnp.arrays(np.int64, (n, d), elements=st.integers(1, 6)))
    return np.concatenate([starts, starts + sides], axis=1).astype(float) / 2


def slow_iou(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    d = one.shape[1] // 2
    low = np.maximum(one[:, None, :d], other[None, :, :d])
    high = np.minimum(one[:, None, d:], other[None, :, d:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(side[:, d:] - side[:, :d]).prod(axis=1) for side in (one, other)]
    return shared / (areas[0][:, None] + areas[1][None, :] - shared)


def test_the_last_pixel_is_not_in_the_box() -> None:
    """Boxes of 2 by 2 and 2 by 3 pixels that share 2 by 1; the same as label images agrees."""
    found = box_iou([[0, 0, 2, 2]], [[0, 1, 2, 4]])
    assert found.fits.tolist() == [2 / 8]
    reference, prediction = np.zeros((2, 5), int), np.zeros((2, 5), int)
    reference[0:2, 0:2] = prediction[0:2, 1:4] = 1
    assert mask_iou(contingency(reference, prediction)).fits.tolist() == [2 / 8]
    assert box_intersection_over_reference([[0, 0, 2, 2]], [[0, 1, 2, 4]]).fits.tolist() == [2 / 4]
    assert not len(box_iou([[0, 0, 2, 2]], [[0, 2, 2, 4]]).pairs)  # they touch only


@pytest.mark.parametrize("block", [3, 1 << 20])
@given(st.sampled_from([2, 3]), st.data())
@settings(max_examples=60, deadline=None)
def test_box_iou_is_that_of_the_full_table(block: int, d: int, data: st.DataObject) -> None:
    one, other = data.draw(box_lists(d=d)), data.draw(box_lists(d=d))
    before, boxes_module._BLOCK = boxes_module._BLOCK, block
    try:
        found = box_iou(one, other)
    finally:
        boxes_module._BLOCK = before
    assert len(np.unique(found.pairs, axis=0)) == len(found.pairs)
    assert dense(found) == pytest.approx(slow_iou(one, other))


@given(box_lists(), box_lists())
@settings(max_examples=50, deadline=None)
def test_swapping_the_sides_turns_the_table(one: NDArray[np.float64], other: NDArray[np.float64]) -> None:
    assert (dense(box_iou(one, other)) == dense(box_iou(other, one)).T).all()
    centres = box_centres(one), box_centres(other)
    forth = centre_distance(*centres, tolerance=2.0)
    assert (dense(forth) == dense(centre_distance(*centres[::-1], tolerance=2.0)).T).all()


def test_many_boxes_make_no_full_table() -> None:
    """20,000 boxes on a grid against themselves: 400 million pairs would not fit."""
    y, x = np.divmod(np.arange(20_000), 100)
    boxes = np.stack([y, x, y + 1, x + 1], axis=1) * 10.0
    found = box_iou(boxes, boxes)
    assert (found.pairs[:, 0] == found.pairs[:, 1]).all() and len(found.pairs) == 20_000
    assert (found.fits == 1).all()


@pytest.mark.parametrize(
    ("boxes", "error", "message"),
    [
        (
            [[0, 0, 2, 2], [3, 3, 3, 9]],
            PixelValueError,
            "reference boxes: 1 of 2 have no area, the first is row 1: [3.0, 3.0, 3.0, 9.0]; give the first "
            "pixel of each axis, then one past the last of each axis",
        ),
        (
            [[0, 0, np.nan, 2]],
            PixelValueError,
            "reference boxes: 1 of 1 have NaN or infinite numbers, the first is row 0; leave these out",
        ),
        (
            [[0, 0, 2]],
            InputError,
            "reference boxes have shape (1, 3); give one row per box, (y0, x0, y1, x1) or "
            "(z0, y0, x0, z1, y1, x1), the last pixel not included",
        ),
    ],
    ids=["no area", "NaN", "shape"],
)
def test_what_is_no_box_is_refused(boxes: Any, error: type[InputError], message: str) -> None:
    with pytest.raises(error) as found:
        box_iou(boxes, [[0, 0, 1, 1]])
    assert str(found.value) == message


def test_sides_of_different_axes_are_refused() -> None:
    with pytest.raises(ShapeMismatchError, match="reference boxes have 2 axes and predicted boxes 3"):
        box_iou([[0, 0, 1, 1]], [[0, 0, 0, 1, 1, 1]])
    with pytest.raises(ShapeMismatchError, match="reference points have 2 axes and predicted points 3"):
        centre_distance([[0, 0]], [[0, 0, 0]], tolerance=1)


def test_empty_sides_have_no_candidates() -> None:
    for found in (
        box_iou([], [[0, 0, 1, 1]]),
        box_iou([[0, 0, 1, 1]], []),
        box_iou([], []),
        centre_distance([], [[0, 0]], tolerance=1),
        point_in_mask(np.zeros((3, 3), int), [[1, 1]]),
        point_in_mask(np.ones((3, 3), int), []),
        point_in_box([], [[1, 1]]),
    ):
        assert found.pairs.shape == (0, 2)
    assert (box_iou([], [[0, 0, 1, 1]]).n_reference, box_iou([], [[0, 0, 1, 1]]).n_prediction) == (0, 1)


@given(label_pairs(max_dims=3), st.sampled_from([0.5, 1.0, 1.5, 3.0]))
@settings(max_examples=60, deadline=None)
def test_boundary_iou_is_that_of_the_masks_taken_one_by_one(
    pair: tuple[NDArray[Any], NDArray[Any]], width: float
) -> None:
    reference, prediction = pair
    if reference.ndim < 2:
        reference, prediction = reference[None], prediction[None]
    spacing = (0.5, 1.0, 2.0)[: reference.ndim]
    found = boundary_iou(reference, prediction, width=width, spacing=spacing)
    ids = [np.unique(side[side > 0]) for side in (reference, prediction)]
    slow = [
        [boundary_iou_of_masks(reference == a, prediction == b, width=width, spacing=spacing) for b in ids[1]]
        for a in ids[0]
    ]
    assert dense(found) == pytest.approx(np.array(slow).reshape(len(ids[0]), len(ids[1])))


def test_wide_rims_give_the_mask_iou_and_gaps_in_labels_do_not_matter() -> None:
    reference, prediction = disks(3).astype(np.int64) * 10**9, disks(3, shift=2)
    wide = boundary_iou(reference, prediction, width=100)
    plain = mask_iou(contingency(reference, prediction))
    assert (wide.pairs == plain.pairs).all() and wide.fits == pytest.approx(plain.fits)
    assert (boundary_iou(reference, prediction, width=1).fits < plain.fits).all()


def test_intersection_over_reference_does_not_punish_large_predictions() -> None:
    everything = np.ones_like(disks(2))
    assert intersection_over_reference(contingency(disks(2), everything)).fits.tolist() == [1, 1, 1, 1]
    assert (intersection_over_reference(contingency(everything, disks(2))).fits < 0.2).all()


def test_distance_is_in_micrometres_with_a_spacing_and_the_tolerance_counts() -> None:
    points = [[0, 0, 0]], [[1, 0, 3]]
    assert centre_distance(*points, tolerance=10).fits == pytest.approx([-np.sqrt(10)])
    assert centre_distance(*points, tolerance=10, spacing=(2, 1, 0.5)).fits == pytest.approx([-2.5])
    assert len(centre_distance([[0, 0]], [[0, 3]], tolerance=0.3, spacing=(0.1, 0.1)).pairs) == 1
    assert len(centre_distance([[0, 0]], [[0, 3]], tolerance=2.99).pairs) == 0
    assert centre_distance([[5, 5]], [[5, 5]], tolerance=0).fits.tolist() == [0]
    with pytest.raises(InputError, match="tolerance -1 is not allowed"):
        centre_distance([[0, 0]], [[0, 3]], tolerance=-1)


def test_pixel_i_reaches_from_half_before_to_half_after() -> None:
    labels = np.zeros((4, 4), int)
    labels[1:3, 1:3] = 7
    points = [[0.5, 1], [0.49, 1], [2.49, 2.49], [2.5, 2], [-3, 1], [1, 900]]
    assert point_in_mask(labels, points).pairs.tolist() == [[0, 0], [0, 2]]
    assert point_in_box([[1, 1, 3, 3]], points).pairs.tolist() == [[0, 0], [0, 2]]
    assert point_in_mask(labels, points, masks="prediction").pairs.tolist() == [[0, 0], [2, 0]]


@given(
    box_lists(), hnp.arrays(np.int64, st.tuples(st.integers(0, 6), st.just(2)), elements=st.integers(-1, 8))
)
@settings(max_examples=60, deadline=None)
def test_point_in_box_is_that_of_the_full_table(
    boxes: NDArray[np.float64], numbers: NDArray[np.int64]
) -> None:
    points = numbers / 2 - 0.5
    slow = [
        [float((box[:2] - 0.5 <= point).all() and (point < box[2:] - 0.5).all()) for point in points]
        for box in boxes
    ]
    assert (dense(point_in_box(boxes, points)) == np.array(slow).reshape(len(boxes), len(points))).all()


def test_centres_of_boxes_points_and_masks_agree() -> None:
    labels = np.zeros((6, 8), int)
    labels[1:4, 2:7] = 3
    for side in (Detections(labels=labels), Detections(boxes=[[1, 2, 4, 7]]), Detections(points=[[2, 4]])):
        assert side.centres().tolist() == [[2, 4]]
        assert len(side) == 1


@pytest.mark.parametrize(
    ("reference", "prediction", "key"),
    [
        ("boxes", "boxes", "box_iou"),
        ("boxes", "boxes", "intersection_over_reference"),
        ("labels", "labels", "intersection_over_reference"),
        ("labels", "labels", "mask_iou"),
        ("labels", "labels", "boundary_iou"),
        ("labels", "points", "point_in_mask"),
        ("points", "labels", "point_in_mask"),
        ("boxes", "points", "point_in_mask"),
        ("points", "boxes", "point_in_mask"),
        ("labels", "boxes", "point_in_mask"),
        ("points", "labels", "centre_distance"),
        ("boxes", "points", "centre_distance"),
    ],
)
def test_every_criterion_finds_the_object(reference: str, prediction: str, key: Any) -> None:
    labels = np.zeros((6, 8), int)
    labels[1:4, 2:7] = 3
    objects = {"labels": labels, "boxes": [[1, 2, 4, 7]], "points": [[2, 4]]}
    criterion = Criterion(
        key,
        tolerance=0.5 if key == "centre_distance" else None,
        rim=1.0 if key == "boundary_iou" else None,
    )
    sides = [Detections(**{kind: objects[kind]}) for kind in (reference, prediction)]
    found = localise(sides[0], sides[1], criterion)
    assert found.criterion == key
    assert found.fits.tolist() == [0 if key == "centre_distance" else 1]


def test_a_criterion_that_does_not_fit_says_what_does() -> None:
    boxes, points = Detections(boxes=[[0, 0, 1, 1]]), Detections(points=[[0, 0]])
    with pytest.raises(InputError) as error:
        localise(boxes, boxes, Criterion("mask_iou"))
    assert str(error.value) == (
        "mask_iou does not go with boxes and boxes; give label images on both sides, or use box_iou for boxes"
    )
    with pytest.raises(InputError, match="point_in_mask does not go with points and points"):
        localise(points, points, Criterion("point_in_mask"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key": "iou"}, "criterion 'iou' is unknown; use one of box_iou, mask_iou, boundary_iou"),
        ({"key": "box_iou", "threshold": 0}, "threshold 0 is not allowed; use a number above 0"),
        ({"key": "centre_distance"}, "centre_distance needs tolerance, which was None"),
        ({"key": "box_iou", "tolerance": 3}, "box_iou has no tolerance, which was 3; only centre_distance"),
        ({"key": "boundary_iou", "rim": 0}, "rim 0 is not allowed; use a finite number above 0"),
    ],
)
def test_criteria_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        Criterion(**options)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "nothing given for one image; give exactly one of boxes, points and labels"),
        (
            {"boxes": [], "points": []},
            "boxes and points given for one image; give exactly one of boxes, points and labels",
        ),
        (
            {"points": [[0, 0]], "scores": [np.nan]},
            "1 of 1 scores are NaN; give a number, or leave these predictions out",
        ),
        (
            {"points": [[0, 0]], "scores": [1, 2]},
            "scores have shape (2,) for 1 predictions; give one for each",
        ),
        (
            {"points": [[0, 0]], "classes": ["a", "b"]},
            "classes have shape (2,) for 1 objects; give one for each",
        ),
        (
            {"points": [[0, 0, 0, 0]]},
            "points have shape (1, 4); give one row per point, (y, x) or (z, y, x)",
        ),
        (
            {"points": [[0, np.inf]]},
            "points: 1 of 1 have NaN or infinite numbers, the first is row 0; leave these out",
        ),
    ],
)
def test_objects_that_make_no_sense_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        Detections(**given)
    assert str(error.value) == message


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (3, 0, 4)])
def test_images_without_a_pixel_have_no_candidates(shape: tuple[int, ...]) -> None:
    nothing = Detections(labels=np.zeros(shape, int))
    for key in ("mask_iou", "intersection_over_reference", "point_in_mask"):
        assert len(localise(nothing, nothing, Criterion(key)).pairs) == 0
    assert len(localise(nothing, nothing, Criterion("boundary_iou", rim=2)).pairs) == 0
    assert len(localise(nothing, nothing, Criterion("centre_distance", tolerance=2)).pairs) == 0


@pytest.mark.parametrize("far", [1e19, -1e19, 1e300])
def test_points_however_far_outside_lie_in_no_object(far: float) -> None:
    labels = np.ones((4, 5), int)
    points = [[1.0, 1.0], [far, 1.0], [1.0, far]]
    assert point_in_mask(labels, points).pairs.tolist() == [[0, 0]]
    assert point_in_box([[0, 0, 4, 5]], points).pairs.tolist() == [[0, 0]]


@given(label_pairs(max_dims=2, max_side=6), st.data())
@settings(max_examples=60, deadline=None)
def test_points_lie_in_the_object_of_their_pixel(
    pair: tuple[NDArray[Any], NDArray[Any]], data: st.DataObject
) -> None:
    labels = np.atleast_2d(pair[0])
    places = st.tuples(*(st.integers(-2, 2 * n + 1) for n in labels.shape))
    points = np.array(data.draw(st.lists(places, max_size=8)), float).reshape(-1, 2) / 2
    ids = [int(label) for label in np.unique(labels) if label]
    expected = []
    for number, point in enumerate(points):
        y, x = (int(np.floor(place + 0.5)) for place in point)
        if 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1] and labels[y, x]:
            expected.append([ids.index(int(labels[y, x])), number])
    found = point_in_mask(labels, points)
    assert found.pairs.tolist() == sorted(expected)
    swapped = point_in_mask(labels, points, masks="prediction")
    assert sorted(pair[::-1] for pair in swapped.pairs.tolist()) == sorted(expected)


@given(box_lists(max_size=6), box_lists(max_size=6), st.sampled_from([0.0, 0.5, 1.0, 2.5]))
@settings(max_examples=60, deadline=None)
def test_centres_within_reach_are_those_of_the_full_table(
    one: NDArray[np.float64], other: NDArray[np.float64], tolerance: float
) -> None:
    sides, spacing = (box_centres(one), box_centres(other)), np.array([0.5, 2.0])
    found = centre_distance(*sides, tolerance=tolerance, spacing=tuple(spacing))
    apart = (sides[0][:, None] - sides[1][None]) * spacing
    distances = np.sqrt((apart**2).sum(axis=2))
    expected = np.argwhere(distances <= tolerance)
    assert found.pairs.tolist() == expected.tolist()
    assert found.fits == pytest.approx(-distances[tuple(expected.T)])
