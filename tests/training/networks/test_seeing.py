"""A start is shown images in the way in which it tells objects from what lies around them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.training.conftest import disc_images

from veriscope.training.networks.known import KnownNetwork
from veriscope.training.networks.seeing import choose_sees


@pytest.mark.parametrize("n_channels", [1, 3])
def test_dark_objects_are_shown_as_density_to_a_start_that_knows_bright_ones(
    brightness: KnownNetwork, n_channels: int
) -> None:
    sees, shown = choose_sees(brightness, n_channels, disc_images(dark=True, n_channels=n_channels))
    assert sees == "density"
    assert shown["density"] > 0.99
    assert shown["light"] < 0.01
    sees, shown = choose_sees(brightness, n_channels, disc_images(n_channels=n_channels))
    assert sees == "light"
    assert shown["light"] > 0.99


def test_a_start_that_was_trained_on_density_keeps_it(brightness: KnownNetwork) -> None:
    absorbs = replace(brightness, settings={**brightness.settings, "sees": "density"})
    assert absorbs.sees == "density"
    assert choose_sees(absorbs, 1, disc_images(dark=True))[0] == "density"
    assert choose_sees(absorbs, 1, disc_images())[0] == "light"


def test_what_makes_no_difference_changes_nothing(brightness: KnownNetwork) -> None:
    images = disc_images()
    noise = np.random.default_rng(0).random(images[0].pixels.shape, np.float32)
    same = [replace(image, pixels=noise) for image in images]
    for own in ("light", "density"):
        start = replace(brightness, settings={**brightness.settings, "sees": own})
        sees, shown = choose_sees(start, 1, same)
        assert sees == own
        assert all(0.45 < value < 0.55 for value in shown.values())


def test_pixels_that_are_not_known_do_not_count(brightness: KnownNetwork) -> None:
    (image,) = disc_images(1)
    labels, pixels = image.labels.copy(), image.pixels.copy()
    labels[:, 48:] = -1
    pixels[:, :, 48:] = 1 - pixels[:, :, 48:]
    half = replace(image, labels=labels, pixels=pixels)
    assert choose_sees(brightness, 1, [half])[1]["light"] > 0.99
    everywhere = replace(half, labels=image.labels)
    assert choose_sees(brightness, 1, [everywhere])[1]["light"] < 0.9


def test_images_of_any_size_are_looked_at_around_what_is_annotated(brightness: KnownNetwork) -> None:
    (image,) = disc_images(1, dark=True)
    far = np.pad(image.labels, ((400, 7), (301, 0)), constant_values=-1)
    bright = np.pad(image.pixels, ((0, 0), (400, 7), (301, 0)), constant_values=1)
    sees, shown = choose_sees(brightness, 1, [replace(image, labels=far, pixels=bright)])
    assert sees == "density"
    assert shown["density"] > 0.99


def test_annotations_that_lie_far_apart_are_looked_at_where_they_are(brightness: KnownNetwork) -> None:
    (image,) = disc_images(1, dark=True)
    side = image.labels.shape[0]
    labels = np.full((900, 700), -1, np.int32)
    pixels = np.ones((1, 900, 700), np.float32)
    for y, x in ((0, 0), (900 - side, 700 - side)):
        labels[y : y + side, x : x + side] = image.labels
        pixels[:, y : y + side, x : x + side] = image.pixels
    sees, shown = choose_sees(brightness, 1, [replace(image, labels=labels, pixels=pixels)])
    assert sees == "density"
    assert shown["density"] > 0.99


def test_objects_far_from_all_known_surroundings_are_not_compared_with_these(
    brightness: KnownNetwork,
) -> None:
    (image,) = disc_images(1, dark=True)
    labels = np.full((900, 700), -1, np.int32)
    pixels = np.ones((1, 900, 700), np.float32)
    labels[:50, :50], labels[-50:, -50:] = 1, 0
    lonely = replace(image, labels=labels, pixels=pixels)
    assert choose_sees(brightness, 1, [lonely]) == ("light", {})
    sees, shown = choose_sees(brightness, 1, [lonely, image])
    assert (sees, shown) == choose_sees(brightness, 1, [image])


def test_without_objects_or_surroundings_there_is_nothing_to_choose_by(brightness: KnownNetwork) -> None:
    (image,) = disc_images(1, dark=True)
    for labels in (np.zeros_like(image.labels), np.ones_like(image.labels), np.full_like(image.labels, -1)):
        assert choose_sees(brightness, 1, [replace(image, labels=labels)]) == ("light", {})
    assert choose_sees(brightness, 1, []) == ("light", {})


@pytest.mark.parametrize("head", ["semantic", "denoise", "masked", "boxes", "classification"])
def test_a_start_that_finds_no_outlines_is_not_asked(brightness: KnownNetwork, head: str) -> None:
    other = replace(brightness, settings={**brightness.settings, "head": head})
    assert choose_sees(other, 1, disc_images(dark=True)) == ("light", {})
