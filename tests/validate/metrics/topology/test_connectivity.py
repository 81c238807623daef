"""Pieces of foreground and background: neighbours across faces or corners, and what is enclosed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.errors import AxesError, InputError, PixelValueError
from veriscope.validate.metrics.topology.betti import betti_numbers, euler_characteristic
from veriscope.validate.metrics.topology.connectivity import background_pieces, check_mask, foreground_pieces

Mask = NDArray[np.bool_]
MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=5))
KINDS = st.sampled_from(["full", "face"])


def drawn(*lines: str) -> Mask:
    return np.array([[character == "#" for character in line] for line in lines])


def slow_pieces(mask: Mask, *, corners: bool) -> list[set[tuple[int, ...]]]:
    """Flood each pixel that is not yet in a piece."""
    left = set(map(tuple, np.argwhere(mask).tolist()))
    reach = mask.ndim if corners else 1
    steps = [np.array(s) - 1 for s in np.ndindex(*(3,) * mask.ndim)]
    steps = [step for step in steps if 0 < np.abs(step).sum() <= reach]
    pieces = []
    while left:
        piece, border = set(), [left.pop()]
        while border:
            here = border.pop()
            piece.add(here)
            for step in steps:
                there = tuple(int(i) for i in np.add(here, step))
                if there in left:
                    left.remove(there)
                    border.append(there)
        pieces.append(piece)
    return pieces


@settings(max_examples=60, deadline=None)
@given(MASKS, KINDS)
def test_pieces_are_those_of_a_flood(mask: Mask, connectivity: Any) -> None:
    pieces, n_pieces = foreground_pieces(mask, connectivity=connectivity)
    slow = slow_pieces(mask, corners=connectivity == "full")
    assert n_pieces == len(slow)
    assert {frozenset(map(tuple, np.argwhere(pieces == k + 1).tolist())) for k in range(n_pieces)} == set(
        map(frozenset, slow)
    )
    assert not pieces[~mask].any()


@settings(max_examples=60, deadline=None)
@given(MASKS, KINDS)
def test_the_background_has_the_other_neighbours_and_goes_on_beyond_the_edge(
    mask: Mask, connectivity: Any
) -> None:
    pieces, n_pieces = background_pieces(mask, connectivity=connectivity)
    assert pieces.shape == tuple(n + 2 for n in mask.shape)
    around = np.pad(~mask, 1, constant_values=True)
    assert n_pieces == len(slow_pieces(around, corners=connectivity == "face"))
    edge = np.ones_like(around)
    edge[(slice(1, -1),) * mask.ndim] = False
    assert set(pieces[edge].tolist()) == {1}
    assert np.array_equal(pieces > 0, around)


def test_a_diagonal_is_one_piece_or_several_and_closes_a_ring_or_does_not() -> None:
    diamond = drawn(".#.", "#.#", ".#.")
    assert foreground_pieces(diamond, connectivity="full")[1] == 1
    assert foreground_pieces(diamond, connectivity="face")[1] == 4
    assert background_pieces(diamond, connectivity="full")[1] == 2  # the middle is enclosed
    assert background_pieces(diamond, connectivity="face")[1] == 1  # it leaks out across the corners
    assert betti_numbers(diamond, connectivity="full") == (1, 1)
    assert betti_numbers(diamond, connectivity="face") == (4, 0)


def test_a_hole_at_the_edge_is_no_hole() -> None:
    cut = drawn("###", "#..", "###")
    assert background_pieces(cut, connectivity="full")[1] == 1
    assert betti_numbers(np.pad(cut, 1, constant_values=True)) == (1, 1)


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7)), KINDS)
def test_pieces_less_holes_are_the_euler_characteristic(mask: Mask, connectivity: Any) -> None:
    """Two ways that share no code: flooding, and counting corners, edges and faces."""
    pieces, holes = betti_numbers(mask, connectivity=connectivity)
    assert euler_characteristic(mask, connectivity=connectivity) == pieces - holes


@pytest.mark.parametrize(
    ("mask", "connectivity", "kind", "message"),
    [
        (
            np.ones((2, 2), bool),
            "8",
            InputError,
            "connectivity '8' is not allowed; use 'full' (foreground across corners too) or 'face' (across "
            "faces alone)",
        ),
        (
            np.ones((2, 2), int),
            "full",
            PixelValueError,
            "type int64 is not a mask (true/false); say which pixels are inside, for example `labels > 0`",
        ),
        (
            np.ones(2, bool),
            "face",
            AxesError,
            "masks of 1 axes are not allowed; give (y, x) or (z, y, x), one time and one class at a time",
        ),
    ],
)
def test_what_has_no_pieces_is_refused(mask: Any, connectivity: str, kind: Any, message: str) -> None:
    with pytest.raises(kind) as caught:
        check_mask(mask, connectivity)
    assert str(caught.value) == message
