"""Centre lines: what is left of bars, rings and crosses, and what clDice makes of gaps and thickness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy.ndimage import label

from veriscope.validate.metrics.semantic.centreline import centreline, centreline_dice
from veriscope.validate.metrics.semantic.overlap import dice

Mask = NDArray[np.bool_]


def bar(length: int, *, width: int = 3, shape: tuple[int, int] = (15, 70)) -> Mask:
    mask = np.zeros(shape, bool)
    mask[6 : 6 + width, 3 : 3 + length] = True
    return mask


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=7)))
def test_every_piece_keeps_one_centre_line_within_it(mask: Mask) -> None:
    line = centreline(mask)
    assert line.shape == mask.shape and not (line & ~mask).any()
    everywhere = np.ones((3,) * mask.ndim)
    pieces, n_pieces = label(mask, structure=everywhere)
    assert label(line, structure=everywhere)[1] == n_pieces
    assert set(np.unique(pieces[line])) == set(range(1, n_pieces + 1))


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8)))
def test_a_line_of_one_pixel_stays_and_padding_changes_nothing(mask: Mask) -> None:
    line = centreline(mask)
    assert np.array_equal(centreline(line), line)
    assert np.array_equal(centreline(np.pad(mask, 3)), np.pad(line, 3))


@pytest.mark.parametrize("width", [1, 3, 5])
def test_a_bar_is_thinned_to_its_middle(width: int) -> None:
    line = centreline(bar(40, width=width))
    away_from_its_ends = line[:, 3 + width : 43 - width]
    assert np.unique(np.argwhere(away_from_its_ends)[:, 0]).tolist() == [6 + width // 2]
    assert (away_from_its_ends.sum(axis=0) == 1).all()
    assert 40 - width <= line.sum() <= 40


def test_a_ring_stays_a_ring_and_what_touches_the_edge_is_kept() -> None:
    ring = np.zeros((20, 20), bool)
    ring[3:17, 3:17] = True
    ring[6:14, 6:14] = False
    line = centreline(ring)
    assert label(~line)[1] == 2  # inside and outside
    full = centreline(np.ones((9, 30), bool))
    assert np.unique(np.argwhere(full[:, 5:-5])[:, 0]).tolist() == [4]


@pytest.mark.parametrize("gap", [1, 4, 10])
def test_a_gap_costs_its_length_and_no_more(gap: int) -> None:
    whole = bar(60, width=1)
    cut = whole.copy()
    cut[:, 30 : 30 + gap] = False
    sensitivity = (60 - gap) / 60
    assert centreline_dice(whole, cut) == pytest.approx(2 * sensitivity / (1 + sensitivity))
    assert centreline_dice(cut, whole) == centreline_dice(whole, cut)


def test_thickness_is_forgiven_but_a_shift_beyond_it_is_not() -> None:
    thin, thick = bar(60, width=1), np.roll(bar(60, width=5), -2, axis=0)
    assert centreline_dice(thin, thick) > 0.95 > 0.35 > dice(thin, thick)
    beside = np.roll(thin, 1, axis=0)
    assert centreline_dice(thin, beside) == 0
    assert centreline_dice(thick, np.roll(thick, 2, axis=0)) > 0.9
    assert centreline_dice(thick, np.roll(thick, 6, axis=0)) == 0


def test_a_false_branch_costs_precision_and_a_lost_one_sensitivity() -> None:
    trunk = bar(60, width=1)
    branched = trunk.copy()
    branched[7:13, 30] = True  # six pixels more
    precision = 60 / 66
    assert centreline_dice(trunk, branched) == pytest.approx(2 * precision / (1 + precision))
    assert centreline_dice(branched, trunk) == centreline_dice(trunk, branched)


def test_a_tube_in_a_volume_along_any_axis() -> None:
    tube = np.zeros((9, 9, 40), bool)
    tube[3:6, 3:6, 2:38] = True
    half = tube.copy()
    half[:, :, 20:] = False
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        one, other = tube.transpose(order), half.transpose(order)
        assert centreline_dice(one, one) == 1
        assert centreline_dice(one, other) == pytest.approx(2 * 0.5 / 1.5, abs=0.03)


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5)])
def test_empty_masks(shape: tuple[int, ...]) -> None:
    nothing, something = np.zeros(shape, bool), np.zeros(shape, bool)
    something[1] = True
    assert np.isnan(centreline_dice(nothing, nothing))
    assert centreline_dice(nothing, something) == centreline_dice(something, nothing) == 0
    assert not centreline(nothing).any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2), st.integers(0, 2))
def test_where_in_the_image_lines_lie_does_not_matter(down: int, right: int) -> None:
    reference, prediction = bar(50), np.roll(bar(48), 1, axis=0)
    moved = [np.roll(np.pad(mask, 4), (down, right), axis=(0, 1)) for mask in (reference, prediction)]
    assert centreline_dice(*moved) == centreline_dice(reference, prediction)
