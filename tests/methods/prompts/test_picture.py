"""Images of any camera become photographs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from veriscope.errors import PixelValueError
from veriscope.methods.prompts.picture import as_photograph, resized_shape, scaled_to


def spots(dtype: Any, *, offset: float = 0, factor: float = 1) -> np.ndarray[Any, Any]:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:64, :80]
    disc = 100.0 * (np.hypot(y - 30, x - 40) < 12) + rng.normal(20, 1, (64, 80))
    return (offset + factor * disc).astype(dtype)[None]


def test_the_camera_does_not_matter() -> None:
    eight = as_photograph(spots(np.uint8))
    for other in (
        spots(np.uint16, offset=3000, factor=300),
        spots(np.float32, offset=-0.1, factor=0.001),
        spots(np.int32, factor=1e5),
    ):
        assert np.abs(as_photograph(other) - eight).mean() < 2
    assert eight.dtype == np.float32 and eight.shape == (64, 80, 3)
    assert eight.min() >= 0 and eight.max() <= 255
    assert eight[30, 40, 0] > 200 > 40 > eight[2, 2, 0]


def test_grey_is_three_times_the_same_and_of_several_channels_the_mean() -> None:
    grey = as_photograph(spots(np.uint16))
    assert (grey == grey[..., :1]).all()
    two = as_photograph(np.concatenate([spots(np.uint16), spots(np.uint16)[:, ::-1]]))
    np.testing.assert_allclose(two, (grey + grey[::-1]) / 2, atol=1e-3)


def test_colours_of_a_photograph_keep_their_balance() -> None:
    pixels = np.stack([np.full((20, 20), value, np.uint8) for value in (200, 100, 50)])
    pixels[:, :5] = 240
    pixels[:, 5:9] = 10
    found = as_photograph(pixels, is_colour=True)[15, 15]
    assert found[0] > found[1] > found[2]


def test_an_image_of_noise_stays_dim() -> None:
    noise = np.random.default_rng(0).normal(500, 3, (1, 128, 128))
    assert as_photograph(noise).max() < 255 * 0.8


@pytest.mark.parametrize("value", [0, 7])
def test_a_constant_image_and_one_pixel_are_no_fault(value: int) -> None:
    assert not as_photograph(np.full((1, 9, 9), value, np.uint16)).any()
    assert as_photograph(np.full((1, 1, 1), value, np.uint8)).shape == (1, 1, 3)
    assert as_photograph(np.zeros((1, 4, 4), bool)).shape == (4, 4, 3)


def test_what_is_no_number_counts_as_nothing() -> None:
    pixels = spots(np.float32)
    pixels[0, 0, :3] = np.nan, np.inf, -np.inf
    assert np.isfinite(as_photograph(pixels)).all()


@pytest.mark.parametrize("shape", [(5, 5), (0, 5, 5), (1, 0, 5)])
def test_what_is_no_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PixelValueError, match=r"\(c, y, x\) with at least one pixel is expected"):
        as_photograph(np.zeros(shape))


def test_colours_are_three() -> None:
    with pytest.raises(PixelValueError, match="a colour photograph has 3 channels, and these are 2"):
        as_photograph(np.zeros((2, 5, 5)), is_colour=True)


@pytest.mark.parametrize(
    ("shape", "resized"),
    [
        ((256, 256), (1024, 1024)),
        ((300, 600), (512, 1024)),
        ((4000, 1000), (1024, 256)),
        ((1, 5000), (1, 1024)),
    ],
)
def test_the_longer_side_fits_and_proportions_stay(shape: tuple[int, int], resized: tuple[int, int]) -> None:
    assert resized_shape(shape, 1024) == resized


def test_scaling_keeps_places_and_smooths() -> None:
    picture = np.zeros((64, 64, 3), np.float32)
    picture[16:32, 32:48] = 100
    larger = scaled_to(picture, (256, 256))
    y, x = np.nonzero(larger[..., 1] > 50)
    assert (y.min(), y.max(), x.min(), x.max()) == (64, 127, 128, 191)
    smaller = scaled_to(picture, (16, 16))
    assert smaller.mean() == pytest.approx(picture.mean(), rel=0.02)
    assert scaled_to(picture, (64, 64)) is picture
