"""Objects of an image in any form, and criteria: what they say of themselves, and what they refuse."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from veriscope.errors import InputError, PixelValueError
from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate.localise.objects import Criterion, CriterionKey, Detections, localise

NEEDS: dict[str, dict[str, float]] = {"centre_distance": {"tolerance": 2.0}, "boundary_iou": {"rim": 1.5}}


def criterion(key: Any, **options: Any) -> Criterion:
    return Criterion(key, **NEEDS.get(key, {}) | options)


@pytest.mark.parametrize("key", get_args(CriterionKey))
def test_a_criterion_says_in_plain_words_what_it_is(key: str) -> None:
    made = criterion(key, threshold=0.3, spacing=(0.5, 0.25))
    overlaps = key not in ("point_in_mask", "centre_distance")
    assert made.to_dict() == {
        "key": key,
        "threshold": 0.3 if overlaps else None,
        "tolerance": 2.0 if key == "centre_distance" else None,
        "rim": 1.5 if key == "boundary_iou" else None,
        "spacing": [0.5, 0.25],
    }
    assert made.least_fit == (0.3 if overlaps else -np.inf)
    assert criterion(key).to_dict()["spacing"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"key": "iou"},
            "criterion 'iou' is unknown; use one of box_iou, mask_iou, boundary_iou, "
            "intersection_over_reference, point_in_mask, centre_distance",
        ),
        (
            {"key": "mask_iou", "threshold": 1.01},
            "threshold 1.01 is not allowed; use a number above 0 and at most 1",
        ),
        (
            {"key": "mask_iou", "threshold": float("nan")},
            "threshold nan is not allowed; use a number above 0 and at most 1",
        ),
        (
            {"key": "boundary_iou"},
            "boundary_iou needs rim, which was None; only boundary_iou has one",
        ),
        (
            {"key": "mask_iou", "rim": 2},
            "mask_iou has no rim, which was 2; only boundary_iou has one",
        ),
        (
            {"key": "boundary_iou", "rim": 2, "tolerance": 1},
            "boundary_iou has no tolerance, which was 1; only centre_distance has one",
        ),
        (
            {"key": "centre_distance", "tolerance": -0.5},
            "tolerance -0.5 is not allowed; use a finite number of at least 0, in the unit of the spacing",
        ),
    ],
    ids=["key", "above 1", "NaN", "no rim", "a rim too many", "a tolerance too many", "negative"],
)
def test_criteria_that_make_no_sense_are_told_why(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Criterion(**options)
    assert str(caught.value) == message


def test_a_tolerance_of_nothing_is_a_tolerance() -> None:
    """0 must not be taken for "not given"."""
    same = Detections(points=[[3, 3]]), Detections(points=[[3, 3], [3, 4]])
    found = localise(*same, Criterion("centre_distance", tolerance=0))
    assert found.pairs.tolist() == [[0, 0]]


@settings(max_examples=60, deadline=None)
@given(label_pairs(max_dims=3, max_side=5))
def test_centres_of_labels_are_the_means_of_their_pixels(
    pair: tuple[NDArray[Any], NDArray[Any]],
) -> None:
    labels = pair[0]
    objects = Detections(labels=labels)
    ids = [label for label in np.unique(labels) if label]
    expected = np.array([np.argwhere(labels == label).mean(axis=0) for label in ids])
    assert objects.centres() == pytest.approx(expected.reshape(len(ids), labels.ndim))
    assert (len(objects), objects.kind) == (len(ids), "labels")


@pytest.mark.parametrize("top", [2**31 + 5, 2**53 + 1, 2**62])
def test_large_label_numbers_keep_their_objects_apart(top: int) -> None:
    labels = np.zeros((2, 6), np.int64)
    labels[:, :2], labels[:, 2:4] = top, top + 1
    objects = Detections(labels=labels)
    assert objects.centres().tolist() == [[0.5, 0.5], [0.5, 2.5]]
    found = localise(objects, Detections(points=[[0, 3], [0, 0]]), Criterion("point_in_mask"))
    assert found.pairs.tolist() == [[0, 1], [1, 0]]


def test_scores_and_classes_come_back_as_arrays() -> None:
    objects = Detections(points=[[0, 0], [1, 1]], scores=[1, np.inf], classes=[3, "a"])
    assert np.asarray(objects.scores).tolist() == [1.0, np.inf]
    assert np.asarray(objects.classes).tolist() == ["3", "a"]
    nothing = Detections(labels=np.zeros((3, 3), int), scores=[], classes=[])
    assert (len(nothing), nothing.centres().shape) == (0, (0, 2))
    assert np.asarray(nothing.classes).shape == (0,)


def test_a_list_of_labels_is_an_image() -> None:
    assert Detections(labels=[[0, 2], [2, 7]]).centres().tolist() == [[0.5, 0.5], [1, 1]]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        (
            {"labels": np.zeros((2, 2), bool)},
            PixelValueError,
            "labels: is a mask (true/false), not a label image; give each object a number of its own, for "
            "example by connected components (touching objects merge then)",
        ),
        (
            {"boxes": [], "labels": np.zeros((2, 2), int), "points": []},
            InputError,
            "boxes and points and labels given for one image; give exactly one of boxes, points and labels",
        ),
        (
            {"labels": np.array([[1, 2]]), "classes": ["a"]},
            InputError,
            "classes have shape (1,) for 2 objects; give one for each",
        ),
        (
            {"boxes": [[0, 0, 1, 1]], "scores": 0.5},
            InputError,
            "scores have shape () for 1 predictions; give one for each",
        ),
    ],
    ids=["mask", "three forms", "classes", "scores"],
)
def test_objects_that_do_not_fit_are_refused(
    given: dict[str, Any], kind: type[InputError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        Detections(**given)
    assert str(caught.value) == message


KINDS = {
    "boxes": {"boxes": [[0, 0, 4, 4]]},
    "points": {"points": [[1, 1]]},
    "labels": {"labels": np.ones((4, 4), int)},
}
ADVICE = {
    "box_iou": "give boxes on both sides",
    "mask_iou": "give label images on both sides, or use box_iou for boxes",
    "boundary_iou": "give label images on both sides",
    "intersection_over_reference": "give boxes on both sides, or label images on both sides",
    "point_in_mask": "give boxes or a label image on one side, or use centre_distance for points",
}


@pytest.mark.parametrize("key", get_args(CriterionKey))
@pytest.mark.parametrize("one", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_every_pair_of_forms_is_compared_or_told_what_would_do(key: str, one: str, other: str) -> None:
    fits = {
        "box_iou": one == other == "boxes",
        "mask_iou": one == other == "labels",
        "boundary_iou": one == other == "labels",
        "intersection_over_reference": one == other != "points",
        "point_in_mask": (one, other) != ("points", "points"),
        "centre_distance": True,
    }[key]
    sides = Detections(**KINDS[one]), Detections(**KINDS[other])
    if fits:
        assert localise(*sides, criterion(key, **({"threshold": 0.1}))).pairs.tolist() == [[0, 0]]
        return
    with pytest.raises(InputError) as caught:
        localise(*sides, criterion(key))
    assert str(caught.value) == f"{key} does not go with {one} and {other}; {ADVICE[key]}"


def test_a_point_on_either_side_is_looked_for_in_the_objects_of_the_other() -> None:
    labels = disks(2)
    centres = Detections(labels=labels).centres()
    shuffled = Detections(points=centres[[2, 0, 3, 1]])
    there = localise(Detections(labels=labels), shuffled, Criterion("point_in_mask"))
    assert there.pairs.tolist() == [[0, 1], [1, 3], [2, 0], [3, 2]]
    back = localise(shuffled, Detections(labels=labels), Criterion("point_in_mask"))
    assert back.pairs.tolist() == [[0, 2], [1, 0], [2, 3], [3, 1]]
