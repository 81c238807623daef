"""Networks and heads by name, and what suits the images at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from veriscope.errors import InputError, MethodError
from veriscope.methods.networks.network_settings import Sees
from veriscope.training.architectures import boxes as box_network
from veriscope.training.architectures import classifier, unet, vision_transformer
from veriscope.training.architectures.boxes import BoxNetwork
from veriscope.training.architectures.classifier import Classifier
from veriscope.training.architectures.star_convex import StarConvex
from veriscope.training.architectures.unet import UNet
from veriscope.training.architectures.vision_transformer import VisionTransformer
from veriscope.training.heads.base import Head, PixelHead
from veriscope.training.heads.boxes import BoxHead
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.heads.distance import DistanceHead
from veriscope.training.heads.flow import FlowHead
from veriscope.training.heads.semantic import SemanticHead
from veriscope.training.heads.star import StarHead
from veriscope.training.images.light import Augmentation
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.prepare import median_diameter
from veriscope.training.images.stacks import stack_diameter
from veriscope.training.settings import Device, TrainedHead

__all__ = [
    "box_sizes",
    "choose_device",
    "fitting_augmentation",
    "make_head",
    "make_network",
    "median_size",
    "usual_widths",
]

_WIDTHS = {
    "unet": (unet.WIDTHS, (48, 96, 144, 192, 192)),
    "vit": (vision_transformer.WIDTHS, (384,) * 8),
    "boxes": (box_network.WIDTHS, (32, 64, 128, 192, 192)),
    "classifier": (classifier.WIDTHS, (64, 128, 192, 256)),
}
"""By architecture: widths on a processor, and on a GPU, where a larger network costs little."""
_HEADS: dict[str, Callable[[], PixelHead]] = {"flow": FlowHead, "star": StarHead, "distance": DistanceHead}
_MOST_CLASSES = 32
_PER_HEAD = 32
"""Numbers per token that a head of attention sees."""
_MOST = 0.9
"""Share of images from which on all are taken to be of one kind."""
_LEAST_SIDE, _COARSEST = 32, 16
"""Pixels that a network for classes of images looks at, at least, and of which they are a multiple."""
_BOX_SIZES = (24.0, 48.0)
"""Median sides of the commonest boxes in pixels of the network; images of others are rescaled by it."""


def make_head(name: str, pairs: Sequence[LabelledImage], *, topology: float = 0.0, crop: int = 192) -> Head:
    """Make a head that suits the labels.

    Parameters
    ----------
    name
        Such as ``flow``.
    pairs
        All images, of which heads that tell classes take these.
    topology
        Weight of the loss of centre lines of a semantic head.
    crop
        Pixels to which a head for classes of images brings the longer side of larger ones.

    Returns
    -------
    Head
        The head.

    Raises
    ------
    MethodError
        If there is no such head.
    InputError
        If labels look like objects where classes are asked for, or there are no boxes where these are.
    """
    if name in _HEADS:
        return _HEADS[name]()
    if name == "boxes":
        return _box_head(pairs)
    if name == "classification":
        return _class_head(pairs, crop)
    if name == "semantic":
        largest = max((int(pair.labels.max(initial=0)) for pair in pairs), default=0)
        if largest >= _MOST_CLASSES:
            raise InputError(
                f"the labels reach {largest}, which are objects and no classes; use --head flow, or write "
                f"class images with 0 for the background and 1 to {_MOST_CLASSES - 1} for the classes"
            )
        return SemanticHead(largest + 1, topology=topology)
    raise MethodError(f"no head named {name!r}; there are {', '.join(get_args(TrainedHead))}")


def _class_head(pairs: Sequence[LabelledImage], crop: int) -> ClassificationHead:
    """Take the classes of the images, and a zoom at which most of them fit the side that is looked at."""
    kinds = [pair.kind for pair in pairs if pair.kind is not None]
    if len(kinds) < len(pairs) or not kinds:
        raise InputError(
            f"{len(pairs) - len(kinds)} of {len(pairs)} images have no class; --head classification takes a "
            "table with the columns image and class"
        )
    longest = [max(pair.image.spatial_shape) for pair in pairs]
    zoom = min(1.0, crop / float(np.median(longest)))
    side = int(np.clip(max(longest) * zoom, _LEAST_SIDE, max(crop, _LEAST_SIDE)))
    return ClassificationHead(kinds[0].names, zoom=round(zoom, 4), side=-(-side // _COARSEST) * _COARSEST)


def _box_head(pairs: Sequence[LabelledImage]) -> BoxHead:
    """Take the classes of the boxes, and a zoom at which the commonest are neither tiny nor huge."""
    boxes = [pair.boxes for pair in pairs if pair.boxes is not None]
    if len(boxes) < len(pairs) or not boxes:
        raise InputError(
            f"{len(pairs) - len(boxes)} of {len(pairs)} images have no boxes; --head boxes takes a table of "
            "boxes, or label images that are annotated everywhere"
        )
    sizes = box_sizes(pairs)
    size = float(np.median(sizes)) if len(sizes) else 1.0
    low, high = _BOX_SIZES
    zoom = min(max(low / size, 1.0), 8.0) if size < low else min(high / size, 1.0)
    return BoxHead(boxes[0].names, zoom=round(zoom, 3))


def usual_widths(architecture: str, *, device: str = "cpu") -> tuple[int, ...]:
    """Give the widths of a network that suit a device.

    Parameters
    ----------
    architecture
        ``unet``, ``vit``, ``boxes`` or ``classifier``.
    device
        ``cpu`` or ``cuda``.

    Returns
    -------
    tuple of int
        Channels at each resolution, or numbers per token in each layer.

    Raises
    ------
    MethodError
        If there is no such architecture.
    """
    if architecture not in _WIDTHS:
        raise MethodError(
            f"no architecture named {architecture!r} to be trained; there are {', '.join(_WIDTHS)}"
        )
    return _WIDTHS[architecture][1 if device == "cuda" else 0]


def make_network(
    architecture: str,
    n_channels: int,
    head: Head,
    *,
    widths: Sequence[int] | None = None,
    norm: bool = True,
    sees: Sees = "light",
) -> nn.Module:
    """Make a network with new weights.

    Parameters
    ----------
    architecture
        ``unet``, on which a star head puts two heads of its own; ``vit``, ``boxes`` or ``classifier``.
    n_channels
        Channels of the images.
    head
        Says how many outputs there are.
    widths
        Channels at each resolution, or numbers per token in each layer; None: as on a processor.
    norm
        Whether batches are normalised; False for a network that was packaged.
    sees
        What a network that says something of every pixel sees: ``light`` or ``density``.

    Returns
    -------
    torch.nn.Module
        On the CPU.

    Raises
    ------
    MethodError
        If there is no such architecture, or it cannot have these widths.
    """
    usual = usual_widths(architecture)
    chosen = tuple(widths or usual)
    if architecture == "boxes":
        return BoxNetwork(n_channels, head.n_out - 4, widths=chosen, norm=norm)
    if architecture == "classifier":
        return Classifier(n_channels, head.n_out, widths=chosen, norm=norm)
    if architecture == "vit":
        return _transformer(n_channels, head.n_out, chosen, norm=norm, sees=sees)
    make = StarConvex if head.name == "star" else UNet
    return make(n_channels, head.n_out, widths=chosen, norm=norm, sees=sees)


def _transformer(
    n_in: int, n_out: int, widths: tuple[int, ...], *, norm: bool, sees: Sees
) -> VisionTransformer:
    if len(set(widths)) != 1 or widths[0] % _PER_HEAD:
        raise MethodError(
            f"widths {', '.join(map(str, widths))} do not suit a vit: all layers have the same one, a "
            f"multiple of {_PER_HEAD}"
        )
    n_heads = widths[0] // _PER_HEAD
    return VisionTransformer(
        n_in, n_out, width=widths[0], depth=len(widths), n_heads=n_heads, norm=norm, sees=sees
    )


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
        ``brightfield`` for colour; ``fluorescence`` where objects are brighter than their surroundings in 9
        of 10 images, ``brightfield`` where they are darker in as many, else ``any``; for classes of images
        milder, since size and brightness may tell them apart.
    """
    if head.name == "classification":
        return Augmentation(
            style="brightfield" if n_channels == 3 else "fluorescence", scale=0.1, stain=0.3, camera=0.5
        )
    small, large = median_size(pairs)
    options = Augmentation(diameters=(min(7.0, small), max(100.0, 1.5 * large)))
    if n_channels == 3:
        return options.model_copy(update={"style": "brightfield", "scale": 0.35, "stain": 0.6})
    if head.name == "semantic":
        options = options.model_copy(update={"stain": 0.0})
    # Where everything that is known is an object, nothing says what lies around them.
    bright = [_is_bright(pair) for pair in pairs if (pair.labels > 0).any() and (pair.labels == 0).any()]
    share = np.mean(bright) if bright else 1.0
    if share >= _MOST:
        return options
    return options.model_copy(update={"style": "brightfield" if 1 - share >= _MOST else "any", "empty": 0.0})


def median_size(pairs: Sequence[LabelledImage]) -> tuple[float, float]:
    """Give the smallest and the largest median diameter of the objects of an image.

    Parameters
    ----------
    pairs
        The images.

    Returns
    -------
    tuple
        In pixels, of stacks in space; (30, 30) without objects.
    """
    found = [
        stack_diameter(pair) if pair.labels.ndim == 3 else median_diameter(pair.labels)
        for pair in pairs
        if (pair.labels > 0).any()
    ]
    return (min(found), max(found)) if found else (30.0, 30.0)


def box_sizes(pairs: Sequence[LabelledImage]) -> NDArray[np.float32]:
    """Give the sizes of the boxes of the first class.

    Parameters
    ----------
    pairs
        The images; those without boxes count for none.

    Returns
    -------
    numpy.ndarray
        float32 (box,): root of the area, in pixels.
    """
    boxes = [pair.boxes for pair in pairs if pair.boxes is not None]
    first = [one.edges[one.classes == 0] for one in boxes]
    edges = np.concatenate(first) if first else np.zeros((0, 4), np.float32)
    return np.asarray(np.sqrt(np.prod(edges[:, 2:] - edges[:, :2], axis=1)), np.float32)


def _is_bright(pair: LabelledImage) -> bool:
    pixels = pair.image.pixels
    if "c" in pair.image.axes:
        pixels = pixels.mean(axis=pair.image.axes.index("c"))
    return bool(pixels[pair.labels > 0].mean() > pixels[pair.labels == 0].mean())
