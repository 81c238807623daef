"""Resolution-scaled error and correlation: a known blur, gain and offset are found again."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from veriscope.errors import InputError
from veriscope.validate.metrics.restoration.squirrel import resolution_scaled, rse, rsp

Image = NDArray[np.float64]


@pytest.fixture
def sharp() -> Image:
    random = np.random.default_rng(4)
    image = np.zeros((64, 64))
    image[random.integers(0, 64, 60), random.integers(0, 64, 60)] = random.uniform(50, 100, 60)
    return image


@pytest.mark.parametrize("sigma", [0.0, 1.2, 2.0, 5.0])
def test_a_known_blur_gain_and_offset_are_found(sharp: Image, sigma: float) -> None:
    raw = 3 * (gaussian_filter(sharp, sigma) if sigma else sharp) + 20
    found = resolution_scaled(raw, sharp)
    assert found.sigma == pytest.approx(sigma, abs=0.01)
    assert found.gain == pytest.approx(3, rel=0.01)
    assert found.offset == pytest.approx(20, abs=0.05)
    assert found.rse == pytest.approx(0, abs=0.01 * raw.std())
    assert found.rsp == pytest.approx(1, abs=1e-4)


def test_noise_of_the_raw_image_is_what_is_left(sharp: Image) -> None:
    noise = np.random.default_rng(0).normal(size=sharp.shape)
    raw = gaussian_filter(sharp, 2.0) + noise
    assert rse(raw, sharp) == pytest.approx(noise.std(), rel=0.02)
    assert rsp(raw, sharp) == resolution_scaled(raw, sharp).rsp < 1


def test_something_invented_or_lost_costs(sharp: Image) -> None:
    raw = gaussian_filter(sharp, 2.0)
    invented, lost = sharp.copy(), sharp.copy()
    invented[10:14, 40:44] = 60
    lost[:, 40:] = 0
    assert rse(raw, invented) > 0.2 * raw.std()
    assert rsp(raw, lost) < 0.9


def test_blur_is_in_micrometres_and_equally_wide_along_all_axes(sharp: Image) -> None:
    raw = gaussian_filter(sharp, (1.0, 2.0))
    found = resolution_scaled(raw, sharp, spacing=(0.4, 0.2))
    assert found.sigma == pytest.approx(0.4, abs=0.01)
    assert found.rse == pytest.approx(0, abs=0.02 * raw.std())


def test_constant_and_inverted_images(sharp: Image) -> None:
    flat = np.full_like(sharp, 5.0)
    no_prediction = resolution_scaled(sharp, flat)
    assert no_prediction.rse == pytest.approx(sharp.std())
    assert no_prediction.to_dict() == {
        "rse": no_prediction.rse,
        "rsp": None,
        "sigma": 0.0,
        "gain": 0.0,
        "offset": pytest.approx(sharp.mean()),
    }
    assert rse(flat, sharp) == pytest.approx(0, abs=1e-12)
    assert np.isnan(rsp(flat, sharp))
    inverted = resolution_scaled(gaussian_filter(sharp, 1), -sharp)
    assert inverted.gain == 0
    assert inverted.rsp < 0


def test_three_axes() -> None:
    sharp = np.random.default_rng(0).random((8, 20, 20))
    found = resolution_scaled(2 * gaussian_filter(sharp, 1.0), sharp)
    assert found.sigma == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.inf, np.nan])
def test_a_largest_blur_that_makes_no_sense_is_refused(sharp: Image, wrong: float) -> None:
    with pytest.raises(InputError, match=r"^largest sigma .* is not allowed; use a finite number above 0$"):
        resolution_scaled(sharp, sharp, largest_sigma=wrong)
