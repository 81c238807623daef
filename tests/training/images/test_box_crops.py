"""Crops with boxes: where pixels and boxes go, also beyond the image; scale, turns and weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from veriscope.training.images.box_crops import BoxImage, BoxSampler
from veriscope.training.images.light import Augmentation

OFF: dict[str, Any] = {"style": "brightfield", "scale": 0, "stain": 0, "optics": 0, "camera": 0}
PLAIN = Augmentation.parse(OFF, where="test")


def painted(height: int, width: int, *boxes: tuple[float, ...], weight: float = 1.0) -> BoxImage:
    """Zero everywhere but in the boxes."""
    pixels = np.zeros((1, height, width), np.float32)
    for y0, x0, y1, x1 in boxes:
        pixels[0, int(y0) : int(y1), int(x0) : int(x1)] = 1
    edges = np.array(boxes, float).reshape(-1, 4)
    return BoxImage(pixels, edges, np.zeros(len(edges), np.int64), weight)


def asked_for(targets: torch.Tensor) -> list[tuple[int, np.ndarray]]:
    """The boxes that targets ask for, by crop: y0, x0, y1, x1 in pixels of the crop."""
    found = []
    for crop, y, x in torch.nonzero(targets[:, -1] == 1).tolist():
        sides = np.exp(targets[crop, -5:-3, y, x].numpy())
        centre = (targets[crop, -3:-1, y, x].numpy() + np.array([y, x])) * 4
        found.append((crop, np.concatenate([centre - sides / 2, centre + sides / 2])))
    return found


@given(st.sampled_from([0.5, 1.0, 2.0]), st.integers(0, 60))
@hypothesis_settings(max_examples=25)
def test_boxes_lie_around_what_is_painted_at_every_zoom(zoom: float, number: int) -> None:
    image = painted(80, 100, (10, 12, 34, 44), (50, 60, 74, 90))
    sampler = BoxSampler([image], 1, PLAIN, size=64, zoom=zoom, seed=1)
    pixels, targets = sampler.batch(number, 3)
    for crop, (y0, x0, y1, x1) in asked_for(targets):
        inside = pixels[crop, 0, int(y0) + 3 : int(y1) - 2, int(x0) + 3 : int(x1) - 2]
        assert inside.numel() and float(inside.min()) > 0.95
        edges = [int(max(0, y0 - 3)), int(max(0, x0 - 3)), int(y1) + 3, int(x1) + 3]
        around = pixels[crop, 0, edges[0] : edges[2], edges[1] : edges[3]]
        if min(edges[:2]) > 0 and max(edges[2:]) < 64:
            assert float(around[0].max()) < 0.05 and float(around[:, 0].max()) < 0.05
            assert float(around[-1].max()) < 0.05 and float(around[:, -1].max()) < 0.05
    share = float((pixels > 0.5).float().mean())
    areas = sum(
        np.prod(np.clip(box[2:], 0, 64) - np.clip(box[:2], 0, 64)) for _, box in asked_for(targets)
    ) / (3 * 64 * 64)
    # Objects that mostly lie outside are seen and not asked for.
    assert areas <= share + 0.03


def test_zoom_makes_objects_as_many_times_larger() -> None:
    image = painted(60, 60, (20, 24, 36, 36))
    sizes = {}
    for zoom in (0.5, 1.0, 2.0):
        _, targets = BoxSampler([image], 1, PLAIN, size=64, zoom=zoom, seed=0).batch(0, 40)
        whole = [box[2:] - box[:2] for _, box in asked_for(targets) if box.min() > 1 and box.max() < 63]
        sizes[zoom] = np.median([np.sqrt(side.prod()) for side in whole])
    assert sizes[2.0] / sizes[1.0] == pytest.approx(2, rel=0.1)
    assert sizes[1.0] / sizes[0.5] == pytest.approx(2, rel=0.15)
    assert sizes[1.0] == pytest.approx(np.sqrt(16 * 12), rel=0.1)


def test_crops_are_mirrored_and_transposed() -> None:
    image = painted(64, 64, (8, 8, 16, 40))
    _, targets = BoxSampler([image], 1, PLAIN, size=64, zoom=1.0, seed=0).batch(0, 80)
    boxes = [box for _, box in asked_for(targets)]
    tall = [box for box in boxes if box[2] - box[0] > box[3] - box[1]]
    assert 20 < len(tall) < 60
    quarters = {(bool(box[0] + box[2] > 64), bool(box[1] + box[3] > 64)) for box in boxes}
    assert len(quarters) == 4


def test_what_lies_beyond_a_small_image_is_its_edge_and_no_object() -> None:
    image = painted(12, 12, (4, 4, 8, 8))
    pixels, targets = BoxSampler([image], 1, PLAIN, size=64, zoom=1.0, seed=0).batch(0, 10)
    assert pixels.shape == (10, 1, 64, 64)
    assert len(asked_for(targets)) == 10
    assert ((pixels > 0.5).sum((1, 2, 3)) < 40).all()


def test_an_image_without_boxes_asks_for_nothing() -> None:
    image = painted(50, 50)
    pixels, targets = BoxSampler([image], 3, PLAIN, size=32, zoom=1.0, seed=0).batch(0, 4)
    assert pixels.shape == (4, 1, 32, 32) and targets.shape == (4, 8, 8, 8)
    assert not targets.any()


def test_classes_have_maps_of_their_own() -> None:
    image = painted(64, 64, (8, 8, 24, 24), (40, 40, 56, 56))
    two = BoxImage(image.pixels, image.boxes, np.array([2, 0]))
    _, targets = BoxSampler([two], 3, PLAIN, size=64, zoom=1.0, seed=0).batch(0, 6)
    peaks = (targets[:, :3] == 1).sum((0, 2, 3)).tolist()
    assert peaks[0] > 0 and peaks[2] > 0 and peaks[1] == 0


def test_images_are_drawn_by_weight() -> None:
    empty, full = painted(40, 40, weight=3.0), painted(40, 40, (4, 4, 36, 36), weight=1.0)
    _, targets = BoxSampler([empty, full], 1, PLAIN, size=32, zoom=1.0, seed=0).batch(0, 400)
    share = targets[:, -1].flatten(1).any(1).float().mean().item()
    assert share == pytest.approx(0.25, abs=0.07)


def test_scale_changes_sizes_and_no_scale_leaves_them_but_for_a_little_stretch() -> None:
    image = painted(64, 64, (24, 24, 40, 40))

    def spread(scale: float) -> float:
        options = Augmentation.parse(OFF | {"scale": scale}, where="test")
        _, targets = BoxSampler([image], 1, options, size=64, zoom=1.0, seed=0).batch(0, 120)
        return float(np.std([np.log((box[2:] - box[:2]).prod()) / 2 for _, box in asked_for(targets)]))

    assert spread(0.0) < 0.06
    assert spread(0.5) > 0.2


def test_shrinking_averages_instead_of_picking_pixels() -> None:
    stripes = np.tile(np.array([0.0, 1.0], np.float32), 64)[None, None].repeat(128, 1)
    image = BoxImage(stripes, np.zeros((0, 4)), np.zeros(0, np.int64))
    pixels, _ = BoxSampler([image], 1, PLAIN, size=32, zoom=0.25, seed=0).batch(0, 6)
    middle = pixels[:, :, 4:-4, 4:-4]
    # Three or four pixels are averaged first, of which one or two are bright.
    assert float(middle.min()) > 0.3 and float(middle.max()) < 0.7
