"""Peaks and ways uphill are decided by a pixel's surroundings alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from veriscope.methods.rules.peaks import follow, local_peaks, steepest
from veriscope.methods.rules.splitting import fill_holes, split_reach, split_touching

pictures = hnp.arrays(np.float32, (14, 17), elements=st.integers(0, 5))


def test_of_equal_pixels_the_first_counts() -> None:
    image = np.zeros((5, 9))
    image[2, 2:5] = 3
    image[4, 8] = 1
    assert local_peaks(image, distance=1, floor=0.5).tolist() == [[2, 2], [4, 8]]
    assert local_peaks(image, distance=1, floor=2).tolist() == [[2, 2]]
    assert local_peaks(np.zeros((3, 3)), distance=2, floor=0).tolist() == []


@given(image=pictures, distance=st.integers(1, 3))
def test_peaks_by_definition(image: np.ndarray, distance: int) -> None:
    found = {tuple(place) for place in local_peaks(image, distance=distance, floor=0).tolist()}
    candidates = set()
    for y, x in np.argwhere(image > 0):
        window = image[max(y - distance, 0) : y + distance + 1, max(x - distance, 0) : x + distance + 1]
        if image[y, x] == window.max():
            candidates.add((int(y), int(x)))
    expected = {
        (y, x)
        for y, x in candidates
        if not any((v, u) < (y, x) and max(y - v, abs(x - u)) <= distance for v, u in candidates)
    }
    assert found == expected


@given(image=pictures)
def test_ways_go_to_the_highest_neighbour_and_end(image: np.ndarray) -> None:
    mask = image > 0
    uphill = steepest(image, mask)
    for y, x in np.argwhere(mask):
        around = [
            (-image[v, u], v, u)
            for v in range(max(y - 1, 0), min(y + 2, 14))
            for u in range(max(x - 1, 0), min(x + 2, 17))
            if mask[v, u]
        ]
        _, v, u = min(around)
        assert uphill[y * 17 + x] == v * 17 + u
    labels, places = follow(uphill, mask)
    assert ((labels > 0) == mask).all()
    assert labels.ravel()[places].tolist() == list(range(1, len(places) + 1))
    assert (uphill[places] == places).all()


def test_only_small_holes_away_from_the_border_are_filled() -> None:
    mask = np.ones((12, 30), bool)
    mask[3:5, 3:5] = mask[3:5, 8:14] = mask[6:, 20:22] = False
    filled = fill_holes(mask, largest=4)
    assert filled[3:5, 3:5].all()
    assert not filled[3:5, 8:14].any()
    assert not filled[6:, 20:22].any()


@given(seed=st.integers(0, 1000))
def test_what_lies_beyond_the_reach_of_an_object_does_not_change_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((60, 200), bool)
    for y, x in zip(rng.integers(8, 52, 14), rng.integers(8, 192, 14), strict=True):
        mask[y - 5 : y + 6, x - 5 : x + 6] = True
    reach = split_reach(8)
    whole, cut = split_touching(mask, diameter=8), split_touching(mask[:, :120], diameter=8)
    near = np.unique(cut[:, 120 - reach :])
    for number in np.setdiff1d(np.unique(cut), near):
        pixels = cut == number
        (same,) = np.unique(whole[:, :120][pixels])
        assert (whole == same).sum() == pixels.sum()
