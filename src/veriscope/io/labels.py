"""Label images in and out."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from veriscope.core.axes import check_spacing
from veriscope.core.labels import check_labels, smallest_label_dtype
from veriscope.errors import AxesError, PixelValueError
from veriscope.io.atomic import atomic_path
from veriscope.io.images import find_reader
from veriscope.io.layout import arrange, plan_layout

__all__ = ["LabelFile", "open_labels", "read_labels", "write_labels"]


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A label image with what its file says.

    Parameters
    ----------
    labels
        Integers, 0 = background.
    axes
        Of the labels; ``?`` names nothing here: a plain stack is taken as ``zyx``.
    spacing
        Pixel size in µm, or None.
    notes
        What a user should check.
    """

    labels: NDArray[Any]
    axes: str
    spacing: dict[str, float] | None
    notes: tuple[str, ...]


def read_labels(path: str | Path) -> NDArray[Any]:
    """Read a label image.

    Parameters
    ----------
    path
        TIFF or PNG file, or OME-Zarr folder. Of a picture with a colour palette the places in the
        palette are the labels. A plain stack of pages is ``zyx``.

    Returns
    -------
    numpy.ndarray
        (y, x) or (z, y, x), an integer type, 0 = background.

    Raises
    ------
    UnreadableFileError
        If the file cannot be read.
    AxesError
        If it has channels or colours.
    PixelValueError
        If it has boolean, negative or fractional values.
    """
    return open_labels(path).labels


def open_labels(path: str | Path) -> LabelFile:
    """Read a label image with its axes, pixel size and notes.

    Parameters
    ----------
    path
        As for `read_labels`.

    Returns
    -------
    LabelFile
        The labels; the notes warn if all 255 values of an 8-bit file are used, since labels above
        255 may then have wrapped around.

    Raises
    ------
    UnreadableFileError, AxesError, PixelValueError
        As `read_labels`.
    """
    path = Path(path)
    where = str(path)
    with find_reader(path).open(path) as file:
        stored = file.series[0]
        axes = (
            stored.axes.replace("?", "z") if stored.axes.count("?") == 1 and "z" not in stored.axes else None
        )
        axes = axes if axes and "s" not in axes else None
        layout = plan_layout(stored, axes=axes, spacing=None, level=0, where=where, expand_palette=False)
        if "c" in layout.axes:
            kind = "colours" if "s" in stored.axes else "channels"
            raise AxesError(
                f"{where}: has {kind} (axes {layout.axes!r}) and so is no label image; labels are one "
                "integer per "
                "pixel: save them as a 16-bit TIFF from the program they were made with, not as a picture "
                "or overlay"
            )
        if file.format == "JPEG":
            raise PixelValueError(
                f"{where}: is a JPEG file, whose compression changes label numbers; save labels as TIFF or "
                "PNG"
            )
        pixels = arrange(file.pixels(0, 0), layout)
    labels = check_labels(pixels, where=where)
    notes = [note for note in layout.notes if "pixel size" not in note and "axes" not in note]
    if labels.dtype == np.uint8 and len(np.unique(labels)) == 256:
        notes.append(
            "all 255 values of 8-bit labels are used: numbers above 255 may have been lost; save labels as "
            "16-bit"
        )
    return LabelFile(labels, layout.axes, layout.spacing, tuple(notes))


def write_labels(
    path: str | Path, labels: NDArray[Any], *, spacing: Mapping[str, float] | None = None
) -> None:
    """Write a label image as a TIFF file that Fiji, napari, QuPath and Cellpose open.

    Parameters
    ----------
    path
        File to write, ending ``.tif`` or ``.tiff``; replaced if it exists.
    labels
        (y, x) or (z, y, x), 0 = background. Stored as uint16, or uint32 above 65,535; zlib.
    spacing
        Pixel size in µm for ``yx`` or ``zyx``, or None.

    Raises
    ------
    PixelValueError
        If the array is no label image.
    AxesError
        If it is neither 2D nor 3D, or the spacing does not fit.
    InputError
        If the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise PixelValueError(f"{path}: label images are written as .tif")
    axes = {2: "yx", 3: "zyx"}.get(labels.ndim)
    if axes is None:
        raise AxesError(
            f"{path}: labels of {labels.ndim} dimensions cannot be written; allowed are yx and zyx"
        )
    labels = check_labels(labels, where=str(path))
    spacing = check_spacing(spacing, axes, where=str(path))
    top = int(labels.max()) if labels.size else 0
    pixels = labels.astype(smallest_label_dtype(top))
    with atomic_path(path) as temporary:
        tifffile.imwrite(temporary, pixels, compression="zlib", **_metadata(pixels, axes, spacing))


def _metadata(pixels: NDArray[Any], axes: str, spacing: Mapping[str, float] | None) -> dict[str, Any]:
    """ImageJ metadata; OME-XML where ImageJ does not know the type (uint32)."""
    if pixels.dtype == np.uint16:
        metadata: dict[str, Any] = {"axes": axes.upper()}
        if spacing is None:
            return {"imagej": True, "metadata": metadata}
        metadata["unit"] = "um"
        if "z" in spacing:
            metadata["spacing"] = spacing["z"]
        return {
            "imagej": True,
            "metadata": metadata,
            "resolution": (1 / spacing["x"], 1 / spacing["y"]),
        }
    # Without this tifffile makes the identifier from the clock, and so other bytes each time.
    identifier = uuid.UUID(bytes=hashlib.sha256(pixels.tobytes()).digest()[:16])
    metadata = {"axes": axes.upper(), "UUID": f"urn:uuid:{identifier}"}
    for letter, value in (spacing or {}).items():
        metadata[f"PhysicalSize{letter.upper()}"] = value
        metadata[f"PhysicalSize{letter.upper()}Unit"] = "µm"
    return {"ome": True, "metadata": metadata}
