"""Overlap of label images as candidate pairs: by hand, by brute force, in volumes and with odd labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import AxesError, InputError, PixelValueError, ShapeMismatchError
from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate.contingency import contingency
from veriscope.validate.localise.masks import boundary_iou, intersection_over_reference, mask_iou
from veriscope.validate.localise.pairs import CandidatePairs

Labels = NDArray[Any]


def by_labels(found: CandidatePairs, reference: Labels, prediction: Labels) -> dict[tuple[int, int], float]:
    """Fit of each pair, by the labels of its objects."""
    ids = [[int(v) for v in np.unique(image) if v] for image in (reference, prediction)]
    return {
        (ids[0][r], ids[1][p]): float(fit)
        for (r, p), fit in zip(found.pairs.tolist(), found.fits, strict=True)
    }


@settings(max_examples=80, deadline=None)
@given(label_pairs(max_side=6))
def test_overlaps_are_those_of_the_pixels(pair: tuple[Labels, Labels]) -> None:
    reference, prediction = pair
    ious, shares = {}, {}
    for r in np.unique(reference[reference > 0]):
        for p in np.unique(prediction[prediction > 0]):
            one, other = reference == r, prediction == p
            if shared := int((one & other).sum()):
                ious[int(r), int(p)] = shared / int((one | other).sum())
                shares[int(r), int(p)] = shared / int(one.sum())
    table = contingency(*pair)
    assert by_labels(mask_iou(table), *pair) == pytest.approx(ious)
    assert by_labels(intersection_over_reference(table), *pair) == pytest.approx(shares)


@settings(max_examples=40, deadline=None)
@given(label_pairs(max_side=6))
def test_shares_of_a_reference_add_up_to_what_is_covered(pair: tuple[Labels, Labels]) -> None:
    reference, prediction = pair
    found = intersection_over_reference(contingency(*pair))
    sums = np.bincount(found.pairs[:, 0], weights=found.fits, minlength=found.n_reference)
    covered = [(prediction[reference == r] > 0).mean() for r in np.unique(reference[reference > 0])]
    assert sums == pytest.approx(covered)


@settings(max_examples=60, deadline=None)
@given(label_pairs(max_dims=2, max_side=6), st.permutations(range(1, 5)), st.sampled_from([1.0, 1.5, 2.5]))
def test_numbers_flips_and_sides_of_rims(pair: tuple[Labels, Labels], order: list[int], width: float) -> None:
    reference, prediction = (np.atleast_2d(image) for image in pair)
    plain = by_labels(boundary_iou(reference, prediction, width=width), reference, prediction)
    names = np.array([0, *(2**40 + label for label in order)])
    renamed = names[reference]
    again = by_labels(boundary_iou(renamed, prediction, width=width), renamed, prediction)
    assert again == pytest.approx({(int(names[r]), p): fit for (r, p), fit in plain.items()})
    back = by_labels(boundary_iou(prediction, reference, width=width), prediction, reference)
    assert {(r, p): fit for (p, r), fit in back.items()} == pytest.approx(plain)
    turned = reference.T[::-1], prediction.T[::-1]
    assert by_labels(boundary_iou(*turned, width=width), *turned) == pytest.approx(plain)


def test_rims_of_squares_by_hand() -> None:
    """Squares of 6 by 6 moved by one pixel: rims of one pixel hold 20 each and share 10."""
    reference, prediction = np.zeros((12, 12), int), np.zeros((12, 12), int)
    reference[2:8, 2:8], prediction[2:8, 3:9] = 4, 9
    found = boundary_iou(reference, prediction, width=1)
    # Shared: 5 at the top, 5 at the bottom; the sides lie beside each other.
    assert found.fits.tolist() == [10 / 30]
    assert mask_iou(contingency(reference, prediction)).fits.tolist() == [30 / 42]
    assert boundary_iou(reference, prediction, width=3).fits.tolist() == [30 / 42]  # no pixel lies deeper


def test_the_width_is_in_micrometres_and_counts_along_each_axis_by_its_own_step() -> None:
    """With pixels of 3 µm along y, a rim of 2 µm takes one row of boundary pixels and two columns."""
    labels = np.zeros((11, 13), int)
    labels[1:10, 1:12] = 1
    filled = np.zeros_like(labels)
    filled[2:9, 3:10] = 1  # the inside that such a rim leaves free
    assert boundary_iou(labels, filled, width=2.0, spacing=(3.0, 1.0)).fits.tolist() == []
    filled[2:9, 2:10] = 1
    assert len(boundary_iou(labels, filled, width=2.0, spacing=(3.0, 1.0)).pairs) == 1


def test_equal_objects_have_equal_rims_also_side_by_side_without_background() -> None:
    labels = np.repeat(np.repeat([[3, 7], [2**50, 5]], 4, axis=0), 4, axis=1)
    found = boundary_iou(labels, labels, width=1.5)
    assert found.pairs.tolist() == [[i, i] for i in range(4)]
    assert found.fits.tolist() == [1, 1, 1, 1]


def test_one_pixel_is_all_rim_and_one_plane_is_a_volume() -> None:
    single = np.zeros((3, 3), np.uint8)
    single[1, 1] = 255
    assert boundary_iou(single, single, width=0.1).fits.tolist() == [1]
    plane = disks(2)[None]
    assert boundary_iou(plane, plane, width=1).fits.tolist() == [1] * 4
    thin = boundary_iou(plane, np.roll(plane, 1, axis=2), width=1)
    assert thin.fits == pytest.approx(mask_iou(contingency(plane, np.roll(plane, 1, axis=2))).fits)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64, np.float32])
def test_the_type_of_the_labels_does_not_matter(dtype: Any) -> None:
    plain = boundary_iou(disks(2), disks(2, shift=2), width=2)
    other = boundary_iou(disks(2).astype(dtype), disks(2, shift=2).astype(dtype), width=2)
    assert other.pairs.tolist() == plain.pairs.tolist()
    assert other.fits.tolist() == plain.fits.tolist()


@pytest.mark.parametrize(
    ("images", "options", "kind", "message"),
    [
        (
            (np.ones((3, 3), bool), np.ones((3, 3), int)),
            {"width": 1},
            PixelValueError,
            "the reference: is a mask (true/false), not a label image; give each object a number of its own, "
            "for example by connected components (touching objects merge then)",
        ),
        (
            (np.ones((3, 3), int), np.ones((3, 4), int)),
            {"width": 1},
            ShapeMismatchError,
            "the reference has shape (3, 3) and the prediction (3, 4); both must cover the same pixels (was "
            "one rescaled, cropped or transposed?)",
        ),
        (
            (np.ones(3, int), np.ones(3, int)),
            {"width": 1},
            AxesError,
            "label images of 1 axes are not allowed; give (y, x) or (z, y, x)",
        ),
        (
            (np.ones((3, 3), int), np.ones((3, 3), int)),
            {"width": np.nan},
            InputError,
            "width nan is not allowed; use a finite number above 0, in the unit of the spacing",
        ),
        (
            (np.ones((3, 3), int), np.ones((3, 3), int)),
            {"width": 1, "spacing": (1.0, 1.0, 1.0)},
            AxesError,
            "spacing (1.0, 1.0, 1.0) is not allowed; give one positive number of µm for each of the 2 axes, "
            "in their order",
        ),
    ],
    ids=["mask", "shapes", "axes", "width", "spacing"],
)
def test_what_has_no_rims_is_refused(
    images: tuple[Labels, Labels], options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        boundary_iou(*images, **options)
    assert str(caught.value) == message
