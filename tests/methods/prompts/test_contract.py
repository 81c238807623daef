"""Exports in use are understood; what is none is refused before it sees an image, with what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.errors import MethodError
from veriscope.methods.prompts.contract import DECODER_INPUTS
from veriscope.methods.prompts.onnx_files import open_onnx
from veriscope.methods.prompts.prompt import Prompt, PromptPoint
from veriscope.methods.prompts.segmenter import PromptSegmenter

onnx = pytest.importorskip("onnx")
Shape = tuple[int | str, ...]
Arrays = dict[str, Shape]
EMBEDDING: Shape = (1, 256, 64, 64)
POINTS: Arrays = {"point_coords": (1, "n", 2), "point_labels": (1, "n")}
GIVEN: Arrays = {
    "image_embeddings": EMBEDDING,
    **POINTS,
    "mask_input": (1, 1, 256, 256),
    "has_mask_input": (1,),
    "orig_im_size": (2,),
}
MASKS: Arrays = {"masks": (1, 4, 8, 8), "iou_predictions": (1, 4), "low_res_masks": (1, 4, 256, 256)}
PICTURE: Arrays = {"x": (1, 3, 1024, 1024)}
EMBEDDED: Arrays = {"image_embeddings": EMBEDDING}


def network(inputs: Arrays, outputs: Arrays, *, opset: int = 17, kind: str = "FLOAT") -> bytes:
    """An ONNX file that takes and gives arrays of some shapes; what it gives are zeros."""
    helper, number = onnx.helper, getattr(onnx.TensorProto, kind)
    taken = [helper.make_tensor_value_info(name, number, list(shape)) for name, shape in inputs.items()]
    given, nodes, sizes = [], [], []
    for name, shape in outputs.items():
        given.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(shape)))
        sizes.append(helper.make_tensor(f"size of {name}", onnx.TensorProto.INT64, [len(shape)], list(shape)))
        nodes.append(helper.make_node("ConstantOfShape", [f"size of {name}"], [name]))
    graph = helper.make_graph(nodes, "g", taken, given, sizes)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    content: bytes = model.SerializeToString()
    return content


def without(arrays: Arrays, name: str) -> Arrays:
    return {key: shape for key, shape in arrays.items() if key != name}


def open_pair(encoder: bytes, decoder: bytes) -> PromptSegmenter:
    return PromptSegmenter(encoder, decoder, name="m", threads=1)


@pytest.mark.parametrize(
    "picture",
    [
        {"x": (1, 3, 1024, 1024)},
        {"images": ("batch", 3, 1024, 1024)},
        {"input_image": ("batch", 3, "height", "width")},
        {"input_image": ("height", "width", 3)},
    ],
    ids=str,
)
@pytest.mark.parametrize("embedded", ["image_embeddings", "embeddings", "output"])
def test_encoders_as_they_are_exported_are_understood(picture: Arrays, embedded: str) -> None:
    found = open_pair(network(picture, {embedded: EMBEDDING}), network(GIVEN, MASKS))
    assert (found.side, found.encoder.prepares) == (1024, len(next(iter(picture.values()))) == 3)
    image = found.embed(np.zeros((1, 30, 50), np.uint8))
    assert not found.segment(image, Prompt((PromptPoint(3, 3),))).mask.any()  # logits of 0 are no object


@pytest.mark.parametrize("n_masks", [1, 3, 4])
def test_a_decoder_may_choose_its_mask_or_leave_the_choice(n_masks: int) -> None:
    masks: Arrays = {"iou_predictions": (1, n_masks), "low_res_masks": (1, n_masks, 256, 256)}
    assert open_pair(network(PICTURE, EMBEDDED), network(GIVEN, masks)).decoder.n_masks == n_masks


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda: (network({"x": (1, 1, 1024, 1024)}, EMBEDDED), network(GIVEN, MASKS)),
         "the encoder of m takes x float32 (1, 1, 1024, 1024); a picture is (1, 3, side, side)"),
        (lambda: (network({"x": (1, 3, 1024, 768)}, EMBEDDED), network(GIVEN, MASKS)),
         "a picture is (1, 3, side"),
        (lambda: (network({"x": (684, 1024, 3)}, EMBEDDED), network(GIVEN, MASKS)),
         "pictures of this one shape; export it with any height and width"),
        (lambda: (network(PICTURE, EMBEDDED, kind="UINT8"), network(GIVEN, MASKS)),
         "numbers of type uint8 are not understood. Export it with a picture of float32"),
        (lambda: (network(PICTURE | {"size": (2,)}, EMBEDDED), network(GIVEN, MASKS)),
         "takes x float32 (1, 3, 1024, 1024), size float32 (2), not one picture; understood are SAM"),
        (lambda: (network(PICTURE, {"classes": (1, 1000)}), network(GIVEN, MASKS)),
         "gives classes float32 (1, 1000), not image_embeddings (1, channel, y, x)"),
        (lambda: (network(GIVEN, MASKS), network(PICTURE, EMBEDDED)),
         "it is a decoder; exchange the two files"),
        (lambda: (network(PICTURE, EMBEDDED), network(without(GIVEN, "mask_input"), MASKS)),
         "the decoder of m lacks the input mask_input; understood are SAM"),
        (lambda: (network(PICTURE, EMBEDDED), network(GIVEN | {"interm_embeddings": (1, 64)}, MASKS)),
         "has the unknown input interm_embeddings"),
        (lambda: (network(PICTURE, EMBEDDED), network(GIVEN, without(MASKS, "low_res_masks"))),
         "lacks the output low_res_masks"),
        (lambda: (network(PICTURE, EMBEDDED), network(GIVEN | {"point_coords": (1, 5, 2)}, MASKS)),
         "a fixed number of points; export it with any number of points"),
        (lambda: (network(PICTURE, EMBEDDED), network(GIVEN | {"image_embeddings": (1, 64, 64, 64)}, MASKS)),
         "give the encoder and the decoder of one and the same model"),
        (lambda: (network(PICTURE, EMBEDDED), network(GIVEN, MASKS | {"low_res_masks": (1, 4)})),
         "gives low_res_masks (1, 4) and iou_predictions (1, 4) for one prompt"),
        (lambda: (network(PICTURE, {"high_res_feats_0": (1, 32, 256, 256), "image_embed": EMBEDDING}),
                  network(GIVEN, MASKS)),
         "the encoder of m has high_res_feats_0, image_embed: it is of SAM 2 or later"),
        (lambda: (network(PICTURE, EMBEDDED), network(without(GIVEN, "image_embeddings") | {
            "image_embed": EMBEDDING, "high_res_feats_0": (1, 32, 256, 256)}, MASKS)),
         "the decoder of m has image_embed, high_res_feats_0: it is of SAM 2 or later"),
        (lambda: (network(PICTURE, EMBEDDED, opset=99), network(GIVEN, MASKS)),
         "export it anew with opset 17, or install a newer onnxruntime"),
        (lambda: (b"no network", network(GIVEN, MASKS)), "the encoder of m: ONNX Runtime"),
        (lambda: (network(PICTURE, EMBEDDED), b""), "the decoder of m: ONNX Runtime"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused(change: Callable[[], tuple[bytes, bytes]], says: str) -> None:
    with pytest.raises(MethodError) as caught:
        open_pair(*change())
    assert says in str(caught.value)


def test_an_encoder_that_gives_another_shape_than_its_decoder_takes_is_refused() -> None:
    helper = onnx.helper
    picture = helper.make_tensor_value_info("x", 1, [1, 3, "height", "width"])
    embedded = helper.make_tensor_value_info("image_embeddings", 1, ["n", "c", "y", "x"])
    node = helper.make_node(
        "AveragePool", ["x"], ["image_embeddings"], kernel_shape=[32, 32], strides=[32, 32]
    )
    graph = helper.make_graph([node], "g", [picture], [embedded])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    any_embedding: Arrays = {"image_embeddings": ("n", "c", "y", "x")}
    found = open_pair(model.SerializeToString(), network(GIVEN | any_embedding, MASKS))
    with pytest.raises(MethodError, match=r"gives \(1, 3, 32, 32\) for a picture of 1024 x 1024"):
        found.embed(np.zeros((1, 20, 20), np.uint8))


def test_a_network_cannot_read_files_of_this_computer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights that lie in another file are refused, also where that file is there."""
    values = np.zeros(EMBEDDING, np.float32)
    tensor = onnx.numpy_helper.from_array(values, "image_embeddings")
    helper = onnx.helper
    picture = helper.make_tensor_value_info("x", 1, list(PICTURE["x"]))
    embedded = helper.make_tensor_value_info("out", 1, list(EMBEDDING))
    node = helper.make_node("Identity", ["image_embeddings"], ["out"])
    graph = helper.make_graph([node], "g", [picture], [embedded], [tensor])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(model, str(tmp_path / "m.onnx"), save_as_external_data=True, location="weights.bin")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MethodError, match="export it anew with all weights in one file"):
        open_onnx((tmp_path / "m.onnx").read_bytes(), title="the encoder of m")


def test_networks_of_half_precision_run() -> None:
    found = open_pair(network(PICTURE, EMBEDDED, kind="FLOAT16"), network(GIVEN, MASKS, kind="FLOAT16"))
    image = found.embed(np.zeros((1, 8, 8), np.uint8))
    assert found.segment(image, Prompt(box=(1, 1, 5, 5))).quality == 0


def test_memory_that_runs_out_is_said_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    file = open_onnx(network(PICTURE, EMBEDDED), title="the encoder of m")

    class Full:
        def run(self, *_: Any) -> None:
            raise RuntimeError("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer")

    monkeypatch.setattr(file, "_session", Full())
    with pytest.raises(MemoryError, match=r"the encoder of m fails on x .*: memory ran out"):
        file.run({"x": np.zeros((1, 3, 1024, 1024))}, ("image_embeddings",))


def test_the_names_are_those_of_the_public_export() -> None:
    assert set(DECODER_INPUTS) == set(GIVEN)


@pytest.mark.slow
def test_the_fixture_and_its_other_forms_come_from_its_script(tiny_segmenter: Path, tmp_path: Path) -> None:
    """The files in the repository are what the script makes; other forms of both networks agree."""
    pytest.importorskip("torch")
    sys.path.insert(0, str(tiny_segmenter))
    try:
        import make  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(tiny_segmenter))
    make.make(tmp_path)
    make.make_preparing_encoder(tmp_path / "preparing.onnx")
    make.make_decoder(tmp_path / "single.onnx", single=True)

    y, x = np.mgrid[:210, :330]
    pixels = (3000 * (np.hypot(y - 90, x - 200) < 30) + 100).astype(np.uint16)[None]
    prompts = (
        Prompt((PromptPoint(90, 200),)),
        Prompt((PromptPoint(90, 200), PromptPoint(20, 20, inside=False))),
        Prompt((PromptPoint(90, 200),), (55, 165, 125, 235)),
    )

    def outlines(encoder: Path, decoder: Path) -> list[Any]:
        model = open_pair(encoder.read_bytes(), decoder.read_bytes())
        image = model.embed(pixels)
        return [model.segment(image, prompt) for prompt in prompts]

    kept = outlines(tiny_segmenter / "encoder.onnx", tiny_segmenter / "decoder.onnx")
    for encoder, decoder in (
        (tmp_path / "encoder.onnx", tmp_path / "decoder.onnx"),
        (tmp_path / "preparing.onnx", tmp_path / "decoder.onnx"),
        (tmp_path / "encoder.onnx", tmp_path / "single.onnx"),
    ):
        for expected, found in zip(kept, outlines(encoder, decoder), strict=True):
            assert np.count_nonzero(expected.mask ^ found.mask) <= 2  # rounding at the rim
            assert found.quality == pytest.approx(expected.quality, abs=1e-4)
    assert kept[0].mask[90, 200] and 2500 < kept[0].mask.sum() < 3100
