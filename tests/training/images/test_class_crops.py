"""Crops of images with classes: repeatable in training, and at validation what prediction sees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.methods.networks.class_network import continued, shrunk
from veriscope.training.images.class_crops import ClassesInTurn, ClassImage, ClassSampler
from veriscope.training.images.light import Augmentation

PLAIN = Augmentation(scale=0, elastic=0, stain=0, optics=0, camera=0, empty=0)


def images(*shapes: tuple[int, int], channels: int = 1) -> list[ClassImage]:
    rng = np.random.default_rng(0)
    return [
        ClassImage(rng.random((channels, *shape), dtype=np.float32), number)
        for number, shape in enumerate(shapes)
    ]


def test_a_batch_is_the_same_under_the_same_number_and_seed() -> None:
    made = [
        ClassSampler(images((40, 30), (20, 60)), Augmentation(), size=32, seed=seed).batch(number, 6)
        for seed, number in ((1, 5), (1, 5), (1, 6), (2, 5))
    ]
    assert made[0][0].shape == (6, 1, 32, 32)
    assert made[0][0].equal(made[1][0]) and made[0][1].equal(made[1][1])
    assert not made[0][0].equal(made[2][0])
    assert not made[0][0].equal(made[3][0])


def test_classes_are_drawn_as_often_as_they_occur() -> None:
    sampler = ClassSampler(images((8, 8), (8, 8), (8, 8), (8, 8)), PLAIN, size=8, seed=0)
    targets = np.concatenate([sampler.batch(number, 50)[1].numpy() for number in range(8)])
    assert np.bincount(targets, minlength=4).min() > 60


def test_crops_of_a_fitting_image_keep_its_brightness_and_their_own_place() -> None:
    (image,) = images((32, 32))
    pixels, _ = ClassSampler([image], PLAIN, size=32, seed=0).batch(0, 40)
    # Turned, mirrored and shifted by a pixel or two.
    assert np.allclose(pixels.numpy().mean((1, 2, 3)), image.pixels.mean(), atol=0.05)
    assert len({one.tobytes() for one in pixels.numpy()}) == 40


def test_validation_goes_through_all_images_in_turn() -> None:
    given_images = images((16, 16), (40, 24), (10, 6))
    turn = ClassesInTurn(given_images, size=16)
    pixels, targets = turn.batch(0, 2)
    more, rest = turn.batch(1, 2)
    assert [*targets.tolist(), *rest.tolist()] == [0, 1, 2, 0]
    assert np.array_equal(pixels[0].numpy(), given_images[0].pixels)
    assert np.array_equal(pixels[1].numpy(), given_images[1].pixels[:, 12:28, 4:20])
    assert np.array_equal(more[0].numpy(), continued(given_images[2].pixels, 16))


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))
@settings(deadline=None)
def test_small_images_are_continued_by_their_edges(height: int, width: int, side: int) -> None:
    values = np.random.default_rng(height).random((2, height, width), dtype=np.float32)
    found = continued(values, side)
    assert found.shape == (2, max(side, height), max(side, width))
    y, x = (max(side - n, 0) // 2 for n in (height, width))
    assert np.array_equal(found[:, y : y + height, x : x + width], values)
    assert set(np.unique(found)) <= set(np.unique(values))


@pytest.mark.parametrize("zoom", [1.0, 0.5, 0.13])
def test_an_image_is_brought_to_scale_with_its_brightness(zoom: float) -> None:
    values = np.full((3, 50, 31), 0.25, np.float32)
    found = shrunk(values, zoom)
    assert found.shape == (3, round(50 * zoom), round(31 * zoom))
    assert np.allclose(found, 0.25)
    assert shrunk(values[:, :1, :1], zoom).shape == (3, 1, 1)
