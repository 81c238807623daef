"""Betti matching: what lies elsewhere is not matched, and what is matched does not depend on order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from veriscope.errors import PixelValueError, ShapeMismatchError
from veriscope.validate.metrics.topology.betti import betti_errors
from veriscope.validate.metrics.topology.matching import betti_matching, betti_matching_error

Mask = NDArray[np.bool_]


def drawn(*lines: str) -> Mask:
    return np.array([[character == "#" for character in line] for line in lines])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Mask, Mask]:
    shape = draw(array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6))
    return draw(arrays(np.bool_, shape)), draw(arrays(np.bool_, shape))


def test_pieces_elsewhere_are_errors_though_their_number_is_right() -> None:
    reference = drawn("##....", "##....", "......")
    prediction = drawn("......", "....##", "....##")
    found = betti_matching(reference, prediction)
    assert betti_errors(reference, prediction) == (0, 0)
    assert (found.reference, found.prediction, found.matched) == ((1, 0), (1, 0), (0, 0))
    assert found.errors == (2, 0)
    assert found.error == betti_matching_error(reference, prediction) == 2


def test_two_pieces_merged_into_one_leave_one_unmatched() -> None:
    apart = drawn("##..##", "##..##")
    merged = drawn("######", "##..##")
    assert betti_matching(apart, merged).matched == (1, 0)
    assert betti_matching(apart, merged).errors == (1, 0)


def test_a_gap_in_a_ring_loses_its_hole_and_a_bridge_makes_one_more() -> None:
    ring = drawn("#####", "#...#", "#...#", "#...#", "#####")
    gap, bridge = ring.copy(), ring.copy()
    gap[2, 0] = False
    bridge[2] = True
    assert betti_matching(ring, gap).errors == (0, 1)
    # One hole of the reference is the two of the prediction together: one feature is shared.
    assert betti_matching(ring, bridge).matched == (1, 1)
    assert betti_matching(ring, bridge).errors == (0, 1)


def test_a_hole_elsewhere_is_not_matched() -> None:
    reference = drawn("#########", "#..######", "#########")
    prediction = drawn("#########", "######..#", "#########")
    assert betti_errors(reference, prediction) == (0, 0)
    assert betti_matching(reference, prediction).errors == (0, 2)


def test_a_hole_that_the_union_fills_on_one_side_only_is_matched_by_what_is_left() -> None:
    reference = drawn("#####", "#...#", "#####")
    prediction = drawn("#####", "##..#", "#####")
    assert betti_matching(reference, prediction).errors == (0, 0)


def test_cavities_are_matched_in_three_axes_and_tunnels_are_not() -> None:
    hollow = np.ones((5, 5, 9), dtype=np.bool_)
    hollow[2, 2, 2] = False
    moved = np.ones((5, 5, 9), dtype=np.bool_)
    moved[2, 2, 6] = False
    found = betti_matching(hollow, moved)
    assert found.matched == (1, None, 0)
    assert found.errors == (0, None, 2)
    assert found.error == 2
    assert found.to_dict() == {
        "reference": [1, 0, 1],
        "prediction": [1, 0, 1],
        "matched": [1, None, 0],
        "errors": [0, None, 2],
        "error": 2,
    }


def test_empty_masks() -> None:
    empty, full = np.zeros((4, 5), dtype=np.bool_), np.ones((4, 5), dtype=np.bool_)
    assert betti_matching_error(empty, empty) == 0.0
    assert betti_matching_error(empty, full) == betti_matching_error(full, empty) == 1.0
    assert betti_matching_error(empty[:0], empty[:0]) == 0.0


@settings(max_examples=80, deadline=None)
@given(pairs(), st.sampled_from(["full", "face"]))
def test_bounds_and_symmetries(pair: tuple[Mask, Mask], connectivity: str) -> None:
    reference, prediction = pair
    found = betti_matching(reference, prediction, connectivity=connectivity)  # type: ignore[arg-type]
    numbers = betti_errors(reference, prediction, connectivity=connectivity)  # type: ignore[arg-type]
    for error, least, matched, ours, theirs in zip(
        found.errors, numbers, found.matched, found.reference, found.prediction, strict=True
    ):
        if error is not None and matched is not None:
            assert error >= least
            assert 0 <= matched <= min(ours, theirs)
    swapped = betti_matching(prediction, reference, connectivity=connectivity)  # type: ignore[arg-type]
    flipped = betti_matching(np.flip(reference).T, np.flip(prediction).T, connectivity=connectivity)  # type: ignore[arg-type]
    assert swapped.matched == flipped.matched == found.matched
    same = betti_matching(reference, reference, connectivity=connectivity)  # type: ignore[arg-type]
    assert same.error == 0


@settings(max_examples=40, deadline=None)
@given(pairs())
def test_an_invented_piece_always_costs_one(pair: tuple[Mask, Mask]) -> None:
    reference, prediction = (np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, 3)]) for mask in pair)
    before = betti_matching_error(reference, prediction)
    invented = prediction.copy()
    invented[(0,) * (prediction.ndim - 1) + (-1,)] = True
    assert betti_matching_error(reference, invented) == before + 1


def test_wrong_input_is_refused() -> None:
    mask = np.ones((3, 3), dtype=np.bool_)
    with pytest.raises(PixelValueError, match=r"^the prediction: type float64 is not a mask \(true/false\)"):
        betti_matching(mask, mask.astype(np.float64))  # type: ignore[arg-type]
    with pytest.raises(
        ShapeMismatchError, match=r"the reference has shape \(3, 3\) and the prediction \(2, 3\)"
    ):
        betti_matching(mask, mask[1:])
