"""Clicks become outlines through real ONNX files with the inputs and outputs of Segment Anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.methods.prompts.prompt import Prompt, PromptPoint
from veriscope.methods.prompts.segmenter import Embedding, PromptSegmenter

Mask = NDArray[np.bool_]


@pytest.fixture(scope="module")
def tiny(tiny_segmenter: Path) -> PromptSegmenter:
    return load(tiny_segmenter)


def load(folder: Path) -> PromptSegmenter:
    files = [(folder / name).read_bytes() for name in ("encoder.onnx", "decoder.onnx")]
    return PromptSegmenter(files[0], files[1], name="tiny", threads=1)


def discs(shape: tuple[int, int], *places: tuple[float, float, float]) -> tuple[NDArray[Any], list[Mask]]:
    """A 16-bit image of bright discs (y, x, radius) with noise, and each disc."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    masks = [np.hypot(y - cy, x - cx) < radius for cy, cx, radius in places]
    noise = np.random.default_rng(0).normal(400, 12, shape)
    return (noise + 3000 * np.any(masks, axis=0)).astype(np.uint16)[None], masks


def iou(a: Mask, b: Mask) -> float:
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("shape", [(256, 256), (200, 320), (330, 190), (1400, 1100)])
def test_a_click_gives_the_object_wherever_it_is(tiny: PromptSegmenter, shape: tuple[int, int]) -> None:
    h, w = shape
    radius = 0.08 * min(shape)
    places = [(0.2 * h, 0.25 * w, radius), (0.75 * h, 0.8 * w, radius), (0.8 * h, 0.15 * w, radius)]
    pixels, masks = discs(shape, *places)
    embedding = tiny.embed(pixels)
    assert embedding.shape == shape and embedding.values.shape == (1, 256, 64, 64)
    for (y, x, _), expected in zip(places, masks, strict=True):
        found = tiny.segment(embedding, Prompt((PromptPoint(y, x),)))
        assert found.mask.shape == shape and found.mask.dtype == np.bool_
        assert iou(found.mask, expected) > 0.9
        centre = np.array(np.nonzero(found.mask)).mean(axis=1)
        np.testing.assert_allclose(centre, (y, x), atol=0.6)  # no half pixel of the network is lost
        assert found.quality == pytest.approx(0.88, abs=1e-4)


def test_the_same_prompt_gives_the_same_outline(tiny: PromptSegmenter) -> None:
    pixels, _ = discs((128, 128), (40, 40, 15))
    prompt = Prompt((PromptPoint(40, 40), PromptPoint(45, 42)))
    first, second = (tiny.segment(tiny.embed(pixels), prompt) for _ in range(2))
    np.testing.assert_array_equal(first.mask, second.mask)
    assert first.quality == second.quality == pytest.approx(0.91, abs=1e-4)  # the mask for several points


def test_a_click_outside_keeps_to_one_side(tiny: PromptSegmenter) -> None:
    pixels, (left, right) = discs((200, 200), (100, 80, 25), (100, 125, 25))
    embedding = tiny.embed(pixels)
    both = tiny.segment(embedding, Prompt((PromptPoint(100, 75),))).mask
    assert iou(both, left | right) > 0.9
    one = tiny.segment(embedding, Prompt((PromptPoint(100, 75), PromptPoint(100, 130, inside=False)))).mask
    assert iou(one, left) > 0.75 and not one[100, 130]


def test_a_box_gives_what_is_in_it(tiny: PromptSegmenter) -> None:
    pixels, (wanted, other) = discs((200, 240), (60, 60, 20), (150, 180, 20))
    found = tiny.segment(tiny.embed(pixels), Prompt(box=(36, 36, 84, 84)))
    assert iou(found.mask, wanted) > 0.9 and not (found.mask & other).any()
    # Half of the disc lies in the box: nothing outside of it is taken.
    half = tiny.segment(tiny.embed(pixels), Prompt((PromptPoint(60, 50),), (30, 30, 90, 60))).mask
    assert half[60, 50] and not half[:, 61:].any()


def test_parts_that_nobody_pointed_at_are_left_out(tiny: PromptSegmenter) -> None:
    pixels, masks = discs((200, 200), (50, 50, 18), (150, 150, 18), (50, 150, 25), (100, 100, 10))
    embedding = tiny.embed(pixels)
    two = tiny.segment(embedding, Prompt((PromptPoint(50, 50), PromptPoint(150, 150)))).mask
    assert iou(two, masks[0] | masks[1]) > 0.9
    boxed = tiny.segment(embedding, Prompt(box=(20, 20, 180, 180))).mask
    assert iou(boxed, masks[2]) > 0.9  # the largest of four


def test_wrong_prompts_and_images_are_refused(tiny: PromptSegmenter) -> None:
    pixels, _ = discs((64, 64), (30, 30, 9))
    embedding = tiny.embed(pixels)
    with pytest.raises(InputError, match="lies outside the image of 64 x 64 pixels"):
        tiny.segment(embedding, Prompt((PromptPoint(64, 3),)))
    with pytest.raises(PixelValueError, match="at least one pixel"):
        tiny.embed(np.zeros((1, 0, 4)))
    other = Embedding(np.zeros((1, 256, 32, 32), np.float32), (64, 64))
    with pytest.raises(ShapeMismatchError, match="embed the image with the same model"):
        tiny.segment(other, Prompt((PromptPoint(3, 3),)))


def test_one_pixel_is_an_image(tiny: PromptSegmenter) -> None:
    embedding = tiny.embed(np.full((1, 1, 1), 9, np.uint8))
    assert tiny.segment(embedding, Prompt((PromptPoint(0, 0),))).mask.shape == (1, 1)
