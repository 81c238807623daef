"""Click to segment: an encoder reads the image once, a decoder answers every click in milliseconds."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from scipy import ndimage

from veriscope.errors import MethodError, ShapeMismatchError
from veriscope.methods.prompts.contract import Decoder, Encoder, check_decoder, check_encoder
from veriscope.methods.prompts.onnx_files import open_onnx
from veriscope.methods.prompts.picture import MEAN, SPREAD, as_photograph, resized_shape, scaled_to
from veriscope.methods.prompts.prompt import Prompt

__all__ = ["Embedding", "Outline", "PromptSegmenter"]

_N_TOKENS = 4
"""Masks of a decoder that leaves the choice to its caller: for many points, and whole, part and subpart."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """What an encoder says of an image; all prompts on the image start from it.

    Parameters
    ----------
    values
        float32, (1, channel, y, x).
    shape
        Height and width of the image.
    """

    values: NDArray[np.float32]
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """The object that a prompt shows.

    Parameters
    ----------
    mask
        Boolean, (y, x) of the image; without any pixel where the network sees no object.
    quality
        Overlap (IoU) with the object that the network itself expects, 0 to 1, higher is better; not
        calibrated.
    """

    mask: NDArray[np.bool_]
    quality: float


class PromptSegmenter:
    """A model of the type of Segment Anything, as two ONNX files. Nothing of it runs but its arithmetic.

    Parameters
    ----------
    encoder, decoder
        Content of the ONNX files.
    name
        Of the model, for messages.
    threads
        Threads on the processor; 0: one for each core that the process may use.

    Raises
    ------
    MethodError
        If a file cannot be loaded, or its inputs and outputs are not those of such a model.
    """

    def __init__(self, encoder: bytes, decoder: bytes, *, name: str, threads: int = 0) -> None:
        self.name = name
        self.encoder: Encoder = check_encoder(
            open_onnx(encoder, title=f"the encoder of {name}", threads=threads)
        )
        self.decoder: Decoder = check_decoder(
            open_onnx(decoder, title=f"the decoder of {name}", threads=threads), self.encoder
        )

    @property
    def side(self) -> int:
        """Longer side of the picture that the network sees, in pixels."""
        return self.encoder.side

    def embed(self, pixels: NDArray[Any], *, is_colour: bool = False) -> Embedding:
        """Read an image; takes seconds with the larger models.

        Parameters
        ----------
        pixels
            (c, y, x), any boolean, integer or floating-point dtype.
        is_colour
            Whether the three channels are red, green and blue of a photograph.

        Returns
        -------
        Embedding
            For `segment`.

        Raises
        ------
        PixelValueError
            If there is no pixel, or colours are not three.
        MethodError
            If the network fails, or gives another shape than its decoder takes.
        MemoryError
            If memory runs out.
        """
        photograph = as_photograph(pixels, is_colour=is_colour)
        height, width = photograph.shape[:2]
        scaled = scaled_to(photograph, resized_shape((height, width), self.side))
        given = scaled if self.encoder.prepares else self._prepared(scaled)
        (found,) = self.encoder.file.run({self.encoder.takes: given}, (self.encoder.gives,))
        if found.shape != self.decoder.embedding:
            raise MethodError(
                f"the encoder of {self.name} gives {found.shape} for a picture of {scaled.shape[0]} x "
                f"{scaled.shape[1]} pixels, and its decoder takes {self.decoder.embedding}; give the encoder "
                "and the decoder of one and the same model"
            )
        if not np.isfinite(found).all():
            raise MethodError(f"the encoder of {self.name} gives values that are no numbers; export it anew")
        return Embedding(found.astype(np.float32), (height, width))

    def _prepared(self, scaled: NDArray[np.float32]) -> NDArray[np.float32]:
        """Subtract the mean, scale, and pad at the lower right with zeros: (1, 3, side, side)."""
        found = np.zeros((1, 3, self.side, self.side), np.float32)
        height, width = scaled.shape[:2]
        found[0, :, :height, :width] = np.moveaxis((scaled - MEAN) / SPREAD, 2, 0)
        return found

    def segment(
        self,
        embedding: Embedding,
        prompt: Prompt,
        known: MutableMapping[Prompt, NDArray[np.float32]] | None = None,
    ) -> Outline:
        """Give the object that a prompt shows; the same prompt always gives the same object.

        Each click is answered with what the network proposed for those before it at hand, as such networks
        are trained: a click corrects the outline instead of starting anew.

        Parameters
        ----------
        embedding
            Of the image.
        prompt
            In pixels of the image.
        known
            What the network said to earlier prompts on the image, float32 (y, x); the steps of this one are
            added. None: all of them are asked anew.

        Returns
        -------
        Outline
            Its parts that hold a point inside, or without such a point the largest part.

        Raises
        ------
        InputError
            If the prompt shows nothing, or leaves the image.
        ShapeMismatchError
            If the embedding is of another model.
        MethodError
            If the network fails, or gives values that are no numbers.
        MemoryError
            If memory runs out.
        """
        prompt.check(embedding.shape)
        if embedding.values.shape != self.decoder.embedding:
            raise ShapeMismatchError(
                f"{self.name} takes embeddings of shape {self.decoder.embedding}, and this one has "
                f"{embedding.values.shape}; embed the image with the same model"
            )
        said = {} if known is None else known
        before: NDArray[np.float32] | None = None
        for step in prompt.steps()[:-1]:
            if step not in said:
                said[step], _ = self._ask(embedding, step, before)
            before = said[step]
        said[prompt], quality = self._ask(embedding, prompt, before)
        resized = resized_shape(embedding.shape, self.side)
        mask = _full_size(said[prompt], resized, self.side, embedding.shape) > 0
        return Outline(_shown_parts(mask, prompt), quality)

    def _ask(
        self, embedding: Embedding, prompt: Prompt, before: NDArray[np.float32] | None
    ) -> tuple[NDArray[np.float32], float]:
        """Give the mask that is meant, in the network's own size and numbers, and the overlap it expects."""
        resized = resized_shape(embedding.shape, self.side)
        scale = resized[0] / embedding.shape[0], resized[1] / embedding.shape[1]
        coordinates, labels = prompt.arrays(scale)
        side = self.decoder.mask_side
        arrays = {
            "image_embeddings": embedding.values,
            "point_coords": coordinates,
            "point_labels": labels,
            "mask_input": np.zeros((1, 1, side, side), np.float32) if before is None else before[None, None],
            "has_mask_input": np.full(1, before is not None, np.float32),
            "orig_im_size": np.array(embedding.shape, np.float32),
        }
        # Full-size masks of an export may be cropped for the shape of the picture that it was traced with.
        quality, logits = self.decoder.file.run(arrays, ("iou_predictions", "low_res_masks"))
        chosen = _choose(quality[0].astype(np.float64), prompt)
        mask = logits[0, chosen].astype(np.float32)
        if not np.isfinite(mask).all():
            raise MethodError(f"the decoder of {self.name} gives values that are no numbers; export it anew")
        return mask, float(np.nan_to_num(np.clip(quality[0, chosen], 0, 1)))


def _choose(quality: NDArray[np.float64], prompt: Prompt) -> int:
    """Choose a mask: one click may mean whole, part or subpart, more of a prompt mean one thing."""
    if len(quality) != _N_TOKENS:
        return int(np.nan_to_num(quality, nan=-np.inf).argmax())
    if prompt.box is not None or len(prompt.points) > 1:
        return 0
    return 1 + int(np.nan_to_num(quality[1:], nan=-np.inf).argmax())


def _full_size(
    logits: NDArray[np.float32], resized: tuple[int, int], side: int, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Leave the padding away and scale to the image, between pixel centres."""
    part = len(logits) / side
    box = (0.0, 0.0, resized[1] * part, resized[0] * part)
    scaled = Picture.fromarray(logits).resize(shape[::-1], Picture.Resampling.BILINEAR, box=box)
    return np.asarray(scaled)


def _shown_parts(mask: NDArray[np.bool_], prompt: Prompt) -> NDArray[np.bool_]:
    """Keep the connected parts of a mask that were pointed at; else the largest."""
    parts, n_parts = ndimage.label(mask)
    if n_parts <= 1:
        return mask
    height, width = mask.shape
    at = [
        (min(height - 1, max(0, round(point.y))), min(width - 1, max(0, round(point.x))))
        for point in prompt.points
        if point.inside
    ]
    wanted = {int(parts[place]) for place in at} - {0}
    if not wanted:
        wanted = {1 + int(np.bincount(parts.ravel())[1:].argmax())}
    return np.isin(parts, list(wanted))
