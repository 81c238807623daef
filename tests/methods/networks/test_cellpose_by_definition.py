"""Following a flow and joining where pixels end, one pixel and one place at a time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.methods.networks.cellpose_cleaning import drop_unfit, fill_and_drop
from veriscope.methods.networks.cellpose_dynamics import cellpose_labels, cluster_ends, follow_interpolated

seeds = st.integers(0, 2**32 - 1)


def walk(flow: NDArray[np.float32], y: float, x: float, steps: int) -> tuple[float, float]:
    """Carry one pixel along: bilinear between the four pixels around it, held inside the image."""
    height, width = flow.shape[1:]
    for _ in range(steps):
        top, left = int(y), int(x)
        down, right = min(top + 1, height - 1), min(left + 1, width - 1)
        v, u = y - top, x - left
        move = [
            float(one[top, left]) * (1 - v) * (1 - u)
            + float(one[top, right]) * (1 - v) * u
            + float(one[down, left]) * v * (1 - u)
            + float(one[down, right]) * v * u
            for one in flow
        ]
        y = min(max(y + move[0], 0.0), height - 1)
        x = min(max(x + move[1], 0.0), width - 1)
    return y, x


@settings(max_examples=25)
@given(seeds, st.tuples(st.integers(1, 7), st.integers(1, 7)), st.sampled_from([1, 2, 7, 20]))
def test_every_pixel_goes_where_the_flow_carries_it(seed: int, shape: tuple[int, int], steps: int) -> None:
    """Smooth flows only: where they are not, the last bits of a step decide where a pixel ends."""
    noise = np.random.default_rng(seed).normal(size=(2, *shape))
    flow = ndimage.gaussian_filter(noise, (0, 2, 2)).astype(np.float32)
    places = np.nonzero(np.ones(shape, bool))
    ends = follow_interpolated(flow, places, steps=steps)
    expected = np.array([walk(flow, float(y), float(x), steps) for y, x in zip(*places, strict=True)]).T
    np.testing.assert_allclose(ends, expected.reshape(2, -1), atol=2e-3)


def test_without_a_flow_or_a_step_pixels_stay() -> None:
    places = np.nonzero(np.ones((3, 4), bool))
    still = np.zeros((2, 3, 4), np.float32)
    np.testing.assert_array_equal(follow_interpolated(still, places), np.stack(places))
    fast = np.full((2, 3, 4), 9, np.float32)
    np.testing.assert_array_equal(follow_interpolated(fast, places, steps=0), np.stack(places))
    assert follow_interpolated(fast, (places[0][:0], places[1][:0])).shape == (2, 0)


def joined(ends: NDArray[np.float64], inside: NDArray[np.bool_], largest: float) -> NDArray[np.int64]:
    """Cellpose's rule in words, with dictionaries of places."""
    counts: dict[tuple[int, ...], int] = {}
    owners: list[tuple[int, ...]] = []
    for end in ends.T:
        place = tuple(
            min(max(int(value), -20), size - 1) for value, size in zip(end, inside.shape, strict=True)
        )
        owners.append(place)
        counts[place] = counts.get(place, 0) + 1
    around = list(itertools.product(range(-2, 3), repeat=inside.ndim))
    near = list(itertools.product((-1, 0, 1), repeat=inside.ndim))

    def moved(place: tuple[int, ...], step: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(p + s for p, s in zip(place, step, strict=True))

    high = [
        place
        for place, n in sorted(counts.items())
        if n > 10 and n >= max(counts.get(moved(place, step), 0) for step in around)
    ]
    owner: dict[tuple[int, ...], int] = {}
    for number, seed in enumerate(sorted(high, key=lambda place: counts[place]), start=1):
        grown = {seed}
        for _ in range(5):
            grown = {
                p
                for place in grown
                for p in (moved(place, step) for step in near)
                if counts.get(p, 0) > 2 and max(abs(a - b) for a, b in zip(p, seed, strict=True)) <= 5
            }
        owner |= dict.fromkeys(grown, number)
    labels = np.zeros(inside.shape, np.int64)
    labels[inside] = [owner.get(place, 0) for place in owners]
    for number, n in zip(*np.unique(labels, return_counts=True), strict=True):
        if n > labels.size * largest:
            labels[labels == number] = 0
    order: list[int] = []
    for number in labels.ravel():
        if number and number not in order:
            order.append(int(number))
    return np.array([order.index(n) + 1 if n else 0 for n in labels.ravel()]).reshape(labels.shape)


@settings(max_examples=30)
@given(
    seeds,
    st.sampled_from([(16, 20), (1, 60), (4, 9, 11)]),
    st.integers(1, 5),
    st.sampled_from([0.3, 1.0, 2.5]),
    st.sampled_from([0.4, 0.9, 0.05]),
)
def test_pixels_that_end_together_are_an_object(
    seed: int, shape: tuple[int, ...], n_middles: int, spread: float, largest: float
) -> None:
    """Ends scattered around a few middles, some of them beyond the image."""
    rng = np.random.default_rng(seed)
    inside = rng.random(shape) < 0.9
    n = int(inside.sum())
    middles = rng.uniform(0, shape, (n_middles, len(shape)))
    ends = (middles[rng.integers(0, n_middles, n)] + rng.normal(0, spread, (n, len(shape)))).T
    found = cluster_ends(ends, inside, largest=largest)
    np.testing.assert_array_equal(found, joined(ends, inside, largest))


def disc_flow(
    shape: tuple[int, int], centres: list[tuple[int, int]], radius: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give flow and logit of discs: five times the direction to the centre, and 6 inside, -6 outside."""
    flow, logit = np.zeros((2, *shape), np.float32), np.full(shape, -6, np.float32)
    grid = np.indices(shape)
    for centre in centres:
        away = np.array(centre).reshape(2, 1, 1) - grid
        far = np.hypot(*away)
        disc = far <= radius
        flow[:, disc] = (5 * away / np.maximum(far, 1))[:, disc]
        logit[disc] = 6
    return flow, logit


CENTRES = [(9, 10), (9, 31), (28, 18)]


def test_discs_are_found_whole_and_numbered_in_reading_order() -> None:
    flow, logit = disc_flow((40, 45), CENTRES, 7)
    labels = cellpose_labels(flow, logit)
    np.testing.assert_array_equal(labels > 0, logit > 0)
    assert [labels[place] for place in CENTRES] == [1, 2, 3]
    assert labels.dtype == np.int32


@pytest.mark.parametrize("flip", [(0,), (1,), (0, 1)])
def test_flipped_outputs_have_flipped_objects(flip: tuple[int, ...]) -> None:
    flow, logit = disc_flow((40, 45), CENTRES, 7)
    plain = cellpose_labels(flow, logit)
    turned_flow = np.flip(flow, [axis + 1 for axis in flip]).copy()
    for axis in flip:
        turned_flow[axis] *= -1
    turned = cellpose_labels(turned_flow, np.flip(logit, flip).copy())
    np.testing.assert_array_equal(turned > 0, np.flip(plain, flip) > 0)
    pairs = np.unique(np.stack([turned.ravel(), np.flip(plain, flip).ravel()]), axis=1)
    assert pairs.shape[1] == 4


def test_transposed_outputs_have_transposed_objects() -> None:
    flow, logit = disc_flow((40, 45), CENTRES, 7)
    plain = cellpose_labels(flow, logit)
    turned = cellpose_labels(flow[::-1].transpose(0, 2, 1).copy(), logit.T.copy())
    pairs = np.unique(np.stack([turned.T.ravel(), plain.ravel()]), axis=1)
    assert pairs.shape[1] == 4


@pytest.mark.parametrize(("threshold", "n"), [(-7.0, 0), (0.0, 3), (5.9, 3), (6.0, 0), (1e9, 0)])
def test_pixels_above_the_threshold_are_followed(threshold: float, n: int) -> None:
    """Below all logits the whole image is followed: what has no flow ends where it is, alone."""
    flow, logit = disc_flow((40, 45), CENTRES, 7)
    labels = cellpose_labels(flow, logit, threshold=threshold)
    assert labels.max() == (3 if threshold < -6 else n)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (25, 1), (3, 3)])
def test_the_smallest_images(shape: tuple[int, int]) -> None:
    flow, logit = np.zeros((2, *shape), np.float32), np.ones(shape, np.float32)
    assert cellpose_labels(flow, logit).shape == shape
    assert not cellpose_labels(flow, logit).any(), "no place has ends of eleven pixels"


def test_objects_whose_own_flow_is_that_of_the_network_stay_and_others_go() -> None:
    """A disc whose flow points out of it is no object by any limit; one that points in is by the usual."""
    flow, logit = disc_flow((40, 45), CENTRES, 7)
    labels = cellpose_labels(flow, logit)
    kept = drop_unfit(labels, flow, largest=0.4)
    np.testing.assert_array_equal(kept > 0, labels > 0)
    first = labels == 1
    spoilt = flow.copy()
    spoilt[:, first] *= -1
    left = drop_unfit(labels, spoilt, largest=0.4)
    assert not left[first].any()
    np.testing.assert_array_equal(left > 0, (labels > 0) & ~first)


def test_holes_are_filled_and_the_smallest_size_stays() -> None:
    labels = np.zeros((12, 20), np.int32)
    labels[1:6, 1:6] = 1
    labels[3, 3] = 0
    labels[8, 2:5] = 2
    labels[8:10, 10:12] = 3
    found = fill_and_drop(labels, smallest=4)
    assert found[3, 3] == found[1, 1] == 1
    assert not found[8, 2:5].any()
    assert (found[8:10, 10:12] == 2).all() and found.max() == 2
    assert fill_and_drop(labels, smallest=0).max() == 3
    assert not fill_and_drop(labels, smallest=26).any()
