"""Outlines of matched objects: order of the matches, sides, numbers, and what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.testing.label_images import disks
from veriscope.validate.contingency import contingency
from veriscope.validate.matching import Matching, match
from veriscope.validate.metrics.instance.boundary_table import boundary_table
from veriscope.validate.metrics.instance.matched_boundary import boundary_of_matches
from veriscope.validate.metrics.instance.matched_rims import boundary_iou_of_matches
from veriscope.validate.metrics.semantic.boundary import hausdorff

Labels = NDArray[Any]


def pair(shift: int = 1) -> tuple[Labels, Labels]:
    return disks(3), disks(3, shift=shift)


def matched(*pairs: tuple[int, int]) -> Matching:
    none = np.empty(0, np.int64)
    return Matching(np.array(pairs, np.int64).reshape(-1, 2), none, none, 0.5, np.ones(len(pairs)))


def test_squares_moved_by_one_pixel_by_hand() -> None:
    reference, prediction = np.zeros((9, 9), int), np.zeros((9, 9), int)
    reference[2:6, 2:6], prediction[2:6, 3:7] = 4, 6
    (found,) = boundary_of_matches(reference, prediction, matched((4, 6)), spacing=(3.0, 0.5)).distances
    # Of 12 boundary pixels on either side 3 at the top and 3 at the bottom are shared, the others 0.5 off.
    for distances in (found.from_reference, found.from_prediction):
        assert len(distances) == 12
        assert np.isclose(distances, 0).sum() == 6
        assert np.isclose(distances, 0.5).sum() == 6


@pytest.mark.parametrize("order", [(1, 5, 9), (9, 1, 5), (5, 9, 1)])
def test_distances_come_in_the_order_of_the_matches(order: tuple[int, ...]) -> None:
    reference, prediction = pair()
    prediction = np.where(
        prediction == 5, np.roll(disks(3, shift=3), 0) * (disks(3, shift=3) == 5), prediction
    )
    found = boundary_of_matches(reference, prediction, matched(*((label, label) for label in order)))
    assert found.pairs[:, 0].tolist() == list(order)
    farthest = {label: hausdorff(each) for label, each in zip(order, found.distances, strict=True)}
    alone = {
        label: hausdorff(boundary_of_matches(reference, prediction, matched((label, label))).distances[0])
        for label in order
    }
    assert farthest == alone


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(1, 10)), st.sampled_from([1, 2**40]))
def test_numbers_of_objects_and_sides_change_no_distance(order: list[int], factor: int) -> None:
    reference, prediction = pair()
    names = np.array([0, *(factor * label for label in order)])
    plain = boundary_table(reference, prediction, match(contingency(reference, prediction)), tolerance=0.5)
    renamed = names[reference]
    other = boundary_table(renamed, prediction, match(contingency(renamed, prediction)), tolerance=0.5)
    back = boundary_table(prediction, reference, match(contingency(prediction, reference)), tolerance=0.5)
    by_prediction = {int(p): i for i, p in enumerate(other.pairs[:, 1])}
    for i, (r, p) in enumerate(plain.pairs.tolist()):
        j = by_prediction[p]
        assert int(other.pairs[j, 0]) == int(names[r])
        for name in ("hausdorff", "hausdorff_95", "masd", "assd", "nsd"):
            assert getattr(other, name)[j] == pytest.approx(getattr(plain, name)[i])
    assert back.assd == pytest.approx(plain.assd)
    assert back.pairs.tolist() == plain.pairs[:, ::-1].tolist()


def test_objects_that_were_not_matched_are_not_in_the_table() -> None:
    reference, prediction = pair()
    table = boundary_table(reference, prediction, matched((2, 2), (7, 7)), rim_width=1.0)
    assert [(row["reference"], row["prediction"]) for row in table.rows()] == [(2, 2), (7, 7)]
    assert table.boundary_iou is not None and len(table.boundary_iou) == 2


def test_matched_objects_that_do_not_touch_have_a_distance_and_no_rim_in_common() -> None:
    """A matching by centre may pair objects that share no pixel."""
    labels = np.zeros((4, 20), int)
    labels[1:3, 2:4] = 1
    moved = np.roll(labels, 10, axis=1)
    table = boundary_table(labels, moved, matched((1, 1)), tolerance=1, rim_width=1)
    (row,) = table.rows()
    assert (row["hausdorff"], row["nsd"], row["boundary_iou"]) == (10, 0, 0)
    assert row["masd"] == row["assd"] == pytest.approx(9.5)


def test_one_pixel_and_one_plane() -> None:
    single, other = np.zeros((5, 5), np.uint8), np.zeros((5, 5), np.uint8)
    single[1, 1], other[4, 4] = 200, 3
    (row,) = boundary_table(single, other, matched((200, 3)), spacing=(1.0, 2.0)).rows()
    assert row["hausdorff"] == row["masd"] == pytest.approx(np.hypot(3, 6))
    (flat,) = boundary_table(
        single[None], other[None], matched((200, 3)), spacing=(9.0, 1.0, 2.0), rim_width=1
    ).rows()
    assert flat["hausdorff"] == row["hausdorff"]


@pytest.mark.parametrize(
    ("images", "matching", "kind", "message"),
    [
        (
            (disks(2), disks(2)),
            matched((1, 9)),
            InputError,
            "the prediction: the matching names object 9, which is not in the image; give the label images "
            "that were matched",
        ),
        (
            (disks(2), disks(2)),
            matched((1, 1), (1, 2)),
            InputError,
            "the reference: an object stands in two matches; match one to one",
        ),
        (
            (disks(2), disks(3)),
            matched((1, 1)),
            ShapeMismatchError,
            "the reference has shape (32, 32) and the prediction (48, 48); both must cover the same pixels "
            "(was one rescaled, cropped or transposed?)",
        ),
        (
            (disks(2) > 0, disks(2)),
            matched((1, 1)),
            PixelValueError,
            "the reference: is a mask (true/false), not a label image; give each object a number of its own, "
            "for example by connected components (touching objects merge then)",
        ),
    ],
    ids=["another image", "twice", "shapes", "mask"],
)
def test_what_was_not_matched_on_these_images_is_refused(
    images: tuple[Labels, Labels], matching: Matching, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        boundary_table(*images, matching, tolerance=1, rim_width=1)
    assert str(caught.value) == message


@pytest.mark.parametrize("width", [1.0, 2.0, 50.0])
def test_rims_alone_refuse_a_matching_of_other_images(width: float) -> None:
    """A value for an object that is not there would be a number about nothing."""
    for wrong in (matched((1, 9)), matched((0, 1)), matched((77, 1))):
        with pytest.raises(InputError, match=r"which is not in the image; give the label images that were"):
            boundary_iou_of_matches(disks(2), disks(2), wrong, width=width)
