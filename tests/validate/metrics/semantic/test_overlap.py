"""DSC, IoU and F-beta: values by hand, what does not matter, and what each kind of error costs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.validate.metrics.semantic.overlap import dice, f_beta, iou

Mask = NDArray[np.bool_]


def halves(shared: int, missed: int, invented: int, *, around: int = 7) -> tuple[Mask, Mask]:
    """A row of pixels of each kind, and some that neither mask has."""
    reference = np.repeat([True, True, False, False], [shared, missed, invented, around])[None]
    prediction = np.repeat([True, False, True, False], [shared, missed, invented, around])[None]
    return reference, prediction


@pytest.mark.parametrize(
    ("sizes", "of_dice", "of_iou", "of_f2"),
    [
        ((6, 2, 4), 12 / 18, 6 / 12, 30 / (30 + 8 + 4)),
        ((1, 0, 0), 1, 1, 1),
        ((0, 3, 0), 0, 0, 0),
        ((0, 0, 3), 0, 0, 0),
        ((0, 2, 2), 0, 0, 0),
        ((5, 5, 0), 10 / 15, 0.5, 25 / 45),
        ((5, 0, 5), 10 / 15, 0.5, 25 / 30),
    ],
)
def test_values_by_hand(sizes: tuple[int, int, int], of_dice: float, of_iou: float, of_f2: float) -> None:
    masks = halves(*sizes)
    assert dice(*masks) == pytest.approx(of_dice)
    assert iou(*masks) == pytest.approx(of_iou)
    assert f_beta(*masks, beta=2) == pytest.approx(of_f2)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 50))
def test_background_that_both_leave_free_does_not_count(
    shared: int, missed: int, invented: int, around: int
) -> None:
    few, many = (halves(shared, missed, invented, around=n) for n in (1, around + 1))
    for function in (dice, iou):
        assert function(*few) == pytest.approx(function(*many), nan_ok=True)
    if shared + missed + invented:
        assert iou(*few) == pytest.approx(dice(*few) / (2 - dice(*few)))


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(np.bool_, (4, 6)), hnp.arrays(np.bool_, (4, 6)), st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0])
)
def test_swapping_the_masks_turns_beta_around(reference: Mask, prediction: Mask, beta: float) -> None:
    there, back = f_beta(reference, prediction, beta=beta), f_beta(prediction, reference, beta=1 / beta)
    assert there == pytest.approx(back, nan_ok=True)
    if (reference & prediction).any():
        assert min(there, f_beta(reference, prediction, beta=1 / beta)) - 1e-12 <= dice(reference, prediction)


def test_a_large_beta_is_recall_and_a_small_one_precision() -> None:
    masks = halves(6, 2, 4)
    assert f_beta(*masks, beta=1e6) == pytest.approx(6 / 8)
    assert f_beta(*masks, beta=1e-6) == pytest.approx(6 / 10)
    values = [f_beta(*masks, beta=beta) for beta in (0.1, 0.5, 1, 2, 10)]
    assert all(one < other for one, other in pairwise(values))  # recall is the better of the two here


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.bool_, (5, 5)), hnp.arrays(np.bool_, (5, 5)), st.integers(0, 24))
def test_a_pixel_put_right_never_lowers_it(reference: Mask, prediction: Mask, place: int) -> None:
    better = prediction.copy()
    better.flat[place] = reference.flat[place]
    for function in (dice, iou, lambda r, p: f_beta(r, p, beta=3)):
        before, after = function(reference, prediction), function(reference, better)
        assert np.isnan(after) or np.isnan(before) or after >= before - 1e-12


def test_counts_do_not_wrap_around_in_large_masks() -> None:
    """Half of 20 million pixels: sums of them must not be counted in the type of a mask."""
    reference = np.zeros((2000, 10_000), bool)
    reference[:1000] = True
    assert dice(reference, np.ones_like(reference)) == pytest.approx(2 / 3)
    assert iou(reference, reference[::-1]) == 0
