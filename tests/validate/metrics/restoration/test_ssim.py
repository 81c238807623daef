"""SSIM from its formula, window by window; volumes; what it is blind to and what it sees."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.errors import AxesError
from veriscope.validate.metrics.restoration.ssim import check_window, ssim

Image = NDArray[np.float64]


def scene(seed: int, shape: tuple[int, ...] = (18, 21)) -> tuple[Image, Image]:
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[-2], : shape[-1]]
    reference = 60 + 40 * np.sin(y / 3) * np.cos(x / 4) + random.normal(0, 3, shape)
    return reference, reference + random.normal(0, 8, shape)


def slow_ssim(reference: Image, prediction: Image, data_range: float) -> float:
    """Each window of 11 by 11 pixels by itself, weighted by a Gaussian of 1.5 pixels."""
    offsets = np.arange(-5, 6)
    bell = np.exp(-(offsets**2) / (2 * 1.5**2))
    weights = np.outer(bell, bell) / bell.sum() ** 2
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    values = []
    for y in range(5, reference.shape[0] - 5):
        for x in range(5, reference.shape[1] - 5):
            r, p = (image[y - 5 : y + 6, x - 5 : x + 6] for image in (reference, prediction))
            mean_r, mean_p = (weights * r).sum(), (weights * p).sum()
            var_r, var_p = (weights * r * r).sum() - mean_r**2, (weights * p * p).sum() - mean_p**2
            shared = (weights * r * p).sum() - mean_r * mean_p
            values.append(
                (2 * mean_r * mean_p + c1)
                * (2 * shared + c2)
                / ((mean_r**2 + mean_p**2 + c1) * (var_r + var_p + c2))
            )
    return float(np.mean(values))


@pytest.mark.parametrize("data_range", [20.0, 255.0])
@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_mean_of_the_formula_over_windows(seed: int, data_range: float) -> None:
    reference, prediction = scene(seed)
    assert ssim(reference, prediction, data_range=data_range) == pytest.approx(
        slow_ssim(reference, prediction, data_range), abs=1e-9
    )


def test_an_image_as_small_as_the_window_has_one_value() -> None:
    reference, prediction = scene(3, (11, 11))
    assert ssim(reference, prediction, data_range=255) == pytest.approx(slow_ssim(reference, prediction, 255))


def test_constant_images_are_compared_by_their_means_alone() -> None:
    """Structure is 1 then; what is left is (2ab + C1) / (a² + b² + C1)."""
    a, b, c1 = 40.0, 50.0, (0.01 * 255) ** 2
    found = ssim(np.full((12, 12), a), np.full((12, 12), b), data_range=255)
    assert found == pytest.approx((2 * a * b + c1) / (a**2 + b**2 + c1))


@pytest.mark.parametrize("seed", range(3))
def test_sides_turns_and_units_change_nothing(seed: int) -> None:
    reference, prediction = scene(seed)
    plain = ssim(reference, prediction, data_range=255)
    assert ssim(prediction, reference, data_range=255) == pytest.approx(plain)
    for turn in (np.flipud, np.fliplr, np.transpose, np.rot90):
        assert ssim(turn(reference), turn(prediction), data_range=255) == pytest.approx(plain)
    for unit in (1e-6, 1e6):
        assert ssim(unit * reference, unit * prediction, data_range=unit * 255) == pytest.approx(plain)


def test_more_noise_is_worse_and_an_offset_costs_less_than_noise_of_its_size() -> None:
    reference, _ = scene(4)
    noise = np.random.default_rng(0).normal(0, 1, reference.shape)
    values = [ssim(reference, reference + sigma * noise, data_range=255) for sigma in (0, 2, 8, 32)]
    assert values == sorted(values, reverse=True) and values[0] == pytest.approx(1)
    assert ssim(reference, reference + 8, data_range=255) > values[2]


def test_a_stack_is_the_mean_of_its_planes() -> None:
    reference, prediction = scene(5, (3, 14, 16))
    planes = [ssim(*plane, data_range=255) for plane in zip(reference, prediction, strict=True)]
    assert ssim(reference, prediction, data_range=255) == pytest.approx(math.fsum(planes) / 3)


@pytest.mark.parametrize(("shape", "fits"), [((11, 11), True), ((2, 11, 30), True), ((11, 10), False)])
def test_planes_hold_the_window(shape: tuple[int, ...], fits: bool) -> None:
    if fits:
        check_window(shape, 11)
        return
    with pytest.raises(AxesError) as caught:
        check_window(shape, 11)
    assert str(caught.value) == (
        "planes of 11 x 10 pixels are too small; the window of this metric needs at least 11 x 11"
    )
