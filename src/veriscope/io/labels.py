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
from scipy.ndimage import label as connected_components

from veriscope.core.axes import check_spacing
from veriscope.core.labels import check_labels, smallest_label_dtype
from veriscope.errors import AxesError, InputError, PixelValueError
from veriscope.io.atomic import atomic_path
from veriscope.io.images import find_reader
from veriscope.io.layout import arrange, plan_layout
from veriscope.io.tiff_writer import imagej_options

__all__ = ["LabelFile", "open_classes", "open_labels", "read_labels", "write_labels"]


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A label image with what its file says.

    Parameters
    ----------
    labels
        Integers, 0 = background.
    axes
        Of the labels; a stack that does not say what its pages are is taken as ``zyx``.
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
        If it has boolean, negative or fractional values, is a mask of 0 and 255, or a JPEG file.
    InputError
        If it has several images.
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
    where = str(path)
    found = _open(Path(path))
    labels = check_labels(found.labels, where=where)
    notes = found.notes
    if labels.dtype == np.uint8:
        notes = (*notes, *_check_8_bit(labels, where))
    return LabelFile(labels, found.axes, found.spacing, notes)


def open_classes(path: str | Path) -> LabelFile:
    """Read a mask, or an image of class numbers, with its axes, pixel size and notes.

    Parameters
    ----------
    path
        As for `read_labels`; true/false and masks of 0 and 255 will do.

    Returns
    -------
    LabelFile
        Class numbers, 0 = background; true is 1, and 255 beside nothing but 0 is 1.

    Raises
    ------
    UnreadableFileError, AxesError, InputError
        As `read_labels`.
    PixelValueError
        If it has negative or fractional values, such as a map of probabilities.
    """
    where = str(path)
    found = _open(Path(path))
    pixels = found.labels.astype(np.uint8) if found.labels.dtype.kind == "b" else found.labels
    classes = check_labels(pixels, where=where)
    if classes.dtype == np.uint8 and not np.isin(classes, (0, 255), invert=True).any():
        classes = (classes > 0).astype(np.uint8)
    return LabelFile(classes, found.axes, found.spacing, found.notes)


def _open(path: Path) -> LabelFile:
    """Read one image without channels, whatever its values."""
    where = str(path)
    with find_reader(path).open(path) as file:
        if file.format == "JPEG":
            raise PixelValueError(
                f"{where}: is a JPEG file, whose compression changes label numbers; save labels as TIFF or "
                "PNG"
            )
        if len(file.series) > 1:
            raise InputError(
                f"{where}: has {len(file.series)} images, of which it is not known which are the labels; "
                "save the labels alone"
            )
        stored = file.series[0]
        is_plain_stack = stored.axes.count("?") == 1 and not set("zs") & set(stored.axes)
        axes = stored.axes.replace("?", "z") if is_plain_stack else None
        layout = plan_layout(stored, axes=axes, spacing=None, level=0, where=where, expand_palette=False)
        _check_no_channels(layout.axes, stored.axes, where)
        pixels = arrange(file.pixels(0, 0), layout)
    notes = [note for note in layout.notes if not note.startswith(("uncalibrated", "axes "))]
    if is_plain_stack and "z" in layout.axes:
        notes.append("a stack that does not say what its pages are is taken as z")
    return LabelFile(pixels, layout.axes, layout.spacing, tuple(notes))


def _check_no_channels(axes: str, stored_axes: str, where: str) -> None:
    if "c" not in axes:
        return
    kind = "colours" if "s" in stored_axes else "channels"
    raise AxesError(
        f"{where}: has {kind} (axes {axes!r}) and so is no label image; labels are one integer per pixel: "
        "save them as a 16-bit TIFF from the program they were made with, not as a picture or overlay"
    )


def _check_8_bit(labels: NDArray[Any], where: str) -> list[str]:
    """Refuse masks of 0 and 255, and warn of numbers that may have been lost."""
    values = np.unique(labels)
    if values.size <= 2 and values[-1] == 255 and connected_components(labels > 0)[1] > 1:
        raise PixelValueError(
            f"{where}: has only the values 0 and 255 in several separate regions, so it is a mask, not a "
            "label image; give each object a number of its own, for example by connected components "
            "(touching objects merge then)"
        )
    if values.size == 256:
        return [
            "all 255 values of 8-bit labels are used: numbers above 255 may be lost; save labels as 16-bit"
        ]
    return []


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
        # Stated, because tifffile takes stacks of 3 or 4 planes for colours otherwise.
        tifffile.imwrite(
            temporary, **_stored(pixels, axes, spacing), photometric="minisblack", compression="zlib"
        )


def _stored(pixels: NDArray[Any], axes: str, spacing: Mapping[str, float] | None) -> dict[str, Any]:
    """Pixels and metadata for ImageJ; OME-XML where ImageJ does not know the type (uint32)."""
    if pixels.dtype == np.uint16:
        return imagej_options(pixels, axes, spacing)
    # Without it tifffile makes the identifier from the clock, and so other bytes each time.
    identifier = uuid.UUID(bytes=hashlib.sha256(pixels.tobytes()).digest()[:16])
    metadata: dict[str, Any] = {"axes": axes.upper(), "UUID": f"urn:uuid:{identifier}"}
    for letter, value in (spacing or {}).items():
        metadata[f"PhysicalSize{letter.upper()}"] = value
        metadata[f"PhysicalSize{letter.upper()}Unit"] = "µm"
    return {"data": pixels, "ome": True, "metadata": metadata}
