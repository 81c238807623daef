"""An image file of any size as OME-Zarr, of which parts can be read."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from veriscope.core.source import grid
from veriscope.errors import InputError
from veriscope.io.atomic import atomic_path
from veriscope.io.layout import Spacing
from veriscope.io.ome_zarr import channel_attributes, create_array, image_attributes
from veriscope.io.regions import StoredImage

__all__ = ["convert_image"]

_BLOCK = 2048
"""Pixels along y and x that are read at once, where that is possible; whole files of the result."""
_FEW_CHANNELS = 4
"""So many channels are read together: colours are stored together."""


def convert_image(
    source: str | Path,
    target: str | Path,
    *,
    axes: str | None = None,
    spacing: Spacing | None = None,
    series: int | str | None = None,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Write an image file as OME-Zarr 0.5, one resolution, the same pixels.

    Parameters
    ----------
    source
        Image file or OME-Zarr folder. Memory is needed for a few blocks of 2048 × 2048 pixels; of a file
        whose planes can only be decompressed whole, for a few planes.
    target
        Folder to write, ending ``.zarr``; must not exist.
    axes, spacing, series
        As for `veriscope.io.images.read_image`.
    progress
        Told about every block.

    Returns
    -------
    dict
        ``veriscope/convert/1``: ``image``, ``output``, ``axes``, ``shape``, ``dtype``, and ``spacing`` in µm
        by axis, or None.

    Raises
    ------
    UnreadableFileError, AxesError
        As `veriscope.io.images.read_image`.
    InputError
        If the target exists or cannot be written.
    """
    stored, target = StoredImage(source, axes=axes, spacing=spacing, series=series), Path(target)
    stored.verify()
    header = stored.header
    attributes = image_attributes(target, header.axes, header.spacing)
    if header.channels:
        attributes |= channel_attributes(header.channels)
    if target.exists():
        raise InputError(f"{target}: exists already; choose another name or remove it")
    blocks = list(grid(header.shape, _block(stored)))
    progress("convert", 0, len(blocks))
    with atomic_path(target) as temporary:
        array = create_array(
            temporary,
            header.shape,
            header.dtype.newbyteorder("="),
            header.axes,
            attributes,
            small_shards=True,
        )
        for done, block in enumerate(blocks, 1):
            array[block] = stored.read(block).pixels
            progress("convert", done, len(blocks))
    return {
        "schema": "veriscope/convert/1",
        "image": str(source),
        "output": str(target),
        "axes": header.axes,
        "shape": list(header.shape),
        "dtype": header.dtype.name,
        "spacing": None if header.spacing is None else dict(header.spacing),
    }


def _block(stored: StoredImage) -> tuple[int, ...]:
    """Shape of what is read at once: whole planes where less cannot be decompressed."""
    header = stored.header
    sizes = dict(zip(header.axes, header.shape, strict=True))
    plane = math.prod(sizes.get(letter, 1) for letter in "yx") * header.dtype.itemsize
    # A block touches several tiles or strips at its edges; of large ones it would decompress most again.
    whole = 4 * stored.chunk_bytes >= min(plane, _BLOCK * _BLOCK * header.dtype.itemsize)
    sides = {letter: sizes[letter] if whole else _BLOCK for letter in "yx" if letter in sizes}
    channels = sizes.get("c", 1)
    sides["c"] = channels if channels <= _FEW_CHANNELS else 1
    return tuple(min(sides.get(letter, 1), sizes[letter]) for letter in header.axes)
