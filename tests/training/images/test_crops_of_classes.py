"""Crops of images with classes, beside a search for where every pixel came from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from veriscope.training.images.class_crops import ClassesInTurn, ClassImage, ClassSampler
from veriscope.training.images.light import Augmentation

OFF: dict[str, Any] = {"scale": 0, "elastic": 0, "stain": 0, "optics": 0, "camera": 0, "empty": 0}


def options(**changed: Any) -> Augmentation:
    return Augmentation.parse(OFF | changed, where="test")


def ramp(height: int, width: int) -> np.ndarray:
    """Two channels: the row and the column of every pixel."""
    return np.stack(np.mgrid[:height, :width]).astype(np.float32)


def slopes(crop: np.ndarray) -> np.ndarray:
    """How rows and columns of the image change along those of the crop, in its middle."""
    middle = crop[:, 8:-8, 8:-8]
    return np.array(
        [[np.diff(channel, axis=axis).mean() for axis in (0, 1)] for channel in middle], dtype=float
    )


def test_crops_are_turned_and_mirrored_but_never_stretched() -> None:
    sampler = ClassSampler([ClassImage(ramp(200, 200), 1)], options(), size=48, seed=0)
    pixels, targets = sampler.batch(0, 60)
    assert targets.tolist() == [1] * 60
    signs = set()
    for crop in pixels.numpy():
        turn = slopes(crop)
        np.testing.assert_allclose(turn @ turn.T, np.eye(2), atol=1e-3)
        signs.add(round(float(np.linalg.det(turn))))
    assert signs == {-1, 1}
    right = sum(np.allclose(np.abs(slopes(crop)).max(0), 1, atol=1e-3) for crop in pixels.numpy())
    assert 20 < right < 55  # six of ten are turned by a right angle or not at all


@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_the_magnification_is_the_same_along_both_axes_and_bounded(scale: float) -> None:
    sampler = ClassSampler([ClassImage(ramp(300, 300), 0)], options(scale=scale), size=48, seed=0)
    sizes = []
    for crop in sampler.batch(0, 80)[0].numpy():
        both = np.linalg.norm(slopes(crop), axis=1)
        assert both[0] == pytest.approx(both[1], rel=1e-2)
        sizes.append(-np.log(both[0]))
    assert np.abs(sizes).max() <= 0.5 + 1e-3
    assert np.std(sizes) == pytest.approx(min(scale, 0.42), rel=0.35)


def test_crops_of_a_large_image_stay_inside_but_for_turned_corners() -> None:
    sampler = ClassSampler([ClassImage(ramp(90, 150), 0)], options(), size=48, seed=1)
    middles = []
    for crop in sampler.batch(0, 100)[0].numpy():
        middle = crop[:, 23:25, 23:25].mean((1, 2))
        middles.append(middle)
        assert 23 <= middle[0] <= 90 - 23 and 23 <= middle[1] <= 150 - 23
    spread = np.ptp(middles, axis=0)
    assert spread[0] > 35 and spread[1] > 80  # and are drawn from everywhere


def test_a_small_image_lies_about_the_middle_and_its_edges_go_on() -> None:
    image = np.zeros((1, 8, 8), np.float32)
    image[0, 2:6, 2:6] = 1
    pixels, _ = ClassSampler([ClassImage(image, 0)], options(), size=64, seed=0).batch(0, 60)
    assert float(pixels[:, 0, 0].max()) == 0  # beyond the image is its edge, which is 0
    weights = pixels[:, 0].numpy()
    grid = np.arange(64) - 31.5
    total = weights.sum((1, 2))
    centres = np.stack([(weights.sum(2) @ grid) / total, (weights.sum(1) @ grid) / total], 1)
    assert np.abs(centres.mean(0)).max() < 2
    assert 1.5 < centres.std() < 5  # a twentieth of the crop
    np.testing.assert_allclose(total, 16, rtol=0.35)


def test_the_middle_of_large_images_and_the_whole_of_small_ones_choose() -> None:
    turn = ClassesInTurn([ClassImage(ramp(21, 40), 3), ClassImage(ramp(5, 9), 1)], size=16)
    pixels, targets = turn.batch(0, 4)
    assert targets.tolist() == [3, 1, 3, 1]
    np.testing.assert_array_equal(pixels[0].numpy(), ramp(21, 40)[:, 2:18, 12:28])
    np.testing.assert_array_equal(pixels[2].numpy(), pixels[0].numpy())
    small = pixels[1].numpy()
    np.testing.assert_array_equal(small[0], np.clip(np.arange(16) - 5, 0, 4)[:, None].repeat(16, 1))
    np.testing.assert_array_equal(small[1], np.clip(np.arange(16) - 3, 0, 8)[None].repeat(16, 0))


def test_no_batch_of_those_in_turn_leaves_an_image_out() -> None:
    images = [ClassImage(np.full((1, 4, 4), n, np.float32), n) for n in range(7)]
    turn = ClassesInTurn(images, size=4)
    seen = [kind for number in range(3) for kind in turn.batch(number, 3)[1].tolist()]
    assert seen == [0, 1, 2, 3, 4, 5, 6, 0, 1]


def test_bright_field_is_stained_and_fluorescence_is_not() -> None:
    image = ClassImage(np.linspace(0.2, 1, 3 * 64, dtype=np.float32).reshape(3, 8, 8), 0)
    plain, _ = ClassSampler([image], options(), size=8, seed=3).batch(0, 12)
    for style, changes in (("fluorescence", False), ("brightfield", True)):
        changed, _ = ClassSampler([image], options(style=style, stain=1), size=8, seed=3).batch(0, 12)
        # The first crop is drawn before chance is asked for dyes, and so lies at the same place.
        assert np.allclose(changed[0].numpy(), plain[0].numpy(), atol=1e-6) is not changes
