"""Reading parts of stored images: OME-Zarr by chunks, TIFF by tiles and strips."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.source import Region, within
from veriscope.errors import AxesError
from veriscope.io.images import ImageHeader, find_reader, plan_image, read_header
from veriscope.io.layout import Spacing, arrange

__all__ = ["JoinedChannels", "StoredImage", "join_headers"]


class StoredImage:
    """An image file of which parts can be read.

    The file is opened for each of them, so that this can be sent to other processes.

    Parameters
    ----------
    path
        Image file or OME-Zarr folder.
    axes, spacing, series
        As for `veriscope.io.images.read_image`.
    keep
        Keep the plane decoded last where a plane is stored in one piece, so that it is decoded once and not
        for every part of it. Other processes decode it themselves.

    Attributes
    ----------
    header
        What the file says of the image.
    chunk_bytes
        Bytes that must be decoded at once to read any one pixel.
    chunk_sides
        The part of a plane that this is, along y and x.
    kept_bytes
        Bytes that are held from one part to the next.

    Raises
    ------
    UnreadableFileError, AxesError, InputError
        As `read_image`, without reading pixels.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        axes: str | None = None,
        spacing: Spacing | None = None,
        series: int | str | None = None,
        keep: bool = False,
    ) -> None:
        self.path = Path(path)
        self.header = read_header(path, axes=axes, spacing=spacing, series=series)
        with find_reader(self.path).open(self.path) as file:
            self._number, self._layout = plan_image(
                file, str(path), series=series, level=0, axes=axes, spacing=spacing
            )
            stored = file.series[self._number]
            self._stored_shape, self._itemsize = stored.levels[0].shape, stored.dtype.itemsize
            self.chunk_bytes = file.chunk_bytes(self._number)
            self.chunk_sides = file.chunk_sides(self._number)
        plane = zip(self._layout.letters, self._stored_shape, strict=True)
        sides = tuple(size for letter, size in plane if letter in "yx")
        one_piece = all(part >= side for part, side in zip(self.chunk_sides, sides, strict=True))
        self.kept_bytes = self.chunk_bytes if keep and one_piece else 0
        self._kept: tuple[Region, NDArray[Any]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Give what is sent to other processes: all but the plane that is kept."""
        return self.__dict__ | {"_kept": None}

    def verify(self) -> None:
        """Check what can be checked without decoding, so that a run of hours does not stop half way.

        Raises
        ------
        UnreadableFileError
            If chunks are cut off.
        """
        with find_reader(self.path).open(self.path) as file:
            file.verify(self._number)

    def read(self, region: Region) -> Image:
        """Read a part.

        Parameters
        ----------
        region
            One slice per axis of the image.

        Returns
        -------
        Image
            The part, with the image's axes, spacing, channel names.

        Raises
        ------
        UnreadableFileError
            If a chunk, tile or strip is damaged.
        """
        by_letter = dict(zip(self.header.axes, region, strict=True))
        letters = self._layout.letters
        palette = self._layout.palette
        # Colours of a pixel are stored together, those of a palette come from it: all, or none.
        has_colours = "s" in letters or (palette is not None and palette.ndim == 2)
        stored = tuple(
            by_letter[letter]
            if letter in by_letter and not (letter == "c" and has_colours)
            else slice(0, size)
            for letter, size in zip(letters, self._stored_shape, strict=True)
        )
        pixels = arrange(self._decode(stored), self._layout)
        channels = self.header.channels
        if "c" in by_letter:
            channels = channels[by_letter["c"]]
            if has_colours:
                pixels = pixels[(slice(None),) * self.header.axes.index("c") + (by_letter["c"],)]
        return Image(
            pixels,
            self.header.axes,
            spacing=self.header.spacing,
            channels=channels,
            name=self.path.name,
        )

    def _decode(self, part: Region) -> NDArray[Any]:
        """Decode a part of what is stored, or cut it out of the plane that is kept."""
        letters = self._layout.letters
        whole = tuple(
            slice(0, size) if letter in "yx" else side
            for letter, size, side in zip(letters, self._stored_shape, part, strict=True)
        )
        n_bytes = math.prod(side.stop - side.start for side in whole) * self._itemsize
        if n_bytes > self.kept_bytes:
            with find_reader(self.path).open(self.path) as file:
                return file.region(self._number, part)
        if self._kept is None or self._kept[0] != whole:
            self._kept = None  # never two at once
            with find_reader(self.path).open(self.path) as file:
                self._kept = whole, file.region(self._number, whole)
        return self._kept[1][within(part, whole)].copy()


def join_headers(headers: Sequence[ImageHeader], channels: Sequence[str]) -> ImageHeader:
    """Say what an image is whose channels are in one file each.

    Parameters
    ----------
    headers
        Of the files.
    channels
        Name of the channel in each.

    Returns
    -------
    ImageHeader
        With axis ``c``; path and format are those of the first file.

    Raises
    ------
    AxesError
        If the files are not of one channel each, or differ in axes, shape, type or pixel size.
    """
    first = headers[0]
    for header in headers:
        if "c" in header.axes or (header.axes, header.shape, header.dtype) != (
            first.axes,
            first.shape,
            first.dtype,
        ):
            raise AxesError(
                f"{header.path}: has axes {header.axes!r}, shape {header.shape} and type {header.dtype}; the "
                f"channels of an image must be alike and of one channel each ({first.path.name} has "
                f"{first.axes!r}, {first.shape}, {first.dtype})"
            )
        if header.spacing != first.spacing:
            raise AxesError(
                f"{header.path}: has the pixel size {header.spacing} and {first.path.name} {first.spacing}; "
                "the channels of an image must be alike: give it with --spacing"
            )
    at = _channel_place(first.axes)
    return replace(
        first,
        axes=f"{first.axes[:at]}c{first.axes[at:]}",
        shape=(*first.shape[:at], len(headers), *first.shape[at:]),
        levels=tuple((*shape[:at], len(headers), *shape[at:]) for shape in first.levels),
        channels=tuple(channels),
        notes=tuple(dict.fromkeys(note for header in headers for note in header.notes)),
    )


def _channel_place(axes: str) -> int:
    """Where the axis ``c`` comes into others."""
    return 1 if "t" in axes else 0


class JoinedChannels:
    """An image whose channels are in one file each, of which parts can be read.

    Parameters
    ----------
    parts
        The files.
    channels
        Name of the channel in each.
    name
        Of the image.

    Attributes
    ----------
    header
        As from `join_headers`.
    chunk_sides
        As of `StoredImage`, the largest of the files.

    Raises
    ------
    AxesError
        As `join_headers`.
    """

    def __init__(self, parts: Sequence[StoredImage], channels: Sequence[str], name: str) -> None:
        self.header = join_headers([part.header for part in parts], channels)
        heights, widths = zip(*(part.chunk_sides for part in parts), strict=True)
        self.chunk_sides = max(heights), max(widths)
        self._parts, self._name = tuple(parts), name

    def verify(self) -> None:
        """Check all files as `StoredImage.verify` does."""
        for part in self._parts:
            part.verify()

    def read(self, region: Region) -> Image:
        """Read a part.

        Parameters
        ----------
        region
            One slice per axis of the image.

        Returns
        -------
        Image
            The part, with the image's axes, spacing, channel names.
        """
        at = self.header.axes.index("c")
        plane = (*region[:at], *region[at + 1 :])
        images = [part.read(plane) for part in self._parts[region[at]]]
        return Image(
            np.stack([image.pixels for image in images], axis=at),
            self.header.axes,
            self.header.spacing,
            self.header.channels[region[at]],
            self._name,
        )
