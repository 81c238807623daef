"""Objects parted at their rims, whatever their length, and grown back over them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from veriscope.methods.networks.rims import GROWTH, objects_without_rims

maps = hnp.array_shapes(min_dims=2, max_dims=2, max_side=10).flatmap(
    lambda shape: st.tuples(
        hnp.arrays(bool, shape, elements=st.booleans()),
        hnp.arrays(np.float32, shape, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])),
    )
)


def grown_slowly(foreground: np.ndarray, rim: np.ndarray) -> np.ndarray:
    """The rules as they are written, pixel by pixel."""
    labels, n_inner = ndimage.label(foreground & (rim < 0.5))
    for _ in range(GROWTH):
        before = labels.copy()
        for y, x in np.argwhere(foreground & (before == 0)):
            for v, u in ((y - 1, x), (y, x - 1), (y, x + 1), (y + 1, x)):
                if 0 <= v < labels.shape[0] and 0 <= u < labels.shape[1] and before[v, u]:
                    labels[y, x] = before[v, u]
                    break
    rest, n_rest = ndimage.label(foreground & (labels == 0))
    for number in range(1, n_rest + 1):
        part = rest == number
        if not (ndimage.binary_dilation(part) & (labels > 0)).any():
            labels[part] = n_inner + number
    return np.asarray(labels)


@given(given_maps=maps)
@settings(max_examples=120)
def test_by_definition(given_maps: tuple[np.ndarray, np.ndarray]) -> None:
    foreground, rim = given_maps
    before = foreground.copy(), rim.copy()
    np.testing.assert_array_equal(objects_without_rims(foreground, rim), grown_slowly(foreground, rim))
    np.testing.assert_array_equal(foreground, before[0])
    np.testing.assert_array_equal(rim, before[1])


def two_bars(gap_rim: float) -> tuple[np.ndarray, np.ndarray]:
    """Two bars, each 60 × 9 pixels, side by side along their length, with rims 2 pixels wide."""
    foreground = np.zeros((30, 70), bool)
    foreground[5:23, 5:65] = True
    rim = np.zeros(foreground.shape, np.float32)
    for top in (5, 14):
        bar = np.zeros(foreground.shape, bool)
        bar[top : top + 9, 5:65] = True
        rim[bar & ~ndimage.binary_erosion(bar, iterations=2)] = gap_rim
    return foreground, rim


def test_bars_that_touch_along_their_length_are_two_and_whole() -> None:
    foreground, rim = two_bars(1.0)
    labels = objects_without_rims(foreground, rim)
    expected = np.zeros(foreground.shape, int)
    expected[5:14, 5:65], expected[14:23, 5:65] = 1, 2
    for y in (5, 13, 14, 22):  # a corner is four steps from the inner part
        expected[y, [5, 64]] = 0
    np.testing.assert_array_equal(labels, expected)


def test_without_a_rim_between_them_they_are_one() -> None:
    foreground, rim = two_bars(0.49)
    labels = objects_without_rims(foreground, rim)
    np.testing.assert_array_equal(labels, foreground)


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_turned_images_have_the_turned_objects(turn: int) -> None:
    foreground, rim = two_bars(1.0)
    labels = np.rot90(objects_without_rims(foreground, rim), turn)
    turned = objects_without_rims(np.rot90(foreground, turn), np.rot90(rim, turn))
    np.testing.assert_array_equal(turned > 0, labels > 0)
    for number in (1, 2):
        assert len(np.unique(turned[labels == number])) == 1


def test_thin_objects_that_are_all_rim_are_kept_and_a_wide_rim_is_not_an_object() -> None:
    foreground = np.zeros((20, 40), bool)
    foreground[3:5, 3:15] = True  # thin, alone
    foreground[10, 20] = True  # one pixel
    rim = np.ones(foreground.shape, np.float32)
    labels = objects_without_rims(foreground, rim)
    assert labels.max() == 2
    np.testing.assert_array_equal(labels > 0, foreground)
    # An inner pixel with a rim of six around it: it grows by three, and the rest goes to none.
    wide = np.ones((13, 13), bool)
    rim = np.ones(wide.shape, np.float32)
    rim[6, 6] = 0
    grown = objects_without_rims(wide, rim)
    assert set(np.unique(grown)) == {0, 1}
    assert grown.sum() == 1 + 2 * GROWTH * (GROWTH + 1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (0, 4)])
def test_slender_and_empty_images(shape: tuple[int, int]) -> None:
    nothing = objects_without_rims(np.zeros(shape, bool), np.zeros(shape, np.float32))
    assert (nothing.shape, nothing.dtype, nothing.any()) == (shape, np.int32, False)
    whole = objects_without_rims(np.ones(shape, bool), np.zeros(shape, np.float32))
    np.testing.assert_array_equal(whole, 1)
