"""Pieces, holes and lines of masks drawn by hand: what each metric sees of one and the same error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from skimage.measure import euler_number, label

from veriscope.errors import AxesError, InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.metrics.topology.betti import (
    betti_error,
    betti_errors,
    betti_numbers,
    euler_characteristic,
    patch_betti_error,
)
from veriscope.validate.metrics.topology.connectivity import background_pieces, foreground_pieces
from veriscope.validate.metrics.topology.lines import line_errors, line_gaps
from veriscope.validate.metrics.topology.matching import betti_matching_error

Mask = NDArray[np.bool_]
MASKS = hnp.arrays(np.bool_, st.tuples(st.integers(2, 9), st.integers(2, 9)))


def drawn(*rows: str) -> Mask:
    """Draw a mask with # for inside."""
    return np.array([[mark == "#" for mark in row] for row in rows])


RING = drawn(".......", ".#####.", ".#...#.", ".#...#.", ".#####.", ".......")
CUT = drawn(".......", ".#####.", ".#...#.", ".....#.", ".#####.", ".......")
BRIDGED = drawn(".......", ".#####.", ".#.#.#.", ".#.#.#.", ".#####.", ".......")


@pytest.mark.parametrize(
    ("mask", "numbers"),
    [(RING, (1, 1)), (CUT, (1, 0)), (BRIDGED, (1, 2)), (~RING, (2, 1)), (np.zeros((3, 3), bool), (0, 0))],
    ids=["ring", "cut", "bridged", "around the ring", "nothing"],
)
def test_pieces_and_holes_by_eye(mask: Mask, numbers: tuple[int, int]) -> None:
    assert betti_numbers(mask) == numbers
    assert euler_characteristic(mask) == numbers[0] - numbers[1]


@given(MASKS)
@settings(max_examples=100, deadline=None)
def test_numbers_are_those_of_scikit_image(mask: Mask) -> None:
    for name, connectivity in (("full", 2), ("face", 1)):
        pieces, holes = betti_numbers(mask, connectivity=name)  # type: ignore[arg-type]
        assert pieces == label(mask, connectivity=connectivity).max()
        assert pieces - holes == euler_number(np.pad(mask, 1), connectivity=connectivity)


@given(hnp.arrays(np.bool_, st.tuples(*[st.integers(1, 5)] * 3)))
@settings(max_examples=50, deadline=None)
def test_volumes_too(mask: Mask) -> None:
    for name, connectivity in (("full", 3), ("face", 1)):
        pieces, tunnels, cavities = betti_numbers(mask, connectivity=name)  # type: ignore[arg-type]
        assert min(pieces, tunnels, cavities) >= 0
        assert pieces == label(mask, connectivity=connectivity).max()
        outside = label(~np.pad(mask, 1), connectivity=1 if name == "full" else 3).max()
        assert cavities == outside - 1


def test_what_each_metric_says_of_a_cut_a_bridge_and_a_move() -> None:
    moved = np.roll(RING, 1, axis=1)
    assert betti_errors(RING, CUT) == (0, 1) and betti_errors(RING, BRIDGED) == (0, 1)
    assert betti_error(RING, CUT) == betti_matching_error(RING, CUT) == 1
    assert betti_error(RING, moved) == 0
    assert line_errors(RING, CUT).gaps == 1 and line_errors(RING, CUT).false_lines == 0
    assert line_errors(RING, BRIDGED).to_dict() == {"gaps": 0, "false_lines": 1}
    assert line_gaps(RING, RING) == betti_matching_error(RING, RING) == 0


def test_errors_that_cancel_in_the_whole_are_seen_in_patches() -> None:
    """A piece lost on the left and one invented on the right."""
    reference, prediction = np.zeros((8, 16), bool), np.zeros((8, 16), bool)
    reference[3:5, 2:4], prediction[3:5, 12:14] = True, True
    assert betti_error(reference, prediction) == 0
    assert patch_betti_error(reference, prediction, patch=8) == 1
    assert betti_matching_error(reference, prediction) == 2
    assert patch_betti_error(reference, prediction, patch=16) == 0


@given(MASKS, st.data())
@settings(max_examples=60, deadline=None)
def test_sides_flips_and_turns_change_no_number(mask: Mask, data: st.DataObject) -> None:
    other = data.draw(hnp.arrays(np.bool_, mask.shape))
    for metric in (betti_error, betti_matching_error):
        plain = metric(mask, other)
        assert metric(other, mask) == plain
        assert metric(mask[::-1], other[::-1]) == plain
        assert metric(mask.T.copy(), other.T.copy()) == plain
        assert plain >= 0
    assert betti_matching_error(mask, other) >= betti_error(mask, other)


@given(MASKS)
@settings(max_examples=60, deadline=None)
def test_pieces_are_numbered_without_gaps_and_the_outside_is_the_first(mask: Mask) -> None:
    inside, n_inside = foreground_pieces(mask, connectivity="full")
    outside, n_outside = background_pieces(mask, connectivity="full")
    assert set(np.unique(inside)) - {0} == set(range(1, n_inside + 1))
    assert set(np.unique(outside)) - {0} == set(range(1, n_outside + 1))
    assert ((inside > 0) == mask).all()
    assert (outside[0] == 1).all() and (outside[:, -1] == 1).all()
    assert ((outside[1:-1, 1:-1] > 0) == ~mask).all()


@pytest.mark.parametrize(
    ("masks", "options", "kind", "message"),
    [
        ((RING, RING), {"connectivity": "half"}, InputError,
         "connectivity 'half' is not allowed; use 'full' (foreground across corners too) or 'face' (across "
         "faces alone)"),
        ((RING[0], RING[0]), {}, AxesError, None),
        ((RING.astype(int), RING), {}, PixelValueError, None),
        ((RING, RING[:-1]), {}, ShapeMismatchError, None),
    ],
    ids=["connectivity", "axes", "no mask", "shapes"],
)  # fmt: skip
@pytest.mark.parametrize("metric", [betti_error, patch_betti_error, betti_matching_error])
def test_what_has_no_topology_is_refused(
    metric: Any, masks: tuple[Mask, Mask], options: dict[str, Any], kind: type[Exception], message: str | None
) -> None:
    with pytest.raises(kind) as caught:
        metric(*masks, **options)
    assert message is None or str(caught.value) == message
