"""One plane of a stack or time-lapse, read part by part: at a place, or projected along z."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.plane import Plane
from veriscope.core.source import Region
from veriscope.io.images import ImageHeader
from veriscope.io.regions import JoinedChannels, StoredImage

__all__ = ["StoredPlane"]


class StoredPlane:
    """A plane of a stored image, of which parts can be read as of an image without the axes z and t.

    A projection is computed while it is read, one plane in memory at a time.

    Parameters
    ----------
    stored
        The whole image.
    plane
        Which plane of it; one that it has.

    Attributes
    ----------
    header
        Of the plane; a projection by mean is float32, everything else has the type of the image.
    chunk_sides
        As of the whole image.
    """

    def __init__(self, stored: StoredImage | JoinedChannels, plane: Plane) -> None:
        self._stored, self._plane = stored, plane
        self.header = _plane_header(stored.header, plane)
        self.chunk_sides = stored.chunk_sides

    def verify(self) -> None:
        """Check the file as `StoredImage.verify` does."""
        self._stored.verify()

    def read(self, region: Region) -> Image:
        """Read a part.

        Parameters
        ----------
        region
            One slice per axis of the plane.

        Returns
        -------
        Image
            The part.

        Raises
        ------
        UnreadableFileError
            If a chunk, tile or strip is damaged.
        """
        z = self._plane.z
        whole = self._stored.header
        if z == "max" or z == "mean":
            pixels = self._read_at(region, 0)
            total = pixels.astype(np.float64) if z == "mean" else pixels
            depth = whole.shape[whole.axes.index("z")]
            for at in range(1, depth):
                part = self._read_at(region, at)
                total = np.maximum(total, part) if z == "max" else total + part
            pixels = (total / depth).astype(np.float32) if z == "mean" else total
        else:
            pixels = self._read_at(region, z or 0)
        header = self.header
        channels = header.channels[region[header.axes.index("c")]] if "c" in header.axes else ()
        return Image(pixels, header.axes, header.spacing, channels, header.path.name)

    def _read_at(self, region: Region, z: int) -> NDArray[Any]:
        """Read a part of a single plane, without the axes z and t."""
        by_letter = dict(zip(self.header.axes, region, strict=True))
        t = self._plane.t or 0
        by_letter |= {"z": slice(z, z + 1), "t": slice(t, t + 1)}
        axes = self._stored.header.axes
        pixels = self._stored.read(tuple(by_letter[letter] for letter in axes)).pixels
        return pixels.reshape([n for n, letter in zip(pixels.shape, axes, strict=True) if letter not in "tz"])


def _plane_header(whole: ImageHeader, plane: Plane) -> ImageHeader:
    """Say what the plane is, without the axes z and t."""
    kept = [
        (letter, size) for letter, size in zip(whole.axes, whole.shape, strict=True) if letter not in "tz"
    ]
    shape = tuple(size for _, size in kept)
    spacing = whole.spacing
    return replace(
        whole,
        axes="".join(letter for letter, _ in kept),
        shape=shape,
        dtype=np.dtype(np.float32) if plane.z == "mean" else whole.dtype,
        spacing=None if spacing is None else {axis: spacing[axis] for axis in "yx"},
        levels=(shape,),
    )
