"""What holds for an image of any format."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.errors import UnreadableFileError
from veriscope.io.images import ImageHeader, read_header, read_image
from veriscope.io.regions import StoredImage


def check(path: Path, pixels: NDArray[Any], axes: str, series: int | str | None = None) -> ImageHeader:
    """Read as a whole, by its header, and in parts."""
    found, header = read_image(path, series=series), read_header(path, series=series)
    assert (found.axes, header.axes) == (axes, axes)
    assert header.shape == found.shape == pixels.shape
    assert found.pixels.dtype == header.dtype == pixels.dtype and found.pixels.dtype.isnative
    np.testing.assert_array_equal(found.pixels, pixels)
    assert (header.channels, header.spacing, header.notes) == (found.channels, found.spacing, found.notes)
    stored = pickle.loads(pickle.dumps(StoredImage(path, series=series)))
    stored.verify()
    sizes = dict(zip(axes, pixels.shape, strict=True))
    for y, x in ((0, 0), (sizes["y"] // 3, sizes["x"] // 2), (sizes["y"] - 1, sizes["x"] - 1)):
        region = tuple(
            slice(y, sizes["y"]) if letter == "y" else slice(x, x + 1) if letter == "x" else slice(n // 2, n)
            for letter, n in sizes.items()
        )
        part = stored.read(region)
        np.testing.assert_array_equal(part.pixels, pixels[region])
        assert part.channels == (found.channels[region[axes.index("c")]] if "c" in axes else ())
    return header


def refusal(path: Path, series: int | str | None = None) -> str:
    """Give the one reason for which neither pixels nor parts are read."""
    with pytest.raises(UnreadableFileError) as caught:
        read_image(path, series=series)
    with pytest.raises(UnreadableFileError):
        StoredImage(path, series=series).verify()
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    return said.removeprefix(f"{path}: ")
