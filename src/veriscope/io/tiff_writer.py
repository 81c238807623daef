"""Writing an image, or a part of it, as a TIFF file that Fiji shows as it should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from veriscope.core.image import Image
from veriscope.io.atomic import atomic_path

__all__ = ["write_tiff"]


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
    options: dict[str, Any] = {"compression": "zlib", "photometric": "minisblack"}
    if image.is_rgb and image.axes == "cyx" and pixels.dtype in (np.uint8, np.uint16):
        pixels = np.moveaxis(pixels, 0, -1)
        options["photometric"] = "rgb"
    elif pixels.dtype in (np.uint8, np.uint16, np.float32):
        if "c" in image.axes and "z" in image.axes:  # ImageJ orders t, z, c; we order t, c, z
            pixels = np.swapaxes(pixels, image.axes.index("c"), image.axes.index("z"))
        options |= _imagej(image, box)
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    with atomic_path(path) as temporary:
        tifffile.imwrite(temporary, np.ascontiguousarray(pixels), **options)


def _imagej(image: Image, box: tuple[int, int, int, int] | None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": image.axes.replace("cz", "zc").upper()}
    options: dict[str, Any] = {"imagej": True, "metadata": metadata}
    if image.spacing:
        metadata["unit"] = "um"
        options["resolution"] = (1 / image.spacing["x"], 1 / image.spacing["y"])
        if "z" in image.spacing:
            metadata["spacing"] = image.spacing["z"]
    if image.axes == "cyx":
        metadata["Labels"] = list(image.channels)
    if box is not None:
        from roifile import ROI_TYPE, ImagejRoi

        y0, x0, y1, x1 = box
        roi = ImagejRoi(roitype=ROI_TYPE.RECT, top=y0, left=x0, bottom=y1, right=x1, name="tile")
        metadata["Overlays"] = [roi.tobytes()]
    return options
