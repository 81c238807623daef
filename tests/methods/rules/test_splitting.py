"""From masks to objects: holes, necks and crumbs, against slow versions that follow the words."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from veriscope.methods.rules.splitting import drop_small, fill_holes, holes_reach, split_reach, split_touching

planes = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.booleans())
stacks = hnp.arrays(bool, hnp.array_shapes(min_dims=3, max_dims=3, max_side=5), elements=st.booleans())
steps = st.sampled_from([(1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (2.0, 0.5, 1.0)])


def connected(background: np.ndarray, start: tuple[int, ...]) -> set[tuple[int, ...]]:
    """All background that is reached from a place by steps along the axes."""
    found, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        for axis, move in itertools.product(range(background.ndim), (-1, 1)):
            there = tuple(p + move * (a == axis) for a, p in enumerate(here))
            inside = all(0 <= p < n for p, n in zip(there, background.shape, strict=True))
            if inside and background[there] and there not in found:
                found.add(there)
                waiting.append(there)
    return found


def filled_slowly(mask: np.ndarray, largest: int, step: Sequence[float] = ()) -> np.ndarray:
    out = mask.copy()
    for place in np.argwhere(~mask):
        hole = np.array(sorted(connected(~mask, tuple(map(int, place)))))
        length = hole.max(axis=0) - hole.min(axis=0) + 1
        limits = [max(1, round(largest / size)) for size in step or (1.0,) * mask.ndim]
        at_border = (hole == 0).any() or (hole == np.array(mask.shape) - 1).any()
        if not at_border and (length <= limits).all():
            out[tuple(place)] = True
    return out


@given(mask=planes, largest=st.integers(1, 5))
@settings(max_examples=40)
def test_holes_by_definition_in_planes(mask: np.ndarray, largest: int) -> None:
    before = mask.copy()
    np.testing.assert_array_equal(fill_holes(mask, largest=largest), filled_slowly(mask, largest))
    np.testing.assert_array_equal(mask, before)


@given(mask=stacks, largest=st.integers(1, 4), step=steps)
@settings(max_examples=40)
def test_holes_by_definition_in_stacks(mask: np.ndarray, largest: int, step: tuple[float, ...]) -> None:
    found = fill_holes(mask, largest=largest, step=step)
    np.testing.assert_array_equal(found, filled_slowly(mask, largest, step))


def test_without_a_limit_holes_are_those_of_scipy() -> None:
    mask = np.random.default_rng(0).random((60, 70)) > 0.4
    found = fill_holes(mask, largest=70)
    np.testing.assert_array_equal(found, ndimage.binary_fill_holes(mask))


@pytest.mark.parametrize("mask", [np.zeros((4, 5), bool), np.ones((4, 5), bool), np.zeros((1, 1), bool)])
def test_masks_without_holes_stay(mask: np.ndarray) -> None:
    np.testing.assert_array_equal(fill_holes(mask, largest=9), mask)


@given(mask=planes, largest=st.integers(1, 3), column=st.integers(1, 8))
def test_holes_beyond_the_reach_of_a_cut_are_as_in_the_whole(
    mask: np.ndarray, largest: int, column: int
) -> None:
    whole, cut = fill_holes(mask, largest=largest), fill_holes(mask[:, :column], largest=largest)
    sure = max(column - holes_reach(largest), 0) if column < mask.shape[1] else column
    np.testing.assert_array_equal(cut[:, :sure], whole[:, :column][:, :sure])


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.indices(shape)
    return np.asarray((y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2)


@given(mask=planes, diameter=st.floats(1.5, 9))
def test_every_pixel_of_the_mask_has_an_object_and_none_leaves_its_part(
    mask: np.ndarray, diameter: float
) -> None:
    labels = split_touching(mask, diameter=diameter)
    np.testing.assert_array_equal(labels > 0, mask)
    assert sorted(np.unique(labels[mask])) == list(range(1, labels.max() + 1))
    parts, n_parts = ndimage.label(mask, structure=np.ones((3, 3)))
    pairs = np.unique(np.stack([labels[mask], parts[mask]]), axis=1)
    assert len(set(pairs[0])) == pairs.shape[1], "an object lies in one connected part"
    assert labels.max() >= n_parts


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(("gap", "expected"), [(0.9, 1), (1.7, 2), (2.4, 2)])
def test_a_neck_parts_two_discs_whichever_way_they_lie(
    gap: float, expected: int, flip: bool, turn: int
) -> None:
    """Centres nearer than a radius are one object, centres a good way apart are two."""
    radius = 12.0
    mask = disc((50, 90), (25, 25), radius) | disc((50, 90), (25.4, 25 + gap * radius), radius)
    mask = np.rot90(mask[:, ::-1] if flip else mask, turn)
    labels = split_touching(mask, diameter=2 * radius)
    assert labels.max() == expected
    sizes = np.bincount(labels.ravel())[1:]
    assert sizes.min() > 0.8 * sizes.max()


def test_a_row_of_discs_is_counted() -> None:
    mask = np.zeros((30, 200), bool)
    for number in range(9):
        mask |= disc(mask.shape, (15, 15 + 20 * number), 11)
    labels = split_touching(mask, diameter=22)
    assert labels.max() == 9
    assert [len(np.unique(labels[:, 15 + 20 * number])) for number in range(9)] == [2] * 9


def test_a_flat_region_is_one_object_however_large() -> None:
    """Depth counts up to one diameter, and of equally deep places the first takes the others in."""
    for shape in ((80, 90), (9, 9), (7, 200)):
        assert split_touching(np.ones(shape, bool), diameter=20).max() == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2)])
def test_slender_images(shape: tuple[int, int]) -> None:
    labels = split_touching(np.ones(shape, bool), diameter=50)
    np.testing.assert_array_equal(labels, 1)
    assert split_touching(np.zeros(shape, bool), diameter=50).dtype == np.int32


@given(
    labels=hnp.arrays(
        np.int32, hnp.array_shapes(min_dims=2, max_dims=3, max_side=8), elements=st.integers(0, 5)
    ),
    diameter=st.floats(1.1, 14),
    spared=st.sets(st.integers(1, 5)),
    step=steps,
)
def test_crumbs_by_definition(
    labels: np.ndarray, diameter: float, spared: set[int], step: tuple[float, ...]
) -> None:
    own_step = step if labels.ndim == 3 else ()
    least = 0.1 * math.pi / 4 * diameter**2
    if labels.ndim == 3:
        least = 0.1 * math.pi / 6 * diameter**3 / math.prod(step)
    least = max(least, 2**labels.ndim)
    top = int(labels.max())
    spare = np.array([number in spared or number == 0 for number in range(top + 1)])
    kept = [n for n in range(1, top + 1) if (labels == n).sum() >= least or n in spared]
    kept = [n for n in kept if (labels == n).any()]
    found = drop_small(labels, diameter=diameter, spare=spare, step=own_step)
    expected = sum(
        (np.where(labels == n, place, 0) for place, n in enumerate(kept, 1)), np.zeros(labels.shape)
    )
    np.testing.assert_array_equal(found, expected)


def test_reaches_count_along_the_axis_where_a_length_has_most_voxels() -> None:
    assert holes_reach(7) == 8
    assert holes_reach(7, (0.5, 1.0, 1.0)) == 15
    assert holes_reach(7, (3.0, 1.0, 1.0)) == 8
    # One diameter of depth (10), smoothing by 10 / 12 (radius 3), two windows of 4 and a step each.
    assert split_reach(10) == 10 + 3 + 2 * 5
    assert split_reach(10, (0.5, 1.0, 1.0)) == 20 + 7 + 2 * 9
