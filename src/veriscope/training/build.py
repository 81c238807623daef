"""Networks and heads by name, and what suits the images at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from veriscope.errors import InputError, MethodError
from veriscope.training.architectures.star_convex import StarConvex
from veriscope.training.architectures.unet import WIDTHS, UNet
from veriscope.training.heads import FlowHead, Head, SemanticHead
from veriscope.training.instance_heads import DistanceHead, StarHead
from veriscope.training.light import Augmentation
from veriscope.training.pairs import LabelledImage
from veriscope.training.settings import Device

__all__ = ["LARGE", "choose_device", "fitting_augmentation", "make_head", "make_network", "median_size"]

LARGE = (48, 96, 144, 192, 192)
"""Widths of the U-Net on a GPU, where a larger one costs little."""

_HEADS: dict[str, Callable[[], Head]] = {"flow": FlowHead, "star": StarHead, "distance": DistanceHead}
_ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {"unet": UNet}
_MOST_CLASSES = 32


def make_head(name: str, pairs: Sequence[LabelledImage], *, topology: float = 0.0) -> Head:
    """Make a head that suits the labels.

    Parameters
    ----------
    name
        Such as ``flow``.
    pairs
        All images, of which a semantic head takes its classes.
    topology
        Weight of the loss of centre lines of a semantic head.

    Returns
    -------
    Head
        The head.

    Raises
    ------
    MethodError
        If there is no such head.
    InputError
        If labels look like objects where classes are asked for.
    """
    if name in _HEADS:
        return _HEADS[name]()
    if name == "semantic":
        largest = max((int(pair.labels.max(initial=0)) for pair in pairs), default=0)
        if largest >= _MOST_CLASSES:
            raise InputError(
                f"the labels reach {largest}, which are objects and no classes; use --head flow, or write "
                f"class images with 0 for the background and 1 to {_MOST_CLASSES - 1} for the classes"
            )
        return SemanticHead(largest + 1, topology=topology)
    raise MethodError(f"no head named {name!r}; there are {', '.join(_HEADS)} and semantic")


def make_network(
    architecture: str, n_channels: int, head: Head, *, widths: Sequence[int] = WIDTHS, norm: bool = True
) -> nn.Module:
    """Make a network with new weights.

    Parameters
    ----------
    architecture
        Such as ``unet``; a star head puts two heads of its own on it.
    n_channels
        Channels of the images.
    head
        Says how many outputs there are.
    widths
        Channels at each resolution.
    norm
        Whether batches are normalised; False for a network that was packaged.

    Returns
    -------
    torch.nn.Module
        On the CPU.

    Raises
    ------
    MethodError
        If there is no such architecture.
    """
    if architecture not in _ARCHITECTURES:
        raise MethodError(
            f"no architecture named {architecture!r} to be trained; there are {', '.join(_ARCHITECTURES)}"
        )
    if head.name == "star":
        return StarConvex(n_channels, head.n_out, widths=tuple(widths), norm=norm)
    return _ARCHITECTURES[architecture](n_channels, head.n_out, widths=tuple(widths), norm=norm)


def choose_device(device: Device, *, deterministic: bool) -> str:
    """Choose what computes.

    Parameters
    ----------
    device
        What was asked for.
    deterministic
        Whether equal input must give equal weights.

    Returns
    -------
    str
        ``cpu`` or ``cuda``.

    Raises
    ------
    MethodError
        If a GPU is asked for and there is none.
    """
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise MethodError(
            "--device cuda: torch sees no GPU here; install torch with CUDA, or leave the option out"
        )
    return "cuda" if there and device != "cpu" and not deterministic else "cpu"


def fitting_augmentation(pairs: Sequence[LabelledImage], head: Head, *, n_channels: int) -> Augmentation:
    """Choose how training images are changed, from what they look like.

    Parameters
    ----------
    pairs
        Training images.
    head
        What is learned: classes keep their brightness, which may be what tells them apart.
    n_channels
        Channels that the network sees.

    Returns
    -------
    Augmentation
        ``brightfield`` for colour, ``fluorescence`` where objects are brighter than their surroundings in 9
        of 10 images, else ``any``.
    """
    small, large = median_size(pairs)
    options = Augmentation(diameters=(min(7.0, small), max(100.0, 1.5 * large)))
    if n_channels == 3:
        return options.model_copy(update={"style": "brightfield", "scale": 0.35, "stain": 0.6})
    if head.name == "semantic":
        options = options.model_copy(update={"stain": 0.0})
    bright = [_is_bright(pair) for pair in pairs if (pair.labels > 0).any()]
    if bright and np.mean(bright) < 0.9:
        return options.model_copy(update={"style": "any", "empty": 0.0})
    return options


def median_size(pairs: Sequence[LabelledImage]) -> tuple[float, float]:
    """Give the smallest and the largest median diameter of the objects of an image.

    Parameters
    ----------
    pairs
        The images.

    Returns
    -------
    tuple
        In pixels; (30, 30) without objects.
    """
    found = []
    for pair in pairs:
        areas = np.bincount(np.maximum(pair.labels, 0).ravel())[1:]
        if (areas > 0).any():
            found.append(2 * np.sqrt(np.median(areas[areas > 0]) / np.pi))
    return (float(min(found)), float(max(found))) if found else (30.0, 30.0)


def _is_bright(pair: LabelledImage) -> bool:
    pixels = pair.image.pixels
    if pair.image.axes != "yx":
        pixels = pixels.mean(axis=pair.image.axes.index("c"))
    inside = pair.labels > 0
    return bool(pixels[inside].mean() > pixels[pair.labels == 0].mean()) if not inside.all() else True
