"""What the two networks of a prompted segmenter take and give; anything else is refused before it runs.

Understood are exports of Segment Anything of the first generation and its kin (MobileSAM, micro-sam,
fine-tuned weights): the encoder as samexporter and the authors of MobileSAM export it, with its preparation
of the picture or without, and the decoder of Meta's ``export_onnx_model.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from veriscope.errors import MethodError
from veriscope.methods.prompts.onnx_files import Declared, OnnxFile

__all__ = ["DECODER_INPUTS", "Decoder", "Encoder", "check_decoder", "check_encoder"]

DECODER_INPUTS = (
    "image_embeddings",
    "point_coords",
    "point_labels",
    "mask_input",
    "has_mask_input",
    "orig_im_size",
)
"""Of Meta's export, and of all that follow it."""
_QUALITY, _LOGITS = "iou_predictions", "low_res_masks"
_SIDE = 1024
_FLOATS = ("float32", "float16", "float64")
_SECOND = ("image_embed", "high_res_feats_0", "high_res_feats_1", "backbone_fpn_0")
"""Names that only exports of SAM 2 and later have."""
_UNDERSTOOD = (
    "understood are SAM, MobileSAM and micro-sam: an encoder from one picture to image_embeddings, and the "
    "decoder of Meta's export_onnx_model.py"
)


@dataclass(frozen=True, slots=True)
class Encoder:
    """A checked encoder.

    Parameters
    ----------
    file
        The network.
    takes, gives
        Names of its input and output.
    side
        Of its picture, in pixels.
    prepares
        Whether it subtracts the mean, scales and pads by itself: it takes (y, x, 3), 0 to 255.
    """

    file: OnnxFile
    takes: str
    gives: str
    side: int
    prepares: bool


@dataclass(frozen=True, slots=True)
class Decoder:
    """A checked decoder.

    Parameters
    ----------
    file
        The network.
    embedding
        Shape of what it takes from the encoder, (1, channel, y, x).
    mask_side
        Of its masks, in pixels.
    n_masks
        Masks that it gives for one prompt.
    """

    file: OnnxFile
    embedding: tuple[int, int, int, int]
    mask_side: int
    n_masks: int


def check_encoder(file: OnnxFile) -> Encoder:
    """Check the declarations of an encoder.

    Parameters
    ----------
    file
        The network.

    Returns
    -------
    Encoder
        With how it wants its picture.

    Raises
    ------
    MethodError
        If it is none that is understood.
    """
    _refuse_second_generation(file)
    if set(DECODER_INPUTS) & set(file.inputs):
        raise MethodError(
            f"{file.title} takes {', '.join(file.inputs)}: it is a decoder; exchange the two files"
        )
    if len(file.inputs) != 1:
        raise MethodError(f"{file.title} takes {_texts(file.inputs)}, not one picture; {_UNDERSTOOD}")
    (taken,) = file.inputs.values()
    if taken.dtype not in _FLOATS:
        raise MethodError(
            f"{file.title} takes {taken.text}; numbers of type {taken.dtype} are not understood. Export it "
            "with a picture of float32"
        )
    side, prepares = _picture(file, taken)
    given = next((name for name in ("image_embeddings", "embeddings") if name in file.outputs), None)
    if given is None and len(file.outputs) == 1:
        (given,) = file.outputs
    if given is None or len(file.outputs[given].shape) != 4:
        raise MethodError(
            f"{file.title} gives {_texts(file.outputs)}, not image_embeddings (1, channel, y, x); "
            f"{_UNDERSTOOD}"
        )
    return Encoder(file, taken.name, given, side, prepares)


def _picture(file: OnnxFile, taken: Declared) -> tuple[int, bool]:
    """Tell how the encoder wants its picture: side, and whether it prepares it by itself."""
    shape = taken.shape
    if len(shape) == 4 and shape[0] in (None, 1) and shape[1] in (None, 3):
        sides = {length for length in shape[2:] if length is not None}
        if len(sides) <= 1:
            return (sides.pop() if sides else _SIDE), False
    if len(shape) == 3 and shape[2] in (None, 3):
        if shape[0] is None and shape[1] is None:
            return _SIDE, True
        raise MethodError(
            f"{file.title} takes {taken.text}, pictures of this one shape; export it with any height and "
            "width (dynamic axes), or without its preparation of the picture"
        )
    raise MethodError(
        f"{file.title} takes {taken.text}; a picture is (1, 3, side, side), or (y, x, 3) of any y and x"
    )


def check_decoder(file: OnnxFile, encoder: Encoder) -> Decoder:
    """Check the declarations of a decoder, and what it gives for an empty embedding.

    Parameters
    ----------
    file
        The network.
    encoder
        With which it works.

    Returns
    -------
    Decoder
        With the shape of its masks.

    Raises
    ------
    MethodError
        If it is none that is understood, or does not fit the encoder.
    """
    _refuse_second_generation(file)
    faults = [f"lacks the input {name}" for name in DECODER_INPUTS if name not in file.inputs]
    faults += [f"has the unknown input {name}" for name in file.inputs if name not in DECODER_INPUTS]
    faults += [f"lacks the output {name}" for name in (_QUALITY, _LOGITS) if name not in file.outputs]
    if faults:
        raise MethodError(f"{file.title} {', '.join(faults)}; {_UNDERSTOOD}")
    for name in ("point_coords", "point_labels"):
        shape = file.inputs[name].shape
        if len(shape) < 2 or shape[1] is not None:
            raise MethodError(
                f"{file.title} takes {file.inputs[name].text}, a fixed number of points; export it with any "
                "number of points (dynamic axes)"
            )
    embedding = _embedding(file, encoder)
    stated = file.inputs["mask_input"].shape
    mask_side = (stated[-1] if stated else None) or 4 * embedding[-1]
    return Decoder(file, embedding, mask_side, _try(file, embedding, mask_side))


def _embedding(file: OnnxFile, encoder: Encoder) -> tuple[int, int, int, int]:
    """Find the shape that goes from one network to the other."""
    given = encoder.file.outputs[encoder.gives]
    taken = file.inputs["image_embeddings"]
    usual = (1, 256, encoder.side // 16, encoder.side // 16)
    found = []
    for at, length in enumerate(usual):
        a = given.shape[at]
        b = taken.shape[at] if len(taken.shape) == 4 else -1
        if a is not None and b is not None and a != b:
            raise MethodError(
                f"{encoder.file.title} gives {given.text} and {file.title} takes {taken.text}; give the "
                "encoder and the decoder of one and the same model"
            )
        found.append(a or b or length)
    return found[0], found[1], found[2], found[3]


def _try(file: OnnxFile, embedding: tuple[int, int, int, int], mask_side: int) -> int:
    """Run the decoder once, and tell how many masks it gives."""
    arrays = {
        "image_embeddings": np.zeros(embedding, np.float32),
        "point_coords": np.zeros((1, 2, 2), np.float32),
        "point_labels": np.array([[1.0, -1.0]], np.float32),
        "mask_input": np.zeros((1, 1, mask_side, mask_side), np.float32),
        "has_mask_input": np.zeros(1, np.float32),
        "orig_im_size": np.array([mask_side, mask_side], np.float32),
    }
    quality, logits = file.run(arrays, (_QUALITY, _LOGITS))
    n_masks = logits.shape[1] if logits.ndim == 4 else 0
    if logits.shape != (1, n_masks, mask_side, mask_side) or quality.shape != (1, n_masks):
        raise MethodError(
            f"{file.title} gives {_LOGITS} {logits.shape} and {_QUALITY} {quality.shape} for one prompt, "
            f"where (1, n, {mask_side}, {mask_side}) and (1, n) are expected; export it without extra metrics"
        )
    return n_masks


def _refuse_second_generation(file: OnnxFile) -> None:
    found = [name for name in (*file.inputs, *file.outputs) if name in _SECOND]
    if found:
        raise MethodError(
            f"{file.title} has {', '.join(found)}: it is of SAM 2 or later, whose exports differ from each "
            f"other and are not supported; {_UNDERSTOOD}"
        )


def _texts(declared: dict[str, Declared]) -> str:
    return ", ".join(item.text for item in declared.values()) or "nothing"
