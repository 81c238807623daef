"""TIFF in all its kinds: plain, BigTIFF, ImageJ hyperstack, OME-TIFF, Aperio slide."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from veriscope.errors import UnreadableFileError
from veriscope.io.reader import StoredLevel, StoredSeries, captured_log, foreign_errors
from veriscope.io.tiff_checks import check_complete, check_readable, name_of
from veriscope.io.tiff_metadata import (
    OmeImage,
    aperio_spacing,
    imagej_spacing,
    imagej_time_step,
    parse_ome,
    resolution_spacing,
)
from veriscope.io.zarr_tasks import tasks_ended

__all__ = ["TiffReader"]

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BROKEN = "starts like a TIFF file but its structure is broken"
_REMEDY = "was a copy interrupted? Copy it again, or open it in Fiji and save it as TIFF"
APERIO = "Aperio SVS"
"""Format of slides whose file holds pictures of their label and of the whole, too."""
_STATED_AXES = ("ome", "imagej", "svs")


class TiffReader:
    """Reads TIFF files with tifffile."""

    name = "TIFF"
    suffixes: tuple[str, ...] = (".tif", ".tiff", ".btf", ".tf8", ".svs")

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether the file starts as a TIFF file does."""
        return head[:4] in _MAGIC

    @contextmanager
    def open(self, path: Path) -> Iterator[OpenTiff]:
        """Open a file; what tifffile logs becomes an error or a note."""
        with captured_log("tifffile") as messages:
            with foreign_errors(path, _BROKEN, _REMEDY):
                tiff = tifffile.TiffFile(path)
            with tiff:
                yield OpenTiff(path, tiff, messages)


class OpenTiff:
    """An open TIFF file.

    Parameters
    ----------
    path
        The file.
    tiff
        It, opened by tifffile.
    messages
        What tifffile logs about it, growing.
    """

    def __init__(self, path: Path, tiff: Any, messages: list[str]) -> None:
        self._path = path
        self._tiff = tiff
        self._messages = messages

    @property
    def format(self) -> str:
        """The kind of TIFF."""
        if self._tiff.is_ome:
            return "OME-TIFF"
        if self._tiff.is_imagej:
            return "ImageJ TIFF"
        if self._tiff.is_svs:
            return APERIO
        return "BigTIFF" if self._tiff.is_bigtiff else "TIFF"

    @cached_property
    def series(self) -> tuple[StoredSeries, ...]:
        """The images in the file, checked to be complete and of a kind that can be decoded."""
        with foreign_errors(self._path, _BROKEN, _REMEDY):
            xml = self._tiff.ome_metadata if self._tiff.is_ome else None
            ome = parse_ome(xml, where=str(self._path)) if xml else []
            series = list(self._tiff.series)
            if not series:
                raise UnreadableFileError(f"{self._path}: the TIFF file has no image in it")
            for one in series:
                check_readable(self._path, one)
                check_complete(self._path, one, self._messages)
            fits = len(ome) == len(series)
            return tuple(self._describe(one, ome[i] if fits else None) for i, one in enumerate(series))

    def pixels(self, series: int, level: int) -> NDArray[Any]:
        """Decode all pages of one image."""
        stored = self._tiff.series[series].levels[level]
        compression = name_of(stored.keyframe.compression)
        what = f"the pixels ({compression} compression) cannot be decoded"
        remedy = (
            "the file is damaged or of a rare kind: copy it again, or open it in Fiji and save it as TIFF"
        )
        with foreign_errors(self._path, what, remedy):
            pixels = np.asarray(stored.asarray(maxworkers=1)).reshape(stored.shape)
        check_complete(self._path, self._tiff.series[series], self._messages)
        return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)

    def region(self, series: int, part: tuple[slice, ...]) -> NDArray[Any]:
        """Decode the tiles or strips that a part touches; map the file where nothing is compressed."""
        stored = self._tiff.series[series]
        with foreign_errors(self._path, "the pixels cannot be decoded", "copy the file again"):
            if _is_mapped(stored):
                whole = np.memmap(
                    self._path, self._dtype(stored), mode="r", offset=stored.dataoffset, shape=stored.shape
                )
                pixels = np.array(whole[part])
            else:
                pixels = self._decode(stored, part)
        return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)

    def _decode(self, stored: Any, part: tuple[slice, ...]) -> NDArray[Any]:
        import zarr

        store = stored.aszarr(level=0, maxworkers=1)
        try:
            with tasks_ended():
                return np.asarray(zarr.open_array(store=store, mode="r")[part])
        finally:
            store.close()

    def _dtype(self, stored: Any) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(stored.dtype).newbyteorder(self._tiff.byteorder)
        return dtype

    def chunk_bytes(self, series: int) -> int:
        """One tile or strip; none where nothing is compressed."""
        stored = self._tiff.series[series]
        if _is_mapped(stored):
            return 0
        return int(math.prod(stored.keyframe.chunks) * np.dtype(stored.dtype).itemsize)

    def chunk_sides(self, series: int) -> tuple[int, int]:
        """One tile, or a strip, which is as wide as the image."""
        stored = self._tiff.series[series]
        page = stored.keyframe
        if _is_mapped(stored):
            return 1, 1
        if page.is_tiled:
            return int(page.tilelength), int(page.tilewidth)
        return min(int(page.rowsperstrip), int(page.imagelength)), int(page.imagewidth)

    def verify(self, series: int) -> None:
        """Was done when it was opened."""

    def _describe(self, one: Any, ome: OmeImage | None) -> StoredSeries:
        page = one.keyframe
        spacing, notes, time_step = self._spacing(one, ome)
        axes = _stored_axes(one, stated=self._states_axes(one))
        full = dict(zip(axes, one.shape, strict=True))
        levels = []
        for level in one.levels:
            sizes = dict(zip(axes, level.shape, strict=True))
            ratio = {letter: full[letter] / sizes[letter] for letter in spacing if letter in sizes}
            levels.append(StoredLevel(tuple(level.shape), {k: spacing[k] * v for k, v in ratio.items()}))
        if name_of(page.photometric) == "MINISWHITE":
            notes.append("stored with 0 as white; the values are read as stored, so larger is darker")
        colour = name_of(page.photometric) in ("RGB", "YCBCR")
        return StoredSeries(
            axes=axes,
            dtype=np.dtype(one.dtype).newbyteorder("="),
            levels=tuple(levels),
            name=ome.name if ome else (one.name or ""),
            channels=self._channels(one, axes, ome),
            samples=_samples(page, full.get("s", 0), colour=colour),
            palette=self._palette(page),
            time_step=time_step,
            notes=tuple(notes),
        )

    def _states_axes(self, one: Any) -> bool:
        if one.kind == "shaped":
            described = self._tiff.shaped_metadata or ()
            return all("axes" in item for item in described)
        return one.kind in _STATED_AXES

    def _spacing(self, one: Any, ome: OmeImage | None) -> tuple[dict[str, float], list[str], float | None]:
        if self._tiff.is_ome:
            if ome is None:
                return (
                    {},
                    ["the OME-XML does not fit the images in the file; its pixel size is ignored"],
                    None,
                )
            return dict(ome.spacing), list(ome.notes), ome.time_step
        tags = {code: tag.value for code in (282, 283, 296) if (tag := one.keyframe.tags.get(code))}
        if self._tiff.is_imagej:
            metadata = self._tiff.imagej_metadata or {}
            spacing, notes = imagej_spacing(metadata, tags)
            return spacing, notes, imagej_time_step(metadata)
        if one.kind == "svs":
            return (aperio_spacing(one.keyframe.description) if one.name == "Baseline" else {}), [], None
        spacing, notes = resolution_spacing(tags)
        return spacing, notes, None

    def _channels(self, one: Any, axes: str, ome: OmeImage | None) -> tuple[str, ...]:
        if ome is not None:
            return ome.channels
        labels = (self._tiff.imagej_metadata or {}).get("Labels") if self._tiff.is_imagej else None
        count = dict(zip(axes, one.shape, strict=True)).get("c")
        if isinstance(labels, list) and len(labels) == count == len(one.pages):
            return tuple(str(label).strip() for label in labels)
        return ()

    def _palette(self, page: Any) -> NDArray[Any] | None:
        """Colours of a palette file; ImageJ and OME store a lookup table for display so, not colours."""
        if name_of(page.photometric) != "PALETTE" or self._tiff.is_imagej or self._tiff.is_ome:
            return None
        return (np.asarray(page.colormap).T >> 8).astype(np.uint8)


def _is_mapped(stored: Any) -> bool:
    """Whether the pixels lie in the file as they do in memory."""
    return stored.dataoffset is not None and not stored.is_multifile


def _stored_axes(one: Any, *, stated: bool) -> str:
    """Lower-case letters of tifffile's axes; ``?`` for what is tifffile's guess or not an axis of ours."""
    letters = []
    for letter in one.axes.lower():
        known = letter in "yxs" or (stated and letter in "tcz")
        letters.append(letter if known and letter not in letters else "?")
    return "".join(letters)


def _samples(page: Any, count: int, *, colour: bool) -> str:
    alpha = any(getattr(extra, "name", "").endswith("ALPHA") for extra in page.extrasamples)
    if colour and count in (3, 4):
        return "rgb" if count == 3 else "rgba"
    if alpha and count == 2:
        return "grey-alpha"
    return "other"
