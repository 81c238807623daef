"""Pixels that are read where they are needed: an image of any size, in memory or on disk.

::

    for block in source.blocks(halo=4):
        smooth = gaussian_filter(block.pixels, 1)[block.core]     # each pixel of the image exactly once
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.image import Image

__all__ = ["ArraySource", "Block", "PixelSource", "Region", "grid", "grow", "within"]

Region = tuple[slice, ...]
"""Part of an image: one slice per axis, with a start and a stop."""


def grow(region: Region, by: int, shape: tuple[int, ...]) -> Region:
    """Enlarge a region on all sides, as far as the image goes.

    Parameters
    ----------
    region
        Part of an image.
    by
        Pixels added on each side.
    shape
        Of the image.

    Returns
    -------
    tuple of slice
        The larger region.
    """
    return tuple(
        slice(max(part.start - by, 0), min(part.stop + by, size))
        for part, size in zip(region, shape, strict=True)
    )


def within(inner: Region, outer: Region) -> Region:
    """Give a region in the coordinates of another one that holds it.

    Parameters
    ----------
    inner, outer
        Parts of the same image.

    Returns
    -------
    tuple of slice
        Where `inner` lies in an array of the pixels of `outer`.
    """
    return tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(inner, outer, strict=True))


def grid(shape: tuple[int, ...], sides: tuple[int, ...]) -> Iterator[Region]:
    """Cut an image into regions, row by row.

    Parameters
    ----------
    shape
        Of the image.
    sides
        Length of a region along each axis; those at the end may be shorter.

    Yields
    ------
    tuple of slice
        Every pixel lies in exactly one region.
    """
    axes = [
        [slice(start, min(start + side, size)) for start in range(0, size, side)]
        for size, side in zip(shape, sides, strict=True)
    ]
    yield from itertools.product(*axes)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A part of an image with some surroundings.

    Parameters
    ----------
    pixels
        The part and its surroundings; at the edge of the image there are none.
    core
        Where the part lies in `pixels`.
    """

    pixels: NDArray[Any]
    core: Region


class PixelSource(ABC):
    """An image, of which any part can be read; most have one channel.

    Parameters
    ----------
    shape
        Length of each axis.
    axes
        ``yx`` or ``zyx``.
    dtype
        Of the pixels.
    name
        Where the image comes from, for messages.
    block
        Length of the sides of the blocks in which it is best gone through.
    spacing
        Size of a pixel in µm by axis, or None: uncalibrated.
    channels
        Names of the channels; empty: one channel, and its pixels have no axis for it.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        axes: str,
        dtype: np.dtype[Any],
        *,
        name: str,
        block: tuple[int, ...],
        spacing: Mapping[str, float] | None = None,
        channels: tuple[str, ...] = (),
    ) -> None:
        self.shape = shape
        self.axes = axes
        self.dtype = dtype
        self.name = name
        self.block = block
        self.spacing = spacing
        self.channels = channels

    @abstractmethod
    def read(self, region: Region) -> NDArray[Any]:
        """Read a part.

        Parameters
        ----------
        region
            Inside the image.

        Returns
        -------
        numpy.ndarray
            Its pixels; channels first, where there are several.
        """

    def image(self, region: Region) -> Image:
        """Read a part as an image.

        Parameters
        ----------
        region
            Inside the image.

        Returns
        -------
        Image
            With axis ``c`` first, where there are several channels.
        """
        axes = "c" + self.axes if self.channels else self.axes
        return Image(self.read(region), axes, self.spacing, self.channels, self.name)

    def singles(self) -> list[PixelSource]:
        """Give each channel as a source of its own.

        Returns
        -------
        list of PixelSource
            The source itself, where there is one channel.
        """
        return [_OneChannel(self, index) for index in range(len(self.channels))] or [self]

    def blocks(self, *, halo: int = 0) -> Iterator[Block]:
        """Go through the whole image once, in bounded memory.

        Parameters
        ----------
        halo
            Pixels of surroundings that each block gets.

        Yields
        ------
        Block
            The cores cover every pixel exactly once.
        """
        for core in grid(self.shape, self.block):
            crop = grow(core, halo, self.shape)
            yield Block(self.read(crop), within(core, crop))


class _OneChannel(PixelSource):
    """One of several channels."""

    def __init__(self, source: PixelSource, index: int) -> None:
        super().__init__(
            source.shape,
            source.axes,
            source.dtype,
            name=source.name,
            block=source.block,
            spacing=source.spacing,
        )
        self._source, self._index = source, index

    def read(self, region: Region) -> NDArray[Any]:
        """Read a part of the channel."""
        return np.asarray(self._source.read(region)[self._index])


class ArraySource(PixelSource):
    """An image in memory; one block.

    Parameters
    ----------
    image
        Without time.
    """

    def __init__(self, image: Image) -> None:
        super().__init__(
            image.spatial_shape,
            image.axes.replace("c", ""),
            image.pixels.dtype,
            name=image.name,
            block=image.spatial_shape,
            spacing=image.spacing,
            channels=image.channels,
        )
        self._pixels = image.pixels

    def read(self, region: Region) -> NDArray[Any]:
        """Give a view of a part."""
        index: tuple[Any, ...] = (..., *region)
        return np.asarray(self._pixels[index])
