"""The strategies and cases that tests of plugins draw from are what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.testing.label_images import LABEL_DTYPES, disks, label_pairs


@given(label_pairs(max_dims=2, max_side=5, n_labels=3))
def test_pairs_fit_each_other(pair: tuple[NDArray[np.integer], NDArray[np.integer]]) -> None:
    for labels in pair:
        assert labels.dtype.type in LABEL_DTYPES
        assert labels.shape == pair[0].shape
        assert 1 <= labels.ndim <= 2
        assert max(labels.shape) <= 5
        assert 0 <= labels.min() <= labels.max() <= 3


@given(st.integers(1, 4), st.integers(2, 7))
def test_disks_are_a_grid_of_equal_objects(n_side: int, radius: int) -> None:
    labels = disks(n_side, radius=radius)
    assert labels.shape == (16 * n_side, 16 * n_side)
    assert labels.dtype == np.int32
    sizes = np.bincount(labels.ravel())[1:]
    assert len(sizes) == n_side**2
    assert len(set(sizes.tolist())) == 1
    assert sizes[0] == pytest.approx(np.pi * radius**2, rel=0.25)
    assert ndimage.label(labels > 0)[1] == n_side**2


@pytest.mark.parametrize("shift", [0, 1, 5, 16, -3])
def test_shifted_disks_are_the_same_disks_elsewhere(shift: int) -> None:
    still, moved = disks(3), disks(3, shift=shift)
    assert np.array_equal(moved > 0, np.roll(still > 0, (shift, shift), axis=(0, 1)))
    assert len(np.unique(moved)) == len(np.unique(still))
