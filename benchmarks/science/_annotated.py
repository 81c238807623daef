"""Who learns from what in a learning curve: judging fields, annotated tiles, and what peers are handed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from veriscope.core.image import Image
from veriscope.methods.networks.network_settings import Sees
from veriscope.methods.networks.normalise import normalise_channels
from veriscope.training.architectures.density import as_seen
from veriscope.training.images.pairs import LabelledImage, pixel_hash
from veriscope.training.images.prepare import channels_first
from veriscope.training.images.split import Split

TILE = 128
"""Side of an annotated tile in pixels."""
_ENOUGH = 0.95
"""Share of the objects asked for at which no more tiles are looked for."""

Box = tuple[slice, slice]


def judging_fields(split: Split, seed: int, *, images_per_field: int) -> Split:
    """Judge by every second field of the training images too, and by so many random images of each field.

    The fields of a test split alone may be three.
    """
    rng = np.random.default_rng(seed)
    groups = rng.permutation(sorted({pair.group for pair in split.train}))
    judging = {str(group) for group in groups[::2]}
    train = tuple(pair for pair in split.train if pair.group not in judging)
    fields: dict[str, list[LabelledImage]] = {}
    for pair in (*split.test, *(pair for pair in split.train if pair.group in judging)):
        fields.setdefault(pair.group, []).append(pair)
    test = [
        of_field[int(i)]
        for of_field in fields.values()
        for i in sorted(rng.permutation(len(of_field))[:images_per_field])
    ]
    how = f"{split.how}; {len(judging)} fields of the training images judge too, {len(test)} images in all"
    return Split(train, split.val, tuple(test), how)


def with_objects(split: Split, objects: int, seed: int) -> Split:
    """Annotate so many objects at most, and hardly fewer: whole tiles of training images in random order.

    No image has a second tile before every other has had its first. The rest of an image is not known.
    """
    known = {pair.stem: np.full_like(pair.labels, -1) for pair in split.train}
    left = objects
    for pair, box in _in_turn(split.train, np.random.default_rng(seed)):
        n = len(np.unique(pair.labels[box][pair.labels[box] > 0]))
        if 0 < n <= left:
            known[pair.stem][box] = pair.labels[box]
            left -= n
        if left <= (1 - _ENOUGH) * objects:
            break
    train = (replace(pair, labels=known[pair.stem]) for pair in split.train)
    return Split(
        tuple(pair for pair in train if pair.n_objects),
        split.val,
        split.test,
        f"{objects} objects of {split.how}",
    )


def n_annotated(split: Split) -> int:
    """Count the objects of annotated tiles; one that reaches into two of them is drawn twice."""
    return sum(int((np.unique(pair.labels[box]) > 0).sum()) for pair, box in _known(split.train))


def handed_to_peers(split: Split, sees: Sees) -> Split:
    """Give grey images, and of those to learn from the annotated tiles alone, cut out.

    Peers take no labels that are in part not known. `sees` is ``density`` where objects are darker than what
    lies around them, so that they shine, as in the images that the starts of the peers have learned from.
    """
    shown = {part: tuple(_grey(pair, sees) for pair in split.of(part)) for part in ("train", "val", "test")}
    tiles = [_cut(pair, box) for pair, box in _known(shown["train"])]
    return Split(tuple(tiles), shown["val"], shown["test"], f"{split.how}; tiles cut out")


def _known(pairs: Sequence[LabelledImage]) -> Iterator[tuple[LabelledImage, Box]]:
    """Give each tile that was annotated."""
    for pair in pairs:
        for box in _tiles(pair):
            if (pair.labels[box] >= 0).all():
                yield pair, box


def _in_turn(pairs: Sequence[LabelledImage], rng: np.random.Generator) -> Iterator[tuple[LabelledImage, Box]]:
    """Give the tiles of all images, one of each image in a round."""
    order = [pairs[int(i)] for i in rng.permutation(len(pairs))]
    tiles = [[boxes[int(i)] for i in rng.permutation(len(boxes))] for boxes in map(_tiles, order)]
    for turn in range(max(map(len, tiles), default=0)):
        for pair, boxes in zip(order, tiles, strict=True):
            if turn < len(boxes):
                yield pair, boxes[turn]


def _tiles(pair: LabelledImage) -> list[Box]:
    """Give the whole tiles of an image that do not overlap; a small image is one tile."""
    height, width = pair.labels.shape
    return [
        np.s_[y : y + TILE, x : x + TILE]
        for y in range(0, max(1, height - TILE + 1), TILE)
        for x in range(0, max(1, width - TILE + 1), TILE)
    ]


def _grey(pair: LabelledImage, sees: Sees) -> LabelledImage:
    light = normalise_channels(channels_first(pair.image, 1))[0]
    return _with_pixels(pair, as_seen(torch.from_numpy(light), sees).numpy(), pair.labels)


def _cut(pair: LabelledImage, box: Box) -> LabelledImage:
    return _with_pixels(pair, pair.image.pixels[box], pair.labels[box])


def _with_pixels(pair: LabelledImage, pixels: Any, labels: Any) -> LabelledImage:
    return replace(pair, image=Image(pixels, "yx"), labels=labels, sha256=pixel_hash(pixels))
