"""Betti numbers: hand-made shapes, invariants, and the independent implementations of the benchmark."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from veriscope.errors import AxesError, InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.metrics.topology.betti import (
    betti_error,
    betti_errors,
    betti_numbers,
    euler_characteristic,
    patch_betti_error,
)

ROOT = Path(__file__).parents[4]
MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6))

Mask = NDArray[np.bool_]


def ball(size: int, radius: float) -> Mask:
    grid = np.indices((size, size, size)) - (size - 1) / 2
    return np.asarray((grid**2).sum(axis=0) <= radius**2)


def ring(size: int = 7) -> Mask:
    mask = np.zeros((size, size), dtype=np.bool_)
    mask[1:-1, 1:-1] = True
    mask[2:-2, 2:-2] = False
    return mask


def test_shapes_in_two_axes() -> None:
    two_rings = np.concatenate([ring(), ring()], axis=1)
    assert betti_numbers(np.zeros((4, 4), dtype=np.bool_)) == (0, 0)
    assert betti_numbers(np.ones((4, 4), dtype=np.bool_)) == (1, 0)
    assert betti_numbers(ring()) == (1, 1)
    assert betti_numbers(two_rings) == (2, 2)
    assert betti_numbers(~np.pad(two_rings, 1)) == (3, 2)


def test_corners_join_in_full_and_not_in_face_connectivity() -> None:
    diagonal = np.eye(3, dtype=np.bool_)
    assert betti_numbers(diagonal) == (1, 0)
    assert betti_numbers(diagonal, connectivity="face") == (3, 0)
    diamond = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=np.bool_)
    assert betti_numbers(diamond) == (1, 1)
    assert betti_numbers(diamond, connectivity="face") == (4, 0)


def test_a_ring_cut_by_the_edge_has_no_hole_until_it_is_padded() -> None:
    cut = ring()[:, :4]
    assert betti_numbers(cut) == (1, 0)
    assert betti_numbers(np.pad(cut, 1, constant_values=True)) == (1, 2)


def test_shapes_in_three_axes() -> None:
    hollow = ball(9, 4) & ~ball(9, 2)
    torus = np.zeros((3, 7, 7), dtype=np.bool_)
    torus[1] = ring()
    handles = np.zeros((3, 7, 12), dtype=np.bool_)
    handles[1, :, :7] = ring()
    handles[1, :, 5:] |= ring()
    assert betti_numbers(ball(7, 3)) == (1, 0, 0)
    assert betti_numbers(hollow) == (1, 0, 1)
    assert betti_numbers(torus) == (1, 1, 0)
    assert betti_numbers(handles) == (1, 2, 0)
    assert betti_numbers(np.zeros((2, 3, 4), dtype=np.bool_)) == (0, 0, 0)


@settings(max_examples=60, deadline=None)
@given(MASKS, st.sampled_from(["full", "face"]))
def test_numbers_add_up_to_the_euler_characteristic_and_are_never_negative(
    mask: Mask, connectivity: str
) -> None:
    numbers = betti_numbers(mask, connectivity=connectivity)  # type: ignore[arg-type]
    total = euler_characteristic(mask, connectivity=connectivity)  # type: ignore[arg-type]
    assert min(numbers) >= 0
    assert sum((-1) ** k * number for k, number in enumerate(numbers)) == total


@settings(max_examples=40, deadline=None)
@given(MASKS, st.randoms(use_true_random=False))
def test_flips_and_axes_change_nothing(mask: Mask, random: object) -> None:
    assert betti_numbers(np.flip(mask)) == betti_numbers(mask.T) == betti_numbers(mask)


def test_errors_of_both_signs_cancel_in_the_whole_but_not_in_patches() -> None:
    reference, prediction = np.zeros((8, 16), dtype=np.bool_), np.zeros((8, 16), dtype=np.bool_)
    reference[1:-1, 1:7] = ring(8)[1:-1, 1:7]
    prediction[1:-1, 9:15] = ring(8)[1:-1, 1:7]
    assert betti_errors(reference, prediction) == (0, 0)
    assert betti_error(reference, prediction) == 0.0
    # Each of the two patches of 8 x 8 has one piece and one hole on one side only.
    assert patch_betti_error(reference, prediction, patch=8) == 2.0


def test_patches_cover_the_image_once_and_the_last_is_moved_inside() -> None:
    reference, prediction = np.zeros((4, 10), dtype=np.bool_), np.zeros((4, 10), dtype=np.bool_)
    prediction[0, 9] = True
    # Patches start at 0, 4 and 6 along x; only the last has the pixel.
    assert patch_betti_error(reference, prediction, patch=4) == pytest.approx(1 / 3)
    prediction[0, 7] = True
    assert patch_betti_error(reference, prediction, patch=4) == pytest.approx((1 + 2) / 3)
    assert patch_betti_error(reference, prediction, patch=100) == betti_error(reference, prediction) == 2.0


def test_empty_masks() -> None:
    empty = np.zeros((9, 9), dtype=np.bool_)
    assert betti_error(empty, empty) == 0.0
    assert patch_betti_error(empty, empty) == 0.0
    assert betti_error(empty, np.pad(ring(), 1)) == 2.0
    assert np.isnan(patch_betti_error(empty[:0], empty[:0]))


def test_wrong_input_is_refused() -> None:
    mask = ring()
    with pytest.raises(PixelValueError, match=re.escape("type int64 is not a mask (true/false); say which")):
        betti_numbers(mask.astype(np.int64))  # type: ignore[arg-type]
    with pytest.raises(
        AxesError, match=re.escape("masks of 1 axes are not allowed; give (y, x) or (z, y, x)")
    ):
        betti_numbers(mask[0])
    with pytest.raises(ShapeMismatchError, match=re.escape("has shape (7, 7) and the prediction (7, 6)")):
        betti_error(mask, mask[:, 1:])
    with pytest.raises(
        InputError, match=r"^patch 0 is not allowed; use a length in pixels of at least 1, such"
    ):
        patch_betti_error(mask, mask, patch=0)
    message = (
        "connectivity '8' is not allowed; use 'full' (foreground across corners too) or 'face' (across faces "
        "alone)"
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        betti_numbers(mask, connectivity="8")  # type: ignore[arg-type]


def test_quick_agreement_with_other_implementations() -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "science" / "metric_agreement" / "topology.py"))
    found = script["rows"](quick=True)
    assert {row["metric"] for row in found} == {
        "betti_error",
        "patch_betti_error",
        "betti_matching_error",
        "line_gaps",
    }
    assert all(row["max_difference"] <= row["tolerance"] for row in found)
    assert sum(row["n_cases"] >= 5 for row in found) >= 6
