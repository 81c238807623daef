"""An image file of any size as OME-Zarr, of which parts can be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from veriscope.errors import InputError
from veriscope.io.copying import copy_image
from veriscope.io.layout import Spacing
from veriscope.io.ome_zarr import stem_of
from veriscope.io.regions import StoredImage

__all__ = ["convert_image"]


def convert_image(
    source: str | Path,
    target: str | Path,
    *,
    axes: str | None = None,
    spacing: Spacing | None = None,
    series: int | str | None = None,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Write an image file as OME-Zarr 0.5, the same pixels; large ones with lower resolutions.

    Parameters
    ----------
    source
        Image file or OME-Zarr folder. Memory is needed for a few blocks of 4096 × 4096 pixels, or bands of
        1024 whole rows of a file that is stored by rows; of a file whose planes can only be decompressed
        whole, for a few planes. If it has lower resolutions, or more than 64 MiB, the copy has lower ones
        too, each half of the one before, until y and x are 512 at most.
    target
        Folder to write, ending ``.zarr``; must not exist.
    axes, spacing, series
        As for `veriscope.io.images.read_image`.
    progress
        Told about every block.

    Returns
    -------
    dict
        ``veriscope/convert/1``: ``image``, ``output``, ``axes``, ``shape``, ``dtype``, ``spacing`` in µm by
        axis, or None, and ``notes``: what was assumed, ignored or left out.

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
    stem_of(target)
    if target.exists():
        raise InputError(f"{target}: exists already; choose another name or remove it")
    copy_image(stored, target, told=lambda done, total: progress("convert", done, total))
    return {
        "schema": "veriscope/convert/1",
        "image": str(source),
        "output": str(target),
        "axes": header.axes,
        "shape": list(header.shape),
        "dtype": header.dtype.name,
        "spacing": None if header.spacing is None else dict(header.spacing),
        "notes": list(header.notes),
    }
