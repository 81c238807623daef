"""The watershed is that of scikit-image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.segmentation import watershed

from veriscope.methods.networks.seeded_watershed import seeded_watershed


def scene(seed: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Blobs, some in contact, with seeds that are points or larger, in and outside the mask."""
    rng = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(rng.normal(size=shape), 2)
    mask = ndimage.gaussian_filter(rng.normal(size=shape), 3) > 0
    seeds = np.zeros(shape, np.int64)
    for label in range(1, rng.integers(1, 20)):
        at = tuple(int(rng.integers(size)) for size in shape)
        seeds[tuple(slice(place, place + int(rng.integers(1, 3))) for place in at)] = label
    return image, seeds, mask


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shape=st.sampled_from([(40, 50), (7, 21, 20), (1, 30)]))
def test_it_is_the_watershed_of_scikit_image(seed: int, shape: tuple[int, ...]) -> None:
    image, seeds, mask = scene(seed, shape)
    found = seeded_watershed(image, seeds, mask)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, watershed(image, seeds, mask=mask))


def test_parts_without_a_seed_stay_empty_and_seeds_outside_the_mask_do_not_count() -> None:
    mask = np.zeros((6, 12), bool)
    mask[1:5, 1:5] = mask[1:5, 7:11] = True
    seeds = np.zeros((6, 12), np.uint16)
    seeds[2, 2], seeds[0, 8] = 3, 4
    found = seeded_watershed(np.zeros((6, 12)), seeds, mask)
    assert (found[1:5, 1:5] == 3).all()
    assert not found[:, 5:].any()


@pytest.mark.parametrize("shape", [(4, 5), (0, 3)])
def test_nothing_to_flood(shape: tuple[int, int]) -> None:
    found = seeded_watershed(np.zeros(shape), np.zeros(shape, int), np.zeros(shape, bool))
    assert found.shape == shape
    assert not found.any()
