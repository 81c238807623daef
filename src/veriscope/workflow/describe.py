"""What is known of image files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from veriscope.errors import VeriscopeError
from veriscope.io.file_images import of_its_file
from veriscope.io.folders import ImageFile, find_images
from veriscope.io.images import ImageHeader, read_header, read_headers

__all__ = ["describe_images"]


def describe_images(
    images: str | Path | Sequence[str | Path],
    *,
    axes: str | None = None,
    spacing: dict[str, float] | None = None,
    series: int | Literal["each"] | None = None,
) -> dict[str, Any]:
    """Read the headers of image files.

    Parameters
    ----------
    images
        Folder, file, pattern, or several.
    axes
        Axes of files that do not say.
    spacing
        Pixel size in µm by axis; overrides the files' own.
    series
        Which image of files that hold several; ``each`` or None: all of them.

    Returns
    -------
    dict
        ``veriscope/info/1``: one entry per readable image, with ``series``, its number in a file that holds
        several, and the faults of the others.

    Raises
    ------
    InputError
        If there is no file, or two have the same stem.
    """
    found = find_images(images)
    rows, faults = [], []
    for file in found:
        try:
            if isinstance(series, int):
                headers: tuple[ImageHeader | VeriscopeError, ...] = (
                    read_header(file.path, axes=axes, spacing=spacing, series=series),
                )
            else:
                headers = read_headers(file.path, axes=axes, spacing=spacing)
        except VeriscopeError as error:
            faults.append(str(error))
            continue
        for number, header in enumerate(headers):
            several = len(headers) > 1
            if isinstance(header, VeriscopeError):
                faults.append(str(of_its_file(header, number if several else None)))
            else:
                rows.append(_row(file, header, number if several else None))
    ignored = [str(path) for path in found.ignored]
    return {"schema": "veriscope/info/1", "images": rows, "faults": faults, "ignored_files": ignored}


def _row(file: ImageFile, header: ImageHeader, number: int | None) -> dict[str, Any]:
    sizes = header.spacing
    notes = [] if number is None else [f"image {header.series[number]} of the file"]
    return {
        "image": file.path.name if file.place is None else file.stem,
        "series": number,
        "format": header.format,
        "axes": header.axes,
        "shape": list(header.shape),
        "dtype": str(header.dtype),
        "spacing": "uncalibrated"
        if not sizes
        else " × ".join(f"{value:g}" for value in sizes.values()) + " µm",
        "channels": list(header.channels),
        "notes": [*notes, *header.notes],
    }
