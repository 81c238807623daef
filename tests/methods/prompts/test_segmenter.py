"""Clicks become outlines through real ONNX files with the inputs and outputs of Segment Anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.errors import InputError, MethodError, PixelValueError, ShapeMismatchError
from veriscope.methods.prompts.onnx_files import OnnxFile
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


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], tuple[Any, ...]]]:
    """What networks were given, and what they gave; newest last."""
    found: list[tuple[dict[str, Any], tuple[Any, ...]]] = []
    run = OnnxFile.run

    def note(self: OnnxFile, arrays: dict[str, Any], names: tuple[str, ...]) -> Any:
        given = run(self, arrays, names)
        found.append((arrays, tuple(given)))
        return given

    monkeypatch.setattr(OnnxFile, "run", note)
    return found


def test_each_click_is_answered_with_the_mask_of_those_before(
    tiny: PromptSegmenter, asked: list[tuple[dict[str, Any], tuple[Any, ...]]]
) -> None:
    pixels, _ = discs((200, 240), (60, 60, 20), (150, 180, 20))
    points = (PromptPoint(60, 60), PromptPoint(70, 60), PromptPoint(150, 180, inside=False))
    embedding = tiny.embed(pixels)
    asked.clear()
    tiny.segment(embedding, Prompt(points))
    assert [item["has_mask_input"].tolist() for item, _ in asked] == [[0], [1], [1]]
    assert [item["point_labels"].tolist() for item, _ in asked] == [[[1, -1]], [[1, 1, -1]], [[1, 1, 0, -1]]]
    assert not asked[0][0]["mask_input"].any()
    whole, several = 1, 0  # the masks that one click and several mean
    np.testing.assert_array_equal(asked[1][0]["mask_input"][0, 0], asked[0][1][1][0, whole])
    np.testing.assert_array_equal(asked[2][0]["mask_input"][0, 0], asked[1][1][1][0, several])


def test_what_was_proposed_before_changes_the_answer(tiny: PromptSegmenter) -> None:
    pixels = np.full((1, 120, 120), 100, np.uint8)
    pixels[0, 40:80, 20:60], pixels[0, 40:80, 60:100] = 250, 175
    embedding = tiny.embed(pixels)
    first = tiny.segment(embedding, Prompt((PromptPoint(60, 40),))).mask
    assert first[60, 40] and not first[60, 80]
    both = Prompt((PromptPoint(60, 40), PromptPoint(60, 80)))
    other_way = Prompt(both.points[::-1])
    # Half way between both nothing is alike enough by itself: it is the first click that decides.
    assert tiny.segment(embedding, both).mask[60, 40] and not tiny.segment(embedding, both).mask[60, 80]
    assert tiny.segment(embedding, other_way).mask[60, 80]


def test_what_is_known_of_earlier_clicks_is_not_asked_again(
    tiny: PromptSegmenter, asked: list[tuple[dict[str, Any], tuple[Any, ...]]]
) -> None:
    pixels, _ = discs((200, 200), (100, 80, 25), (100, 125, 25))
    embedding = tiny.embed(pixels)
    points = (PromptPoint(100, 75), PromptPoint(100, 130, inside=False), PromptPoint(95, 80))
    known: dict[Prompt, NDArray[np.float32]] = {}
    asked.clear()
    clicked = [tiny.segment(embedding, Prompt(points[:n]), known) for n in (1, 2, 3)]
    assert len(asked) == 3 and [len(prompt.points) for prompt in known] == [1, 2, 3]
    taken_back = tiny.segment(embedding, Prompt(points[:2]), known)
    assert len(asked) == 4
    anew = tiny.segment(embedding, Prompt(points))
    assert len(asked) == 7
    np.testing.assert_array_equal(clicked[2].mask, anew.mask)
    np.testing.assert_array_equal(clicked[1].mask, taken_back.mask)
    assert clicked[2].quality == anew.quality


def test_masks_that_are_no_numbers_are_refused(
    tiny: PromptSegmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedding = tiny.embed(np.zeros((1, 8, 8), np.uint8))
    bad = (np.zeros((1, 4)), np.full((1, 4, 256, 256), np.nan))
    monkeypatch.setattr(OnnxFile, "run", lambda *_: bad)
    with pytest.raises(MethodError, match="the decoder of tiny gives values that are no numbers"):
        tiny.segment(embedding, Prompt((PromptPoint(3, 3),)))


def test_one_pixel_is_an_image(tiny: PromptSegmenter) -> None:
    embedding = tiny.embed(np.full((1, 1, 1), 9, np.uint8))
    assert tiny.segment(embedding, Prompt((PromptPoint(0, 0),))).mask.shape == (1, 1)
