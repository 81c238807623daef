"""Hidden pixels and blocks: which are hidden, what is shown instead, and that the rest stays as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from veriscope.training.images.hidden_pixels import HiddenPixels, scale_brightness


def numbered(height: int, width: int, *, channels: int = 1) -> np.ndarray:
    """An image in which every pixel has a number of its own, the same in all channels but for 0.25 each."""
    plane = np.arange(height * width, dtype=np.float32).reshape(height, width)
    return np.stack([plane + 0.25 * channel for channel in range(channels)])


@given(st.integers(8, 40), st.integers(8, 40), st.integers(0, 99), st.sampled_from(["n2v", "masked"]))
@hypothesis_settings(max_examples=40)
def test_what_is_not_hidden_is_shown_and_what_is_asked_for_is_the_image(
    height: int, width: int, number: int, task: Any
) -> None:
    image = numbered(height, width, channels=2)
    pixels, targets = HiddenPixels([image], task, size=32, seed=3).batch(number, 2)
    assert pixels.shape == (2, 2, 32, 32) and targets.shape == (2, 3, 32, 32)
    assert pixels.dtype == targets.dtype == torch.float32
    hidden = targets[:, 2:]
    assert set(hidden.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(pixels * (1 - hidden), targets[:, :2] * (1 - hidden))
    # All channels of a pixel come from one place, however crops are turned and continued.
    assert torch.equal(targets[:, 1], targets[:, 0] + 0.25)
    assert set(targets[:, 0].unique().tolist()) <= set(image[0].ravel().tolist())


def test_a_hidden_pixel_shows_all_channels_of_one_neighbour() -> None:
    image = numbered(64, 64, channels=3)
    pixels, targets = HiddenPixels([image], "n2v", size=64, seed=0).batch(0, 8)
    hidden = targets[:, 3] > 0
    shown = pixels.movedim(1, -1)[hidden]
    torch.testing.assert_close(shown[:, 1], shown[:, 0] + 0.25)
    torch.testing.assert_close(shown[:, 2], shown[:, 0] + 0.5)
    true = targets[:, :3].movedim(1, -1)[hidden]
    places, own = (np.divmod(one[:, 0].numpy().astype(int), 64) for one in (shown, true))
    steps = np.abs(np.array(places) - np.array(own))
    assert steps.max() == 2 and (steps.sum(0) > 0).all()
    # Every neighbour within two pixels is drawn.
    signed = {tuple(one) for one in (np.array(places) - np.array(own)).T.tolist()}
    assert len(signed) == 24


def test_so_few_pixels_are_hidden_that_most_neighbours_are_true() -> None:
    _, targets = HiddenPixels([numbered(64, 64)], "n2v", size=64, seed=1).batch(0, 40)
    assert targets[:, 1].mean().item() == pytest.approx(0.015, abs=0.001)


def test_blocks_of_sixteen_are_blanked_by_the_mean_of_the_crop() -> None:
    pixels, targets = HiddenPixels([numbered(70, 90)], "masked", size=56, seed=2).batch(0, 30)
    hidden = targets[:, 1]
    assert hidden.mean().item() == pytest.approx(0.6, abs=0.06)
    for crop, mask, shown in zip(targets[:, 0], hidden, pixels[:, 0], strict=True):
        for y in range(0, 56, 16):
            for x in range(0, 56, 16):
                assert len(mask[y : y + 16, x : x + 16].unique()) == 1
        if mask.any():
            torch.testing.assert_close(
                shown[mask > 0], crop.mean().expand(int(mask.sum())), rtol=1e-5, atol=1e-3
            )


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (5, 3), (33, 32)])
@pytest.mark.parametrize("task", ["n2v", "masked"])
def test_images_smaller_than_a_crop_are_mirrored(shape: tuple[int, int], task: Any) -> None:
    image = numbered(*shape)
    _, targets = HiddenPixels([image], task, size=32, seed=0).batch(0, 3)
    mirrored = np.pad(image[0], [(0, max(0, 32 - side)) for side in shape], mode="symmetric")
    for crop in targets[:, 0].numpy():
        assert sorted(set(crop.ravel())) == sorted(set(crop.ravel()) & set(mirrored.ravel()))
    if shape == (5, 3):
        every = {
            np.rot90(one, turns).tobytes() for one in (mirrored, mirrored[:, ::-1]) for turns in range(4)
        }
        assert {crop.tobytes() for crop in targets[:, 0].numpy()} <= every


def test_crops_are_turned_and_mirrored_in_all_eight_ways() -> None:
    image = numbered(16, 16)
    _, targets = HiddenPixels([image], "masked", size=16, seed=5).batch(0, 120)
    assert len({crop.tobytes() for crop in targets[:, 0].numpy()}) == 8


def test_seed_and_number_decide_and_the_images_stay_as_they_were() -> None:
    images = [numbered(40, 40), numbered(50, 30)]
    before = [image.copy() for image in images]
    made = [
        HiddenPixels(images, "n2v", size=32, seed=seed).batch(number, 3)
        for seed, number in ((1, 4), (1, 4), (1, 5), (2, 4))
    ]
    assert all(torch.equal(one, other) for one, other in zip(made[0], made[1], strict=True))
    assert not torch.equal(made[0][0], made[2][0]) and not torch.equal(made[0][0], made[3][0])
    assert all(np.array_equal(one, other) for one, other in zip(images, before, strict=True))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float64, bool])
def test_brightness_is_brought_to_one_scale_for_all_types(dtype: type) -> None:
    values = (np.arange(2 * 30 * 30).reshape(2, 30, 30) % 250).astype(dtype)
    found = scale_brightness(values)
    assert found.dtype == np.float32 and found.shape == values.shape
    low, high = np.percentile(values.astype(float), (1.0, 99.8))
    np.testing.assert_allclose(
        found, (values.astype(float) - low) / (high - low + 1e-6), rtol=1e-4, atol=1e-5
    )


def test_a_constant_image_becomes_nothing_rather_than_no_number() -> None:
    np.testing.assert_array_equal(scale_brightness(np.full((1, 8, 8), 700, np.uint16)), 0)


@given(st.floats(0.01, 100), st.floats(-1000, 1000))
@hypothesis_settings(max_examples=30)
def test_gain_and_offset_of_the_camera_do_not_matter(gain: float, offset: float) -> None:
    image = np.random.default_rng(0).random((1, 20, 20))
    np.testing.assert_allclose(scale_brightness(image * gain + offset), scale_brightness(image), atol=2e-2)
