"""Files that hold several images, for tests of all rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tifffile
from numpy.typing import NDArray


def write_several(
    path: Path, *images: NDArray[Any], how: dict[str, Any] | None = None, **metadata: Any
) -> Path:
    """Write an OME-TIFF with images of 0.5 µm per pixel, ``field 0``, ``field 1`` …; its folder is made."""
    path.parent.mkdir(exist_ok=True)
    with tifffile.TiffWriter(path, ome=True) as file:
        for number, pixels in enumerate(images):
            own = {"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5, "Name": f"field {number}"}
            file.write(pixels, metadata=own | metadata, **how or {})
    return path


def write_slide(path: Path, slide: NDArray[Any], small: NDArray[Any]) -> Path:
    """Write colours as an Aperio slide has them: the slide, and a small picture of it."""
    text = "Aperio Image Library v11.2.1\r\n100x100 (64x64) JPEG|AppMag = 20|MPP = 0.5"
    with tifffile.TiffWriter(path) as file:
        for pixels, tile in ((slide, (64, 64)), (small, None)):
            file.write(pixels, photometric="rgb", description=text, metadata=None, tile=tile)
    return path
