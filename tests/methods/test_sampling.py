"""Windows of large images: every pixel once, spread evenly, the same each time."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from scipy import ndimage

from veriscope.methods.sampling import gaussian_reach, sample_windows


def test_an_image_of_four_million_pixels_is_looked_at_whole() -> None:
    assert list(sample_windows((2048, 2048))) == [(slice(0, 2048), slice(0, 2048))]


@pytest.mark.parametrize("shape", [(2049, 2048), (5000, 3000), (3, 3000, 2000)])
def test_windows_cover_every_pixel_once(shape: tuple[int, ...]) -> None:
    seen = np.zeros(shape, np.uint8)
    for window in sample_windows(shape):
        seen[window] += 1
    assert (seen == 1).all()
    assert list(sample_windows(shape)) == list(sample_windows(shape))


def test_the_first_windows_lie_all_over_the_image() -> None:
    first = list(islice(sample_windows((8192, 8192)), 16))
    quarters = {(y.start // 4096, x.start // 4096) for y, x in first}
    assert len(quarters) == 4


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.4, 7.7])
def test_the_reach_of_the_gaussian_is_that_of_scipy(sigma: float) -> None:
    point = np.zeros(201)
    point[100] = 1
    far = np.flatnonzero(ndimage.gaussian_filter(point, sigma)).max() - 100
    assert far == gaussian_reach(sigma)
