"""The channels that a method sees."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from veriscope.core.image import Image
from veriscope.errors import AxesError

if TYPE_CHECKING:
    from veriscope.methods.base import Method

__all__ = ["COLOUR_CHANNELS", "analysis_channel", "channels_for"]

COLOUR_CHANNELS = ("luminance", "hematoxylin")
"""Channels computed from the colours of a photograph."""

_LUMA = (0.2126, 0.7152, 0.0722)


def analysis_channel(image: Image, channel: str | int | None) -> Image:
    """Give the channel to analyse.

    Parameters
    ----------
    image
        Any image.
    channel
        Index or name of a channel, or of a colour image ``luminance`` (ITU-R BT.709 weights) or
        ``hematoxylin`` (colour deconvolution after Ruifrok & Johnston 2001, bright where stained;
        colours that are not uint8 are relative to the image's largest value, or to 1).
        None: the image has one channel and needs no choice; so has a grey picture that was saved in
        colours, red = green = blue in every pixel. A grey image among colour ones has
        itself as luminance, and a channel that bears one of these names is taken as it is.

    Returns
    -------
    Image
        Without axis ``c``.

    Raises
    ------
    AxesError
        If there are several channels and none is chosen, or the chosen one does not exist.
    """
    colour = channel.lower() if isinstance(channel, str) else ""
    if colour in COLOUR_CHANNELS and colour not in (name.lower() for name in image.channels):
        if colour == "luminance" and len(image.channels) <= 1:
            return analysis_channel(image, None)
        if not image.is_rgb:
            raise AxesError(f"{image.name}: {colour} needs a colour image with channels red, green, blue")
        colours = np.moveaxis(image.pixels, image.axes.index("c"), -1)
        return replace(
            image,
            pixels=_luminance(colours) if colour == "luminance" else _hematoxylin(colours),
            axes=image.axes.replace("c", ""),
            channels=(),
        )
    if channel is not None:
        return image.select_channel(channel)
    if "c" not in image.axes:
        return image
    if len(image.channels) == 1 or _is_grey(image):
        return image.select_channel(0)
    names = ", ".join(f"{index} ({name})" for index, name in enumerate(image.channels))
    more = "; or --channel luminance or hematoxylin for a colour image" if image.is_rgb else ""
    raise AxesError(
        f"{image.name}: has {len(image.channels)} channels and the analysis takes one; "
        f"choose with --channel: {names}{more}"
    )


def channels_for(method: Method, image: Image, channel: str | int | None) -> Image:
    """Give what a method sees of an image.

    Parameters
    ----------
    method
        Any.
    image
        Any image.
    channel
        Channel of the analysis, as for `analysis_channel`. A method that sees several channels sees
        all of them, whatever it is; one that knows what to do with colours (`Method.colour_channel`)
        needs no choice.

    Returns
    -------
    Image
        Without axis ``c`` for a method that sees one channel, else as it is.

    Raises
    ------
    AxesError
        As `analysis_channel`.
    """
    if method.n_channels > 1:
        return image
    if channel is None and image.is_rgb:
        channel = method.colour_channel
    return analysis_channel(image, channel)


def _is_grey(image: Image) -> bool:
    if not image.is_rgb:
        return False
    red, green, blue = (image.select_channel(index).pixels for index in range(3))
    return np.array_equal(red, green) and np.array_equal(red, blue)


def _luminance(colours: np.ndarray) -> np.ndarray:
    return (colours.astype(np.float32) @ np.asarray(_LUMA, np.float32)).astype(np.float32)


def _hematoxylin(colours: np.ndarray) -> np.ndarray:
    from skimage.color import rgb2hed

    scaled = colours if colours.dtype == np.uint8 else colours / max(float(colours.max()), 1.0)
    return np.asarray(rgb2hed(scaled)[..., 0], dtype=np.float32)
