"""Pairs of images and labels, brought to what the loop of training takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.errors import AxesError, PixelValueError, ShapeMismatchError
from veriscope.methods.channels import analysis_channel
from veriscope.methods.networks import size_search
from veriscope.methods.networks.class_network import shrunk
from veriscope.methods.networks.normalise import normalise_channels
from veriscope.training.heads.base import PixelHead
from veriscope.training.images.augment import TrainingImage
from veriscope.training.images.box_crops import BoxImage
from veriscope.training.images.class_crops import ClassImage
from veriscope.training.images.pairs import LabelledImage

__all__ = [
    "channels_first",
    "median_diameter",
    "prepare",
    "prepare_boxes",
    "prepare_class",
    "seen_by",
]

_NO_OBJECT = 30.0


def prepare(
    image: Image,
    labels: NDArray[Any],
    head: PixelHead,
    *,
    n_channels: int = 1,
    channel: str | int | None = None,
    weight: float = 1.0,
) -> TrainingImage:
    """Normalise an image and compute what is to be learned from it.

    Parameters
    ----------
    image
        2D, of one channel or several.
    labels
        Integers (y, x): labels or classes; negative where not known.
    head
        Says what is to be learned.
    n_channels
        Channels that the network sees.
    channel
        Which channel, where it sees one and the image has several.
    weight
        Relative chance to be drawn.

    Returns
    -------
    TrainingImage
        Normalised, with targets.

    Raises
    ------
    AxesError
        If the image has other axes or channels.
    ShapeMismatchError
        If the labels have another size.
    """
    pixels = channels_first(image, n_channels, channel)
    if labels.shape != pixels.shape[1:]:
        raise ShapeMismatchError(
            f"{image.name}: the labels have {labels.shape} pixels, the image {pixels.shape[1:]}"
        )
    numbers = labels.astype(np.int32)
    return TrainingImage(
        normalise_channels(pixels),
        numbers,
        head.targets(np.maximum(numbers, 0)),
        median_diameter(numbers),
        weight,
    )


def prepare_boxes(pair: LabelledImage, *, n_channels: int) -> BoxImage:
    """Normalise an image with boxes.

    Parameters
    ----------
    pair
        With boxes.
    n_channels
        Channels that the network sees.

    Returns
    -------
    BoxImage
        Normalised; images with a rare class are drawn half as often again.

    Raises
    ------
    AxesError
        If the image has other axes or channels.
    """
    assert pair.boxes is not None
    boxes = pair.boxes
    rare = bool((boxes.classes > 0).any()) and len(boxes.names) > 1
    pixels = normalise_channels(channels_first(pair.image, n_channels))
    return BoxImage(
        pixels, boxes.edges.astype(np.float64), boxes.classes.astype(np.int64), 1.5 if rare else 1.0
    )


def prepare_class(pair: LabelledImage, *, n_channels: int, zoom: float) -> ClassImage:
    """Normalise an image with a class, and bring it to the scale of the network.

    Parameters
    ----------
    pair
        With its class.
    n_channels
        Channels that the network sees.
    zoom
        Pixels of the network per pixel of the image.

    Returns
    -------
    ClassImage
        As the network will see it when it predicts.

    Raises
    ------
    AxesError
        If the image has other axes or channels.
    PixelValueError
        If all its pixels are equal, so that no class can be told.
    """
    assert pair.kind is not None
    pixels = channels_first(pair.image, n_channels)
    if pixels.min() == pixels.max():
        raise PixelValueError(
            f"{pair.stem}: all pixels are {pixels.flat[0]:g}, and its class is {pair.kind.name}; there is "
            "nothing to tell it by"
        )
    return ClassImage(shrunk(normalise_channels(pixels), zoom), pair.kind.number)


def channels_first(image: Image, n_channels: int, channel: str | int | None = None) -> NDArray[Any]:
    """Give the pixels that a network sees.

    Parameters
    ----------
    image
        2D, of one channel or several.
    n_channels
        Channels that the network sees. A grey image is repeated where it sees several.
    channel
        Which channel, where it sees one and the image has several; colour photographs become grey.

    Returns
    -------
    numpy.ndarray
        (c, y, x), dtype of the image.

    Raises
    ------
    AxesError
        If the image has other axes or another number of channels.
    """
    if n_channels == 1:
        colour = "luminance" if channel is None and image.is_rgb else channel
        image = analysis_channel(image, colour)
    if image.axes == "yx":
        return np.repeat(image.pixels[None], n_channels, axis=0)
    if sorted(image.axes) != ["c", "x", "y"]:
        raise AxesError(
            f"{image.name}: has axes {image.axes}; training takes 2D images, with or without channels"
        )
    pixels = np.moveaxis(image.pixels, image.axes.index("c"), 0)
    if len(pixels) != n_channels:
        raise AxesError(f"{image.name}: has {len(pixels)} channels, the network sees {n_channels}")
    return np.asarray(pixels)


def seen_by(image: Image, n_channels: int) -> Image:
    """Give a colour image as a network of one channel sees it, and a grey one as one of colours does.

    Parameters
    ----------
    image
        2D.
    n_channels
        Channels that the network sees.

    Returns
    -------
    Image
        The same where nothing has to be done.
    """
    if n_channels == 1 and image.is_rgb:
        return analysis_channel(image, "luminance")
    if n_channels == 3 and image.axes == "yx":
        return Image(np.stack([image.pixels] * 3), "cyx", image.spacing, RGB_CHANNELS, image.name)
    return image


def median_diameter(labels: NDArray[np.int32]) -> float:
    """Give the median equivalent diameter of the objects.

    Parameters
    ----------
    labels
        Label image; 0 and negative numbers are no object.

    Returns
    -------
    float
        In pixels; 30 without objects.
    """
    areas = np.bincount(np.maximum(labels, 0).ravel())[1:]
    return size_search.median_diameter(areas[areas > 0]) or _NO_OBJECT
