"""Reading images: the one way in for all formats.

::

    image = read_image("field.ome.tif")
    image = read_image("stack.tif", axes="zyx", spacing={"z": 2.0, "y": 0.8, "x": 0.8})
    header = read_header("field.ome.zarr")      # without the pixels
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.core.image import Image
from veriscope.errors import InputError, UnreadableFileError, VeriscopeError
from veriscope.io.layout import Layout, Spacing, arrange, plan_layout
from veriscope.io.ome_zarr_reader import OmeZarrReader, is_zarr
from veriscope.io.pictures import PictureReader
from veriscope.io.reader import OpenFile, Reader, read_head, series_number, shown_bytes
from veriscope.io.tiff import TiffReader
from veriscope.io.vendor.deltavision import DeltaVisionReader
from veriscope.io.vendor.leica_lif import LifReader
from veriscope.io.vendor.nikon_nd2 import Nd2Reader
from veriscope.io.vendor.zeiss_czi import CziReader

__all__ = [
    "READERS",
    "SUFFIXES",
    "ImageHeader",
    "find_reader",
    "plan_image",
    "read_header",
    "read_headers",
    "read_image",
]

READERS: tuple[Reader, ...] = (
    TiffReader(),
    PictureReader(),
    OmeZarrReader(),
    CziReader(),
    LifReader(),
    Nd2Reader(),
    DeltaVisionReader(),
)
"""The built-in readers, in the order they are asked."""

SUFFIXES: tuple[str, ...] = tuple(suffix for reader in READERS for suffix in reader.suffixes)
"""Endings of file names that a folder is searched for."""

_VENDORS = {
    ".lof": "Leica LOF",
    ".mrc": "MRC",
    ".oib": "Olympus OIB",
    ".oif": "Olympus OIF",
    ".oir": "Olympus OIR",
    ".vsi": "Olympus VSI",
    ".ims": "Imaris IMS",
    ".lsm": "Zeiss LSM",
    ".ndpi": "Hamamatsu NDPI",
    ".mrxs": "3DHistech MRXS",
}
_OTHERS = {
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"PK\x03\x04": "a zip archive",
    b"%PDF": "a PDF document",
    b"GIF8": "a GIF picture",
    b"RIFF": "a WebP picture or a video",
}


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What is known of an image without reading its pixels.

    Parameters
    ----------
    path
        The file.
    format
        Such as ``"OME-TIFF"``.
    shape, axes, dtype, spacing, channels
        As the image will have them once read; spacing None: uncalibrated.
    levels
        Shape of each stored resolution, the full one first, in the order ``tczyx``; axes of length 1 are left
        out, so that a resolution may have fewer than the image.
    series
        One line for each image in the file.
    time_step
        Seconds between time points, or None.
    notes
        What was assumed, ignored or left out.
    """

    path: Path
    format: str
    shape: tuple[int, ...]
    axes: str
    dtype: np.dtype[Any]
    spacing: dict[str, float] | None
    channels: tuple[str, ...]
    levels: tuple[tuple[int, ...], ...]
    series: tuple[str, ...]
    time_step: float | None
    notes: tuple[str, ...]


def find_reader(path: str | Path) -> Reader:
    """Find the reader for a file by its content.

    Parameters
    ----------
    path
        File, or OME-Zarr folder.

    Returns
    -------
    Reader
        The first that recognises it.

    Raises
    ------
    UnreadableFileError
        If the file is missing, empty, must not be read, or is of a format that is not read.
    """
    path = Path(path)
    head = b""
    if not is_zarr(path):
        if path.is_dir():
            raise UnreadableFileError(
                f"{path}: is a folder where an image file is needed; name a file in it, or an OME-Zarr folder"
            )
        head = read_head(path)
    for reader in READERS:
        if reader.recognises(path, head):
            return reader
    raise UnreadableFileError(_why_unknown(path, head))


def _why_unknown(path: Path, head: bytes) -> str:
    vendor = _VENDORS.get(path.suffix.lower())
    if vendor:
        return (
            f"{path}: is a {vendor} file, which is not read; open it in Fiji (Bio-Formats) and save it "
            "as OME-TIFF"
        )
    other = next((name for magic, name in _OTHERS.items() if head.startswith(magic)), "")
    known = "TIFF, OME-TIFF, PNG, JPEG, BMP, OME-Zarr, CZI, LIF, ND2 and DV"
    if other:
        return (
            f"{path}: is {other}, not an image that can be read; formats read are {known}: export it as one "
            "of them"
        )
    text = "looks like text" if _is_text(head) else "is of an unknown format"
    return (
        f"{path}: {text}, not like the image its name promises (first bytes {shown_bytes(head)}); formats "
        f"read are {known}: check what the file is, or export the image again"
    )


def _is_text(head: bytes) -> bool:
    return all(byte in b"\t\n\r" or 32 <= byte < 127 or byte >= 128 for byte in head)


@contextmanager
def _opened(path: Path) -> Iterator[OpenFile]:
    with find_reader(path).open(path) as file:
        yield file


def _series_lines(file: OpenFile) -> tuple[str, ...]:
    return tuple(f"{i} ({stored.text})" for i, stored in enumerate(file.series))


def _choose_series(file: OpenFile, series: int | str | None, where: str) -> int:
    number = series_number([stored.name for stored in file.series], series)
    if number is None:
        lines = ", ".join(_series_lines(file))
        if series is None:
            raise InputError(
                f"{where}: the file has {len(file.series)} images; choose one with --series, or all with "
                f"--series each: {lines}"
            )
        raise InputError(f"{where}: has no image {series!r}; there are: {lines}")
    return number


def _check_level(file: OpenFile, series: int, level: int, where: str) -> None:
    count = len(file.series[series].levels)
    if not 0 <= level < count:
        raise InputError(
            f"{where}: has no resolution level {level}; there are {count}, from 0 (full) to {count - 1}"
        )


def plan_image(
    file: OpenFile,
    where: str,
    *,
    series: int | str | None,
    level: int,
    axes: str | None,
    spacing: Spacing | None,
) -> tuple[int, Layout]:
    """Choose an image of an open file and decide how its stored pixels are understood.

    Parameters
    ----------
    file
        Open.
    where
        Its name, for messages.
    series, level, axes, spacing
        As for `read_image`.

    Returns
    -------
    number, layout
        Which image of the file, and what its dimensions are.

    Raises
    ------
    AxesError, InputError
        As `read_image`.
    """
    number = _choose_series(file, series, where)
    _check_level(file, number, level, where)
    return number, plan_layout(file.series[number], axes=axes, spacing=spacing, level=level, where=where)


def read_image(
    path: str | Path,
    *,
    axes: str | None = None,
    spacing: Spacing | None = None,
    series: int | str | None = None,
    level: int = 0,
) -> Image:
    """Read an image with its axes, pixel size and channel names.

    Parameters
    ----------
    path
        TIFF, OME-TIFF, ImageJ hyperstack, BigTIFF, PNG, JPEG or BMP file, or OME-Zarr 0.4/0.5 folder; with
        ``veriscope[formats]`` also Zeiss CZI, Leica LIF, Nikon ND2 and DeltaVision DV.
    axes
        What the stored dimensions are, in their order, such as ``"zyx"``; needed where the file does
        not say, otherwise it overrides the file.
    spacing
        Pixel size in µm of the full resolution: one number, or by axis for all or some of ``zyx``;
        overrides the file.
    series
        Number or name of the image, in a file with several.
    level
        Resolution, 0 being the full one.

    Returns
    -------
    Image
        Axes in the order ``tczyx``, those of length 1 left out (except y and x); native byte order.
        Colour is an axis c with the channels red, green, blue. What was assumed, ignored or
        dropped is in its notes. NaN are kept.

    Raises
    ------
    UnreadableFileError
        If the file is missing, damaged, incomplete, or of a format that is not read.
    AxesError
        If the meaning of a dimension is not known, or `axes` or `spacing` do not fit.
    InputError
        If a file with several images needs a choice, or there is no such image or level.
    """
    path = Path(path)
    where = str(path)
    with _opened(path) as file:
        number, layout = plan_image(file, where, series=series, level=level, axes=axes, spacing=spacing)
        pixels = arrange(file.pixels(number, level), layout)
    return Image(
        pixels=pixels,
        axes=layout.axes,
        spacing=layout.spacing,
        channels=layout.channels,
        name=path.name,
        notes=layout.notes,
    )


def read_header(
    path: str | Path,
    *,
    axes: str | None = None,
    spacing: Spacing | None = None,
    series: int | str | None = None,
    level: int = 0,
) -> ImageHeader:
    """Read what is known of an image without its pixels; the parameters are those of `read_image`.

    Parameters
    ----------
    path, axes, spacing, series, level
        As for `read_image`.

    Returns
    -------
    ImageHeader
        What `read_image` will give, short of damage inside compressed pixels.

    Raises
    ------
    UnreadableFileError, AxesError, InputError
        As `read_image`.
    """
    path = Path(path)
    with _opened(path) as file:
        return _header(file, path, series, level, axes, spacing)


def read_headers(
    path: str | Path, *, axes: str | None = None, spacing: Spacing | None = None
) -> tuple[ImageHeader | VeriscopeError, ...]:
    """Read what is known of every image of a file; the parameters are those of `read_image`.

    Parameters
    ----------
    path, axes, spacing
        As for `read_image`.

    Returns
    -------
    tuple of ImageHeader or VeriscopeError
        In the order of the file; instead of one that cannot be read, why.

    Raises
    ------
    UnreadableFileError
        If the file as such cannot be read.
    """
    path = Path(path)
    found: list[ImageHeader | VeriscopeError] = []
    with _opened(path) as file:
        for number in range(len(file.series)):
            try:
                found.append(_header(file, path, number, 0, axes, spacing))
            except VeriscopeError as error:
                found.append(error)
    return tuple(found)


def _header(
    file: OpenFile,
    path: Path,
    series: int | str | None,
    level: int,
    axes: str | None,
    spacing: Spacing | None,
) -> ImageHeader:
    """Say what is known of one image of an open file."""
    where = str(path)
    number, layout = plan_image(file, where, series=series, level=level, axes=axes, spacing=spacing)
    stored = file.series[number]
    levels = tuple(
        plan_layout(stored, axes=axes, spacing=spacing, level=i, where=where).shape
        for i in range(len(stored.levels))
    )
    return ImageHeader(
        path=path,
        format=file.format,
        shape=layout.shape,
        axes=layout.axes,
        dtype=stored.dtype if layout.palette is None else layout.palette.dtype,
        spacing=layout.spacing,
        channels=layout.channels,
        levels=levels,
        series=_series_lines(file),
        time_step=stored.time_step,
        notes=layout.notes,
    )
