"""What a start is shown of images: their light, or the density of what absorbs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from veriscope.methods.networks.network_settings import Sees
from veriscope.training.heads.base import Head
from veriscope.training.images.augment import TrainingImage
from veriscope.training.networks.build import make_head
from veriscope.training.networks.known import KnownNetwork

__all__ = ["OBJECT_HEADS", "choose_sees"]

OBJECT_HEADS = ("flow", "star", "distance")
"""Heads that first say how likely a pixel lies in an object."""
_LOOKS, _SIDE = 8, 256
"""Images that are looked at, and the pixels of each along either axis."""
_WORTH = 0.02
"""By how much another way has to tell objects better apart from what lies around them."""


def choose_sees(
    start: KnownNetwork, n_channels: int, images: Sequence[TrainingImage]
) -> tuple[Sees, dict[str, float]]:
    """Choose what a network is shown of images of another kind than it knows, by what it says of them.

    A network for shining nuclei finds none in stained tissue, where nuclei are darker than what lies around
    them, and most of them in its optical density.

    Parameters
    ----------
    start
        The network, with the head that it was trained with.
    n_channels
        Channels of the images.
    images
        To learn from; pixels that are not known do not count.

    Returns
    -------
    sees, record
        The best way, and for each the chance that the network gives a pixel in an object a higher probability
        than one outside, 0 to 1 (area under the ROC curve). Empty where the start does not find objects, or
        there are no pixels of both kinds: then nothing changes.
    """
    shown = list(_windows(images)) if start.head in OBJECT_HEADS else []
    if not shown:
        return start.sees, {}
    head = make_head(start.head, ())
    found: dict[Sees, float] = {}
    for way in get_args(Sees):
        network = start.network(n_channels, head, sees=way).eval()
        said = [_probability(network, head, pixels)[labels >= 0] for pixels, labels in shown]
        found[way] = _auc([labels[labels >= 0] > 0 for _, labels in shown], said)
    best = max(found, key=lambda way: found[way])
    chosen = best if found[best] > found[start.sees] + _WORTH else start.sees
    return chosen, {way: round(value, 4) for way, value in found.items()}


def _windows(images: Sequence[TrainingImage]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int32]]]:
    """Cut out pixels and labels where most is known of both, objects and what lies around them."""
    both = [image for image in images if (image.labels > 0).any() and (image.labels == 0).any()]
    for image in both[:: -(-len(both) // _LOOKS)] if both else []:
        known = np.minimum(_in_windows(image.labels > 0), _in_windows(image.labels == 0))
        if known.any():
            y, x = np.unravel_index(known.argmax(), known.shape)
            box = np.s_[y : y + _SIDE, x : x + _SIDE]
            yield image.pixels[:, *box], image.labels[box]


def _in_windows(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Count the pixels of a mask in every window, by the place of its first pixel."""
    counts = mask.astype(np.int32)
    for axis, length in enumerate(mask.shape):
        sums = np.insert(counts.cumsum(axis, dtype=np.int32), 0, 0, axis)
        side = min(_SIDE, length)
        last, first = (np.arange(length - side + 1) + shift for shift in (side, 0))
        counts = sums.take(last, axis) - sums.take(first, axis)
    return counts


def _probability(network: nn.Module, head: Head, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    stride = int(network.stride)  # type: ignore[arg-type]
    height, width = pixels.shape[1:]
    more = ((0, 0), (0, -height % stride), (0, -width % stride))
    padded = torch.from_numpy(np.pad(pixels, more, mode="symmetric"))
    with torch.no_grad():
        said = head.exported(network(padded[None]))
    return np.asarray(said[0, 0, :height, :width].numpy(), np.float32)


def _auc(inside: Sequence[NDArray[np.bool_]], probability: Sequence[NDArray[np.float32]]) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(np.concatenate(inside), np.concatenate(probability)))
