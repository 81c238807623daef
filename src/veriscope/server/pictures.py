"""Pictures of images: thumbnails, tiles for browsers without WebGL2, and outlines of objects."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from veriscope.core.source import Region
from veriscope.server.problems import ProblemError
from veriscope.server.store import Store

__all__ = ["Channel", "Window", "draw_labels", "draw_pixels", "plane_region", "png", "stretch_limits"]

_COLOURS = ("ffffff", "00ff00", "ff00ff", "00ffff", "ffff00", "ff0000", "0000ff")
_PALETTE = np.array(
    [(86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (213, 94, 0), (204, 121, 167)], np.uint8
)
_MOST_PIXELS = 4096 * 4096


@dataclass(frozen=True, slots=True)
class Channel:
    """How a channel is shown.

    Parameters
    ----------
    index
        Which one.
    low, high
        Values shown as black and as full colour; None: 1st and 99.8th percentile.
    gamma
        Exponent between them.
    colour
        Six hexadecimal digits.
    """

    index: int
    low: float | None = None
    high: float | None = None
    gamma: float = 1.0
    colour: str = "ffffff"


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a plane and the size it is drawn at.

    Parameters
    ----------
    y0, x0, y1, x1
        In pixels of the full resolution, ends excluded.
    width
        Of the picture, in pixels.
    """

    y0: int
    x0: int
    y1: int
    x1: int
    width: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        height = max(1, round((self.y1 - self.y0) * self.width / (self.x1 - self.x0)))
        return self.width, height

    @classmethod
    def within(
        cls,
        store: Store,
        box: Sequence[int | None],
        width: int | None,
    ) -> Window:
        """Cut a window to the image.

        Parameters
        ----------
        store
            The image.
        box
            y0, x0, y1, x1; None: to the border.
        width
            Of the picture; None: one pixel for each of the window, 1024 at most.

        Returns
        -------
        Window
            Inside the image.

        Raises
        ------
        ProblemError
            422 if nothing of it is inside, or the picture would be too large.
        """
        height, length = store.shapes[0][-2:]
        y0, x0 = max(0, box[0] or 0), max(0, box[1] or 0)
        y1 = height if box[2] is None else min(height, box[2])
        x1 = length if box[3] is None else min(length, box[3])
        if y1 <= y0 or x1 <= x0:
            raise ProblemError.make(
                422, f"The window {list(box)} has no pixel of the image ({height} × {length}).", "Move it."
            )
        found = cls(y0, x0, y1, x1, min(1024, x1 - x0) if width is None else width)
        if found.size[0] * found.size[1] > _MOST_PIXELS:
            raise ProblemError.make(422, "The picture would be too large.", "Ask for a smaller width.")
        return found


def plane_region(
    store: Store, window: Window, level: int, *, channel: int | None, z: int | str, t: int
) -> Region:
    """Give the part of a resolution that a picture needs.

    Parameters
    ----------
    store
        The image.
    window
        What is shown.
    level
        Of the resolution.
    channel, z, t
        Which plane; z may be ``max`` or ``mean``: all planes. An axis that the image lacks is ignored.

    Returns
    -------
    tuple of slice
        One per axis.

    Raises
    ------
    ProblemError
        422 if there is no such plane.
    """
    factor, found = 2**level, []
    wanted = {"c": channel, "z": z, "t": t}
    for letter, length in zip(store.axes, store.shapes[level], strict=True):
        if letter in "yx":
            start, stop = (window.y0, window.y1) if letter == "y" else (window.x0, window.x1)
            found.append(slice(min(start // factor, length - 1), min(length, -(-stop // factor))))
            continue
        place = wanted[letter]
        if place in ("max", "mean", None):
            found.append(slice(0, length))
            continue
        if not 0 <= int(place) < length:
            raise ProblemError.make(
                422, f"There is no {letter} = {place}; the image has {length}.", f"Give 0 to {length - 1}."
            )
        found.append(slice(int(place), int(place) + 1))
    return tuple(found)


def stretch_limits(values: NDArray[Any]) -> tuple[float, float]:
    """Choose what is shown as black and white.

    Parameters
    ----------
    values
        Pixels.

    Returns
    -------
    tuple of float
        1st and 99.8th percentile of those that are finite; never equal.
    """
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
    if not finite.size:
        return 0.0, 1.0
    # As floats: between whole numbers far apart NumPy's percentiles overflow, between truth values they fail.
    low, high = (float(value) for value in np.percentile(finite.astype(float), (1, 99.8)))
    return (low, high) if high > low else (low, low + 1.0)


def draw_pixels(
    store: Store, window: Window, channels: Sequence[Channel], *, z: int | str = 0, t: int = 0
) -> NDArray[np.uint8]:
    """Draw channels on top of each other.

    Parameters
    ----------
    store
        The image.
    window
        What is shown.
    channels
        How each is shown; their colours are added.
    z, t
        Which plane; z may be ``max`` or ``mean``, the largest or mean value over z.

    Returns
    -------
    numpy.ndarray
        Red, green and blue, axes yxc.
    """
    level = store.level_for((window.x1 - window.x0) / window.width)
    total: NDArray[np.float32] | None = None
    for channel in channels:
        region = plane_region(store, window, level, channel=channel.index, z=z, t=t)
        plane = store.read(level, region)
        planes = tuple(range(plane.ndim - 2))
        plane = plane.mean(axis=planes) if z == "mean" else plane.max(axis=planes)
        low, high = stretch_limits(plane) if channel.low is None or channel.high is None else (0.0, 1.0)
        low = low if channel.low is None else channel.low
        high = high if channel.high is None else channel.high
        span = high - low if high != low else 1.0
        shown = np.clip((np.nan_to_num(plane.astype(np.float32)) - low) / span, 0, 1) ** channel.gamma
        colour = np.array([int(channel.colour[at : at + 2], 16) for at in (0, 2, 4)], np.float32)
        part = shown[..., None] * colour
        total = part if total is None else total + part
    assert total is not None, "at least one channel is drawn"
    pixels = np.clip(total, 0, 255).astype(np.uint8)
    return _resize(pixels, window, Picture.Resampling.BOX if level or window.width < pixels.shape[1]
                   else Picture.Resampling.NEAREST)  # fmt: skip


def default_channels(names: Sequence[str]) -> list[Channel]:
    """Choose how an image is shown at first.

    Parameters
    ----------
    names
        Names of its channels; none for an image without this axis.

    Returns
    -------
    list of Channel
        Colour photographs as they are, one channel in grey, up to seven in colours of their own.
    """
    if list(names) == ["red", "green", "blue"]:
        colours = ("ff0000", "00ff00", "0000ff")
        return [Channel(index, 0, 255, colour=colour) for index, colour in enumerate(colours)]
    if len(names) <= 1:
        return [Channel(0)]
    return [Channel(index, colour=colour) for index, colour in zip(range(len(names)), _COLOURS, strict=False)]


def draw_labels(store: Store, window: Window, *, contour: int, z: int | str = 0) -> NDArray[np.uint8]:
    """Draw objects in six colours, transparent between them.

    Parameters
    ----------
    store
        A label image.
    window
        What is shown.
    contour
        Width of outlines in pixels of the picture; 0: objects are filled.
    z
        Which plane; ``max`` shows the largest label.

    Returns
    -------
    numpy.ndarray
        Red, green, blue and opacity, axes yxc.
    """
    level = store.level_for((window.x1 - window.x0) / window.width)
    plane = store.read(level, plane_region(store, window, level, channel=None, z=z, t=0))
    while plane.ndim > 2:
        plane = plane.max(axis=0)
    width, height = window.size
    rows = np.minimum((np.arange(height) + 0.5) * plane.shape[0] / height, plane.shape[0] - 1).astype(int)
    columns = np.minimum((np.arange(width) + 0.5) * plane.shape[1] / width, plane.shape[1] - 1).astype(int)
    labels = plane[rows][:, columns]
    shown = labels > 0
    if contour:
        inner = np.ones(labels.shape, bool)
        for shift in range(1, contour + 1):
            for axis in (0, 1):
                for sign in (-shift, shift):
                    inner &= np.roll(labels, sign, axis) == labels
        shown &= ~inner
    picture = np.zeros((height, width, 4), np.uint8)
    picture[..., :3] = _PALETTE[labels % len(_PALETTE)]
    picture[..., 3] = np.where(shown, 255 if contour else 128, 0)
    return picture


def _resize(pixels: NDArray[np.uint8], window: Window, kind: Picture.Resampling) -> NDArray[np.uint8]:
    if (pixels.shape[1], pixels.shape[0]) == window.size:
        return pixels
    return np.asarray(Picture.fromarray(pixels).resize(window.size, kind))


def png(pixels: NDArray[Any]) -> bytes:
    """Write a PNG file.

    Parameters
    ----------
    pixels
        Axes yx or yxc, 8 bits (or 16 without colours).

    Returns
    -------
    bytes
        The file.
    """
    file = io.BytesIO()
    Picture.fromarray(np.ascontiguousarray(pixels)).save(file, format="PNG", compress_level=3)
    return file.getvalue()
