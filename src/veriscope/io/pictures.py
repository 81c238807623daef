"""PNG, JPEG and BMP, with Pillow."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from veriscope.errors import UnreadableFileError
from veriscope.io.reader import StoredLevel, StoredSeries, foreign_errors

__all__ = ["PictureReader"]

_MAGIC = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"BM": "BMP"}
_MODES = {
    "1": ("yx", bool, "other"),
    "L": ("yx", np.uint8, "other"),
    "P": ("yx", np.uint8, "other"),
    "LA": ("yxs", np.uint8, "grey-alpha"),
    "RGB": ("yxs", np.uint8, "rgb"),
    "RGBA": ("yxs", np.uint8, "rgba"),
    "I;16": ("yx", np.uint16, "other"),
    "I;16B": ("yx", np.uint16, "other"),
    "I": ("yx", np.int32, "other"),
}
_PNG_COLOUR_TYPES = {2: ("RGB", 3), 4: ("LA", 2), 6: ("RGBA", 4)}


_REMEDY = "copy it again from its source"


class PictureReader:
    """Reads PNG, JPEG and BMP files."""

    name = "PNG, JPEG, BMP"
    suffixes: tuple[str, ...] = (".png", ".jpg", ".jpeg", ".bmp")

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether the file starts as one of the three does."""
        return _format(head) != ""

    @contextmanager
    def open(self, path: Path) -> Iterator[OpenPicture]:
        """Open a file without decoding its pixels."""
        with path.open("rb") as stream:
            head = stream.read(64)
            kind = _format(head)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
                what = f"starts like a {kind} file but is damaged"
                with foreign_errors(path, what, _REMEDY):
                    picture = _open(path, kind)
            with picture:
                yield OpenPicture(path, picture, head)


class OpenPicture:
    """An open PNG, JPEG or BMP file.

    Parameters
    ----------
    path
        The file.
    picture
        It, opened by Pillow.
    head
        Its first bytes.
    """

    def __init__(self, path: Path, picture: Pillow.Image, head: bytes) -> None:
        self._path = path
        self._picture = picture
        self._mode = picture.mode
        self.format = _format(head)
        # Pillow reduces 16-bit colour to 8 bits; imagecodecs does not.
        self._deep = self.format == "PNG" and head[24] == 16 and head[25] in _PNG_COLOUR_TYPES
        if self._deep:
            self._mode = _PNG_COLOUR_TYPES[head[25]][0]

    @cached_property
    def series(self) -> tuple[StoredSeries, ...]:
        """The one image of the file."""
        if self._mode not in _MODES:
            raise UnreadableFileError(
                f"{self._path}: its colours are stored as {self._mode}, as for print; allowed are grey and "
                "RGB: convert it to RGB"
            )
        frames = getattr(self._picture, "n_frames", 1)
        if frames > 1:
            raise UnreadableFileError(
                f"{self._path}: is an animation of {frames} pictures; save them as one TIFF or as single "
                "files"
            )
        self._check_end()
        axes, dtype, samples = _MODES[self._mode]
        width, height = self._picture.size
        shape = (height, width, len(self._mode)) if axes == "yxs" else (height, width)
        with foreign_errors(self._path, f"the {self.format} file is truncated or damaged", _REMEDY):
            palette, has_transparency = self._palette()
            notes = tuple(self._notes(has_transparency))
        return (
            StoredSeries(
                axes=axes,
                dtype=np.dtype(np.uint16 if self._deep else dtype),
                levels=(StoredLevel(shape),),
                samples=samples,
                palette=palette,
                notes=notes,
            ),
        )

    def pixels(self, series: int, level: int) -> NDArray[Any]:
        """Decode the picture."""
        stored = self.series[series]
        with foreign_errors(self._path, f"the {self.format} file is truncated or damaged", _REMEDY):
            if self._deep:
                import imagecodecs

                pixels = np.asarray(imagecodecs.png_decode(self._path.read_bytes()))
            else:
                pixels = np.asarray(self._picture)
        return pixels.reshape(stored.levels[level].shape).astype(stored.dtype, copy=False)

    def region(self, series: int, part: tuple[slice, ...]) -> NDArray[Any]:
        """Decode the picture and cut a part out of it."""
        return self.pixels(series, 0)[part]

    def chunk_bytes(self, series: int) -> int:
        """Give the size of the whole picture."""
        stored = self.series[series]
        return math.prod(stored.levels[0].shape) * stored.dtype.itemsize

    def chunk_sides(self, series: int) -> tuple[int, int]:
        """Give the size of the whole picture."""
        height, width = self.series[series].levels[0].shape[:2]
        return height, width

    def verify(self, series: int) -> None:
        """Its end mark was looked for when it was opened."""

    def _palette(self) -> tuple[NDArray[Any] | None, bool]:
        if self._mode != "P":
            return None, False
        colours = self._picture.getpalette("RGB") or []
        table = np.asarray(colours, dtype=np.uint8).reshape(-1, 3)
        return table, "transparency" in self._picture.info

    def _check_end(self) -> None:
        """Refuse a file that was cut short before its pixels are asked for."""
        with self._path.open("rb") as stream:
            head = stream.read(6)
            size = stream.seek(0, 2)
            stream.seek(max(0, size - (1 << 16)))
            tail = stream.read()
        if self.format == "BMP":
            is_cut = size < int.from_bytes(head[2:6], "little")
        else:
            is_cut = {"PNG": b"IEND", "JPEG": b"\xff\xd9"}[self.format] not in tail
        if is_cut:
            raise UnreadableFileError(
                f"{self._path}: the {self.format} file is truncated: it ends at byte {size}, before its end "
                "mark; copy it again from its source"
            )

    def _notes(self, has_transparency: bool) -> list[str]:
        notes = []
        if self._picture.info.get("dpi"):
            notes.append("the dots per inch in the file are those of a screen or printer and are ignored")
        if self.format == "JPEG":
            notes.append("JPEG compression has changed the pixel values")
            if self._picture.getexif().get(274, 1) != 1:
                notes.append("the camera's rotation mark is ignored: pixels are read as stored")
        if has_transparency:
            notes.append("the alpha channel (transparency) is left out")
        return notes


def _format(head: bytes) -> str:
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")


def _open(path: Path, kind: str) -> Pillow.Image:
    try:
        return Pillow.open(path, formats=[kind])
    except Pillow.DecompressionBombError as error:
        raise UnreadableFileError(
            f"{path}: has more pixels than are read from a {kind} file (178,956,970); save it as TIFF"
        ) from error
