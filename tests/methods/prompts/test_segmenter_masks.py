"""Which of the masks that a decoder proposes is meant, and how it comes to the pixels of the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import MethodError, ShapeMismatchError
from veriscope.methods.prompts import segmenter
from veriscope.methods.prompts.contract import DECODER_INPUTS
from veriscope.methods.prompts.onnx_files import Declared
from veriscope.methods.prompts.prompt import Prompt, PromptPoint
from veriscope.methods.prompts.segmenter import Embedding, PromptSegmenter

SIDE, GRID = 64, 4
Logits = NDArray[np.float32]


class Encoder:
    """Reads pictures of 64 pixels, and notes what it is shown."""

    title = "the encoder"

    def __init__(self, prepares: bool) -> None:
        picture = Declared("image", "float32", (None, None, 3) if prepares else (1, 3, SIDE, SIDE))
        self.inputs = {"image": picture}
        self.outputs = {"image_embeddings": Declared("image_embeddings", "float32", (1, 2, GRID, GRID))}
        self.shown: list[NDArray[Any]] = []

    def run(self, arrays: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> list[NDArray[Any]]:
        self.shown.append(arrays["image"])
        return [np.ones((1, 2, GRID, GRID), np.float32)]


class Decoder:
    """Proposes what it is told to, and notes what it is asked."""

    title = "the decoder"

    def __init__(self) -> None:
        shapes: dict[str, tuple[int | None, ...]] = {
            "image_embeddings": (1, 2, GRID, GRID),
            "point_coords": (1, None, 2),
            "point_labels": (1, None),
            "mask_input": (1, 1, 16, 16),
            "has_mask_input": (1,),
            "orig_im_size": (2,),
        }
        self.inputs = {name: Declared(name, "float32", shapes[name]) for name in DECODER_INPUTS}
        outputs = ("iou_predictions", "low_res_masks")
        self.outputs = {name: Declared(name, "float32", (1, None)) for name in outputs}
        self.quality = np.array([0.5, 0.6, 0.7, 0.65])
        self.masks: Logits = np.full((4, 16, 16), -1, np.float32)
        self.asked: list[Mapping[str, NDArray[Any]]] = []

    def run(self, arrays: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> list[NDArray[Any]]:
        self.asked.append(arrays)
        return [self.quality[None].astype(np.float32), self.masks[None]]


def model(
    monkeypatch: pytest.MonkeyPatch, *, n_masks: int = 4, prepares: bool = False
) -> tuple[PromptSegmenter, Encoder, Decoder]:
    encoder, decoder = Encoder(prepares), Decoder()
    decoder.quality, decoder.masks = decoder.quality[:n_masks], decoder.masks[:n_masks]
    files = iter((encoder, decoder))
    monkeypatch.setattr(segmenter, "open_onnx", lambda content, *, title, threads: next(files))
    made = PromptSegmenter(b"", b"", name="made-up")
    decoder.asked.clear()
    return made, encoder, decoder


def numbered(n: int) -> Logits:
    """Masks that are told apart: mask number i is positive in row i alone."""
    masks = np.full((n, 16, 16), -1, np.float32)
    for number in range(n):
        masks[number, 4 * number : 4 * number + 4] = 1
    return masks


def click(y: float = 8, x: float = 8, *, inside: bool = True) -> PromptPoint:
    return PromptPoint(y, x, inside)


EMBEDDING = Embedding(np.ones((1, 2, GRID, GRID), np.float32), (16, 16))


@pytest.mark.parametrize(
    ("prompt", "quality", "chosen"),
    [
        (Prompt((click(),)), [0.99, 0.6, 0.7, 0.65], 2),
        (Prompt((click(),)), [0.99, 0.9, 0.7, 0.65], 1),
        (Prompt((click(),)), [0.0, np.nan, np.nan, 0.1], 3),
        (Prompt((click(),)), [0.0, 0.7, 0.7, 0.7], 1),
        (Prompt((click(), click(2, 2))), [0.1, 0.6, 0.7, 0.65], 0),
        (Prompt((click(), click(2, 2, inside=False))), [0.1, 0.6, 0.7, 0.65], 0),
        (Prompt((), (1, 1, 9, 9)), [0.1, 0.6, 0.7, 0.65], 0),
        (Prompt((click(),), (1, 1, 9, 9)), [0.1, 0.6, 0.7, 0.65], 0),
    ],
)
def test_one_click_may_mean_three_things_and_more_mean_one(
    monkeypatch: pytest.MonkeyPatch, prompt: Prompt, quality: list[float], chosen: int
) -> None:
    made, _, decoder = model(monkeypatch)
    decoder.quality, decoder.masks = np.array(quality), numbered(4)
    known: dict[Prompt, Logits] = {}
    found = made.segment(EMBEDDING, prompt, known)
    np.testing.assert_array_equal(known[prompt], numbered(4)[chosen])
    assert found.quality == pytest.approx(quality[chosen])


@pytest.mark.parametrize(
    ("quality", "chosen"), [([0.2], 0), ([0.2, 0.9, 0.5], 1), ([np.nan, 0.1, 0.0], 1), ([np.nan] * 3, 0)]
)
def test_a_decoder_that_gives_other_numbers_of_masks_has_chosen_or_is_taken_by_its_word(
    monkeypatch: pytest.MonkeyPatch, quality: list[float], chosen: int
) -> None:
    made, _, decoder = model(monkeypatch, n_masks=len(quality))
    decoder.quality, decoder.masks = np.array(quality), numbered(len(quality))
    known: dict[Prompt, Logits] = {}
    prompt = Prompt((click(), click(2, 2)))
    found = made.segment(EMBEDDING, prompt, known)
    np.testing.assert_array_equal(known[prompt], numbered(len(quality))[chosen])
    assert found.quality == pytest.approx(np.nan_to_num(quality[chosen]))


@pytest.mark.parametrize(("said", "told"), [(1.7, 1.0), (-0.3, 0.0), (np.nan, 0.0), (0.25, 0.25)])
def test_what_the_network_expects_of_itself_is_a_share(
    monkeypatch: pytest.MonkeyPatch, said: float, told: float
) -> None:
    made, _, decoder = model(monkeypatch, n_masks=1)
    decoder.quality = np.array([said])
    assert made.segment(EMBEDDING, Prompt((click(),))).quality == told


@settings(max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    y=st.floats(0, 1),
    x=st.floats(0, 1),
)
def test_clicks_come_to_the_decoder_in_pixels_of_its_picture(
    shape: tuple[int, int], y: float, x: float
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        made, _, decoder = model(patch)
    point = PromptPoint(y * shape[0] - 0.5, x * shape[1] - 0.5)
    made.segment(Embedding(EMBEDDING.values, shape), Prompt((point,)))
    (asked,) = decoder.asked
    longer = max(shape)
    height, width = (max(1, int(side * SIDE / longer + 0.5)) for side in shape)
    np.testing.assert_allclose(asked["point_coords"][0, 0], (x * width - 0.5, y * height - 0.5), atol=1e-3)
    assert asked["orig_im_size"].tolist() == list(shape)
    assert asked["has_mask_input"].tolist() == [0] and not asked["mask_input"].any()


@pytest.mark.parametrize("shape", [(16, 16), (32, 32), (16, 8), (20, 64), (5, 64), (1, 1), (64, 1)])
def test_a_mask_is_scaled_to_the_image_without_its_padding(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    """The network sees the image in the upper left of a square; the upper half of that is the object."""
    made, _, decoder = model(monkeypatch, n_masks=1)
    height = max(1, round(16 * shape[0] / max(shape)))
    decoder.masks = np.full((1, 16, 16), -1, np.float32)
    decoder.masks[0, : max(1, height // 2)] = 1
    found = made.segment(Embedding(EMBEDDING.values, shape), Prompt((PromptPoint(0, 0),)))
    assert found.mask.shape == shape
    rows = found.mask.all(axis=1)
    assert (found.mask.any(axis=1) == rows).all(), "whole rows"
    if shape[0] >= 16:
        assert abs(int(rows.sum()) - shape[0] * (height // 2) / height) <= 1


def parts() -> Logits:
    """Three separate squares: 9, 16 and 4 pixels."""
    masks = np.full((1, 16, 16), -1, np.float32)
    masks[0, 1:4, 1:4] = masks[0, 8:12, 8:12] = masks[0, 1:3, 12:14] = 1
    return masks


@pytest.mark.parametrize(
    ("prompt", "sizes"),
    [
        (Prompt((click(2, 2),)), [9]),
        (Prompt((click(2, 2), click(9, 9))), [9, 16]),
        (Prompt((click(2, 2), click(9, 9, inside=False))), [9]),
        (Prompt((click(6, 6),)), [16]),
        (Prompt((), (0, 0, 16, 16)), [16]),
        (Prompt((click(2, 2), click(6, 6))), [9]),
        (Prompt((click(15.5, 15.5), click(1.4, 12.6))), [4]),
    ],
)
def test_of_separate_parts_those_pointed_at_are_kept_or_the_largest(
    monkeypatch: pytest.MonkeyPatch, prompt: Prompt, sizes: list[int]
) -> None:
    made, _, decoder = model(monkeypatch, n_masks=1)
    decoder.masks = parts()
    found = made.segment(EMBEDDING, prompt).mask
    whole = decoder.masks[0] > 0
    assert found.sum() == sum(sizes)
    assert not found[~whole].any()


def test_a_mask_without_a_pixel_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _, _ = model(monkeypatch)
    assert not made.segment(EMBEDDING, Prompt((click(),))).mask.any()


def test_each_step_is_asked_with_the_mask_before_and_those_known_are_not_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, _, decoder = model(monkeypatch, n_masks=1)
    decoder.masks = parts()
    prompt = Prompt((click(2, 2), click(9, 9), click(6, 6, inside=False)))
    known: dict[Prompt, Logits] = {}
    made.segment(EMBEDDING, prompt, known)
    assert [asked["point_labels"][0].tolist() for asked in decoder.asked] == [
        [1, -1],
        [1, 1, -1],
        [1, 1, 0, -1],
    ]
    assert [float(asked["has_mask_input"][0]) for asked in decoder.asked] == [0, 1, 1]
    np.testing.assert_array_equal(decoder.asked[1]["mask_input"][0], parts())
    decoder.asked.clear()
    made.segment(EMBEDDING, prompt, known)
    assert len(decoder.asked) == 1, "the prompt itself alone"
    assert list(known) == list(prompt.steps())


@pytest.mark.parametrize("prepares", [True, False])
@pytest.mark.parametrize(
    ("shape", "resized"), [((64, 64), (64, 64)), ((32, 16), (64, 32)), ((3, 96), (2, 64))]
)
def test_the_encoder_is_shown_the_picture_as_it_wants_it(
    monkeypatch: pytest.MonkeyPatch, prepares: bool, shape: tuple[int, int], resized: tuple[int, int]
) -> None:
    made, encoder, _ = model(monkeypatch, prepares=prepares)
    pixels = np.zeros((1, *shape), np.uint16)
    pixels[0, :, : shape[1] // 2] = 4000
    found = made.embed(pixels)
    assert found.shape == shape and found.values.shape == (1, 2, GRID, GRID)
    (shown,) = encoder.shown
    if prepares:  # then its picture is as large as the authors of such networks have it
        assert shown.shape == (16 * resized[0], 16 * resized[1], 3) and shown.dtype == np.float32
        assert shown.min() >= 0 and shown.max() <= 255
        assert shown[:, 0].mean() > 250 and shown[:, -1].mean() < 5
        return
    assert shown.shape == (1, 3, SIDE, SIDE)
    height, width = resized
    assert not shown[:, :, height:].any() and not shown[:, :, :, width:].any(), "padded with zeros"
    mean, spread = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    np.testing.assert_allclose(shown[0, :, 0, 0], (255 - mean) / spread, atol=0.1)
    np.testing.assert_allclose(shown[0, :, height - 1, width - 1], -mean / spread, atol=0.1)


def test_embeddings_of_another_model_and_of_no_numbers_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, encoder, _ = model(monkeypatch)
    other = Embedding(np.ones((1, 3, GRID, GRID), np.float32), (16, 16))
    with pytest.raises(ShapeMismatchError) as shape:
        made.segment(other, Prompt((click(),)))
    assert str(shape.value) == (
        "made-up takes embeddings of shape (1, 2, 4, 4), and this one has (1, 3, 4, 4); embed the image with "
        "the same model"
    )
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    for values, said in (
        (
            np.ones((1, 2, 3, GRID), np.float32),
            "the encoder of made-up gives (1, 2, 3, 4) for a picture of 64 x 64 pixels, and its decoder "
            "takes (1, 2, 4, 4); give the encoder and the decoder of one and the same model",
        ),
        (
            np.full((1, 2, GRID, GRID), np.nan, np.float32),
            "the encoder of made-up gives values that are no numbers; export it anew",
        ),
    ):
        monkeypatch.setattr(encoder, "run", lambda arrays, wanted, values=values: [values])
        with pytest.raises(MethodError) as error:
            made.embed(pixels)
        assert str(error.value) == said
