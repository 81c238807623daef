"""Writing an image, or a part of it, as a TIFF file that Fiji shows as it should."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.io.atomic import atomic_path

__all__ = ["imagej_options", "write_tiff"]


def write_tiff(
    path: str | Path,
    image: Image,
    *,
    crop: tuple[int, int, int, int] | None = None,
    box: tuple[int, int, int, int] | None = None,
) -> None:
    """Write an image as ImageJ TIFF; colour photographs as RGB, other types than ImageJ's as plain TIFF.

    Parameters
    ----------
    path
        File to write; replaced if it exists.
    image
        Any image.
    crop
        Part to write: y0, x0, y1, x1 in pixels; None writes all.
    box
        Rectangle shown as an overlay in Fiji: y0, x0, y1, x1 in pixels of the part written.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    pixels = image.pixels if crop is None else image.pixels[..., crop[0] : crop[2], crop[1] : crop[3]]
    # In the order of this computer: what ImageJ knows is asked for by type, which another order differs from.
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    options: dict[str, Any] = {"compression": "zlib", "photometric": "minisblack"}
    if image.is_rgb and image.axes == "cyx" and pixels.dtype in (np.uint8, np.uint16):
        options |= {"data": np.moveaxis(pixels, 0, -1), "photometric": "rgb"}
    elif pixels.dtype in (np.uint8, np.uint16, np.float32):
        options |= imagej_options(pixels, image.axes, image.spacing)
        options["metadata"] |= _seen_in_fiji(image, box)
    else:
        options["data"] = pixels.astype(np.uint8) * 255 if pixels.dtype == bool else pixels
    with atomic_path(path) as temporary:
        tifffile.imwrite(temporary, **options)


def imagej_options(pixels: NDArray[Any], axes: str, spacing: Mapping[str, float] | None) -> dict[str, Any]:
    """Say to tifffile what is written for ImageJ.

    Parameters
    ----------
    pixels
        Of a type that ImageJ knows: uint8, uint16 or float32.
    axes
        Of the pixels, in the order ``tczyx``.
    spacing
        Pixel size in µm of the spatial axes, or None.

    Returns
    -------
    dict
        ``data``, ``imagej`` and ``metadata``, with a pixel size also ``resolution``.
    """
    lengths = dict(zip(axes, pixels.shape, strict=True))
    planes = np.moveaxis(pixels.reshape([lengths.get(letter, 1) for letter in "tczyx"]), 1, 2)
    # All six dimensions of ImageJ, since tifffile mistakes a last one of length 1 for samples.
    metadata: dict[str, Any] = {"axes": "TZCYXS"}
    options = {"data": np.ascontiguousarray(planes[..., None]), "imagej": True, "metadata": metadata}
    if spacing is not None:
        metadata["unit"] = "um"
        options["resolution"] = (1 / spacing["x"], 1 / spacing["y"])
        if "z" in spacing:
            metadata["spacing"] = spacing["z"]
    return options


def _seen_in_fiji(image: Image, box: tuple[int, int, int, int] | None) -> dict[str, Any]:
    """Names of channels, and a rectangle."""
    found: dict[str, Any] = {"Labels": list(image.channels)} if image.axes == "cyx" else {}
    if box is not None:
        from roifile import ROI_TYPE, ImagejRoi

        y0, x0, y1, x1 = box
        roi = ImagejRoi(roitype=ROI_TYPE.RECT, top=y0, left=x0, bottom=y1, right=x1, name="tile")
        found["Overlays"] = [roi.tobytes()]
    return found
