"""Leica LIF: each image of the experiment is one, and so is each tile of a mosaic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from veriscope.io.reader import StoredLevel, StoredSeries, captured_log, foreign_errors
from veriscope.io.vendor.frames import REMEDY, FrameFile, load_package, sides_of, step_of

__all__ = ["LifReader"]

_METRES_TO_UM = 1e6
_WAVELENGTHS = "λΛ"  # of emission and of excitation
_TILE = "M"
_COLOURS = {"1", "2", "3"}


class LifReader:
    """Reads LIF files with the package liffile."""

    name = "Leica LIF"
    suffixes: tuple[str, ...] = (".lif",)

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether the file starts as a LIF file does: two marks, eight bytes apart."""
        return head[:4] == b"\x70\0\0\0" and head[8:9] == b"\x2a"

    @contextmanager
    def open(self, path: Path) -> Iterator[OpenLif]:
        """Open a file without its pixels."""
        liffile = load_package("liffile", path, "a Leica LIF file")
        with captured_log("liffile"):
            with foreign_errors(path, "starts like a Leica LIF file but its structure is broken", REMEDY):
                file = liffile.LifFile(path, squeeze=False)
            with file:
                yield OpenLif(path, file)


@dataclass(frozen=True, slots=True)
class _Place:
    """An image of the file, and which of its tiles."""

    image: Any
    tile: int | None


class OpenLif(FrameFile):
    """An open LIF file.

    Parameters
    ----------
    path
        The file.
    file
        It, opened by liffile.
    """

    format = "Leica LIF"

    def __init__(self, path: Path, file: Any) -> None:
        super().__init__(path)
        self._file = file

    @cached_property
    def _places(self) -> tuple[_Place, ...]:
        with foreign_errors(self._path, "what it says of its images cannot be read", REMEDY):
            found: list[_Place] = []
            for image in self._file.images:
                if image.is_flim:
                    continue
                tiles = image.sizes.get(_TILE, 1)
                found += [_Place(image, tile if tiles > 1 else None) for tile in range(tiles)]
            if not found:
                raise ValueError("it holds no image")
            return tuple(found)

    @cached_property
    def series(self) -> tuple[StoredSeries, ...]:
        """The images in the order of the file."""
        with foreign_errors(self._path, "what it says of its images cannot be read", REMEDY):
            n_left = sum(image.is_flim for image in self._file.images)
            notes = (f"left out: {n_left} of the file's images, of fluorescence lifetimes",) if n_left else ()
            return tuple(_describe(place, notes) for place in self._places)

    def frame_axes(self, series: int) -> str:
        """Tell what lies together: a plane and its colours, or less, as of scans along x and z."""
        with foreign_errors(self._path, "its pixels are not where they should be", REMEDY):
            return "".join(self._places[series].image.frames.frame_sizes).lower()

    def frame(self, series: int, place: tuple[int, ...], part: tuple[slice, ...]) -> NDArray[Any]:
        """Read a plane, or less."""
        one = self._places[series]
        image, block = one.image, one.image.memory_block
        # The package reads on into the next image.
        if block.size < image.nbytes:
            raise ValueError(f"{image.path}: {block.size} bytes of {image.nbytes} are stored")
        outer = [label for label in image.sizes if label not in (*image.frames.frame_sizes, _TILE)]
        if any(label.startswith("C") and label != "C" for label in outer):
            raise ValueError("its channels have two dimensions, which is not read")
        index = dict(zip(outer, place, strict=True)) | ({} if one.tile is None else {_TILE: one.tile})
        pixels: NDArray[Any]
        if image._shape_stored is None:
            pixels = image.frame(**index)
        else:  # filled up at the end of each row, which the package knows of for whole images only
            pixels = image.asarray()[tuple(index.get(label, slice(None)) for label in image.sizes)]
        return pixels[part]


def _describe(place: _Place, notes: tuple[str, ...]) -> StoredSeries:
    """Say what an image is."""
    image = place.image
    sizes = {label: int(size) for label, size in image.sizes.items() if label != _TILE}
    has_channels = sizes.get("C", 1) > 1
    letters, channels = "", tuple[str, ...]()
    for label in sizes:
        if label in _WAVELENGTHS and not has_channels and "c" not in letters:
            letters += "c"
            channels = tuple(f"{wave * 1e9:.0f} nm" for wave in image.coords.get(label, ()))
        else:
            known = label.lower() in "tzcyxs" and not (label == "C" and "c" in letters)
            letters += label.lower() if known else "?"
    spacing = {
        label.lower(): step * _METRES_TO_UM
        for label in "ZYX"
        if (step := step_of(image.coords.get(label, ()))) is not None
    }
    name = image.path or image.name
    return StoredSeries(
        axes=letters,
        dtype=np.dtype(image.dtype).newbyteorder("="),
        levels=(StoredLevel(sides_of(sizes.values()), spacing),),
        name=name if place.tile is None else f"{name} tile {place.tile}",
        channels=channels or _channel_names(image),
        samples="rgb" if sizes.get("S") == 3 and _has_colours(image) else "other",
        time_step=step_of(image.coords.get("T", ())),
        notes=notes,
    )


def _described_channels(image: Any) -> list[Element]:
    """Give what the file says of each channel or colour, in the order of the pixels."""
    found = image.xml_element.iterfind("./Data/Image/ImageDescription/Channels/ChannelDescription")
    return sorted(found, key=lambda one: int(one.get("BytesInc", "0")))


def _has_colours(image: Any) -> bool:
    """Whether the samples of a pixel are red, green and blue; the package puts them in this order."""
    return {one.get("ChannelTag") for one in _described_channels(image)} == _COLOURS


def _channel_names(image: Any) -> tuple[str, ...]:
    """Give the dye of each channel, or else the colour that the microscope showed it in."""
    names = []
    for channel in _described_channels(image):
        said = {one.findtext("Key"): one.findtext("Value") for one in channel.iterfind("ChannelProperty")}
        names.append(said.get("DyeName") or channel.get("LUTName") or "")
    return tuple(names)
