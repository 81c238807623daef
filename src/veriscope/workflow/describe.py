"""What is known of image files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from veriscope.errors import VeriscopeError
from veriscope.io.folders import find_images
from veriscope.io.images import read_header

__all__ = ["describe_images"]


def describe_images(
    images: str | Path | Sequence[str | Path],
    *,
    axes: str | None = None,
    spacing: dict[str, float] | None = None,
    series: int | None = None,
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
        Which image of files that hold several.

    Returns
    -------
    dict
        ``veriscope/info/1``: one entry per readable file, and the faults of the others.

    Raises
    ------
    InputError
        If there is no file, or two have the same stem.
    """
    found = find_images(images)
    rows, faults = [], []
    for file in found:
        try:
            header = read_header(file.path, axes=axes, spacing=spacing, series=series)
        except VeriscopeError as error:
            faults.append(str(error))
            continue
        sizes = header.spacing
        rows.append(
            {
                "image": file.path.name if file.place is None else file.stem,
                "format": header.format,
                "axes": header.axes,
                "shape": list(header.shape),
                "dtype": str(header.dtype),
                "spacing": "uncalibrated"
                if not sizes
                else " × ".join(f"{value:g}" for value in sizes.values()) + " µm",
                "channels": list(header.channels),
                "notes": list(header.notes),
            }
        )
    ignored = [str(path) for path in found.ignored]
    return {"schema": "veriscope/info/1", "images": rows, "faults": faults, "ignored_files": ignored}
