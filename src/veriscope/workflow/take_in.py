"""Images on their way into a study: read, checked, copied; all faults are reported together."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.core.finite import FiniteCheck
from veriscope.core.image import Image
from veriscope.core.plane import Plane, PlaneChoice
from veriscope.core.progress import Progress
from veriscope.core.settings import Settings
from veriscope.core.words import counted
from veriscope.errors import InputError, VeriscopeError, raise_together
from veriscope.io.atomic import write_text
from veriscope.io.copying import copied_levels, copy_blocks, copy_image
from veriscope.io.file_images import of_its_file
from veriscope.io.hashing import sha256_of
from veriscope.io.images import ImageHeader, read_header, read_image
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.planes import StoredPlane
from veriscope.io.regions import JoinedChannels, StoredImage, join_headers
from veriscope.methods.channels import analysis_channel
from veriscope.workflow.belonging import check_belonging, check_plane_choice
from veriscope.workflow.layout import StudyFolder, StudyImage, header_fields
from veriscope.workflow.sources import Source, Sources

Stored = StoredImage | JoinedChannels

__all__ = ["TakenIn", "TakingIn", "take_in"]


class TakingIn(Settings):
    """How images are read, and which can be used."""

    channel: str | None = None
    """Channel that the methods see."""
    axes: str | None = None
    """Axes of the files where they do not say."""
    spacing: dict[str, float] | None = None
    """Pixel size in µm by axis; overrides the files' own."""
    plane: PlaneChoice = PlaneChoice()
    """Which planes of stacks and time-lapses."""
    in_place: bool = False
    """Read the sources where they are, instead of converted copies."""
    skip_bad: bool = False
    """Leave out images that cannot be used, instead of stopping."""

    def reading(self, source: Source) -> dict[str, Any]:
        """Give the options of `veriscope.io.images.read_image` for an image.

        Parameters
        ----------
        source
            The image.

        Returns
        -------
        dict
            Axes, spacing and series.
        """
        return {"axes": self.axes, "spacing": self.spacing, "series": source.series}


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What came in.

    Parameters
    ----------
    rows
        The images.
    inputs
        SHA-256 of every file read, by its path.
    """

    rows: tuple[StudyImage, ...]
    inputs: dict[str, str]


def take_in(folder: StudyFolder, sources: Sources, how: TakingIn, progress: Progress) -> TakenIn:
    """Read, check and copy all images.

    Parameters
    ----------
    folder
        The study being made.
    sources
        Its images.
    how
        How they are read.
    progress
        Told about every image.

    Returns
    -------
    TakenIn
        Rows in the order of the sources; what was left out stands in ``skipped.txt``.

    Raises
    ------
    InputError
        If images cannot be used, or do not belong together; all are listed.
    """
    rows: list[StudyImage] = []
    inputs: dict[str, str] = {}
    faults: list[VeriscopeError] = []
    total = len(sources.images)
    _require_stacks(sources, how)
    known = cache(sha256_of)  # several images may be of one large file
    progress("read images", 0, total)
    for index, source in enumerate(sources.images):
        try:
            hashes = {str(path): known(path) for path in source.paths}
            rows += _take_in_source(folder, source, how, hashes, progress)
            inputs |= hashes
        except VeriscopeError as error:
            faults.append(of_its_file(error, source.series if source.file_id else None))
        progress("read images", index + 1, total)
    if faults and (not how.skip_bad or not rows):
        raise_together(
            faults,
            what=f"{len(faults)} of {total} images cannot be used",
            remedy="Mend or remove them, or leave them out with --skip-bad. Nothing was written.",
        )
    check_belonging(rows, sources, colours_and_grey=how.channel == "luminance")
    if faults or sources.left_out:
        left_out = [*sources.left_out, *map(str, faults)]
        text = "\n".join(left_out)
        what = counted(len(left_out), "was", "were")
        heading = what if sources.left_out else counted(len(faults), "image was", "images were")
        write_text(folder.root / "skipped.txt", f"{heading} left out:\n{text}\n")
    return TakenIn(tuple(rows), inputs)


def _require_stacks(sources: Sources, how: TakingIn) -> None:
    """Refuse a choice of planes or times where no file has any, before anything is read."""
    if how.plane == PlaneChoice():
        return
    axes: set[str] = set()
    for source in sources.images:
        with contextlib.suppress(VeriscopeError):  # it is reported with all others that cannot be used
            axes |= set(_header(source, how).axes)
    if axes:
        check_plane_choice(axes, how.plane)


def _header(source: Source, how: TakingIn) -> ImageHeader:
    """Say what an image is, its channels from one file or from one file each."""
    headers = [read_header(path, **how.reading(source)) for path in source.paths]
    return headers[0] if len(headers) == 1 else join_headers(headers, source.channels)


def _read(source: Source, header: ImageHeader, how: TakingIn) -> Image:
    """Read an image as a whole."""
    parts = [read_image(path, **how.reading(source)) for path in source.paths]
    if len(parts) == 1:
        return parts[0]
    pixels = np.stack([part.pixels for part in parts], axis=header.axes.index("c"))
    return Image(pixels, header.axes, header.spacing, header.channels, source.image_id)


def _open(source: Source, how: TakingIn) -> Stored:
    """Open an image, or a whole stack, to be read part by part."""
    parts = [StoredImage(path, **how.reading(source)) for path in source.paths]
    stored = parts[0] if len(parts) == 1 else JoinedChannels(parts, source.channels, source.image_id)
    stored.verify()
    return stored


class _Seen:
    """What was seen of the pixels that the methods will see."""

    def __init__(self, name: str, channel: str | None) -> None:
        self._name, self._channel = name, channel
        self._finite = FiniteCheck()
        self._low, self._high = math.inf, -math.inf

    def look(self, part: Image) -> None:
        """Look at a part of the image, or the whole."""
        pixels = analysis_channel(part, self._channel).pixels
        self._finite.add(pixels)
        self._low, self._high = min(self._low, pixels.min()), max(self._high, pixels.max())

    def require_finite(self) -> None:
        """Refuse the image if some were no numbers."""
        self._finite.require(self._name)

    @property
    def is_flat(self) -> bool:
        """Whether all have the same value."""
        return bool(self._low == self._high)


def _take_in_source(
    folder: StudyFolder, source: Source, how: TakingIn, hashes: dict[str, str], progress: Progress
) -> list[StudyImage]:
    """Take in an image, or the planes that are wanted of a stack."""
    header = _header(source, how)
    if set("tz") & set(header.axes):
        return _take_in_stack(folder, source, how, hashes, progress)
    path, reading = _copy_of(source.image_id), ""
    if how.in_place:
        path, reading = _reading_in_place(source, how)
    seen = _Seen(source.paths[0].name if len(source.paths) == 1 else source.image_id, how.channel)
    target = None if how.in_place else folder.root / path
    if len(copied_levels(header)) > 1:
        _go_through(_open(source, how), target, seen, lambda *far: progress(f"read {source.image_id}", *far))
    else:
        image = _read(source, header, how)
        seen.look(image)
        seen.require_finite()
        if target is not None:
            write_ome_zarr(target, image)
    row = _row(source, header, seen, hashes, path)
    return [replace(row, reading=reading)]


def _take_in_stack(
    folder: StudyFolder, source: Source, how: TakingIn, hashes: dict[str, str], progress: Progress
) -> list[StudyImage]:
    """Take in planes of a stack, each an image, and keep the whole to look at."""
    stored = _open(source, how)
    whole = stored.header
    planes = how.plane.planes(whole.axes, whole.shape, where=str(source.paths[0]))
    names = [_name_of(source, plane, how.plane, whole) for plane in planes]
    stack, stack_reading = f"stacks/{source.image_id}.ome.zarr", ""
    if how.in_place:
        stack, stack_reading = _reading_in_place(source, how)
    else:
        copy_image(
            stored, folder.root / stack, told=lambda *far: progress(f"read the stack {source.image_id}", *far)
        )
    flat = _seen_from_above(stored, source, how)
    rows = []
    for at, (plane, image_id) in enumerate(zip(planes, names, strict=True)):
        progress(f"planes of {source.image_id}", at, len(planes))
        part = StoredPlane(flat, plane)
        seen = _Seen(f"{source.paths[0].name}, plane {plane}", how.channel)
        path = _copy_of(image_id)
        try:
            copy_image(part, folder.root / path, look=seen.look, at_end=seen.require_finite)
        except VeriscopeError:  # with --skip-bad the study is made without the file: nothing of it stays
            for part_of_it in (*map(_copy_of, names[:at]), f"stacks/{source.image_id}.ome.zarr"):
                shutil.rmtree(folder.root / part_of_it, ignore_errors=True)
            raise
        row = _row(source, part.header, seen, hashes, path)
        rows.append(
            replace(row, image_id=image_id, plane=str(plane), stack=stack, stack_reading=stack_reading)
        )
    progress(f"planes of {source.image_id}", len(planes), len(planes))
    return rows


def _seen_from_above(stored: Stored, source: Source, how: TakingIn) -> Stored:
    """Give a stack whose pixels are known by their size along y and x, even if that along z is not known."""
    if stored.header.spacing is not None or "z" not in stored.header.axes:
        return stored
    known = how.model_copy(update={"spacing": {"z": 1.0} | (how.spacing or {})})
    found = _open(source, known)
    return stored if found.header.spacing is None else found


def _copy_of(image_id: str) -> str:
    return f"images/{image_id}.ome.zarr"


def _name_of(source: Source, plane: Plane, choice: PlaneChoice, whole: ImageHeader) -> str:
    """Name the image of a plane: as its file, with the time where each is an image."""
    if choice.t != "each" or plane.t is None:
        return source.image_id
    digits = len(str(whole.shape[whole.axes.index("t")] - 1))
    return f"{source.image_id}_t{plane.t:0{digits}d}"


def _row(source: Source, header: ImageHeader, seen: _Seen, hashes: dict[str, str], path: str) -> StudyImage:
    notes = [f"image {header.series[source.series or 0]} of its file"] if source.file_id else []
    notes += header.notes
    if seen.is_flat:
        notes.append("all pixels have the same value: no object can be found")
    return StudyImage(
        image_id=source.image_id,
        group=source.assignment.group,
        replicate=source.assignment.replicate,
        source=";".join(hashes),
        sha256=_joint_hash(hashes),
        path=path,
        notes="; ".join(notes),
        **header_fields(header),
    )


def _go_through(stored: Stored, target: Path | None, seen: _Seen, told: Callable[[int, int], None]) -> None:
    """Look at all parts of an image of any size, and copy them if there is a target."""
    if target is not None:
        copy_image(stored, target, look=seen.look, at_end=seen.require_finite, told=told)
        return
    blocks = copy_blocks(stored)
    for done, block in enumerate(blocks, 1):
        seen.look(stored.read(block))
        told(done, len(blocks))
    seen.require_finite()


def _reading_in_place(source: Source, how: TakingIn) -> tuple[str, str]:
    """Say how to read an image where it is: its path, and its options as JSON."""
    if len(source.paths) > 1:
        raise InputError(
            f"{source.image_id}: its channels are in {len(source.paths)} files, which --in-place cannot put "
            "together; leave out --in-place, or write one channel into the pattern"
        )
    reading = json.dumps({key: value for key, value in how.reading(source).items() if value is not None})
    return str(source.paths[0].resolve()), reading


def _joint_hash(hashes: dict[str, str]) -> str:
    """Give the hash of the one file, or of the lines ``<hash>  <name>`` of several."""
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    lines = "".join(f"{digest}  {Path(path).name}\n" for path, digest in hashes.items())
    return hashlib.sha256(lines.encode()).hexdigest()
