"""Random crops: repeatable, true to their labels however they are turned, clear about what is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.training.conftest import draw_discs

from veriscope.training.heads.base import PixelHead
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.flow_targets import dense_targets
from veriscope.training.heads.semantic import SemanticHead
from veriscope.training.images.augment import Sampler, TrainingImage
from veriscope.training.images.light import Augmentation
from veriscope.training.images.prepare import median_diameter

OFF: dict[str, Any] = {"scale": 0, "elastic": 0, "stain": 0, "optics": 0, "camera": 0, "empty": 0}


def options(**changed: Any) -> Augmentation:
    return Augmentation.parse(OFF | changed, where="test")


def image(labels: np.ndarray, head: PixelHead, *, channels: int = 1, weight: float = 1.0) -> TrainingImage:
    """Give an image that is 1 where an object is known, else 0."""
    labels = labels.astype(np.int32)
    pixels = np.repeat((labels > 0)[None].astype(np.float32), channels, axis=0)
    return TrainingImage(pixels, labels, head.targets(np.maximum(labels, 0)), median_diameter(labels), weight)


def discs(seed: int = 0, side: int = 96) -> np.ndarray:
    return draw_discs(seed, side=side)[1].astype(np.int32)


def drawn(images: list[TrainingImage], changed: Augmentation, n: int = 40, *, size: int = 48, seed: int = 0):
    """Give pixels and targets of the head and where they are known, as arrays."""
    pixels, targets = Sampler(images, FlowHead(), changed, size=size, seed=seed).batch(0, n)
    return pixels.numpy(), targets.numpy()[:, :-1], targets.numpy()[:, -1] > 0


def test_a_batch_is_the_same_under_the_same_number_and_seed() -> None:
    images = [image(discs(seed), FlowHead()) for seed in range(3)]
    made = [
        Sampler(images, FlowHead(), Augmentation(), size=32, seed=seed).batch(number, 5)
        for seed, number in ((1, 5), (1, 5), (1, 6), (2, 5))
    ]
    assert made[0][0].shape == (5, 1, 32, 32) and made[0][1].shape == (5, 6, 32, 32)
    assert all(values.dtype.is_floating_point and values.isfinite().all() for values in made[0])
    assert made[0][0].equal(made[1][0]) and made[0][1].equal(made[1][1])
    assert not made[0][0].equal(made[2][0]) and not made[0][0].equal(made[3][0])


@pytest.mark.parametrize("changed", [{}, {"scale": 0.6}, {"elastic": 0.5}], ids=["turned", "scaled", "bent"])
def test_labels_go_where_their_pixels_go(changed: dict[str, Any]) -> None:
    pixels, targets, known = drawn([image(discs(), FlowHead())], options(**changed))
    agree = (pixels[:, 0] > 0.5) == (targets[:, 0] > 0)
    assert agree[known].mean() > 0.985
    assert len({one.tobytes() for one in pixels}) == len(pixels)


def test_directions_turn_with_the_image() -> None:
    _, targets, known = drawn([image(discs(), FlowHead())], options(scale=0.3), size=64)
    cosines = []
    for (foreground, *_, flow_y, flow_x), certain in zip(targets, known, strict=True):
        fresh = dense_targets((foreground > 0).astype(np.int32))
        whole = np.pad(np.zeros((44, 44), bool), 10, constant_values=True)
        inside = (foreground > 0) & certain & ~whole & (fresh[1] < 0.8)
        cosines.append((flow_y * fresh[3] + flow_x * fresh[4])[inside])
    together = np.concatenate(cosines)
    assert len(together) > 2000
    assert np.median(together) > 0.97
    assert (together > 0.7).mean() > 0.93


def test_directions_keep_length_one_or_none() -> None:
    _, targets, _ = drawn([image(discs(), FlowHead())], options(scale=0.6, elastic=0.5))
    length = np.hypot(targets[:, 3], targets[:, 4])
    assert np.allclose(length[length > 0.1], 1, atol=1e-4)
    assert not length[targets[:, 0] == 0].any()


def test_what_lies_outside_or_was_not_annotated_is_not_known() -> None:
    labels = discs(side=40)
    pixels, targets, known = drawn([image(labels, FlowHead())], options(), size=80)
    assert pixels.shape == (40, 1, 80, 80)
    assert 0.15 < known.mean() < 0.3  # a quarter of the crop, or less where it is moved to an object
    half = labels.copy()
    half[:, 20:] = -1
    (_, targets, partly) = drawn([image(half, FlowHead())], options(), size=80)
    assert 0.3 < partly.mean() / known.mean() < 0.7
    assert (targets >= -1).all()


def test_crops_of_a_large_image_lie_where_something_is_annotated() -> None:
    labels = np.full((600, 600), -1, np.int32)
    labels[500:560, 20:80] = discs(side=60)
    _, targets, known = drawn([image(labels, FlowHead())], options(), size=48)
    assert known.any((1, 2)).all()
    assert known.mean() > 0.4
    labels[labels > 0] = 0
    _, targets, known = drawn([image(labels, FlowHead())], options(), size=48)
    assert (known & (targets[:, 0] == 0)).mean() > 0.2
    nothing = np.full((600, 600), -1, np.int32)
    assert not drawn([image(nothing, FlowHead())], options(), size=48)[2].any()


def roughness(one: TrainingImage, changed: Augmentation) -> float:
    """Give the share of object pixels that lie on an outline: the smaller the objects, the larger."""
    _, targets, known = drawn([one], changed, size=64, n=120)
    inside = (targets[:, 0] > 0) & known
    steps = (inside[:, 1:] != inside[:, :-1]) & known[:, 1:] & known[:, :-1]
    return float(steps.sum() / inside.sum())


def test_objects_are_not_scaled_beyond_the_sizes_allowed() -> None:
    one = image(discs(), FlowHead())
    diameter = one.diameter
    plain = roughness(one, options())
    kept = roughness(one, options(scale=1, diameters=(diameter, diameter)))
    assert kept == pytest.approx(plain, rel=0.1)
    assert roughness(one, options(scale=1, diameters=(1, diameter))) > 1.2 * plain
    assert roughness(one, options(scale=1, diameters=(diameter, 1000))) < 0.8 * plain


def test_images_are_drawn_by_their_weight() -> None:
    empty, full = np.zeros((64, 64), np.int32), np.ones((64, 64), np.int32)
    images = [image(empty, FlowHead(), weight=3), image(full, FlowHead(), weight=1)]
    _, targets, _ = drawn(images, options(), n=400, size=8)
    share = (targets[:, 0].mean((1, 2)) > 0.5).mean()
    assert share == pytest.approx(0.25, abs=0.07)
    never = [replace(images[0], weight=0.0), images[1]]
    assert (drawn(never, options(), size=8)[1][:, 0] == 1).all()


def test_some_crops_are_made_up_and_empty_but_not_in_colour() -> None:
    full = np.ones((64, 64), np.int32)
    pixels, targets, known = drawn([image(full, FlowHead())], options(empty=0.5), n=200, size=16)
    made_up = ~targets[:, 0].any((1, 2))
    assert made_up.mean() == pytest.approx(0.5, abs=0.12)
    assert known[made_up].all()
    assert np.isfinite(pixels).all() and pixels[made_up].std((1, 2, 3)).min() > 0
    _, coloured, _ = drawn([image(full, FlowHead(), channels=3)], options(empty=0.5), n=50, size=16)
    assert (coloured[:, 0] == 1).all()


def test_every_object_is_stained_anew_and_the_background_stays() -> None:
    plain = image(discs(), FlowHead())
    texture = 0.2 * np.random.default_rng(0).random(plain.pixels.shape, dtype=np.float32)
    one = replace(plain, pixels=plain.pixels + texture * (plain.labels == 0))
    pixels, targets, known = drawn([one], options(stain=1), size=64)
    deep = (targets[:, 1] > 0.7) & known
    inside = [one[place].mean() for (one,), place in zip(pixels, deep, strict=True) if place.any()]
    assert np.std(inside) > 0.1
    far = (targets[:, 0] == 0) & known
    highest = [np.percentile(one[place], 80) for (one,), place in zip(pixels, far, strict=True)]
    assert np.allclose(highest, 0.16, atol=0.04)


def test_half_of_the_images_of_any_kind_are_inverted() -> None:
    pixels, targets, known = drawn([image(discs(), FlowHead())], options(style="any"), n=100)
    inside = [
        one[(target > 0) & certain].mean()
        for (one,), target, certain in zip(pixels, targets[:, 0], known, strict=True)
        if ((target > 0) & certain).any()
    ]
    dark = np.array(inside) < 0.5
    assert 0.3 < dark.mean() < 0.7


def test_classes_of_pixels_are_never_mixed() -> None:
    labels = np.zeros((64, 64), np.int32)
    labels[:32], labels[40:, 20:] = 2, 5
    _, targets = Sampler(
        [image(labels, SemanticHead(6))], SemanticHead(6), options(scale=0.5, elastic=0.5), size=32, seed=0
    ).batch(0, 30)
    assert targets.shape == (30, 2, 32, 32)
    assert set(np.unique(targets[:, 0])) == {0.0, 2.0, 5.0}
