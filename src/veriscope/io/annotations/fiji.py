"""Fiji's regions of interest: one in a ``.roi`` file, many in the ``.zip`` of the ROI Manager."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import roifile

from veriscope.errors import AxesError, UnreadableFileError
from veriscope.io.annotations.outlines import Outline
from veriscope.io.reader import captured_log, foreign_errors, shown_bytes

__all__ = ["read_fiji_rois"]

_MOST_ENTRIES = 200_000
_MOST_BYTES = 64 << 20  # of one region; of all together eight times this
_REMEDY = "save the regions again in Fiji (ROI Manager > More > Save)"
_AREAS = ("POLYGON", "RECT", "OVAL", "FREEHAND", "TRACED")


def read_fiji_rois(path: Path) -> tuple[list[Outline], list[str]]:
    """Read the outlines of Fiji's regions.

    Parameters
    ----------
    path
        ``.roi`` or ``.zip`` file.

    Returns
    -------
    list of Outline
        Polygons, freehand and traced regions, rectangles, ovals and combinations, in the order
        of the file.
    list of str
        Notes on regions left out because they have no area.

    Raises
    ------
    UnreadableFileError
        If the file is damaged, has other things than regions, unpacks to more than 512 MiB, or
        none of its regions has an area.
    AxesError
        If regions lie on different slices of a stack.
    """
    outlines: list[Outline] = []
    left_out = 0
    positions: set[tuple[int, ...]] = set()
    for name, content in _contents(path):
        region = _parse(path, name, content)
        if region.roitype.name not in _AREAS:
            left_out += 1
            continue
        positions.add((region.position, region.c_position, region.z_position, region.t_position))
        outlines.append(_outlines_of(path, name, region))
    if len(positions) > 1:
        raise AxesError(
            f"{path}: its regions lie on {len(positions)} different slices, channels or times of a stack; "
            "one plane is needed: save the regions of one slice (ROI Manager > List shows the positions)"
        )
    if not outlines:
        found = f"{left_out} points or lines" if left_out else "nothing"
        raise UnreadableFileError(
            f"{path}: has no region with an area, only {found}; draw objects as polygons, freehand regions, "
            "rectangles or ovals"
        )
    return outlines, [f"{left_out} points or lines have no area and are left out"] if left_out else []


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each region, read in memory; nothing is unpacked to the disk."""
    if path.suffix.lower() != ".zip":
        yield path.name, path.read_bytes()
        return
    what = "is not a zip archive that can be read"
    with foreign_errors(path, what, _REMEDY), zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        _check_archive(path, entries)
        names = [entry.filename for entry in entries if entry.filename.lower().endswith(".roi")]
        contents = [(name, archive.read(name)) for name in names]
    yield from contents


def _check_archive(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    for entry in entries:
        inside = PurePosixPath(entry.filename.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or ":" in entry.filename.split("/")[0]:
            raise UnreadableFileError(
                f"{path}: the archive has an entry {entry.filename!r} that points outside of it; it is not "
                "read"
            )
    total = sum(entry.file_size for entry in entries)
    largest = max((entry.file_size for entry in entries), default=0)
    if len(entries) > _MOST_ENTRIES or largest > _MOST_BYTES or total > 8 * _MOST_BYTES:
        raise UnreadableFileError(
            f"{path}: the archive unpacks to {total} bytes in {len(entries)} entries, the largest of "
            f"{largest}; allowed are {8 * _MOST_BYTES} in {_MOST_ENTRIES}, the largest of {_MOST_BYTES}"
        )


def _parse(path: Path, name: str, content: bytes) -> Any:
    what = f"{name} is not a region of Fiji, or was cut short: it starts with {shown_bytes(content)}"
    with captured_log("roifile"), foreign_errors(path, what, _REMEDY):
        return roifile.ImagejRoi.frombytes(content)


def _outlines_of(path: Path, name: str, region: Any) -> Outline:
    """Outline of a region; coordinates that are no numbers are refused."""
    with np.errstate(invalid="ignore"), foreign_errors(path, f"{name} is damaged", _REMEDY):
        outline = _outline(region)
    if not all(np.isfinite(points).all() for points in outline.paths):
        raise UnreadableFileError(f"{path}: {name} has coordinates that are no numbers; {_REMEDY}")
    return outline


def _outline(region: Any) -> Outline:
    box = np.array([[region.left, region.top], [region.right, region.bottom]], dtype=np.float64)
    if region.roitype.name == "OVAL":
        return Outline((box,), ellipse=True)
    if region.multi_coordinates is not None and len(region.multi_coordinates):
        paths = region.coordinates(multi=True)
        return Outline(tuple(np.asarray(path, dtype=np.float64) for path in paths))
    if region.roitype.name == "RECT":
        (left, top), (right, bottom) = box
        return Outline((np.array([[left, top], [right, top], [right, bottom], [left, bottom]]),))
    return Outline((np.asarray(region.coordinates(), dtype=np.float64),))
