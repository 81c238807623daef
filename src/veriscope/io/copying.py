"""Images copied part by part as OME-Zarr, large ones with the lower resolutions that a viewer needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.source import Region, grid
from veriscope.io.atomic import atomic_path
from veriscope.io.images import ImageHeader
from veriscope.io.ome_zarr import create_array, stem_of
from veriscope.io.planes import StoredPlane
from veriscope.io.pyramid import level_shapes, new_level, put_block, pyramid_attributes
from veriscope.io.regions import JoinedChannels, StoredImage

__all__ = ["copied_levels", "copy_blocks", "copy_image"]

_SIDE = 4096
"""Pixels along y and x that are read at once, where that is possible: whole chunks of three resolutions."""
_BLOCK_BYTES = 64 << 20
_BAND_BYTES = 128 << 20
_FEW_CHANNELS = 4
"""So many channels are read together: colours are stored together."""
_LARGE = 64 << 20
"""Bytes from which an image gets lower resolutions; a viewer makes those of smaller ones in no time."""


def copied_levels(header: ImageHeader) -> list[tuple[int, ...]]:
    """Choose the resolutions of a copy.

    Parameters
    ----------
    header
        Of the image.

    Returns
    -------
    list of tuple of int
        Their shapes, the full one first. There are lower ones, as from `veriscope.io.pyramid.level_shapes`,
        if the file has any, whatever their factors, or the image has more than 64 MiB.
    """
    n_bytes = math.prod(header.shape) * header.dtype.itemsize
    if len(header.levels) > 1 or n_bytes > _LARGE:
        return level_shapes(header.shape, header.axes)
    return [header.shape]


def copy_blocks(stored: StoredImage | JoinedChannels | StoredPlane) -> list[Region]:
    """Cut an image into what is best read at once.

    Parameters
    ----------
    stored
        The image.

    Returns
    -------
    list of tuple of slice
        Row by row. 4096 × 4096 pixels, less where these are more than 64 MiB; bands where rows are stored as
        a whole, so that nothing is decoded often. At most 4 channels together, planes and times one by one.
    """
    header = stored.header
    sizes = dict(zip(header.axes, header.shape, strict=True))
    channels = sizes.get("c", 1)
    channels = channels if channels <= _FEW_CHANNELS else 1
    pixel = channels * header.dtype.itemsize
    sides = _sides()
    height = width = _side(pixel)
    chunk_height, chunk_width = stored.chunk_sides
    if chunk_width > width:
        width = chunk_width
        height = next((side for side in sides if side * width * pixel <= _BAND_BYTES), sides[-1])
    # Blocks of the lowest resolution begin at whole pixels.
    step = max(sides[-1], 1 << (len(copied_levels(header)) - 1))
    height, width = (-(-side // step) * step for side in (max(height, chunk_height), width))
    wanted = {"y": height, "x": width, "c": channels}
    return list(
        grid(header.shape, tuple(min(wanted.get(letter, 1), sizes[letter]) for letter in header.axes))
    )


def _sides() -> tuple[int, ...]:
    return (_SIDE, _SIDE // 2, _SIDE // 4)


def _side(pixel_bytes: int) -> int:
    """Choose the side of a square of which the bytes are few enough."""
    sides = _sides()
    return next((side for side in sides if side * side * pixel_bytes <= _BLOCK_BYTES), sides[-1])


def _pieces(block: Region, part: Image) -> Iterator[tuple[NDArray[Any], Region]]:
    """Cut what was read at once into squares, so that halving takes little memory; where each one lies."""
    beside = math.prod(part.shape[:-2]) * part.pixels.dtype.itemsize
    side = _side(beside)
    for inner in grid(part.shape, (*part.shape[:-2], side, side)):
        starts = [whole.start for whole in block]
        place = (slice(at + s.start, at + s.stop) for at, s in zip(starts, inner, strict=True))
        yield part.pixels[inner], tuple(place)


def copy_image(
    stored: StoredImage | JoinedChannels | StoredPlane,
    target: Path,
    *,
    look: Callable[[Image], None] = lambda part: None,
    at_end: Callable[[], None] = lambda: None,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write an image as OME-Zarr 0.5, the same pixels, in the memory of a few blocks.

    Parameters
    ----------
    stored
        The image.
    target
        Folder to write, ending ``.zarr``; appears when it is complete.
    look
        Shown every block.
    at_end
        Called after the last one; what this or `look` raises stops the copy, and nothing is left.
    told
        Told how many blocks are done, and how many there are.

    Raises
    ------
    UnreadableFileError
        If a part of the image is damaged.
    AxesError
        If the target does not end in ``.zarr``.
    InputError
        If it cannot be written.
    """
    header = stored.header
    shapes = copied_levels(header)
    attributes = pyramid_attributes(stem_of(target), header.axes, header.spacing, shapes, header.channels)
    dtype, blocks = header.dtype.newbyteorder("="), copy_blocks(stored)
    told(0, len(blocks))
    with atomic_path(target) as temporary:
        full = create_array(temporary, header.shape, dtype, header.axes, attributes, small_shards=True)
        lower = {
            level: new_level(temporary / str(level), shape, dtype, header.axes)
            for level, shape in enumerate(shapes[1:], 1)
        }
        for done, block in enumerate(blocks, 1):
            part = stored.read(block)
            look(part)
            for pixels, place in _pieces(block, part):
                put_block(pixels, place, range(len(shapes)), {0: full} | lower, is_labels=False)
            told(done, len(blocks))
        at_end()
