"""DSC, IoU, Fβ and clDice: formulas, empty cases, invariants, refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from veriscope.errors import AxesError, InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.metrics.semantic.centreline import centreline, centreline_dice
from veriscope.validate.metrics.semantic.masks import BoolArray
from veriscope.validate.metrics.semantic.overlap import dice, f_beta, iou

Overlap = Callable[[BoolArray, BoolArray], float]


def f2(reference: BoolArray, prediction: BoolArray) -> float:
    return f_beta(reference, prediction, beta=2)


ALL: tuple[Overlap, ...] = (dice, iou, f2, centreline_dice)
SHAPES = hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[BoolArray, BoolArray]:
    shape = draw(SHAPES)
    return draw(hnp.arrays(np.bool_, shape)), draw(hnp.arrays(np.bool_, shape))


@settings(deadline=None)
@given(pairs())
def test_formulas_from_sets_of_pixels(pair: tuple[BoolArray, BoolArray]) -> None:
    reference, prediction = (set(map(tuple, np.argwhere(mask).tolist())) for mask in pair)
    both, either = len(reference & prediction), len(reference | prediction)
    if not either:
        assert all(np.isnan(function(*pair)) for function in ALL)
        return
    assert iou(*pair) == both / either
    assert dice(*pair) == pytest.approx(2 * both / (len(reference) + len(prediction)))
    if both:
        precision, recall = both / len(prediction), both / len(reference)
        assert f2(*pair) == pytest.approx(5 * precision * recall / (4 * precision + recall))
        assert f_beta(*pair, beta=0.5) == pytest.approx(f_beta(pair[1], pair[0], beta=2))
    else:
        assert dice(*pair) == iou(*pair) == f2(*pair) == 0


@settings(deadline=None)
@given(pairs())
def test_cldice_from_its_definition(pair: tuple[BoolArray, BoolArray]) -> None:
    reference, prediction = pair
    value = centreline_dice(reference, prediction)
    assert np.array_equal(value, centreline_dice(prediction, reference), equal_nan=True)
    if reference.any() and prediction.any():
        line_r, line_p = centreline(reference), centreline(prediction)
        precision, sensitivity = reference[line_p].mean(), prediction[line_r].mean()
        expected = 0.0
        if precision + sensitivity:
            expected = 2 * precision * sensitivity / (precision + sensitivity)
        assert value == pytest.approx(expected)
    if reference.any():
        assert centreline_dice(reference, reference) == 1
        assert centreline_dice(reference, np.zeros_like(reference)) == 0
        assert not (centreline(reference) & ~reference).any()


def test_cldice_forgives_thickness_and_sees_a_missing_branch() -> None:
    thin = np.zeros((40, 60), dtype=bool)
    thin[20, 5:55] = True
    thick = np.zeros_like(thin)
    thick[17:24, 2:58] = True
    half = thin.copy()
    half[:, 30:] = False
    assert dice(thin, thick) < 0.3
    # The thick line's centre line sticks out at the ends of the thin one by three pixels.
    assert centreline_dice(thin, thick) > 0.95
    assert centreline_dice(thin, half) == pytest.approx(2 * 0.5 / 1.5)


def test_small_lumps_in_a_volume_keep_a_centre_line() -> None:
    volume = np.zeros((8, 8, 8), dtype=bool)
    volume[1:3, 1:3, 1:3] = True
    volume[5, 5, 2:8] = True
    line = centreline(volume)
    assert line[1:3, 1:3, 1:3].any()
    assert line[5].any()


@settings(deadline=None)
@given(pairs())
def test_flips_and_order_of_axes_change_no_overlap(pair: tuple[BoolArray, BoolArray]) -> None:
    for function in (dice, iou, f2):
        value = function(*pair)
        assert np.array_equal(value, function(*(mask.T for mask in pair)), equal_nan=True)
        assert np.array_equal(value, function(*(mask[::-1] for mask in pair)), equal_nan=True)


def test_beta_tells_missed_from_invented_pixels() -> None:
    reference = np.zeros((10, 10), dtype=bool)
    reference[2:8, 2:8] = True
    small, large = reference.copy(), reference.copy()
    small[2], large[1, 2:8] = False, True
    assert f_beta(reference, small, beta=2) < f_beta(reference, large, beta=2)
    assert f_beta(reference, small, beta=0.5) > f_beta(reference, large, beta=0.5)


@pytest.mark.parametrize("function", ALL)
def test_what_is_no_pair_of_masks_is_refused(function: Overlap) -> None:
    mask = np.zeros((4, 5), dtype=bool)
    with pytest.raises(PixelValueError) as refused:
        function(mask, mask.astype(np.uint8))  # type: ignore[arg-type]
    assert str(refused.value) == (
        "the prediction: type uint8 is not a mask (true/false); say which pixels are inside, "
        "for example `labels > 0`"
    )
    with pytest.raises(ShapeMismatchError, match=r"shape \(4, 5\) and the prediction \(5, 4\)"):
        function(mask, mask.T)
    with pytest.raises(AxesError) as axes:
        function(mask[0], mask[0])
    assert str(axes.value) == (
        "masks of 1 axes are not allowed; give (y, x) or (z, y, x), one time and one class at a time"
    )


@pytest.mark.parametrize("beta", [0, -1, np.nan, np.inf])
def test_beta_is_a_positive_number(beta: float) -> None:
    mask = np.ones((2, 2), dtype=bool)
    with pytest.raises(InputError) as refused:
        f_beta(mask, mask, beta=beta)
    assert str(refused.value) == (f"beta {beta!r} is not allowed; use a finite number above 0, 1 for the DSC")
