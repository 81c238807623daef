"""How large the objects are, found by a finder that sees only what it was trained to see."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.methods.local_method import Part
from veriscope.methods.networks import size_search
from veriscope.methods.networks.size_search import (
    COARSE,
    Found,
    SizeLimits,
    large_diameter,
    look,
    median_diameter,
    resize,
)
from veriscope.methods.sampling import sample_windows

LIMITS = SizeLimits(smallest=8.0, largest=40.0)


def discs(shape: tuple[int, int], diameter: float, pitch: float) -> ArraySource:
    y, x = np.indices(shape)
    near = (y % pitch - pitch / 2) ** 2 + (x % pitch - pitch / 2) ** 2 <= (diameter / 2) ** 2
    return ArraySource(Image(near.astype(np.float32), "yx"))


class Threshold:
    """Finds what is connected and bright, and remembers where it looked."""

    def __init__(self, *, probability: float = 1.0) -> None:
        self.probability = probability
        self.seen: list[tuple[tuple[int, ...], bool]] = []

    def __call__(self, part: Part, *, coarse: bool = False) -> Found:
        pixels = np.asarray(part.image.pixels, np.float32)
        self.seen.append((pixels.shape, coarse))
        if coarse:
            pixels = resize(pixels, tuple(max(round(n * COARSE), 1) for n in pixels.shape))
        labels, n_found = ndimage.label(pixels > 0.5)
        sure = np.where(labels > 0, np.float32(self.probability), np.float32(0))
        return np.asarray(labels, np.int32), np.ones(n_found, np.float32), sure


def test_a_small_image_is_looked_at_once_and_the_answer_is_kept() -> None:
    find, source = Threshold(), discs((120, 160), 16, 40)
    areas, found = look(source, find)
    assert find.seen == [((120, 160), False)]
    assert len(areas) == 12
    assert median_diameter(areas) == pytest.approx(16, abs=0.5)
    assert found is not None
    np.testing.assert_array_equal(np.bincount(found[0].ravel())[1:], areas)


def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take images for large that are not."""
    monkeypatch.setattr("veriscope.methods.sampling._WHOLE", 100)


@pytest.mark.parametrize(("pitch", "enough"), [(40, 16), (4000, 64)])
def test_of_a_large_image_some_windows_are_enough(
    monkeypatch: pytest.MonkeyPatch, pitch: int, enough: int
) -> None:
    """Sixteen with objects; or sixty-four, of an image that is nearly empty."""
    large(monkeypatch)
    monkeypatch.setattr(size_search, "sample_windows", lambda shape: sample_windows(shape, side=40))
    find = Threshold()
    areas, found = look(discs((400, 480), 16, pitch), find)
    assert found is None, "a window is not the image"
    assert len(find.seen) == enough
    assert (len(areas) >= 16) == (pitch == 40)


def test_the_order_of_windows_is_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    large(monkeypatch)
    source = discs((1100, 1300), 16, 50)
    np.testing.assert_array_equal(look(source, Threshold())[0], look(source, Threshold())[0])


@pytest.mark.parametrize(("diameter", "expected"), [(100, 100), (160, 160), (50, None), (20, None)])
def test_large_objects_are_seen_from_afar(diameter: float, expected: float | None) -> None:
    found = large_diameter(discs((400, 480), diameter, 1.2 * diameter), Threshold(), LIMITS)
    assert found == (None if expected is None else pytest.approx(expected, rel=0.03))


def test_what_the_full_image_does_not_confirm_is_no_object() -> None:
    source = discs((400, 480), 100, 120)
    assert large_diameter(source, Threshold(probability=0.29), LIMITS) is None
    assert large_diameter(source, Threshold(probability=0.35), LIMITS) is not None


@pytest.mark.parametrize("work", [look, lambda source, find: large_diameter(source, find, LIMITS)])
def test_an_empty_image_has_no_size(work: Callable[..., object]) -> None:
    source = ArraySource(Image(np.zeros((50, 60), np.float32), "yx"))
    found = work(source, Threshold())
    if found is not None:
        areas, seen = found  # type: ignore[misc]
        assert len(areas) == 0
        assert seen[0].max() == 0


@given(areas=st.lists(st.integers(1, 10_000), min_size=1, max_size=20))
def test_the_median_diameter_is_that_of_a_disc_of_the_median_area(areas: list[int]) -> None:
    found = median_diameter(np.array(areas))
    assert math.pi / 4 * found**2 == pytest.approx(float(np.median(areas)))
    assert median_diameter(np.array(areas * 3)) == found
    assert median_diameter(np.array([4 * area for area in areas])) == pytest.approx(2 * found)
    assert median_diameter(np.zeros(0, np.int64)) == 0.0


def test_limits_lie_beyond_what_was_trained() -> None:
    assert (LIMITS.small, LIMITS.fine, LIMITS.large) == (12.0, 20.0, 60.0)


@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    onto=st.tuples(st.integers(1, 30), st.integers(1, 30)),
)
def test_resizing_keeps_ramps_straight_and_the_range(height: int, width: int, onto: tuple[int, int]) -> None:
    pixels = np.add.outer(np.arange(height), 10 * np.arange(width)).astype(np.float32)
    found = resize(pixels, onto)
    assert found.shape == onto
    y, x = ((np.arange(n) + 0.5) * size / n - 0.5 for n, size in zip(onto, pixels.shape, strict=True))
    expected = np.add.outer(np.clip(y, 0, height - 1), 10 * np.clip(x, 0, width - 1))
    np.testing.assert_allclose(found, expected, atol=1e-4)
