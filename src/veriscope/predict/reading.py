"""How image files are read for a prediction: whole, or part by part."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from veriscope.core.axes import spatial_axes
from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.core.settings import Settings
from veriscope.core.source import PixelSource, Region
from veriscope.errors import AxesError, InputError
from veriscope.io.folders import ImageFile
from veriscope.io.images import ImageHeader, read_header, read_image
from veriscope.io.regions import StoredImage
from veriscope.methods.base import Method
from veriscope.methods.channels import COLOUR_CHANNELS, analysis_channel, channels_for

__all__ = ["ChannelSource", "Reading"]

_BLOCK = {2: (1024, 1024), 3: (16, 512, 512)}


class Reading(Settings):
    """How image files are read and which of them are taken."""

    channel: str | None = None
    """Channel that the method sees: index, name, ``luminance`` or ``hematoxylin``."""
    axes: str | None = None
    """Axes of the files where they do not say."""
    spacing: dict[str, float] | None = None
    """Pixel size in µm by axis; overrides the files' own."""
    series: int | Literal["each"] | None = None
    """Which image of files that hold several; ``each``: every one, where many images are taken."""
    skip_bad: bool = False
    """Leave out images that cannot be used, instead of stopping."""

    def of(self, image: ImageFile) -> Reading:
        """Say how one of many images is read.

        Parameters
        ----------
        image
            As from `veriscope.io.file_images.with_series`.

        Returns
        -------
        Reading
            With its number in its file.
        """
        return self.model_copy(update={"series": image.series})

    def _options(self, path: str | Path) -> dict[str, Any]:
        if self.series == "each":
            raise InputError(
                f"{path}: one image is read, and series 'each' stands for all of its file; give the number "
                "of one, from 0, or predict them into a folder"
            )
        return {"axes": self.axes, "spacing": self.spacing, "series": self.series}

    def read(self, path: str | Path) -> Image:
        """Read an image file.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        Image
            With all its channels.
        """
        return read_image(path, **self._options(path))

    def header(self, path: str | Path) -> ImageHeader:
        """Say what an image file holds, without its pixels.

        Parameters
        ----------
        path
            The file.

        Returns
        -------
        ImageHeader
            Axes, shape, spacing, channels.
        """
        return read_header(path, **self._options(path))

    def view(self, method: Method, image: Image) -> Image:
        """Give what a method sees of an image that was read.

        Parameters
        ----------
        method
            Any.
        image
            With all its channels.

        Returns
        -------
        Image
            As `veriscope.methods.channels.channels_for`.

        Raises
        ------
        AxesError
            If a channel has to be chosen and is not, is chosen and is not there, or is chosen for a method
            that sees several.
        """
        self._refuse_choice(method)
        return channels_for(method, image, self.channel)

    def source(self, path: str | Path, method: Method) -> ChannelSource:
        """Open an image file to be read part by part.

        Parameters
        ----------
        path
            The file.
        method
            That will see it.

        Returns
        -------
        ChannelSource
            What the method sees.
        """
        self._refuse_choice(method)
        stored = StoredImage(path, **self._options(path), keep=True)
        stored.verify()
        channel = self.channel
        if channel is None and stored.header.channels == RGB_CHANNELS:
            channel = method.colour_channel
        return ChannelSource(stored, channel, together=method.n_channels > 1)

    def _refuse_choice(self, method: Method) -> None:
        if self.channel is not None and method.n_channels > 1:
            raise AxesError(
                f"--channel {self.channel}: {method.name} sees {method.n_channels} channels at once; leave "
                "out --channel"
            )


class ChannelSource(PixelSource):
    """What a method sees of an image file at one time; parts are checked for NaN as they are read.

    Parameters
    ----------
    stored
        The file.
    channel
        Index or name of a channel, ``luminance`` or ``hematoxylin``; None: the only one.
    together
        Give all channels at once instead.

    Attributes
    ----------
    n_times
        Number of time points; None: the image has no axis ``t``.

    Raises
    ------
    AxesError
        If there are several channels and none is chosen, the chosen one does not exist, or
        it can only be computed from the whole image.
    """

    def __init__(self, stored: StoredImage, channel: str | None, *, together: bool = False) -> None:
        header = stored.header
        axes = spatial_axes(header.axes)
        sizes = dict(zip(header.axes, header.shape, strict=True))
        shape = tuple(sizes[letter] for letter in axes)
        self.stored = stored
        self.n_times = sizes.get("t")
        self._time = 0
        self._channel = channel
        self._together = together and "c" in header.axes
        self._channels = slice(0, sizes.get("c", 1))
        block = tuple(map(min, shape, _BLOCK[len(shape)]))
        what: dict[str, Any] = {"name": header.path.name, "block": block, "spacing": header.spacing}
        if self._together:
            super().__init__(shape, axes, header.dtype, channels=header.channels, **what)
            return
        blank = _blank(header)
        if header.channels == RGB_CHANNELS and channel is None:
            raise AxesError(
                f"{header.path.name}: has 3 channels (red, green, blue) and the analysis takes one; "
                "choose one with --channel, or --channel luminance or hematoxylin. Whether an image read "
                "part by part is grey is not looked at: --channel 0 if it is"
            )
        word = (channel or "").lower()
        # A channel that bears the name of a computed one is taken as it is.
        computed = word in COLOUR_CHANNELS and word not in (name.lower() for name in header.channels)
        if computed and word == "hematoxylin" and header.dtype.name != "uint8":
            raise AxesError(
                f"{header.path.name}: hematoxylin is computed from 8-bit colours part by part, and these are "
                f"{header.dtype}; convert the image to 8 bits"
            )
        seen = analysis_channel(blank, channel)
        if "c" in header.axes and not computed:
            index = _index(blank, channel)
            self._channels = slice(index, index + 1)
            self._channel = "0"
        super().__init__(shape, axes, seen.pixels.dtype, **what)

    def at(self, time: int) -> ChannelSource:
        """Give the same channel at another time.

        Parameters
        ----------
        time
            Number of the time point, from 0.

        Returns
        -------
        ChannelSource
            Without axis ``t``, as all of them.
        """
        other = copy(self)
        other._time = time
        return other

    def corner(self) -> Image:
        """Give the first pixel, by which a method can tell whether it takes such images.

        Returns
        -------
        Image
            One pixel, as the method will see it.
        """
        part = tuple(slice(0, 1) for _ in self.shape)
        return self.image(part)

    def _image(self, region: Region) -> Image:
        axes = self.stored.header.axes
        now = slice(self._time, self._time + 1)
        parts = {"c": self._channels, "t": now} | dict(zip(spatial_axes(axes), region, strict=True))
        image = self.stored.read(tuple(parts[letter] for letter in axes))
        if "t" not in axes:
            return image
        return replace(image, pixels=image.pixels[0], axes=axes.removeprefix("t"))

    def read(self, region: Region) -> NDArray[Any]:
        """Read a part."""
        image = self._image(region)
        if not self._together:
            image = analysis_channel(image, self._channel)
        image.require_finite()
        return image.pixels


def _blank(header: ImageHeader) -> Image:
    """One pixel of such an image, read from nowhere: of some files that takes the memory of a whole plane."""
    sizes = [size if letter == "c" else 1 for letter, size in zip(header.axes, header.shape, strict=True)]
    pixels = np.zeros(sizes, header.dtype)
    if "t" in header.axes:
        pixels = pixels[0]
    axes = header.axes.removeprefix("t")
    return Image(pixels, axes, channels=header.channels, name=header.path.name)


def _index(image: Image, channel: str | None) -> int:
    """Place of the chosen channel among those of the file; the choice was checked before."""
    names = [name.lower() for name in image.channels]
    if channel is None:
        return 0
    return names.index(channel.lower()) if channel.lower() in names else int(channel)
