"""Images on their way into a study: read, checked, copied; all faults are reported together."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.core.finite import FiniteCheck
from veriscope.core.image import Image
from veriscope.core.progress import Progress
from veriscope.core.settings import Settings
from veriscope.core.words import counted, few
from veriscope.errors import AxesError, InputError, VeriscopeError, raise_together
from veriscope.io.atomic import write_text
from veriscope.io.copying import copied_levels, copy_blocks, copy_image
from veriscope.io.hashing import sha256_of
from veriscope.io.images import ImageHeader, read_header, read_image
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.regions import JoinedChannels, StoredImage, join_headers
from veriscope.methods.channels import analysis_channel
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.sources import Source, Sources

__all__ = ["TakenIn", "TakingIn", "take_in"]


class TakingIn(Settings):
    """How images are read, and which can be used."""

    channel: str | None = None
    """Channel that the methods see."""
    axes: str | None = None
    """Axes of the files where they do not say."""
    spacing: dict[str, float] | None = None
    """Pixel size in µm by axis; overrides the files' own."""
    series: int | None = None
    """Which image of files that hold several."""
    in_place: bool = False
    """Read the sources where they are, instead of converted copies."""
    skip_bad: bool = False
    """Leave out images that cannot be used, instead of stopping."""

    @property
    def reading(self) -> dict[str, Any]:
        """Options of `veriscope.io.images.read_image`."""
        return {"axes": self.axes, "spacing": self.spacing, "series": self.series}


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
    progress("read images", 0, total)
    for index, source in enumerate(sources.images):
        try:
            hashes = {str(path): sha256_of(path) for path in source.paths}
            rows.append(_take_in_one(folder, source, how, hashes, progress))
            inputs |= hashes
        except VeriscopeError as error:
            faults.append(error)
        progress("read images", index + 1, total)
    if faults and (not how.skip_bad or not rows):
        raise_together(
            faults,
            what=f"{len(faults)} of {total} images cannot be used",
            remedy="Mend or remove them, or leave them out with --skip-bad. Nothing was written.",
        )
    _check_alike(rows, colours_and_grey=how.channel == "luminance")
    _check_plate_spacing(rows, {source.image_id: source for source in sources.images})
    if faults or sources.left_out:
        left_out = [*sources.left_out, *map(str, faults)]
        text = "\n".join(left_out)
        what = counted(len(left_out), "was", "were")
        heading = what if sources.left_out else counted(len(faults), "image was", "images were")
        write_text(folder.root / "skipped.txt", f"{heading} left out:\n{text}\n")
    return TakenIn(tuple(rows), inputs)


def _header(source: Source, how: TakingIn) -> ImageHeader:
    """Say what an image is, its channels from one file or from one file each."""
    headers = [read_header(path, **how.reading) for path in source.paths]
    return headers[0] if len(headers) == 1 else join_headers(headers, source.channels)


def _read(source: Source, header: ImageHeader, how: TakingIn) -> Image:
    """Read an image as a whole."""
    parts = [read_image(path, **how.reading) for path in source.paths]
    if len(parts) == 1:
        return parts[0]
    pixels = np.stack([part.pixels for part in parts], axis=header.axes.index("c"))
    return Image(pixels, header.axes, header.spacing, header.channels, source.image_id)


def _open(source: Source, how: TakingIn) -> StoredImage | JoinedChannels:
    """Open an image to be read part by part."""
    parts = [StoredImage(path, **how.reading) for path in source.paths]
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


def _take_in_one(
    folder: StudyFolder, source: Source, how: TakingIn, hashes: dict[str, str], progress: Progress
) -> StudyImage:
    header = _header(source, how)
    if set("tz") & set(header.axes):
        raise AxesError(
            f"{source.paths[0]}: has axes {header.axes!r} and a study takes single planes, since people "
            "annotate its audit on planes; give one plane of it (for example a projection), or predict it "
            "without a study (veriscope predict)"
        )
    path, reading = f"images/{source.image_id}.ome.zarr", ""
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
    notes = [*header.notes]
    if seen.is_flat:
        notes.append("all pixels have the same value: no object can be found")
    return StudyImage(
        image_id=source.image_id,
        group=source.assignment.group,
        replicate=source.assignment.replicate,
        source=";".join(hashes),
        sha256=_joint_hash(hashes),
        path=path,
        axes=header.axes,
        shape="x".join(map(str, header.shape)),
        dtype=str(header.dtype),
        spacing=_spacing_text(header),
        channels=";".join(name.replace(";", ",") for name in header.channels),
        reading=reading,
        notes="; ".join(notes),
    )


def _go_through(
    stored: StoredImage | JoinedChannels, target: Path | None, seen: _Seen, told: Callable[[int, int], None]
) -> None:
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
    reading = json.dumps({key: value for key, value in how.reading.items() if value is not None})
    return str(source.paths[0].resolve()), reading


def _joint_hash(hashes: dict[str, str]) -> str:
    """Give the hash of the one file, or of the lines ``<hash>  <name>`` of several."""
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    lines = "".join(f"{digest}  {Path(path).name}\n" for path, digest in hashes.items())
    return hashlib.sha256(lines.encode()).hexdigest()


def _check_plate_spacing(rows: Sequence[StudyImage], sources: dict[str, Source]) -> None:
    """Refuse a plate of which fields have other pixel sizes: their counts and areas do not compare."""
    sizes: dict[str, list[str]] = {}
    for row in rows:
        place = sources[row.image_id].place
        if place is not None and place.well:
            sizes.setdefault(row.spacing_text, []).append(row.image_id)
    if len(sizes) > 1:
        listed = "; ".join(f"{size}: {few(ids, 5)}" for size, ids in sizes.items())
        raise InputError(
            f"fields have different pixel sizes ({listed}), so objects per field do not compare; make one "
            "study of each magnification, or give the true size with --spacing if the files are wrong"
        )


def _spacing_text(header: ImageHeader) -> str:
    if header.spacing is None:
        return "uncalibrated"
    return ";".join(f"{axis}={value!r}" for axis, value in header.spacing.items())


def _check_alike(rows: Sequence[StudyImage], *, colours_and_grey: bool) -> None:
    """Refuse a mixture of calibrated and uncalibrated, or of differently many channels."""
    calibrated = [row.image_id for row in rows if row.spacing != "uncalibrated"]
    if 0 < len(calibrated) < len(rows):
        without = [row.image_id for row in rows if row.spacing == "uncalibrated"]
        raise InputError(
            f"{counted(len(calibrated), 'image has', 'images have')} a pixel size and {len(without)} "
            f"{'has' if len(without) == 1 else 'have'} none ({few(without, 5)}); "
            "give it for all with --spacing, so that sizes can be compared"
        )
    numbers: dict[int, list[str]] = {}
    for row in rows:
        numbers.setdefault(len(row.channel_names), []).append(row.image_id)
    if len(numbers) > 1 and not (colours_and_grey and set(numbers) <= {0, 3}):
        listed = "; ".join(f"{n or 'no'} channels: {few(ids, 5)}" for n, ids in sorted(numbers.items()))
        raise InputError(
            f"images have different numbers of channels ({listed}); make one study of each kind, "
            "or convert them to the same channels"
        )
