"""MicroSSIM is the best SSIM that any scale of the prediction has, after both backgrounds are taken off."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

from veriscope.validate.metrics.restoration.micro_ssim import micro_ssim

Image = NDArray[np.float64]


def scene(seed: int, shape: tuple[int, ...] = (24, 26)) -> tuple[Image, Image]:
    random = np.random.default_rng(seed)
    truth = gaussian_filter(random.gamma(0.5, 200, shape), 1.0)
    return truth, gaussian_filter(truth, 0.7) + random.normal(0, 8, shape)


def slow_micro_ssim(reference: Image, prediction: Image) -> float:
    """SSIM of scikit-image over a fine grid of scales."""
    truth, restored = (image - np.percentile(image, 3) for image in (reference, prediction))
    truth, restored = truth / truth.max(), restored / truth.max()
    start = math.sqrt((truth**2).mean() / (restored**2).mean())
    planes = list(zip(np.atleast_3d(truth.T).T, np.atleast_3d(restored.T).T, strict=True))
    values = [
        np.mean(
            [
                structural_similarity(one, scale * other, data_range=float(np.ptp(truth)), win_size=7)
                for one, other in planes
            ]
        )
        for scale in start * np.geomspace(0.2, 5, 160)
    ]
    return float(max(values))


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_best_over_all_scales(seed: int) -> None:
    reference, prediction = scene(seed)
    assert micro_ssim(reference, prediction) == pytest.approx(
        slow_micro_ssim(reference, prediction), abs=2e-4
    )


def test_a_stack_has_one_scale_for_all_planes() -> None:
    reference, prediction = scene(1, (3, 20, 22))
    found = micro_ssim(reference, prediction)
    planes = [micro_ssim(one, other) for one, other in zip(reference, prediction, strict=True)]
    assert found == pytest.approx(np.mean(planes), abs=0.1)


@pytest.mark.parametrize(("gain", "offset"), [(1e-6, 0.0), (0.01, 300.0), (40.0, -1e3), (1e8, 1e6)])
def test_gain_and_offset_of_either_image_change_nothing(gain: float, offset: float) -> None:
    reference, prediction = scene(2)
    plain = micro_ssim(reference, prediction)
    assert micro_ssim(reference, gain * prediction + offset) == pytest.approx(plain, abs=1e-4)
    assert micro_ssim(gain * reference + offset, prediction) == pytest.approx(plain, abs=1e-4)
    assert micro_ssim(reference, gain * reference + offset) == pytest.approx(1, abs=1e-5)


def test_flips_and_turns_change_nothing_and_worse_is_lower() -> None:
    reference, prediction = scene(3)
    plain = micro_ssim(reference, prediction)
    for turn in (np.flipud, np.fliplr, np.transpose, np.rot90):
        assert micro_ssim(turn(reference), turn(prediction)) == pytest.approx(plain, abs=1e-6)
    noise = np.random.default_rng(0).normal(0, 1, reference.shape)
    values = [micro_ssim(reference, reference + sigma * noise) for sigma in (0, 5, 20, 60, 200)]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(1, abs=1e-6)


def test_constant_images() -> None:
    reference, _ = scene(0)
    flat = np.full_like(reference, 7.0)
    assert math.isnan(micro_ssim(flat, reference))
    assert math.isnan(micro_ssim(flat, flat))
    assert micro_ssim(reference, flat) < 0.5
